#include "base/money.h"

#include <stdio.h>

enum { DECIMALS = 2 };

/* An exponent is cut here: more than any text has digits to make up for, and small enough to add to. */
static const int64_t EXPONENT_MAX = 100000000000000000;

/* A number's text taken apart: digits without the point, and the power of ten of the last one. */
struct decimal {
    bool negative;
    str whole, fraction;
    int64_t exponent;
};

static str take_digits(str *rest)
{
    size_t n = 0;

    while (n < rest->len && rest->at[n] >= '0' && rest->at[n] <= '9')
        n++;
    str taken = str_slice(*rest, 0, n);

    *rest = str_slice(*rest, n, rest->len);
    return taken;
}

static bool take_char(str *rest, char a, char b)
{
    if (!rest->len || (rest->at[0] != a && rest->at[0] != b))
        return false;
    *rest = str_slice(*rest, 1, rest->len);
    return true;
}

static bool take_exponent(str *rest, int64_t *out)
{
    bool negative = take_char(rest, '-', '-');

    if (!negative)
        take_char(rest, '+', '+');
    str digits = take_digits(rest);

    if (!digits.len)
        return false;
    int64_t value = 0;

    for (size_t i = 0; i < digits.len && value < EXPONENT_MAX; i++)
        value = value * 10 + digits.at[i] - '0';
    *out = negative ? -value : value;
    return true;
}

static bool take_apart(str text, struct decimal *out)
{
    *out = (struct decimal){ .negative = take_char(&text, '-', '-') };
    out->whole = take_digits(&text);
    if (!out->whole.len || (out->whole.len > 1 && out->whole.at[0] == '0'))
        return false;
    if (take_char(&text, '.', '.')) {
        out->fraction = take_digits(&text);
        if (!out->fraction.len)
            return false;
    }
    if (take_char(&text, 'e', 'E') && !take_exponent(&text, &out->exponent))
        return false;
    return text.len == 0;
}

/* A number cut off at minor units. */
struct cut {
    int64_t sum;
    bool inexact; /* something was cut off: */
    bool half;    /* half a minor unit or more */
};

/* Appends one digit, which has the number's sign and stands for 10^power minor units. */
static bool add_digit(struct cut *cut, int digit, int64_t power)
{
    if (power < 0) {
        cut->inexact |= digit != 0;
        cut->half |= power == -1 && (digit >= 5 || digit <= -5);
        return true;
    }
    return !__builtin_mul_overflow(cut->sum, 10, &cut->sum) &&
           !__builtin_add_overflow(cut->sum, digit, &cut->sum);
}

static bool cut_off(const struct decimal *d, struct cut *out)
{
    int64_t power = (int64_t)d->whole.len - 1 + d->exponent + DECIMALS;
    int sign = d->negative ? -1 : 1;
    struct cut cut = { 0 };

    for (size_t i = 0; i < d->whole.len; i++, power--)
        if (!add_digit(&cut, sign * (d->whole.at[i] - '0'), power))
            return false;
    for (size_t i = 0; i < d->fraction.len; i++, power--)
        if (!add_digit(&cut, sign * (d->fraction.at[i] - '0'), power))
            return false;
    for (; power >= 0 && cut.sum != 0; power--)
        if (!add_digit(&cut, 0, power))
            return false;
    *out = cut;
    return true;
}

bool money_parse(str text, money *out)
{
    struct decimal d;
    struct cut cut;

    if (!take_apart(text, &d) || !cut_off(&d, &cut) || cut.inexact)
        return false;
    out->minor = cut.sum;
    return true;
}

bool money_round(str text, money *out)
{
    struct decimal d;
    struct cut cut;

    if (!take_apart(text, &d) || !cut_off(&d, &cut))
        return false;
    if (cut.half && __builtin_add_overflow(cut.sum, d.negative ? -1 : 1, &cut.sum))
        return false;
    out->minor = cut.sum;
    return true;
}

size_t money_print(money amount, char out[MONEY_TEXT])
{
    bool negative = amount.minor < 0;
    uint64_t minor = negative ? 0 - (uint64_t)amount.minor : (uint64_t)amount.minor;
    unsigned fraction = (unsigned)(minor % 100);
    const char *sign = negative ? "-" : "";
    unsigned long long whole = minor / 100;
    int len;

    if (fraction == 0)
        len = snprintf(out, MONEY_TEXT, "%s%llu", sign, whole);
    else if (fraction % 10 == 0)
        len = snprintf(out, MONEY_TEXT, "%s%llu.%u", sign, whole, fraction / 10);
    else
        len = snprintf(out, MONEY_TEXT, "%s%llu.%02u", sign, whole, fraction);
    return (size_t)len;
}

bool money_add(money a, money b, money *out)
{
    money sum;

    if (__builtin_add_overflow(a.minor, b.minor, &sum.minor))
        return false;
    *out = sum;
    return true;
}

bool money_times(money a, int64_t factor, money *out)
{
    money product;

    if (__builtin_mul_overflow(a.minor, factor, &product.minor))
        return false;
    *out = product;
    return true;
}
