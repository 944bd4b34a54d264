/* Taking texts apart: what JavaScript's regular expressions do in class-validator is done here by
 * walking. A scan is a place in a text; the takers move it and say whether they could. Texts are
 * well-formed UTF-8. */
#pragma once

#include "base/str.h"

#include <string.h>

struct scan {
    const char *at, *end;
};

static inline struct scan scan_of(str text)
{
    return (struct scan){ text.at, text.at + text.len };
}

static inline bool scan_end(const struct scan *scan)
{
    return scan->at == scan->end;
}

static inline str scan_rest(const struct scan *scan)
{
    return (str){ scan->at, (size_t)(scan->end - scan->at) };
}

/* The next byte, or NUL at the end (which is also a byte that may come). */
static inline char scan_peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static inline bool scan_char(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* One character of a set of ASCII characters. */
static inline bool scan_one_of(struct scan *scan, const char *set)
{
    if (scan_peek(scan) == '\0' || !strchr(set, *scan->at))
        return false;
    scan->at++;
    return true;
}

/* One or more bytes for which `is` holds; how many. */
static inline size_t scan_while(struct scan *scan, bool (*is)(char c))
{
    const char *start = scan->at;

    while (scan->at < scan->end && is(*scan->at))
        scan->at++;
    return (size_t)(scan->at - start);
}

static inline bool scan_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool scan_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool scan_is_hex_digit(char c)
{
    return scan_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* One or more decimal digits. */
static inline bool scan_number(struct scan *scan)
{
    return scan_while(scan, scan_is_digit) > 0;
}

/* Exactly `count` decimal digits. */
static inline bool scan_digits(struct scan *scan, size_t count)
{
    if ((size_t)(scan->end - scan->at) < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!scan_is_digit(scan->at[i]))
            return false;
    scan->at += count;
    return true;
}

/* The next code point; there must be one. */
static inline unsigned scan_code(struct scan *scan)
{
    unsigned char lead = (unsigned char)*scan->at++;

    if (lead < 0x80)
        return lead;
    int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    unsigned code = lead & (0x3Fu >> more);

    for (; more > 0 && scan->at < scan->end; more--)
        code = code << 6 | ((unsigned char)*scan->at++ & 0x3F);
    return code;
}

/* White space as JavaScript's \s understands it. */
static inline bool scan_is_space(unsigned code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000 || code == 0xFEFF;
}

/* One white-space character; which one, or 0. */
static inline unsigned scan_space(struct scan *scan)
{
    struct scan ahead = *scan;
    unsigned code = scan_end(scan) ? 0 : scan_code(&ahead);

    if (!scan_is_space(code))
        return 0;
    *scan = ahead;
    return code;
}
