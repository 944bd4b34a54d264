#include "base/money.h"
#include "testing/test.h"

#include <string.h>

static void numbers_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t minor;
    } rows[] = {
        { "0", 0 },
        { "-0", 0 },
        { "0.00", 0 },
        { "12", 1200 },
        { "12.5", 1250 },
        { "12.50", 1250 },
        { "12.5000000000000000000000000", 1250 },
        { "0.05", 5 },
        { "-0.01", -1 },
        { "1.20e1", 1200 },
        { "1E+2", 10000 },
        { "1e-2", 1 },
        { "1200e-2", 1200 },
        { "1000e-5", 1 },
        { "0.0000001e6", 10 },
        { "0e999999999999999999999999", 0 },
        { "0.000e-999999999999999999999999", 0 },
        { "100000000000000000000e-20", 100 },
        { "92233720368547758.07", INT64_MAX },
        { "-92233720368547758.08", INT64_MIN },
        { "0.1", 10 },
        { "79228162514264.33", 7922816251426433 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        money amount = { 42 };

        assert_true(money_parse(str_of(rows[i].text), &amount));
        assert_int_equal(amount.minor, rows[i].minor);
    }
}

static void what_is_no_amount_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "-",
        "+1",
        ".5",
        "5.",
        "1e",
        "1e+",
        "e5",
        "01",
        "-00",
        "1.2.3",
        "1 ",
        " 1",
        "1,5",
        "0x1",
        "NaN",
        "1e5x",
        "--1",
        "1-",
        "1e1.5",
        /* more than two decimals */
        "0.001",
        "1.005",
        "1e-3",
        "12.345e0",
        "1.5e-2",
        "0.000000000000000000000000001",
        /* too large */
        "92233720368547758.08",
        "-92233720368547758.09",
        "1e17",
        "1e400",
        "1e999999999999999999999",
        "100000000000000000000",
        "1e2147483647",
        "1e-2147483648",
        "1e9223372036854775807",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        money amount = { 42 };

        assert_false(money_parse(str_of(rows[i]), &amount));
        assert_int_equal(amount.minor, 42);
    }
}

static void numbers_are_rounded_half_away_from_zero(void **state)
{
    static const struct {
        const char *text;
        int64_t minor;
    } rows[] = {
        { "12.5", 1250 },
        { "0.30000000000000004", 30 },
        { "99.89999999999999", 9990 },
        { "5.00", 500 },
        { "0.004999999999999999999999999999", 0 },
        { "-0.0049", 0 },
        { "0.005", 1 },
        { "-0.005", -1 },
        { "1.005", 101 },
        { "-1.005", -101 },
        { "1.0149", 101 },
        { "0.995", 100 },
        { "9.999", 1000 },
        { "-9.995", -1000 },
        { "5e-3", 1 },
        { "4e-3", 0 },
        { "50e-4", 1 },
        { "5e-324", 0 },
        { "0.00000012345e5", 1 },
        { "12345e-4", 123 },
        { "1.2345678e3", 123457 },
        { "1e-999999999999999999999999", 0 },
        { "92233720368547758.07499", INT64_MAX },
        { "92233720368547758.065", INT64_MAX },
        { "-92233720368547758.084", INT64_MIN },
        { "-92233720368547758.075", INT64_MIN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        money amount = { 42 };

        assert_true(money_round(str_of(rows[i].text), &amount));
        assert_int_equal(amount.minor, rows[i].minor);
    }
}

static void what_cannot_be_rounded_to_an_amount_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "-",
        "+1",
        ".5",
        "5.",
        "01",
        "1 ",
        "1,5",
        "NaN",
        "1e",
        "0x1",
        "1.5e0.5",
        "1e17",
        "1e400",
        "1e999999999999999999999",
        "92233720368547758.075",
        "-92233720368547758.085",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        money amount = { 42 };

        assert_false(money_round(str_of(rows[i]), &amount));
        assert_int_equal(amount.minor, 42);
    }
}

/* An exponent must not be cut to one that the digits happen to balance. */
static void long_numbers_keep_their_true_exponent(void **state)
{
    static const struct {
        const char *before, *after;
        size_t zeros;
        bool taken;
    } rows[] = {
        { "0.", "1e500", 499, true },          { "0.", "1e5000", 499, false },
        { "0.", "1e5000", 4999, true },        { "1", "e-500", 500, true },
        { "1", "e-5000", 500, false },         { "1", "e-5000", 5000, true },
        { "0.", "1e99999999999", 499, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[6000];
        size_t len = strlen(rows[i].before);
        money amount;

        memcpy(text, rows[i].before, len);
        memset(text + len, '0', rows[i].zeros);
        len += rows[i].zeros;
        memcpy(text + len, rows[i].after, strlen(rows[i].after));
        len += strlen(rows[i].after);
        assert_int_equal(money_parse((str){ text, len }, &amount), rows[i].taken);
        if (rows[i].taken)
            assert_int_equal(amount.minor, 100);
    }
}

static void amounts_are_printed_as_short_as_they_can_be(void **state)
{
    static const struct {
        int64_t minor;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { 1200, "12" },
        { 1250, "12.5" },
        { 1205, "12.05" },
        { 5, "0.05" },
        { 50, "0.5" },
        { -1, "-0.01" },
        { -1200, "-12" },
        { INT64_MAX, "92233720368547758.07" },
        { INT64_MIN, "-92233720368547758.08" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[MONEY_TEXT];
        money back;

        assert_int_equal(money_print((money){ rows[i].minor }, text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_true(money_parse(str_of(text), &back));
        assert_int_equal(back.minor, rows[i].minor);
    }
}

static void sums_and_products_are_exact_or_refused(void **state)
{
    money out = { 42 };

    (void)state;
    assert_true(money_add((money){ 10 }, (money){ 20 }, &out));
    assert_int_equal(out.minor, 30);
    assert_false(money_add((money){ INT64_MAX }, (money){ 1 }, &out));
    assert_int_equal(out.minor, 30);
    assert_true(money_times((money){ 1999 }, -3, &out));
    assert_int_equal(out.minor, -5997);
    assert_false(money_times((money){ INT64_MIN }, -1, &out));
    assert_int_equal(out.minor, -5997);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_exactly),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(numbers_are_rounded_half_away_from_zero),
        cmocka_unit_test(what_cannot_be_rounded_to_an_amount_is_refused),
        cmocka_unit_test(long_numbers_keep_their_true_exponent),
        cmocka_unit_test(amounts_are_printed_as_short_as_they_can_be),
        cmocka_unit_test(sums_and_products_are_exact_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
