#include "http/date.h"
#include "runtime/clock.h"

#include <string.h>

static const char WEEKDAYS[] = "SunMonTueWedThuFriSat";
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void put_two(char *to, int value)
{
    to[0] = (char)('0' + value / 10 % 10);
    to[1] = (char)('0' + value % 10);
}

static void format(struct http_date *date, timestamp now)
{
    struct calendar day = timestamp_calendar(now);

    memcpy(date->text, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_TEXT);
    memcpy(date->text, WEEKDAYS + day.weekday * 3, 3);
    put_two(date->text + 5, day.day);
    memcpy(date->text + 8, MONTHS + (day.month - 1) * 3, 3);
    put_two(date->text + 12, day.year / 100);
    put_two(date->text + 14, day.year);
    put_two(date->text + 17, day.hour);
    put_two(date->text + 20, day.minute);
    put_two(date->text + 23, day.second);
}

str http_date_now(struct http_date *date)
{
    uint64_t turn = clock_ms();

    if (date->read_at_ms != turn) {
        timestamp now = clock_now();

        date->read_at_ms = turn;
        if (date->second != now.ms / 1000) {
            date->second = now.ms / 1000;
            format(date, now);
        }
    }
    return (str){ date->text, HTTP_DATE_TEXT };
}
