#include "schema/schema.h"

#include "testing/test.h"

#include <math.h>
#include <string.h>

static const char *const STATES[] = { "", "PENDING", "PAID", NULL };

enum state { NO_STATE, PENDING, PAID };

struct place {
    str name;
    double latitude;
};

struct thing {
    str text;
    bool is_new;
    int64_t whole;
    double real;
    money price;
    uuid id;
    timestamp created_at;
    strs tags;
    enum state state;
    json_text meta;
    struct place *first_place;
    struct {
        struct place *at;
        size_t len;
    } places;
    str password;
};

/* The same members, each optional, nullable, or one of a partial. */
struct optional {
    struct thing t;
};

struct change {
    fieldset given;
    str full_name;
    int64_t whole;
    struct place *place;
    str password;
};

SCHEMA(place, FIELD(name), FIELD(latitude, .optional = true));

SCHEMA(thing,
    FIELD(text), FIELD(is_new), FIELD(whole), FIELD(real), FIELD(price), FIELD(id),
    FIELD(created_at), FIELD(tags), FIELD(state, .names = STATES), FIELD(meta),
    FIELD(first_place, .of = place_schema), LIST(places, .of = place_schema),
    FIELD(password, .secret = true, .json = "pass_word"));

#define HOW .optional = true
static SCHEMA(optional,
    FIELD(t.text, HOW), FIELD(t.is_new, HOW), FIELD(t.whole, HOW), FIELD(t.real, HOW),
    FIELD(t.price, HOW), FIELD(t.id, HOW), FIELD(t.created_at, HOW), FIELD(t.tags, HOW),
    FIELD(t.state, .names = STATES, HOW), FIELD(t.meta, HOW),
    FIELD(t.first_place, .of = place_schema, HOW),
    LIST(t.places, .of = place_schema, HOW), FIELD(t.password, HOW));
#undef HOW

PARTIAL(change,
    FIELD(full_name), FIELD(whole), FIELD(place, .of = place_schema, .optional = true),
    FIELD(password, .secret = true));

static void assert_written(const struct schema *schema, const void *value, const char *expected)
{
    struct buf out = buf_new(1 << 20);

    schema_write(schema, value, &out);
    assert_text(buf_text(&out), expected);
    buf_free(&out);
}

static struct thing full_thing(void)
{
    static const str tags[] = { STR_INIT("a"), STR_INIT("\"\n") };
    static struct place places[] = { { STR_INIT("x"), 44.4 }, { STR_INIT("y"), 0 } };

    return (struct thing){
        .text = STR("t\\"),
        .is_new = true,
        .whole = INT64_MIN,
        .real = 0.1 + 0.2,
        .price = { -1205 },
        .id = { { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x41, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4,
                  0x30, 0xc8 } },
        .created_at = { 1769850300250 },
        .tags = { tags, 2 },
        .state = PAID,
        .meta = { STR("{\"a\":1}") },
        .first_place = &places[1],
        .places = { places, 2 },
        .password = STR("secret"),
    };
}

#define FULL                                                                                      \
    "{\"text\":\"t\\\\\",\"isNew\":true,\"whole\":-9223372036854775808,"                          \
    "\"real\":0.30000000000000004,\"price\":-12.05,"                                              \
    "\"id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"createdAt\":\"2026-01-31T09:05:00.250Z\"," \
    "\"tags\":[\"a\",\"\\\"\\n\"],\"state\":\"PAID\",\"meta\":{\"a\":1},"                         \
    "\"firstPlace\":{\"name\":\"y\"},\"places\":[{\"name\":\"x\",\"latitude\":44.4},{\"name\":"   \
    "\"y\"}]"

static void each_kind_has_its_form(void **state)
{
    struct thing thing = full_thing();

    (void)state;
    assert_written(thing_schema(), &thing, FULL "}");
}

static void secrets_are_written_only_when_asked_for(void **state)
{
    struct thing thing = full_thing();
    struct buf out = buf_new(1 << 20);

    (void)state;
    schema_write_secrets(thing_schema(), &thing, &out);
    assert_text(buf_text(&out), FULL ",\"pass_word\":\"secret\"}");
    buf_free(&out);
}

static void what_is_written_can_be_read(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct thing thing = full_thing(), again;
    struct buf out = buf_new(1 << 20);

    (void)state;
    schema_write_secrets(thing_schema(), &thing, &out);
    assert_null(schema_parse(thing_schema(), arena, buf_text(&out), SCHEMA_REFUSE, &again));
    assert_written(thing_schema(), &again, FULL "}");
    assert_text(again.password, "secret");
    buf_free(&out);
    arena_free(arena);
}

static void amounts_print_without_needless_zeros(void **state)
{
    static const struct {
        int64_t minor;
        const char *expected;
    } rows[] = {
        { 0, "0" },
        { 5, "0.05" },
        { 50, "0.5" },
        { 1200, "12" },
        { 1250, "12.5" },
        { 1205, "12.05" },
        { -5, "-0.05" },
        { INT64_MAX, "92233720368547758.07" },
        { INT64_MIN, "-92233720368547758.08" },
    };
    struct buf out = buf_new(100);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        schema_write_field(schema_field(thing_schema(), STR("price")), &rows[i].minor, &out);
        assert_text(buf_text(&out), rows[i].expected);
    }
    buf_free(&out);
}

static void absent_values_are_left_out_where_they_are_optional(void **state)
{
    struct optional nothing = { .t = { .is_new = false } };

    (void)state;
    assert_written(optional_schema(), &nothing, "{\"t.isNew\":false}");
}

static void absent_values_are_null_where_they_are_required(void **state)
{
    struct thing nothing = { .whole = 0 };

    (void)state;
    assert_written(thing_schema(), &nothing,
                   "{\"text\":null,\"isNew\":false,\"whole\":0,\"real\":0,\"price\":0,"
                   "\"id\":\"00000000-0000-0000-0000-000000000000\","
                   "\"createdAt\":\"1970-01-01T00:00:00.000Z\",\"tags\":null,\"state\":null,"
                   "\"meta\":null,\"firstPlace\":null,\"places\":null}");
}

struct nullable {
    str text;
    uuid id;
    timestamp at;
    int64_t whole;
    struct place *place;
};

SCHEMA(nullable,
    FIELD(text, .nullable = true, .optional = true), FIELD(id, .nullable = true),
    FIELD(at, .nullable = true), FIELD(whole, .nullable = true),
    FIELD(place, .of = place_schema, .nullable = true));

static void absent_values_are_null_where_they_are_nullable(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct nullable nothing = { .whole = 0 }, again = { .whole = 1 };
    str text = STR("{\"text\":null,\"id\":null,\"at\":null,\"whole\":0,\"place\":null}");

    (void)state;
    assert_written(nullable_schema(), &nothing, text.at);
    assert_null(schema_parse(nullable_schema(), arena, text, SCHEMA_REFUSE, &again));
    assert_memory_equal(&again, &nothing, sizeof again);
    assert_non_null(schema_parse(nullable_schema(), arena, STR("{}"), SCHEMA_REFUSE, &again));
    arena_free(arena);
}

static void empty_is_not_absent(void **state)
{
    struct place none;
    str no_text;
    struct thing empty = { .text = STR(""), .tags = { &no_text, 0 }, .places = { &none, 0 } };
    struct buf out = buf_new(1000);

    (void)state;
    schema_write_field(schema_field(thing_schema(), STR("text")), &empty.text, &out);
    schema_write_field(schema_field(thing_schema(), STR("tags")), &empty.tags, &out);
    schema_write_field(schema_field(thing_schema(), STR("places")), &empty.places, &out);
    assert_text(buf_text(&out), "\"\"[][]");
    buf_free(&out);
}

static void a_partial_writes_what_is_given(void **state)
{
    const struct schema *schema = change_schema();
    struct change change = { .full_name = STR("n"), .whole = 0 };

    (void)state;
    assert_written(schema, &change, "{}");
    change.given = schema_bit(schema, "full_name");
    assert_written(schema, &change, "{\"fullName\":\"n\"}");
    change.given = schema_bit(schema, "whole") | schema_bit(schema, "place");
    assert_written(schema, &change, "{\"whole\":0,\"place\":null}");
}

static void numbers_without_a_json_form_are_null(void **state)
{
    struct place place = { STR("p"), (double)NAN };

    (void)state;
    assert_written(place_schema(), &place, "{\"name\":\"p\",\"latitude\":null}");
}

static void a_field_of_its_own_is_read_and_written(void **state)
{
    const struct field *places = schema_field(thing_schema(), STR("places"));
    str text = STR("[{\"name\":\"a\",\"more\":1},{\"name\":\"b\",\"latitude\":1}]");
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf out = buf_new(1000);
    struct thing thing;

    (void)state;
    assert_null(schema_read_field(places, arena, text, &thing.places));
    assert_int_equal(thing.places.len, 2);
    schema_write_field(places, &thing.places, &out);
    assert_text(buf_text(&out), "[{\"name\":\"a\"},{\"name\":\"b\",\"latitude\":1}]");
    error e = schema_read_field(places, arena, STR("[{}]"), &thing.places);

    assert_text(e->messages->at[0], "places.0.name must be a string");
    buf_free(&out);
    arena_free(arena);
}

static void names_are_derived_from_the_member(void **state)
{
    static const struct field rows[] = {
        { .name = "id" },
        { .name = "created_at" },
        { .name = "line_1_of_2" },
        { .name = "url", .json = "URL", .env = "SERVICE_URL" },
    };
    struct buf out = buf_new(1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        schema_json_name(&rows[i], &out);
        buf_add_char(&out, ' ');
        schema_env_name(&rows[i], &out);
        buf_add_char(&out, ' ');
    }
    assert_text(buf_text(&out), "id ID createdAt CREATED_AT line1Of2 LINE_1_OF_2 URL SERVICE_URL ");
    buf_free(&out);
}

static void a_full_buffer_fails_quietly(void **state)
{
    struct thing thing = full_thing();
    struct buf out = buf_new(100);

    (void)state;
    schema_write(thing_schema(), &thing, &out);
    assert_true(buf_failed(&out));
    assert_true(out.len <= 100);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_form),
        cmocka_unit_test(secrets_are_written_only_when_asked_for),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(amounts_print_without_needless_zeros),
        cmocka_unit_test(absent_values_are_left_out_where_they_are_optional),
        cmocka_unit_test(absent_values_are_null_where_they_are_required),
        cmocka_unit_test(absent_values_are_null_where_they_are_nullable),
        cmocka_unit_test(empty_is_not_absent),
        cmocka_unit_test(a_partial_writes_what_is_given),
        cmocka_unit_test(numbers_without_a_json_form_are_null),
        cmocka_unit_test(a_field_of_its_own_is_read_and_written),
        cmocka_unit_test(names_are_derived_from_the_member),
        cmocka_unit_test(a_full_buffer_fails_quietly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
