#include "base/str.h"
#include "testing/test.h"

static void a_null_c_string_is_the_empty_text(void **state)
{
    (void)state;
    assert_text(str_of(NULL), "");
    assert_non_null(str_of(NULL).at);
    assert_int_equal(str_of("abc").len, 3);
}

static void texts_compare_byte_by_byte(void **state)
{
    static const struct {
        str a, b;
        int order;
    } rows[] = {
        { STR_INIT(""), STR_INIT(""), 0 },          { STR_INIT("a"), STR_INIT("a"), 0 },
        { STR_INIT("a"), STR_INIT("b"), -1 },       { STR_INIT("a"), STR_INIT("ab"), -1 },
        { STR_INIT(""), STR_INIT("a"), -1 },        { STR_INIT("z"), STR_INIT("\xC3\xA9"), -1 },
        { STR_INIT("a\0b"), STR_INIT("a\0c"), -1 }, { { NULL, 0 }, STR_INIT("a"), -1 },
        { { NULL, 0 }, STR_INIT(""), 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int order = str_compare(rows[i].a, rows[i].b), reverse = str_compare(rows[i].b, rows[i].a);

        assert_int_equal((order > 0) - (order < 0), rows[i].order);
        assert_int_equal((reverse > 0) - (reverse < 0), -rows[i].order);
        assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].order == 0);
    }
}

static void only_ascii_letters_lose_their_case(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        { "Content-Length", "content-length", true },
        { "a", "b", false },
        { "a", "ab", false },
        { "@[`{", "@[`{", true },
        { "@", "`", false },
        { "[", "{", false },
        { "\xC3\x89", "\xC3\xA9", false },
        { "", "", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(str_eq_nocase(str_of(rows[i].a), str_of(rows[i].b)), rows[i].equal);
}

static void beginnings_and_ends_are_recognised(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("Bearer x"), STR("Bearer ")));
    assert_true(str_starts_with(STR("x"), STR("")));
    assert_false(str_starts_with(STR("Be"), STR("Bearer")));
    assert_true(str_ends_with(STR("a.sql"), STR(".sql")));
    assert_true(str_ends_with(STR("a"), STR("")));
    assert_false(str_ends_with(STR("ql"), STR("sql")));
    assert_false(str_ends_with(STR("a.sql"), STR(".sqx")));
}

static void a_slice_stays_within_its_text(void **state)
{
    static const struct {
        size_t start, len;
        const char *slice;
    } rows[] = {
        { 0, 5, "hello" }, { 1, 3, "ell" }, { 3, 9, "lo" },         { 5, 1, "" },
        { 9, 1, "" },      { 0, 0, "" },    { 2, SIZE_MAX, "llo" }, { SIZE_MAX, SIZE_MAX, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(str_slice(STR("hello"), rows[i].start, rows[i].len), rows[i].slice);
    assert_int_equal(str_slice((str){ NULL, 0 }, 1, 1).len, 0);
}

static void trimming_takes_blanks_and_tabs_only(void **state)
{
    (void)state;
    assert_text(str_trim(STR(" \t a b\t ")), "a b");
    assert_text(str_trim(STR(" \t ")), "");
    assert_text(str_trim(STR("")), "");
    assert_text(str_trim(STR("\na\r")), "\na\r");
}

static void a_missing_character_is_found_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a:b:c"), ':'), 1);
    assert_int_equal(str_find(STR("abc"), ':'), 3);
    assert_int_equal(str_find((str){ NULL, 0 }, ':'), 0);
}

static void pieces_include_the_empty_ones(void **state)
{
    static const struct {
        const char *text, *pieces[4];
    } rows[] = {
        { "a,b,c", { "a", "b", "c" } }, { "a", { "a" } },    { "", { "" } },
        { "a,", { "a", "" } },          { ",", { "", "" } }, { ",,b", { "", "", "b" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str rest = str_of(rows[i].text), piece;
        size_t n = 0;

        while (str_next_piece(&rest, ',', &piece))
            assert_text(piece, rows[i].pieces[n++]);
        assert_null(rows[i].pieces[n]);
    }
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool fits;
        uint64_t value;
    } rows[] = {
        { "0", 9, true, 0 },
        { "007", 9, true, 7 },
        { "65535", 65535, true, 65535 },
        { "65536", 65535, false, 0 },
        { "9999999999999999999", UINT64_MAX, true, 9999999999999999999u },
        { "00000000000000000001", UINT64_MAX, false, 0 },
        { "18446744073709551615", UINT64_MAX, false, 0 },
        { "", 9, false, 0 },
        { "+1", 9, false, 0 },
        { "-1", 9, false, 0 },
        { " 1", 9, false, 0 },
        { "1 ", 9, false, 0 },
        { "1x", 9, false, 0 },
        { "/", 9, false, 0 },
        { ":", 99, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 42;

        assert_int_equal(str_to_uint(str_of(rows[i].text), rows[i].max, &value), rows[i].fits);
        assert_int_equal(value, rows[i].fits ? rows[i].value : 42);
    }
}

static void only_well_formed_utf8_is_utf8(void **state)
{
    static const struct {
        str text;
        bool valid;
        size_t utf16;
    } rows[] = {
        { STR_INIT(""), true, 0 },
        { STR_INIT("a\0b"), true, 3 },
        { STR_INIT("\x7F"), true, 1 },
        { STR_INIT("\xC2\x80"), true, 1 },
        { STR_INIT("\xDF\xBF"), true, 1 },
        { STR_INIT("\xE0\xA0\x80"), true, 1 },
        { STR_INIT("\xED\x9F\xBF"), true, 1 },
        { STR_INIT("\xEE\x80\x80"), true, 1 },
        { STR_INIT("\xEF\xBF\xBF"), true, 1 },
        { STR_INIT("\xF0\x90\x80\x80"), true, 2 },
        { STR_INIT("\xF4\x8F\xBF\xBF"), true, 2 },
        { STR_INIT("\xC8\x99i \xF0\x9F\x98\x80!"), true, 6 },
        { STR_INIT("\x80"), false, 0 },
        { STR_INIT("\xBF"), false, 0 },
        { STR_INIT("\xC0\x80"), false, 0 },
        { STR_INIT("\xC1\xBF"), false, 0 },
        { STR_INIT("\xC2"), false, 0 },
        { STR_INIT("\xC2\x41"), false, 0 },
        { STR_INIT("\xC2\xC2"), false, 0 },
        { STR_INIT("\xE0\x9F\xBF"), false, 0 },
        { STR_INIT("\xE1\x80"), false, 0 },
        { STR_INIT("\xE1\x80\x41"), false, 0 },
        { STR_INIT("\xED\xA0\x80"), false, 0 },
        { STR_INIT("\xED\xBF\xBF"), false, 0 },
        { STR_INIT("\xF0\x8F\xBF\xBF"), false, 0 },
        { STR_INIT("\xF1\x80\x80"), false, 0 },
        { STR_INIT("\xF1\x80\x80\x41"), false, 0 },
        { STR_INIT("\xF4\x90\x80\x80"), false, 0 },
        { STR_INIT("\xF5\x80\x80\x80"), false, 0 },
        { STR_INIT("\xFF"), false, 0 },
        { STR_INIT("ok\xFE"), false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(str_is_utf8(rows[i].text), rows[i].valid);
        if (rows[i].valid)
            assert_int_equal(str_utf16_len(rows[i].text), rows[i].utf16);
    }
    assert_true(str_is_utf8((str){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_c_string_is_the_empty_text),
        cmocka_unit_test(texts_compare_byte_by_byte),
        cmocka_unit_test(only_ascii_letters_lose_their_case),
        cmocka_unit_test(beginnings_and_ends_are_recognised),
        cmocka_unit_test(a_slice_stays_within_its_text),
        cmocka_unit_test(trimming_takes_blanks_and_tabs_only),
        cmocka_unit_test(a_missing_character_is_found_at_the_end),
        cmocka_unit_test(pieces_include_the_empty_ones),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(only_well_formed_utf8_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
