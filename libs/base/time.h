/* Points in time as milliseconds since 1970-01-01T00:00:00Z, and their ISO 8601 text in UTC with
 * milliseconds, the only form that Cuib prints ("2026-01-31T09:05:00.250Z"). Reading the clock is
 * runtime/clock.h's business. */
#pragma once

#include "base/str.h"

typedef struct timestamp {
    int64_t ms;
} timestamp;

enum { TIMESTAMP_TEXT = 24 }; /* bytes of the text */

/* Writes TIMESTAMP_TEXT bytes, no NUL. Years outside 0 to 9999 are clamped to that range. */
void timestamp_print(timestamp time, char out[TIMESTAMP_TEXT]);

/* Reads exactly the form above. False on anything else, dates that do not exist included. */
bool timestamp_parse(str text, timestamp *out);

/* A point in time split into its UTC calendar parts; weekday 0 is Sunday. */
struct calendar {
    int year, month, day, hour, minute, second, millisecond, weekday;
};

struct calendar timestamp_calendar(timestamp time);
