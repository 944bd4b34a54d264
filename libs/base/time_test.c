#include "base/time.h"
#include "testing/test.h"

static str print(int64_t ms)
{
    static char text[TIMESTAMP_TEXT];

    timestamp_print((timestamp){ ms }, text);
    return (str){ text, sizeof text };
}

/* Computed with another calendar. */
static const struct {
    const char *text;
    int64_t ms;
    int weekday;
} TIMES[] = {
    { "1970-01-01T00:00:00.000Z", 0, 4 },
    { "1969-12-31T23:59:59.999Z", -1, 3 },
    { "2000-02-29T12:30:45.678Z", 951827445678, 2 },
    { "1900-02-28T23:59:59.999Z", -2203891200001, 3 },
    { "1900-03-01T00:00:00.000Z", -2203891200000, 4 },
    { "2100-02-28T00:00:00.001Z", 4107456000001, 0 },
    { "2100-03-01T00:00:00.000Z", 4107542400000, 1 },
    { "2024-12-31T23:59:59.999Z", 1735689599999, 2 },
    { "0001-01-01T00:00:00.000Z", -62135596800000, 1 },
    { "9999-12-31T23:59:59.999Z", 253402300799999, 5 },
    { "2026-01-31T09:05:00.250Z", 1769850300250, 6 },
    { "1600-02-29T00:00:00.000Z", -11670998400000, 2 },
    { "0400-02-29T06:07:08.009Z", -49539318771991, 2 },
    { "2038-01-19T03:14:07.000Z", 2147483647000, 2 },
    { "7044-04-21T22:51:00.279Z", 160129608660279, 0 },
    { "0862-05-05T22:39:51.376Z", -34954248008624, 5 },
    { "1680-03-01T05:38:46.443Z", -9146283673557, 5 },
    { "3830-12-26T05:05:29.333Z", 58726962329333, 0 },
    { "1534-03-14T01:13:52.088Z", -13752629167912, 3 },
    { "7460-10-25T10:26:27.802Z", 173273423187802, 4 },
};

static void times_are_printed_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        timestamp read = { 42 };

        assert_text(print(TIMES[i].ms), TIMES[i].text);
        assert_true(timestamp_parse(str_of(TIMES[i].text), &read));
        assert_int_equal(read.ms, TIMES[i].ms);
        assert_int_equal(timestamp_calendar(read).weekday, TIMES[i].weekday);
    }
}

static void each_day_of_a_long_time_follows_the_one_before(void **state)
{
    const int64_t day_ms = 86400000;
    struct calendar before = timestamp_calendar((timestamp){ -800000 * day_ms - 1 });

    (void)state;
    for (int64_t day = -800000; day < 3000000; day++) {
        struct calendar now = timestamp_calendar((timestamp){ day * day_ms });
        bool same_month = now.year == before.year && now.month == before.month;
        bool next_month = now.month == before.month % 12 + 1 && now.day == 1 &&
                          now.year == before.year + (now.month == 1) && before.day >= 28;

        assert_true(same_month ? now.day == before.day + 1 : next_month);
        assert_int_equal(now.weekday, (before.weekday + 1) % 7);
        before = now;
    }
}

static void years_that_do_not_fit_are_clamped(void **state)
{
    (void)state;
    assert_text(print(INT64_MIN), "0000-01-01T00:00:00.000Z");
    assert_text(print(INT64_MAX), "9999-12-31T23:59:59.999Z");
    assert_text(print(253402300800000), "9999-12-31T23:59:59.999Z");
    assert_text(print(-62167219200001), "0000-01-01T00:00:00.000Z");
}

static void the_calendar_takes_any_time(void **state)
{
    struct calendar first = timestamp_calendar((timestamp){ INT64_MIN });
    struct calendar last = timestamp_calendar((timestamp){ INT64_MAX });

    (void)state;
    assert_int_equal(first.year, -292275055);
    assert_int_equal(first.millisecond, 192);
    assert_int_equal(last.year, 292278994);
    assert_int_equal(last.month, 8);
    assert_int_equal(last.day, 17);
    assert_int_equal(last.hour, 7);
    assert_int_equal(last.millisecond, 807);
}

static void other_texts_are_no_times(void **state)
{
    static const char *const rows[] = {
        "",
        "2026-01-31T09:05:00.250",
        "2026-01-31T09:05:00.250Z ",
        " 026-01-31T09:05:00.250Z",
        "2026-01-31 09:05:00.250Z",
        "2026-01-31T09:05:00.250z",
        "2026-01-31T09:05:00,250Z",
        "2026-1-31T09:05:00.2500Z",
        "2026-00-10T00:00:00.000Z",
        "2026-13-10T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2026-01-32T00:00:00.000Z",
        "2026-04-31T00:00:00.000Z",
        "2026-02-29T00:00:00.000Z",
        "2024-02-30T00:00:00.000Z",
        "1900-02-29T00:00:00.000Z",
        "2026-01-99T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-01-01T23:59:60.000Z",
        "-026-01-01T00:00:00.000Z",
        "+02026-01-01T00:00:00.00Z",
        "2026-01-01T00:00:00.0x0Z",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        timestamp read = { 42 };

        assert_false(timestamp_parse(str_of(rows[i]), &read));
        assert_int_equal(read.ms, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_printed_and_read_back),
        cmocka_unit_test(each_day_of_a_long_time_follows_the_one_before),
        cmocka_unit_test(years_that_do_not_fit_are_clamped),
        cmocka_unit_test(the_calendar_takes_any_time),
        cmocka_unit_test(other_texts_are_no_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
