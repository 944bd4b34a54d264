/* Points in time out of the ISO 8601 texts that name one: a date, or a date and a time with or
 * without seconds, fraction and offset. Weeks and days of the year, which the rule IS_ISO8601
 * takes too, do not fit a timestamp. */
#include "schema/schema_internal.h"

enum {
    MS_PER_MINUTE = 60 * 1000,
    FRACTION_DIGITS = 3, /* milliseconds; the rest is cut off */
};

/* Where the parts of "YYYY-MM-DDThh:mm:ss.mmmZ" begin. */
enum { DATE_LEN = 10, TIME_AT = 11, SECONDS_AT = 16, FRACTION_AT = 20 };

/* Copies what `scan` has there into the pattern, whose digits and marks must match in kind. */
static bool copy_shaped(struct scan *scan, char *to, size_t len)
{
    for (size_t i = 0; i < len; i++, scan->at++) {
        if (scan_end(scan))
            return false;
        if (to[i] == '0' ? !scan_is_digit(*scan->at) : *scan->at != to[i])
            return false;
        to[i] = *scan->at;
    }
    return true;
}

static bool take_fraction(struct scan *scan, char *to)
{
    const char *digits = scan->at + 1;

    if (!scan_one_of(scan, ".,"))
        return true;
    if (!scan_number(scan))
        return false;
    for (int i = 0; i < FRACTION_DIGITS && digits + i < scan->at; i++)
        to[i] = digits[i];
    return true;
}

static bool take_seconds(struct scan *scan, char *canonical)
{
    return scan_peek(scan) != ':' || (copy_shaped(scan, canonical + SECONDS_AT, 3) &&
                                      take_fraction(scan, canonical + FRACTION_AT));
}

static int two(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

/* `Z`, nothing, or an offset, in minutes. */
static bool take_offset(struct scan *scan, int *minutes)
{
    bool negative = scan_peek(scan) == '-';
    const char *hours = scan->at + 1;

    *minutes = 0;
    if (scan_end(scan) || scan_one_of(scan, "Zz"))
        return scan_end(scan);
    if (!scan_one_of(scan, "+-") || !scan_digits(scan, 2))
        return false;
    *minutes = two(hours) * 60;
    scan_char(scan, ':');
    if (!scan_end(scan)) {
        const char *at = scan->at;

        if (!scan_digits(scan, 2) || two(at) > 59)
            return false;
        *minutes += two(at);
    }
    if (negative)
        *minutes = -*minutes;
    return scan_end(scan) && two(hours) <= 23;
}

bool schema_read_timestamp(str text, timestamp *out)
{
    char canonical[] = "0000-00-00T00:00:00.000Z";
    struct scan scan = scan_of(text);
    timestamp read;
    int minutes = 0;

    if (timestamp_parse(text, out))
        return true;
    if (!copy_shaped(&scan, canonical, DATE_LEN))
        return false;
    if (!scan_end(&scan)) {
        if (!scan_one_of(&scan, "T ") || !copy_shaped(&scan, canonical + TIME_AT, 5) ||
            !take_seconds(&scan, canonical) || !take_offset(&scan, &minutes))
            return false;
    }
    if (!timestamp_parse((str){ canonical, TIMESTAMP_TEXT }, &read))
        return false;
    out->ms = read.ms - (int64_t)minutes * MS_PER_MINUTE;
    return true;
}
