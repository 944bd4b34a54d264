/* What the parsers of this folder share: classes of characters, and the errors that several of them make. */
#pragma once

#include "base/error.h"

/* Classes of bytes; one byte may be in several. */
enum {
    HTTP_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
    HTTP_TARGET = 2, /* what a request's target may have: visible ASCII but `#` */
    HTTP_HOST = 4,   /* a host name or IPv4 address (RFC 3986 section 3.2.2) */
    HTTP_METHOD = 8, /* capitals, `-`, `_` */
};

extern const uint8_t http_classes[256];

static inline bool http_is(char c, int class)
{
    return http_classes[(unsigned char)c] & class;
}

static inline bool http_is_token(char c)
{
    return http_is(c, HTTP_TOKEN);
}

/* Whether a field value may have the byte: everything but control characters, the tab excepted. */
static inline bool http_is_value(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

/* The value of a hexadecimal digit, or -1. */
static inline int http_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

extern const struct error HTTP_BODY_TOO_LARGE; /* 413, with NestJS's text */
