#include "schema/schema.h"

#include "testing/test.h"

static const char *const STATES[] = { "", "PENDING", "PAID", NULL };

enum state { NO_STATE, PENDING, PAID };

struct query {
    int64_t limit;
    str cursor;
    bool is_new;
    money min_price;
    double ratio;
    strs tags;
    enum state state;
    uuid id;
    json_text meta;
};

SCHEMA(query,
    FIELD(limit,     RULES(IS_INT, AT_LEAST(1), AT_MOST(100)), .fallback = "20"),
    FIELD(cursor,    RULES(IS_STRING, IS_NOT_EMPTY), .optional = true),
    FIELD(is_new,    .optional = true),
    FIELD(min_price, .optional = true),
    FIELD(ratio,     .optional = true, .env = "THE_RATIO"),
    FIELD(tags,      RULES(IS_ARRAY, EACH(MAX_LENGTH(3))), .optional = true),
    FIELD(state,     .names = STATES, .optional = true),
    FIELD(id,        .optional = true),
    FIELD(meta,      .optional = true));

struct pair {
    const char *member, *text;
};

static str find(void *cookie, const struct field *field)
{
    for (const struct pair *pair = cookie; pair->member; pair++)
        if (str_is(str_of(field->name), pair->member))
            return str_of(pair->text);
    return (str){ NULL, 0 };
}

static error read(struct arena *arena, struct pair *pairs,
                  void (*name_of)(const struct field *field, struct buf *out), struct query *out)
{
    struct schema_texts texts = { find, pairs, name_of };

    return schema_read_texts(query_schema(), arena, &texts, out);
}

static void texts_become_the_values_they_mean(void **state)
{
    struct pair pairs[] = {
        { "limit", "5" },           { "cursor", "x=1" },
        { "is_new", "true" },       { "min_price", "12.5" },
        { "ratio", "-1e-3" },       { "tags", "a, b,,c " },
        { "state", "PAID" },        { "id", "6BA7B810-9DAD-41D1-80B4-00C04FD430C8" },
        { "meta", "{ \"a\": 1 }" }, { NULL, NULL },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_null(read(arena, pairs, schema_json_name, &in));
    assert_true(in.limit == 5 && in.is_new && in.min_price.minor == 1250 && in.ratio == -0.001);
    assert_text(in.cursor, "x=1");
    assert_int_equal(in.tags.len, 4);
    assert_text(in.tags.at[1], "b");
    assert_text(in.tags.at[2], "");
    assert_text(in.tags.at[3], "c");
    assert_int_equal(in.state, PAID);
    assert_int_equal(in.id.bytes[0], 0x6b);
    assert_text(in.meta.text, "{\"a\":1}");
    arena_free(arena);
}

static void a_missing_text_leaves_the_fallback_or_nothing(void **state)
{
    struct pair nothing[] = { { NULL, NULL } };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_null(read(arena, nothing, schema_json_name, &in));
    assert_true(in.limit == 20 && !in.is_new && in.state == NO_STATE);
    assert_null(in.cursor.at);
    assert_null(in.tags.at);
    arena_free(arena);
}

static void an_empty_list_is_a_list(void **state)
{
    struct pair pairs[] = { { "tags", "" }, { NULL, NULL } };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_null(read(arena, pairs, schema_json_name, &in));
    assert_non_null(in.tags.at);
    assert_int_equal(in.tags.len, 0);
    arena_free(arena);
}

static void assert_messages(error e, const char *const *expected, size_t count)
{
    assert_non_null(e);
    assert_int_equal(e->messages->len, count);
    for (size_t i = 0; i < count; i++)
        assert_text(e->messages->at[i], expected[i]);
}

static void texts_that_do_not_convert_break_the_rules(void **state)
{
    struct pair pairs[] = {
        { "limit", "abc" },       { "cursor", "" },    { "is_new", "yes" },
        { "min_price", "1.234" }, { "ratio", "0x10" }, { "tags", "a,long" },
        { "state", "paid" },      { "id", "5" },       { NULL, NULL },
    };
    static const char *const expected[] = {
        "LIMIT must not be greater than 100",
        "LIMIT must not be less than 1",
        "LIMIT must be an integer number",
        "CURSOR should not be empty",
        "IS_NEW must be a boolean value",
        "MIN_PRICE must be a number conforming to the specified constraints",
        "THE_RATIO must be a number conforming to the specified constraints",
        "each value in TAGS must be shorter than or equal to 3 characters",
        "STATE must be one of the following values: PENDING, PAID",
        "ID must be a UUID",
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_messages(read(arena, pairs, schema_env_name, &in), expected, COUNT_OF(expected));
    arena_free(arena);
}

static void numbers_out_of_range_are_named_as_in_json(void **state)
{
    struct pair pairs[] = { { "limit", "101" }, { "min_price", " 5 x" }, { NULL, NULL } };
    static const char *const expected[] = {
        "limit must not be greater than 100",
        "minPrice must be a number conforming to the specified constraints",
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_messages(read(arena, pairs, schema_json_name, &in), expected, COUNT_OF(expected));
    arena_free(arena);
}

static void a_body_gets_the_fallback_too(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct query in;

    (void)state;
    assert_null(schema_parse(query_schema(), arena, STR("{\"limit\":null}"), SCHEMA_REFUSE, &in));
    assert_true(in.limit == 20);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_the_values_they_mean),
        cmocka_unit_test(a_missing_text_leaves_the_fallback_or_nothing),
        cmocka_unit_test(an_empty_list_is_a_list),
        cmocka_unit_test(texts_that_do_not_convert_break_the_rules),
        cmocka_unit_test(numbers_out_of_range_are_named_as_in_json),
        cmocka_unit_test(a_body_gets_the_fallback_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
