/* Strings in: a first pass finds the end and whatever V8 would complain about; only a string that
 * has an escape needs the second, which decodes it into the arena. */
#include "json/json_internal.h"

#include <string.h>

static const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t specials = json_specials(json_eight(at));

        if (specials)
            return at + json_before(specials);
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `at` is behind a backslash: moves it behind the escape. */
static bool skip_escape(struct json_reader *r, const char **at)
{
    if (*at == r->end || (unsigned char)**at >= 0xC4) {
        json_fail(r, *at, JSON_FAULT_TOKEN);
        return false;
    }
    if (**at != 'u') {
        if (**at == '\0' || !strchr("\"\\/bfnrt", **at)) {
            json_fail(r, *at, JSON_FAULT_ESCAPE);
            return false;
        }
        ++*at;
        return true;
    }
    ++*at;
    for (int i = 0; i < 4; i++, ++*at)
        if (*at == r->end || hex_value(**at) < 0) {
            json_fail(r, *at, JSON_FAULT_UNICODE);
            return false;
        }
    return true;
}

static unsigned four_digits(const char *at)
{
    return (unsigned)(hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 |
                      hex_value(at[3]));
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* Decodes \uXXXX, and a second one where the two are a surrogate pair. `*from` is at the `u`. */
static unsigned take_unicode(const char **from, const char *end)
{
    unsigned code = four_digits(*from + 1);

    *from += 5;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code < 0xDC00 && end - *from >= 6 && (*from)[0] == '\\' && (*from)[1] == 'u') {
        unsigned low = four_digits(*from + 2);

        if (low >= 0xDC00 && low <= 0xDFFF) {
            *from += 6;
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

static char *put_escape(char *to, const char **from, const char *end)
{
    static const char LETTERS[] = "\"\\/bfnrt", MEANINGS[] = "\"\\/\b\f\n\r\t";

    if (**from == 'u')
        return put_utf8(to, take_unicode(from, end));
    *to++ = MEANINGS[strchr(LETTERS, *(*from)++) - LETTERS];
    return to;
}

/* Decodes a string that the first pass found sound; it never grows. */
static bool decode(struct json_reader *r, str raw, str *out)
{
    char *to = arena_alloc(r->arena, raw.len), *start = to;
    const char *from = raw.at, *end = raw.at + raw.len;

    if (!to)
        return json_fail(r, raw.at, JSON_FAULT_NO_MEMORY);
    while (from < end) {
        const char *slash = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((slash ? slash : end) - from);

        memcpy(to, from, plain);
        to += plain;
        from += plain;
        if (slash) {
            from++;
            to = put_escape(to, &from, end);
        }
    }
    *out = (str){ start, (size_t)(to - start) };
    return true;
}

bool json_read_string(struct json_reader *r, str *out)
{
    const char *start = r->at + 1, *at = start;
    bool escaped = false;

    for (;;) {
        at = skip_plain(at, r->end);
        if (at == r->end)
            return json_fail(r, at, JSON_FAULT_UNTERMINATED);
        if (*at == '"')
            break;
        if (*at != '\\')
            return json_fail(r, at, JSON_FAULT_CONTROL);
        escaped = true;
        at++;
        if (!skip_escape(r, &at))
            return false;
    }
    r->at = at + 1;
    *out = (str){ start, (size_t)(at - start) };
    return !escaped || decode(r, *out, out);
}
