#include "testing/test.h"

#include "apps/notification-service/texts.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(ARENA_CALL_MAX);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void money_has_the_marks_of_its_language(void **state)
{
    static const struct {
        int64_t minor;
        const char *ro, *en;
    } ROWS[] = {
        { 0, "0,00", "0.00" },
        { 5, "0,05", "0.05" },
        { 99, "0,99", "0.99" },
        { 100, "1,00", "1.00" },
        { 99999, "999,99", "999.99" },
        { 100000, "1.000,00", "1,000.00" },
        { 123450, "1.234,50", "1,234.50" },
        { 123456789, "1.234.567,89", "1,234,567.89" },
        { -123450, "-1.234,50", "-1,234.50" },
        { INT64_MAX, "92.233.720.368.547.758,07", "92,233,720,368,547,758.07" },
        { INT64_MIN, "-92.233.720.368.547.758,08", "-92,233,720,368,547,758.08" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        assert_text(text_of_money(arena, (money){ ROWS[i].minor }, LANGUAGE_RO), ROWS[i].ro);
        assert_text(text_of_money(arena, (money){ ROWS[i].minor }, LANGUAGE_EN), ROWS[i].en);
    }
}

static void integers_are_grouped(void **state)
{
    (void)state;
    assert_text(text_of_integer(arena, 2, LANGUAGE_RO), "2");
    assert_text(text_of_integer(arena, 10000, LANGUAGE_RO), "10.000");
    assert_text(text_of_integer(arena, 10000, LANGUAGE_EN), "10,000");
    assert_text(text_of_integer(arena, -1000, LANGUAGE_EN), "-1,000");
}

static void a_date_is_spelled_out(void **state)
{
    static const struct {
        const char *time, *ro, *en;
    } ROWS[] = {
        { "2026-11-25T14:05:59.999Z", "25 noiembrie 2026, 14:05 UTC",
          "25 November 2026, 14:05 UTC" },
        { "2026-01-01T00:00:00.000Z", "1 ianuarie 2026, 00:00 UTC", "1 January 2026, 00:00 UTC" },
        { "2024-02-29T23:59:00.000Z", "29 februarie 2024, 23:59 UTC",
          "29 February 2024, 23:59 UTC" },
        { "2026-12-31T09:30:00.000Z", "31 decembrie 2026, 09:30 UTC",
          "31 December 2026, 09:30 UTC" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        timestamp time;

        assert_true(timestamp_parse(str_of(ROWS[i].time), &time));
        assert_text(text_of_time(arena, time, LANGUAGE_RO), ROWS[i].ro);
        assert_text(text_of_time(arena, time, LANGUAGE_EN), ROWS[i].en);
    }
}

static void a_language_is_found_by_its_name(void **state)
{
    (void)state;
    assert_int_equal(language_named(STR("ro"), LANGUAGE_EN), LANGUAGE_RO);
    assert_int_equal(language_named(STR("en"), LANGUAGE_RO), LANGUAGE_EN);
    assert_int_equal(language_named(STR("fr"), LANGUAGE_EN), LANGUAGE_EN);
    assert_int_equal(language_named((str){ NULL, 0 }, LANGUAGE_RO), LANGUAGE_RO);
}

static void the_domain_is_what_follows_the_at_sign(void **state)
{
    static const struct {
        const char *address, *domain; /* NULL: refused */
    } ROWS[] = {
        { "no-reply@example.com", "example.com" },
        { "Cuib <no-reply@localhost>", "localhost" },
        { "<a@b-c.d>", "b-c.d" },
        { "Cuib no-reply@example.com", NULL },
        { "no-reply", NULL },
        { "@example.com", NULL },
        { "a@", NULL },
        { "a@b@c", NULL },
        { "a@b c", NULL },
        { "a@b\r\nBcc: x", NULL },
        { "a@.b", NULL },
        { "a@b.", NULL },
        { "Cuib <a@b", NULL },
        { "Cuib <a@b> x", NULL },
        { "a@b>", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        str domain = { NULL, 0 };

        assert_int_equal(address_domain(str_of(ROWS[i].address), &domain), ROWS[i].domain != NULL);
        if (ROWS[i].domain)
            assert_text(domain, ROWS[i].domain);
    }
}

static void a_message_id_is_a_function_of_event_recipient_and_template(void **state)
{
    const uuid event = { { 1 } }, user = { { 2 } };

    (void)state;
    assert_text(message_id_of(arena, event, user, STR("payment-failed"), STR("example.com")),
                "<01000000-0000-0000-0000-000000000000.02000000-0000-0000-0000-000000000000"
                ".payment-failed@example.com>");
}

#define TESTING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TESTING(money_has_the_marks_of_its_language),
        TESTING(integers_are_grouped),
        TESTING(a_date_is_spelled_out),
        TESTING(a_language_is_found_by_its_name),
        TESTING(the_domain_is_what_follows_the_at_sign),
        TESTING(a_message_id_is_a_function_of_event_recipient_and_template),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
