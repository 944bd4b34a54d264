/* What each test program needs: cmocka with the headers that it wants before it, and a comparison of texts. */
#pragma once

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

/* Fails the test, showing both, unless `found` is exactly the C string `expected`. */
#define assert_text(found, expected) testing_text((found), (expected), __FILE__, __LINE__)

static inline void testing_text(str found, const char *expected, const char *file, int line)
{
    if (str_is(found, expected))
        return;
    print_error("found    \"%.*s\"\nexpected \"%s\"\n", STR_ARG(found), expected);
    _fail(file, line);
}
