/* A head, whole and split: both must come to the same outcome, and what is accepted must be framed in one
 * way. The first byte of the input says where it is split. */
#include "http/head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_head head;

static error find(str input, size_t split, size_t *len)
{
    size_t scanned = 0;

    *len = 0;
    error failed = http_head_find(str_slice(input, 0, split), &scanned, len);

    return failed || *len ? failed : http_head_find(input, &scanned, len);
}

static void check_inside(str part, str text)
{
    if (part.at && part.len && (part.at < text.at || part.at + part.len > text.at + text.len) &&
        !str_eq(part, STR("/")))
        abort();
}

static void check(str text)
{
    const struct http_request *request = &head.request;
    unsigned hosts = 0;

    check_inside(request->method_name, text);
    check_inside(request->target, text);
    check_inside(request->path, text);
    check_inside(request->query, text);
    for (size_t i = 0; i < request->header_count; i++) {
        check_inside(request->headers[i].name, text);
        check_inside(request->headers[i].value, text);
        hosts += str_eq_nocase(request->headers[i].name, STR("host"));
        if (memchr(request->headers[i].value.at, '\r', request->headers[i].value.len) ||
            memchr(request->headers[i].value.at, '\n', request->headers[i].value.len))
            abort();
    }
    if (hosts > 1 || (head.chunked && head.has_length) || request->method_name.len == 0 ||
        (request->path.at[0] != '/' && !str_eq(request->path, STR("*"))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole, halves;

    if (size < 1)
        return 0;
    str input = { (const char *)data + 1, size - 1 };
    error a = find(input, input.len, &whole), b = find(input, data[0] % (input.len + 1), &halves);

    if (a != b || whole != halves)
        abort();
    if (a || !whole)
        return 0;
    /* A copy of its own, so that reading past the head shows. */
    char *copy = malloc(whole);

    memcpy(copy, input.at, whole);
    if (!http_head_parse((str){ copy, whole }, &head))
        check((str){ copy, whole });
    free(copy);
    return 0;
}
