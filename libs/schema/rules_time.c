/* ISO 8601 as validator.js takes it without `strict`, and its relatives. The library's regular
 * expression is, with `sep` a hyphen or nothing, chosen once:
 *
 *     [+-] YYYY [ sep ( MM [ sep DD ] | "W" ww [ ["-"] d ] | DDD ) [ ("T" | white space) time ] ]
 *     time  = [ clock ] [ zone ]
 *     clock = hh [frac] | hh c mm [frac] | "24" [":"] "00" [frac] | (any of these) c ss [frac]
 *     zone  = "Z" | "z" | (+|-) hh [":"] [mm]
 *
 * where `c` is a colon or nothing, the same twice. Days are 01 to 31 whatever the month. It is
 * ambiguous (is "2020123" a day of the year or a month?), so the functions below try each
 * reading. */
#include "schema/rules_internal.h"

/* Two digits from `low` to `high`. */
static bool take_two(struct scan *scan, int low, int high)
{
    if (scan->end - scan->at < 2 || !scan_is_digit(scan->at[0]) || !scan_is_digit(scan->at[1]))
        return false;
    int value = (scan->at[0] - '0') * 10 + scan->at[1] - '0';

    if (value < low || value > high)
        return false;
    scan->at += 2;
    return true;
}

static bool take_if(struct scan *scan, char c)
{
    return !c || scan_char(scan, c);
}

/* Whether the rest is a zone or nothing. */
static bool is_zone(struct scan scan)
{
    if (scan_end(&scan))
        return true;
    if (scan_one_of(&scan, "zZ"))
        return scan_end(&scan);
    if (!scan_one_of(&scan, "+-") || !take_two(&scan, 0, 23))
        return false;
    scan_char(&scan, ':');
    take_two(&scan, 0, 59);
    return scan_end(&scan);
}

/* Moves behind a fraction. */
static bool take_fraction(struct scan *scan)
{
    struct scan ahead = *scan;

    if (!scan_one_of(&ahead, ".,") || !scan_number(&ahead))
        return false;
    *scan = ahead;
    return true;
}

static bool seconds_and_zone(struct scan scan, char colon)
{
    if (!take_if(&scan, colon) || !take_two(&scan, 0, 59))
        return false;
    if (is_zone(scan))
        return true;
    return take_fraction(&scan) && is_zone(scan);
}

static bool zone_or_seconds(struct scan scan, char colon)
{
    return is_zone(scan) || seconds_and_zone(scan, colon);
}

/* What may follow a clock without seconds. The two last digits of a fraction may be read as the
 * seconds. */
static bool after_clock(struct scan scan, char colon)
{
    const char *start = scan.at;

    if (zone_or_seconds(scan, colon))
        return true;
    if (!take_fraction(&scan) || scan_peek(&scan) == ':')
        return false;
    if (zone_or_seconds(scan, colon))
        return true;
    scan.at -= 2;
    return scan.at >= start + 2 && zone_or_seconds(scan, colon);
}

/* `hh c mm` and what may follow, for one `c`. */
static bool minutes(struct scan scan, char colon)
{
    return take_if(&scan, colon) && take_two(&scan, 0, 59) && after_clock(scan, colon);
}

static bool midnight(struct scan scan)
{
    if (!take_two(&scan, 24, 24))
        return false;
    scan_char(&scan, ':');
    return take_two(&scan, 0, 0) && after_clock(scan, '\0');
}

/* The end, or `T` or white space and a time. */
static bool is_time(struct scan scan)
{
    if (scan_end(&scan))
        return true;
    if (!scan_char(&scan, 'T') && !scan_space(&scan))
        return false;
    if (zone_or_seconds(scan, '\0') || midnight(scan))
        return true;
    return take_two(&scan, 0, 23) &&
           (after_clock(scan, '\0') || minutes(scan, ':') || minutes(scan, '\0'));
}

static bool month_and_time(struct scan scan, char separator)
{
    if (!take_two(&scan, 1, 12))
        return false;
    if (is_time(scan))
        return true;
    return take_if(&scan, separator) && take_two(&scan, 1, 31) && is_time(scan);
}

static bool week_and_time(struct scan scan)
{
    if (!scan_char(&scan, 'W') || !take_two(&scan, 0, 53))
        return false;
    if (is_time(scan))
        return true;
    scan_char(&scan, '-');
    return scan_one_of(&scan, "1234567") && is_time(scan);
}

static bool day_of_year_and_time(struct scan scan)
{
    const char *at = scan.at;

    if (!scan_digits(&scan, 3))
        return false;
    int day = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';

    /* The library's expression lists the days and has forgotten the 360th. */
    return day >= 1 && day <= 366 && day != 360 && is_time(scan);
}

static bool after_year(struct scan scan, char separator)
{
    return take_if(&scan, separator) &&
           (month_and_time(scan, separator) || week_and_time(scan) || day_of_year_and_time(scan));
}

/* Two digits and then no word character: YYYYMM, which the standard forbids. */
static bool two_digits_alone(struct scan scan)
{
    char c;

    if (!scan_digits(&scan, 2))
        return false;
    c = scan_peek(&scan);
    return scan_end(&scan) || !(scan_is_letter(c) || scan_is_digit(c) || c == '_');
}

bool schema_is_iso8601(str text)
{
    struct scan scan = scan_of(text);

    scan_one_of(&scan, "+-");
    if (!scan_digits(&scan, 4) || two_digits_alone(scan))
        return false;
    return scan_end(&scan) || after_year(scan, '-') || after_year(scan, '\0');
}

/* RFC 3339 section 5.6, a blank allowed for the T, days to 31 in every month. */
bool schema_is_rfc3339(str text)
{
    struct scan scan = scan_of(text);

    if (!scan_digits(&scan, 4) || !scan_char(&scan, '-') || !take_two(&scan, 1, 12) ||
        !scan_char(&scan, '-') || !take_two(&scan, 1, 31) || !scan_one_of(&scan, " tT"))
        return false;
    if (!take_two(&scan, 0, 23) || !scan_char(&scan, ':') || !take_two(&scan, 0, 59) ||
        !scan_char(&scan, ':') || !take_two(&scan, 0, 60))
        return false;
    if (scan_char(&scan, '.') && !scan_number(&scan))
        return false;
    if (scan_one_of(&scan, "zZ"))
        return scan_end(&scan);
    return scan_one_of(&scan, "+-") && take_two(&scan, 0, 23) && scan_char(&scan, ':') &&
           take_two(&scan, 0, 59) && scan_end(&scan);
}

/* The message says HH:MM; the library takes HHMM as well. */
bool schema_is_military_time(str text)
{
    struct scan scan = scan_of(text);

    if (!take_two(&scan, 0, 23))
        return false;
    scan_char(&scan, ':');
    return take_two(&scan, 0, 59) && scan_end(&scan);
}
