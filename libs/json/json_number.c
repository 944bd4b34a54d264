/* Numbers in: their text, and its value as a double or as an integer. */
#include "json/json_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXACT_DIGITS = 15,       /* any integer of so many digits is a double */
    EXACT_POWER = 22,        /* and so is any power of ten up to this one */
    DIGITS_MAX = 800,        /* no double needs more digits to be told from its neighbours (768) */
    EXPONENT_MAX = 99999999, /* beyond it every number is zero or infinite */
};

static bool digit(const struct json_reader *r, const char *at)
{
    return at < r->end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const struct json_reader *r, const char *at)
{
    while (digit(r, at))
        at++;
    return at;
}

static bool is(const struct json_reader *r, const char *at, char a, char b)
{
    return at < r->end && (*at == a || *at == b);
}

static bool read_fraction(struct json_reader *r, const char **at)
{
    if (!is(r, *at, '.', '.'))
        return true;
    if (!digit(r, ++*at))
        return json_fail(r, *at, JSON_FAULT_FRACTION);
    *at = skip_digits(r, *at);
    return true;
}

static bool read_exponent(struct json_reader *r, const char **at)
{
    if (!is(r, *at, 'e', 'E'))
        return true;
    ++*at;
    if (is(r, *at, '+', '-'))
        ++*at;
    if (!digit(r, *at))
        return json_fail(r, *at, JSON_FAULT_EXPONENT);
    *at = skip_digits(r, *at);
    return true;
}

bool json_read_number(struct json_reader *r, str *out)
{
    const char *at = r->at + (*r->at == '-');

    if (!digit(r, at))
        return json_fail(r, at, JSON_FAULT_MINUS);
    if (*at == '0' && digit(r, at + 1))
        return json_fail(r, at + 1, JSON_FAULT_TOKEN);
    at = skip_digits(r, at);
    if (!read_fraction(r, &at) || !read_exponent(r, &at))
        return false;
    *out = (str){ r->at, (size_t)(at - r->at) };
    r->at = at;
    return true;
}

/* A number taken apart: 0.DIGITS times ten to the `power`; leading and trailing zeros are no
 * digits. */
struct decimal {
    bool negative;
    size_t count; /* digits, of which the first DIGITS_MAX are kept */
    int64_t power;
    char digits[DIGITS_MAX + 1];
};

static void add_digit(struct decimal *d, char c)
{
    if (d->count < DIGITS_MAX)
        d->digits[d->count] = c;
    else if (c != '0') /* what was cut off still makes the number greater than its beginning */
        d->digits[DIGITS_MAX - 1] = (char)(d->digits[DIGITS_MAX - 1] | 1);
    d->count++;
}

static int64_t exponent_of(str text)
{
    bool negative = text.len && text.at[0] == '-';
    int64_t value = 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= '0' && text.at[i] <= '9' && value < EXPONENT_MAX)
            value = value * 10 + text.at[i] - '0';
    return negative ? -value : value;
}

static void take_apart(str text, struct decimal *d)
{
    size_t i = text.at[0] == '-', first = 0;
    bool fraction = false;

    d->negative = i;
    d->count = 0;
    d->power = 0;
    for (; i < text.len && (text.at[i] | 0x20) != 'e'; i++) {
        if (text.at[i] == '.') {
            fraction = true;
            continue;
        }
        if (d->count == 0 && text.at[i] == '0') {
            first += fraction; /* a zero behind the point and before the first digit */
            continue;
        }
        add_digit(d, text.at[i]);
        d->power += !fraction;
    }
    d->power -= (int64_t)first;
    if (i < text.len)
        d->power += exponent_of(str_slice(text, i + 1, text.len));
    if (d->count > DIGITS_MAX)
        d->count = DIGITS_MAX;
    while (d->count && d->digits[d->count - 1] == '0')
        d->count--;
}

static uint64_t digits_value(const struct decimal *d)
{
    uint64_t value = 0;

    for (size_t i = 0; i < d->count; i++)
        value = value * 10 + (uint64_t)(d->digits[i] - '0');
    return value;
}

static double slow_value(struct decimal *d)
{
    char text[DIGITS_MAX + 32];

    d->digits[d->count] = '\0';
    snprintf(text, sizeof text, "0.%se%lld", d->digits, (long long)d->power);
    return strtod(text, NULL);
}

/* Most numbers: at most 15 digits, perhaps a sign and a point. */
static bool plain_number(str text, uint64_t *digits, size_t *decimals)
{
    uint64_t value = 0;
    size_t i = text.len && text.at[0] == '-', point = text.len;

    if (text.len - i > EXACT_DIGITS)
        return false;
    for (; i < text.len; i++) {
        if (text.at[i] == '.') {
            point = i + 1;
            continue;
        }
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    *digits = value;
    *decimals = text.len - point;
    return true;
}

double json_number(const struct json *number)
{
    static const double POWERS[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    struct decimal d;
    uint64_t digits;
    size_t decimals;
    double value;

    if (plain_number(number->text, &digits, &decimals)) {
        value = (double)digits / POWERS[decimals];
        return number->text.at[0] == '-' ? -value : value;
    }
    take_apart(number->text, &d);
    int64_t power = d.power - (int64_t)d.count; /* of the last digit */

    if (d.count == 0)
        value = 0;
    else if (d.count <= EXACT_DIGITS && power >= 0 && power <= EXACT_POWER)
        value = (double)digits_value(&d) * POWERS[power];
    else if (d.count <= EXACT_DIGITS && power < 0 && power >= -EXACT_POWER)
        value = (double)digits_value(&d) / POWERS[-power];
    else
        value = slow_value(&d);
    return d.negative ? -value : value;
}

bool json_integer(const struct json *number, int64_t *out)
{
    struct decimal d;
    uint64_t digits;
    size_t decimals;
    int64_t value = 0;

    if (!number || number->type != JSON_NUMBER)
        return false;
    if (plain_number(number->text, &digits, &decimals) && decimals == 0) {
        *out = number->text.at[0] == '-' ? -(int64_t)digits : (int64_t)digits;
        return true;
    }
    take_apart(number->text, &d);
    if (d.count && (d.power < (int64_t)d.count || d.power > 19))
        return false;
    for (int64_t i = 0; d.count && i < d.power; i++) {
        int next = i < (int64_t)d.count ? d.digits[i] - '0' : 0;

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, d.negative ? -next : next, &value))
            return false;
    }
    *out = value;
    return true;
}
