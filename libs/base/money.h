/* Amounts of money in minor units (bani, cents): exact, never floating point. */
#pragma once

#include "base/str.h"

typedef struct money {
    int64_t minor;
} money;

enum { MONEY_TEXT = 24 }; /* room for any amount's text and a NUL */

/* Reads a JSON number's text ("12", "12.5", "1.20e1") exactly. False when it is not a number, has more
 * than two decimals, or does not fit. */
bool money_parse(str text, money *out);

/* The same for a number of any length, rounded to two decimals, half a minor unit away from zero: what stands in the
 * text counts, so 1.005 is 1.01. False when it is not a number or does not fit. */
bool money_round(str text, money *out);

/* The shortest decimal text, as a JSON number is printed: 12, 12.5, 0.05. Returns its length; NUL-terminated. */
size_t money_print(money amount, char out[MONEY_TEXT]);

/* Exact sum and product; false on overflow. */
bool money_add(money a, money b, money *out);
bool money_times(money a, int64_t factor, money *out);
