#include "base/str.h"

#include <string.h>

str str_of(const char *text)
{
    return text ? (str){ text, strlen(text) } : (str){ "", 0 };
}

bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_is(str s, const char *text)
{
    return str_eq(s, str_of(text));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

int str_compare(str a, str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends_with(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_slice(s, s.len - suffix.len, suffix.len), suffix);
}

str str_slice(str s, size_t start, size_t len)
{
    if (start > s.len)
        start = s.len;
    if (len > s.len - start)
        len = s.len - start;
    return s.at ? (str){ s.at + start, len } : s;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

str str_trim(str s)
{
    while (s.len && blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

size_t str_find(str s, char c)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;

    return hit ? (size_t)(hit - s.at) : s.len;
}

bool str_next_piece(str *rest, char separator, str *piece)
{
    if (!rest->at)
        return false;
    size_t end = str_find(*rest, separator);

    *piece = (str){ rest->at, end };
    *rest = end < rest->len ? (str){ rest->at + end + 1, rest->len - end - 1 } : (str){ NULL, 0 };
    return true;
}

bool str_to_uint(str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 19)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(s.at[i] - '0');
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

static bool continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the well-formed sequence at `p`, 0 when it is not one (RFC 3629 section 4). */
static size_t sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return left >= 2 && continuation(p[1]) ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        unsigned char low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;

        return left >= 3 && p[1] >= low && p[1] <= high && continuation(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        unsigned char low = p[0] == 0xF0 ? 0x90 : 0x80, high = p[0] == 0xF4 ? 0x8F : 0xBF;

        return left >= 4 && p[1] >= low && p[1] <= high && continuation(p[2]) && continuation(p[3])
                   ? 4
                   : 0;
    }
    return 0;
}

bool str_is_utf8(str s)
{
    const unsigned char *p = (const unsigned char *)s.at;

    for (size_t i = 0; i < s.len;) {
        size_t n = sequence(p + i, s.len - i);

        if (!n)
            return false;
        i += n;
    }
    return true;
}

size_t str_utf16_len(str s)
{
    size_t units = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];

        units += !continuation(c);
        units += c >= 0xF0;
    }
    return units;
}
