/* JSON out, as V8's JSON.stringify prints it. */
#include "json/json_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Number of characters at the beginning of `text` that need no escape. The last eight bytes of a
 * text that is no multiple of eight are looked at again. */
static size_t plain_len(str text)
{
    size_t i = 0;

    while (text.len >= 8 && i < text.len) {
        size_t at = text.len - i >= 8 ? i : text.len - 8;
        uint64_t specials = json_specials(json_eight(text.at + at));

        if (specials)
            return at + json_before(specials);
        i = at + 8;
    }
    while (i < text.len && plain(text.at[i]))
        i++;
    return i;
}

static void write_escape(struct buf *out, char c)
{
    static const char SHORT[] = "\"\\\b\f\n\r\t", LETTERS[] = "\"\\bfnrt";
    const char *hit = c ? strchr(SHORT, c) : NULL;

    if (hit) {
        buf_add_char(out, '\\');
        buf_add_char(out, LETTERS[hit - SHORT]);
    } else {
        buf_printf(out, "\\u%04x", (unsigned)c);
    }
}

void json_write_string(struct buf *out, str text)
{
    size_t len = plain_len(text);

    if (len == text.len) {
        char *to = buf_reserve(out, len + 2);

        if (!to)
            return;
        to[0] = '"';
        if (len)
            memcpy(to + 1, text.at, len);
        to[len + 1] = '"';
        out->len += len + 2;
        return;
    }
    buf_add_char(out, '"');
    while (text.len) {
        buf_add(out, str_slice(text, 0, len));
        if (len < text.len)
            write_escape(out, text.at[len++]);
        text = str_slice(text, len, text.len);
        len = plain_len(text);
    }
    buf_add_char(out, '"');
}

/* The shortest digits that read back as the same double, and the power of ten that 0.DIGITS is
 * multiplied with. */
struct shortest {
    char digits[24];
    int count;
    int power;
};

/* Takes the digits of `value` printed with `count` significant ones; true when they read back. */
static bool try_digits(double value, int count, struct shortest *out)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%.*e", count - 1, value);
    const char *exponent = memchr(text, 'e', (size_t)len);

    out->digits[0] = text[0];
    if (count > 1)
        memcpy(out->digits + 1, text + 2, (size_t)count - 1);
    out->count = count;
    out->power = (int)strtol(exponent + 1, NULL, 10) + 1;
    return strtod(text, NULL) == value;
}

/* Just above a power of two the doubles are twice as far apart as below it, so the nearest number
 * of 16 digits may lie beyond the middle below although the next one still reads back. */
static bool try_next(double value, struct shortest *out)
{
    char text[40];
    int last = out->count - 1;

    if (out->digits[last] == '9')
        return false;
    out->digits[last]++;
    snprintf(text, sizeof text, "0.%.*se%d", out->count, out->digits, out->power);
    return strtod(text, NULL) == value;
}

static void find_shortest(double value, struct shortest *out)
{
    enum { SAFE = 15, MOST = 17 }; /* 15 digits always survive; 17 always suffice */
    bool tiny = value < 0x1p-1022; /* fewer bits there, so that fewer than 15 may do */
    bool found = false;

    for (int count = tiny ? 1 : SAFE; !found && count <= MOST; count++)
        found = try_digits(value, count, out) || (count == SAFE + 1 && try_next(value, out));
    while (out->count > 1 && out->digits[out->count - 1] == '0')
        out->count--;
}

static void write_zeros(struct buf *out, int count)
{
    for (; count > 0; count--)
        buf_add_char(out, '0');
}

/* ECMAScript's Number::toString(10). */
static void write_shortest(struct buf *out, const struct shortest *s)
{
    str digits = { s->digits, (size_t)s->count };

    if (s->power > 21 || s->power < -5) {
        buf_add(out, str_slice(digits, 0, 1));
        if (s->count > 1)
            buf_add_char(out, '.');
        buf_add(out, str_slice(digits, 1, digits.len));
        buf_printf(out, "e%+d", s->power - 1);
    } else if (s->power <= 0) {
        BUF_ADD(out, "0.");
        write_zeros(out, -s->power);
        buf_add(out, digits);
    } else if (s->power >= s->count) {
        buf_add(out, digits);
        write_zeros(out, s->power - s->count);
    } else {
        buf_add(out, str_slice(digits, 0, (size_t)s->power));
        buf_add_char(out, '.');
        buf_add(out, str_slice(digits, (size_t)s->power, digits.len));
    }
}

void json_write_number(struct buf *out, double value)
{
    struct shortest shortest;

    if (!isfinite(value)) {
        BUF_ADD(out, "null");
    } else if (fabs(value) < 0x1p53 && value == trunc(value)) {
        buf_add_int(out, (int64_t)value);
    } else {
        if (value < 0)
            buf_add_char(out, '-');
        find_shortest(fabs(value), &shortest);
        write_shortest(out, &shortest);
    }
}

static void write_members(struct buf *out, const struct json *value)
{
    bool object = value->type == JSON_OBJECT;

    buf_add_char(out, object ? '{' : '[');
    for (const struct json *item = value->first; item; item = item->next) {
        if (item != value->first)
            buf_add_char(out, ',');
        if (object) {
            json_write_string(out, item->name);
            buf_add_char(out, ':');
        }
        json_write(out, item);
    }
    buf_add_char(out, object ? '}' : ']');
}

void json_write(struct buf *out, const struct json *value)
{
    switch (value->type) {
    case JSON_NULL: BUF_ADD(out, "null"); break;
    case JSON_FALSE: BUF_ADD(out, "false"); break;
    case JSON_TRUE: BUF_ADD(out, "true"); break;
    case JSON_NUMBER: json_write_number(out, json_number(value)); break;
    case JSON_STRING: json_write_string(out, value->text); break;
    case JSON_ARRAY:
    case JSON_OBJECT: write_members(out, value); break;
    }
}
