#include "base/time.h"

enum {
    MS_PER_DAY = 86400000,
    DAYS_PER_ERA = 146097, /* 400 years */
};

static const int64_t YEAR_0000 = -62167219200000, YEAR_9999_END = 253402300799999;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The proleptic Gregorian calendar, counted in years that begin in March so that the leap day is the
 * last of its year. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct calendar timestamp_calendar(timestamp time)
{
    int64_t days = floor_div(time.ms, MS_PER_DAY);
    int64_t ms = (time.ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY;
    int64_t shifted = days + 719468, era = floor_div(shifted, DAYS_PER_ERA);
    int64_t of_era = shifted - era * DAYS_PER_ERA;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t shifted_month = (5 * of_year + 2) / 153;
    int month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);

    return (struct calendar){
        .year = (int)(years + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(of_year - (153 * shifted_month + 2) / 5 + 1),
        .hour = (int)(ms / 3600000),
        .minute = (int)(ms / 60000 % 60),
        .second = (int)(ms / 1000 % 60),
        .millisecond = (int)(ms % 1000),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
}

static void digits(char *out, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

/* Where each number stands in "YYYY-MM-DDThh:mm:ss.mmmZ". */
static const struct {
    uint8_t at, width;
} PLACES[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 }, { 20, 3 } };

static const char PATTERN[TIMESTAMP_TEXT + 1] = "0000-00-00T00:00:00.000Z";

void timestamp_print(timestamp time, char out[TIMESTAMP_TEXT])
{
    if (time.ms < YEAR_0000)
        time.ms = YEAR_0000;
    if (time.ms > YEAR_9999_END)
        time.ms = YEAR_9999_END;
    struct calendar c = timestamp_calendar(time);
    const int values[] = { c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond };

    for (int i = 0; i < TIMESTAMP_TEXT; i++)
        out[i] = PATTERN[i];
    for (int i = 0; i < 7; i++)
        digits(out + PLACES[i].at, values[i], PLACES[i].width);
}

static bool shaped(str text)
{
    if (text.len != TIMESTAMP_TEXT)
        return false;
    for (int i = 0; i < TIMESTAMP_TEXT; i++) {
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';

        if (PATTERN[i] == '0' ? !digit : text.at[i] != PATTERN[i])
            return false;
    }
    return true;
}

bool timestamp_parse(str text, timestamp *out)
{
    int v[7] = { 0 };

    if (!shaped(text))
        return false;
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < PLACES[i].width; k++)
            v[i] = v[i] * 10 + text.at[PLACES[i].at + k] - '0';
    if (v[1] < 1 || v[1] > 12 || v[3] > 23 || v[4] > 59 || v[5] > 59)
        return false;
    int64_t of_day = ((v[3] * 60LL + v[4]) * 60 + v[5]) * 1000 + v[6];
    timestamp made = { days_from_civil(v[0], v[1], v[2]) * MS_PER_DAY + of_day };

    if (v[2] < 1 || timestamp_calendar(made).day != v[2])
        return false;
    *out = made;
    return true;
}
