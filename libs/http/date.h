/* The Date header's value, formatted once a second (RFC 9110 section 5.6.7). */
#pragma once

#include "base/str.h"

enum { HTTP_DATE_TEXT = 29 };

/* All zero at first. */
struct http_date {
    uint64_t
        read_at_ms; /* clock_ms of the last look at the clock: at most one a turn of the loop */
    int64_t second;
    char text[HTTP_DATE_TEXT];
};

/* "Sun, 06 Nov 1994 08:49:37 GMT", now; valid until the next call. */
str http_date_now(struct http_date *date);
