#include "json/json.h"

#include "testing/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What a text becomes when it is read and printed again; what the message is when it is refused. */
static str printed(struct arena *arena, str text)
{
    struct buf out = buf_new(1 << 20);
    const struct json *value;
    error e = json_parse(arena, text, &value);

    if (e) {
        assert_int_equal(e->status, 400);
        assert_null(e->messages);
        return str_of(e->message);
    }
    json_write(&out, value);
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

static str printed_body(struct arena *arena, str text)
{
    struct buf out = buf_new(1 << 20);
    const struct json *value;
    error e = json_parse_body(arena, text, &value);

    if (e)
        return str_of(e->message);
    json_write(&out, value);
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

static void valid_texts_are_printed_as_json_stringify_prints_them(void **state)
{
    static const struct {
        str text;
        const char *expected;
    } rows[] = {
        { STR_INIT("null"), "null" },
        { STR_INIT(" true "), "true" },
        { STR_INIT("\t\n\r false"), "false" },
        { STR_INIT("\"\""), "\"\"" },
        { STR_INIT("[]"), "[]" },
        { STR_INIT("[ ]"), "[]" },
        { STR_INIT("{ }"), "{}" },
        { STR_INIT("[1 , 2\n,3]"), "[1,2,3]" },
        { STR_INIT("{\"a\" : {\"b\":[true,null]}}"), "{\"a\":{\"b\":[true,null]}}" },
        { STR_INIT("-0"), "0" },
        { STR_INIT("-1.50e+2"), "-150" },
        { STR_INIT("1e400"), "null" },
        { STR_INIT("\"\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\""), "\"A/\\b\\f\\n\\r\\t\\\"\\\\\"" },
        { STR_INIT("\"\\u0000\\u001f\\u007f\""), "\"\\u0000\\u001f\x7F\"" },
        { STR_INIT("\"\\u00e9\\u20AC\\ud83d\\ude00\""), "\"é€😀\"" },
        { STR_INIT("\"\\ud83d\""), "\"\xEF\xBF\xBD\"" },
        { STR_INIT("\"\\ude00x\""), "\"\xEF\xBF\xBDx\"" },
        { STR_INIT("\"\\ud83d\\ud83d\\ude00\""), "\"\xEF\xBF\xBD😀\"" },
        { STR_INIT("\"\\ud83d\\n\""), "\"\xEF\xBF\xBD\\n\"" },
        { STR_INIT("\"\xE2\x80\xA8\""), "\"\xE2\x80\xA8\"" },
        { STR_INIT("\"123456789012345\\\"7890123456789\""),
          "\"123456789012345\\\"7890123456789\"" },
        { STR_INIT("{\"__proto__\":1}"), "{\"__proto__\":1}" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(printed(arena, rows[i].text), rows[i].expected);
    arena_free(arena);
}

static void members_come_in_the_order_of_javascript(void **state)
{
    static const struct {
        str text;
        const char *expected;
    } rows[] = {
        { STR_INIT("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a\":3,\"b\":2}" },
        { STR_INIT("{\"a\":1,\"\\u0061\":{\"x\":[]}}"), "{\"a\":{\"x\":[]}}" },
        { STR_INIT("{\"\":1,\"\":2}"), "{\"\":2}" },
        { STR_INIT("{\"b\":1,\"10\":2,\"2\":3,\"a\":4}"), "{\"2\":3,\"10\":2,\"b\":1,\"a\":4}" },
        { STR_INIT("{\"2\":1,\"b\":2,\"2\":3}"), "{\"2\":3,\"b\":2}" },
        { STR_INIT("{\"01\":1,\"-1\":2,\"1.5\":3,\"0\":4}"),
          "{\"0\":4,\"01\":1,\"-1\":2,\"1.5\":3}" },
        { STR_INIT("{\"a\":0,\"4294967295\":1,\"4294967294\":2}"),
          "{\"4294967294\":2,\"a\":0,\"4294967295\":1}" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(printed(arena, rows[i].text), rows[i].expected);
    arena_free(arena);
}

static void the_last_of_many_equal_names_wins_at_the_place_of_the_first(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf text = buf_new(1 << 20);
    const struct json *value;

    (void)state;
    buf_add_char(&text, '{');
    for (int i = 0; i < 9000; i++)
        buf_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 3000, i);
    buf_add_char(&text, '}');
    assert_null(json_parse(arena, buf_text(&text), &value));
    assert_int_equal(value->count, 3000);
    int i = 0;

    for (const struct json *member = value->first; member; member = member->next, i++) {
        int64_t number;

        assert_true(json_integer(member, &number));
        assert_int_equal(number, 6000 + i);
    }
    assert_int_equal(i, 3000);
    buf_free(&text);
    arena_free(arena);
}

static void invalid_texts_are_refused(void **state)
{
    static const str rows[] = {
        STR_INIT(""),
        STR_INIT("[1,]"),
        STR_INIT("[1 true]"),
        STR_INIT("[,1]"),
        STR_INIT("[1"),
        STR_INIT("]"),
        STR_INIT("[\"a\",\n4\n,1"),
        STR_INIT("[-]"),
        STR_INIT("[+1]"),
        STR_INIT("[.5]"),
        STR_INIT("[1.]"),
        STR_INIT("[-01]"),
        STR_INIT("[0x42]"),
        STR_INIT("[1e]"),
        STR_INIT("[1e+]"),
        STR_INIT("[Infinity]"),
        STR_INIT("[NaN]"),
        STR_INIT("[-Infinity]"),
        STR_INIT("[1eE2]"),
        STR_INIT("[2.e3]"),
        STR_INIT("[1 000.0]"),
        STR_INIT("[1+2]"),
        STR_INIT("[0e+-1]"),
        STR_INIT("{\"a\""),
        STR_INIT("{\"a\":"),
        STR_INIT("{a:1}"),
        STR_INIT("{'a':1}"),
        STR_INIT("{\"a\":1,}"),
        STR_INIT("{\"a\":1,,\"b\":2}"),
        STR_INIT("{\"a\" \"b\"}"),
        STR_INIT("{1:1}"),
        STR_INIT("{:\"b\"}"),
        STR_INIT("{\"a\":\"b\"}/**/"),
        STR_INIT("[\"\\x\"]"),
        STR_INIT("[\"\\u00A\"]"),
        STR_INIT("[\"\\\"]"),
        STR_INIT("[\"a\0\"]"),
        STR_INIT("[\"\t\"]"),
        STR_INIT("\"\\uD834\\u\""),
        STR_INIT("\\n"),
        STR_INIT("'a'"),
        STR_INIT("[True]"),
        STR_INIT("nulll"),
        STR_INIT("1]"),
        STR_INIT("[][]"),
        STR_INIT("\xEF\xBB\xBF{}"),
        STR_INIT("[\f]"),
        STR_INIT("[\xC2\xA0]"),
        STR_INIT("<.>"),
        STR_INIT("1\0"),
        STR_INIT("2@"),
        STR_INIT("{}}"),
        STR_INIT("abc"),
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct json *value = NULL;
        error e = json_parse(arena, rows[i], &value);

        assert_non_null(e);
        assert_int_equal(e->status, 400);
        assert_null(value);
    }
    arena_free(arena);
}

static void a_nul_and_half_a_pair_show_as_a_replacement_in_messages(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    assert_text(printed(arena, STR("[1\0]")),
                "Expected ',' or ']' after array element in JSON at position 2");
    assert_text(printed(arena, STR("[\0]")),
                "Unexpected token '\xEF\xBF\xBD', \"[\xEF\xBF\xBD]\" is not valid JSON");
    assert_text(printed(arena, STR("[😀]")),
                "Unexpected token '\xEF\xBF\xBD', \"[😀]\" is not valid JSON");
    assert_text(
        printed(arena, STR("[1,2,3,4,5,x,7,8,90,😀,1]")),
        "Unexpected token 'x', ...\"1,2,3,4,5,x,7,8,90,\xEF\xBF\xBD\"... is not valid JSON");
    arena_free(arena);
}

static void nesting_is_limited(void **state)
{
    char deep[2 * JSON_DEPTH_MAX + 2];
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_text(printed(arena, (str){ deep, sizeof deep }), "JSON is nested deeper than 64 levels");
    assert_int_equal(printed(arena, (str){ deep + 1, sizeof deep - 2 }).len, 2 * JSON_DEPTH_MAX);
    arena_free(arena);
}

static void a_body_begins_with_a_brace_or_a_bracket(void **state)
{
    static const struct {
        str body;
        const char *expected;
    } rows[] = {
        { STR_INIT(""), "{}" },
        { STR_INIT("\xEF\xBB\xBF"), "{}" },
        { STR_INIT("\xEF\xBB\xBF {\"a\":1}"), "{\"a\":1}" },
        { STR_INIT(" \n"), "Unexpected end of JSON input" },
        { STR_INIT("[1]"), "[1]" },
        { STR_INIT("5"), "Unexpected token '5', \"5\" is not valid JSON" },
        { STR_INIT("\"x\""), "Unexpected token '\"', \"\"x\"\" is not valid JSON" },
        { STR_INIT(" null"), "Unexpected token 'n', \" null\" is not valid JSON" },
        { STR_INIT("tru"), "Unexpected token 't', \"tru\" is not valid JSON" },
        { STR_INIT("NaN"), "Unexpected token 'N', \"NaN\" is not valid JSON" },
        { STR_INIT("[object Object]"), "\"[object Object]\" is not valid JSON" },
        { STR_INIT("name=value&other=1234567890"),
          "Unexpected token 'n', \"name=value\"... is not valid JSON" },
        { STR_INIT("\xEF\xBB\xBF[1,}"), "Unexpected token '}', \"[1,}\" is not valid JSON" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(printed_body(arena, rows[i].body), rows[i].expected);
    arena_free(arena);
}

static void invalid_utf8_is_replaced_as_a_browser_does(void **state)
{
    static const struct {
        str text;
        const char *expected;
    } rows[] = {
        { STR_INIT("plain é€😀"), "plain é€😀" },
        { STR_INIT("\xFF\xFE"), "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { STR_INIT("a\x80z"), "a\xEF\xBF\xBDz" },
        { STR_INIT("\xC3"), "\xEF\xBF\xBD" },
        { STR_INIT("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { STR_INIT("\xE2\x82"), "\xEF\xBF\xBD" },
        { STR_INIT("\xE2\x82x"), "\xEF\xBF\xBDx" },
        { STR_INIT("\xE2\x28\xA1"), "\xEF\xBF\xBD(\xEF\xBF\xBD" },
        { STR_INIT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { STR_INIT("\xE0\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { STR_INIT("\xF0\x9F\x98"), "\xEF\xBF\xBD" },
        { STR_INIT("\xF0\x9F\x98é"), "\xEF\xBF\xBDé" },
        { STR_INIT("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(json_repair_utf8(arena, rows[i].text), rows[i].expected);
    assert_ptr_equal(json_repair_utf8(arena, rows[0].text).at, rows[0].text.at);
    arena_free(arena);
}

static void integers_are_exact_however_they_are_written(void **state)
{
    static const struct {
        const char *text;
        bool is_integer;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "7", true, 7 },
        { "7.0", true, 7 },
        { "70e-1", true, 7 },
        { "1e3", true, 1000 },
        { "0.00e99", true, 0 },
        { "1.5e1", true, 15 },
        { "9007199254740993", true, 9007199254740993 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "922337203685477580.7e1", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "1e19", false, 0 },
        { "1e99999999999999999999", false, 0 },
        { "1.5", false, 0 },
        { "1e-1", false, 0 },
        { "0.1", false, 0 },
        { "\"7\"", false, 0 },
        { "true", false, 0 },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    assert_false(json_integer(NULL, &(int64_t){ 0 }));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct json *value;
        int64_t number = -77;

        assert_null(json_parse(arena, str_of(rows[i].text), &value));
        assert_int_equal(json_integer(value, &number), rows[i].is_integer);
        assert_true(number == (rows[i].is_integer ? rows[i].value : -77));
    }
    arena_free(arena);
}

static void numbers_without_a_json_form_are_null(void **state)
{
    struct buf out = buf_new(100);

    (void)state;
    json_write_number(&out, (double)NAN);
    json_write_number(&out, (double)INFINITY);
    json_write_number(&out, -(double)INFINITY);
    json_write_number(&out, -0.0);
    assert_text(buf_text(&out), "nullnullnull0");
    buf_free(&out);
}

static void values_know_their_text_and_members_are_found_by_name(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str text = STR(" {\"a\": [1, 2] , \"b\":\"x\\ny\", \"c\":-1.5e3}");
    const struct json *value;

    (void)state;
    assert_null(json_parse(arena, text, &value));
    assert_text(value->source, "{\"a\": [1, 2] , \"b\":\"x\\ny\", \"c\":-1.5e3}");
    assert_int_equal(value->count, 3);
    assert_text(json_member(value, STR("a"))->source, "[1, 2]");
    assert_text(json_member(value, STR("b"))->source, "\"x\\ny\"");
    assert_text(json_member(value, STR("b"))->text, "x\ny");
    assert_text(json_member(value, STR("c"))->text, "-1.5e3");
    assert_true(json_number(json_member(value, STR("c"))) == -1500);
    assert_null(json_member(value, STR("d")));
    assert_null(json_member(json_member(value, STR("a")), STR("1")));
    assert_null(json_member(NULL, STR("a")));
    arena_free(arena);
}

static void a_string_without_escapes_is_a_span_of_the_text(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str text = STR("\"longer than eight\"");
    const struct json *value;

    (void)state;
    assert_null(json_parse(arena, text, &value));
    assert_ptr_equal(value->text.at, text.at + 1);
    arena_free(arena);
}

static void an_exhausted_arena_is_an_error(void **state)
{
    struct arena *arena = arena_new(ARENA_BLOCK_SIZE);
    struct buf text = buf_new(1 << 20);
    const struct json *value;

    (void)state;
    buf_add_char(&text, '[');
    for (int i = 0; i < 1000; i++)
        BUF_ADD(&text, "1,");
    BUF_ADD(&text, "1]");
    assert_ptr_equal(json_parse(arena, buf_text(&text), &value), &ERROR_OUT_OF_MEMORY);
    buf_free(&text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_printed_as_json_stringify_prints_them),
        cmocka_unit_test(members_come_in_the_order_of_javascript),
        cmocka_unit_test(the_last_of_many_equal_names_wins_at_the_place_of_the_first),
        cmocka_unit_test(invalid_texts_are_refused),
        cmocka_unit_test(a_nul_and_half_a_pair_show_as_a_replacement_in_messages),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(a_body_begins_with_a_brace_or_a_bracket),
        cmocka_unit_test(invalid_utf8_is_replaced_as_a_browser_does),
        cmocka_unit_test(integers_are_exact_however_they_are_written),
        cmocka_unit_test(numbers_without_a_json_form_are_null),
        cmocka_unit_test(values_know_their_text_and_members_are_found_by_name),
        cmocka_unit_test(a_string_without_escapes_is_a_span_of_the_text),
        cmocka_unit_test(an_exhausted_arena_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
