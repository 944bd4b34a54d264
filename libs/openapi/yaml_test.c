#include "openapi/openapi_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Reads JSON and prints it as YAML; the text is the arena's. */
static const char *yaml_of(struct arena *arena, const char *text)
{
    struct buf out = buf_new(64 * 1024);
    const struct json *value;

    assert_null(json_parse(arena, str_of(text), &value));
    openapi_write_yaml(&out, value);
    assert_false(buf_failed(&out));
    str yaml = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return yaml.at;
}

struct row {
    const char *json, *yaml;
};

static void check(const struct row *rows, size_t count)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    assert_non_null(arena);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(yaml_of(arena, rows[i].json), rows[i].yaml);
    arena_free(arena);
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof(rows)[0])

static void members_and_elements_are_indented_by_two(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{\"a\":{\"b\":{\"c\":1},\"d\":2}}", "a:\n  b:\n    c: 1\n  d: 2\n" },
        { "{\"a\":[1,2]}", "a:\n  - 1\n  - 2\n" },
        { "{\"a\":[{\"b\":1,\"c\":{\"d\":2}},{\"e\":3}]}",
          "a:\n  - b: 1\n    c:\n      d: 2\n  - e: 3\n" },
        { "[[1,[2,3]],[{\"a\":[4]}]]", "- - 1\n  - - 2\n    - 3\n- - a:\n      - 4\n" },
        { "{\"a\":{},\"b\":[],\"c\":[{},[]]}", "a: {}\nb: []\nc:\n  - {}\n  - []\n" },
        { "{}", "{}\n" },
        { "[]", "[]\n" },
    };

    CHECK(rows);
}

static void values_that_are_no_strings_look_as_in_json(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "null", "null\n" },    { "true", "true\n" }, { "false", "false\n" },
        { "-12.50", "-12.5\n" }, { "1e2", "100\n" },   { "\"text\"", "text\n" },
    };

    CHECK(rows);
}

static void a_status_code_is_a_quoted_name(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{\"responses\":{\"201\":{\"description\":\"\"}}}",
          "responses:\n  '201':\n    description: ''\n" },
        { "{\"$ref\":\"#/components/schemas/User\"}", "$ref: '#/components/schemas/User'\n" },
        { "{\"/users/{id}\":\"multipart/form-data; charset=utf-8\"}",
          "/users/{id}: multipart/form-data; charset=utf-8\n" },
    };

    CHECK(rows);
}

static void a_string_that_reads_as_something_else_is_quoted(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[\"null\",\"True\",\"NO\",\"off\",\"y\",\"N\",\"nothing\",\"~\"]",
          "- 'null'\n- 'True'\n- 'NO'\n- 'off'\n- 'y'\n- 'N'\n- nothing\n- '~'\n" },
        { "[\"12\",\"-1\",\"1.0\",\"0x1f\",\"1e3\",\".5\",\".inf\",\"1:30\",\"1_000\",\"2026-01-"
          "31\"]",
          "- '12'\n- '-1'\n- '1.0'\n- '0x1f'\n- '1e3'\n- '.5'\n- '.inf'\n- '1:30'\n- '1_000'\n"
          "- '2026-01-31'\n" },
        { "[\"3.0.0\",\"1..2\",\"..\",\"1.2.x\"]", "- 3.0.0\n- 1..2\n- '..'\n- '1.2.x'\n" },
        { "[\"<<\",\"=\",\"---\",\"...\",\"- a\",\"? a\"]",
          "- '<<'\n- '='\n- '---'\n- '...'\n- '- a'\n- '? a'\n" },
    };

    CHECK(rows);
}

static void a_string_with_signs_of_yaml_is_quoted(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[\"a: b\",\"a:\",\"a:b\",\"a #b\",\"a#b\",\"#a\"]",
          "- 'a: b'\n- 'a:'\n- a:b\n- 'a #b'\n- a#b\n- '#a'\n" },
        { "[\" a\",\"a \",\"a  b\",\"\"]", "- ' a'\n- 'a '\n- a  b\n- ''\n" },
        { "[\"it's\",\"'quoted'\",\"\\\"quoted\\\"\",\"say \\\"hi\\\"\"]",
          "- it's\n- '''quoted'''\n- '\"quoted\"'\n- say \"hi\"\n" },
        { "[\"{a}\",\"[a]\",\"a, "
          "[b]\",\"*a\",\"&a\",\"!a\",\"|\",\">\",\"%a\",\"@a\",\"`a`\",\"\\\\d\"]",
          "- '{a}'\n- '[a]'\n- a, [b]\n- '*a'\n- '&a'\n- '!a'\n- '|'\n- '>'\n- '%a'\n- '@a'\n- "
          "'`a`'\n"
          "- '\\d'\n" },
        { "{\"a: b\":1,\"it's\":2,\"'\":3}", "'a: b': 1\nit's: 2\n'''': 3\n" },
    };

    CHECK(rows);
}

static void characters_that_yaml_does_not_allow_are_escaped(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[\"a\\nb\",\"\\t\",\"a\\r\\n\",\"\\u0000\",\"\\b\\f\\u001b\"]",
          "- \"a\\nb\"\n- \"\\t\"\n- \"a\\r\\n\"\n- \"\\u0000\"\n- \"\\b\\f\\u001b\"\n" },
        { "[\"\\\"\\\\\\n\"]", "- \"\\\"\\\\\\n\"\n" },
        { "[\"a\\u007f\",\"\\u0085\",\"\\u2028\\u2029\",\"\\ufeffa\",\"\\uffff\"]",
          "- \"a\\u007f\"\n- \"\\u0085\"\n- \"\\u2028\\u2029\"\n- \"\\ufeffa\"\n- \"\\uffff\"\n" },
    };

    CHECK(rows);
}

static void letters_of_all_languages_stand_as_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[\"șosea\",\"Ă: b\",\"日本語\",\"😀\",\"a\\n😀ă\"]",
          "- șosea\n- 'Ă: b'\n- 日本語\n- 😀\n- \"a\\n😀ă\"\n" },
    };

    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_are_indented_by_two),
        cmocka_unit_test(values_that_are_no_strings_look_as_in_json),
        cmocka_unit_test(a_status_code_is_a_quoted_name),
        cmocka_unit_test(a_string_that_reads_as_something_else_is_quoted),
        cmocka_unit_test(a_string_with_signs_of_yaml_is_quoted),
        cmocka_unit_test(characters_that_yaml_does_not_allow_are_escaped),
        cmocka_unit_test(letters_of_all_languages_stand_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
