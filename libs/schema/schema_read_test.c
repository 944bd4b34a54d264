/* Messages and their order, as NestJS's ValidationPipe gives them (checked against it), and what
 * ends up in the struct. */
#include "schema/schema.h"

#include "testing/test.h"

#include <string.h>

static const char *const METHODS[] = { "card", "cash", NULL };
static const char *const STATES[] = { "", "PENDING", "PAID", NULL };

enum state { NO_STATE, PENDING, PAID };

struct item {
    str product_id;
    money price;
    int64_t quantity;
};

struct address {
    str street, city;
};

struct order {
    struct {
        struct item *at;
        size_t len;
    } items;
    struct address *shipping_address;
    str payment_method;
};

struct deep {
    struct order *o;
};

struct everything {
    str text;
    bool flag;
    int64_t whole;
    double real;
    money price;
    uuid id;
    timestamp at;
    strs tags;
    enum state state;
    json_text meta;
    struct address *address;
};

struct words {
    str a, b, c;
};

struct change {
    fieldset given;
    str name;
    struct address *profile;
    bool is_active;
};

struct user_id {
    uuid id;
};

struct lenient_item {
    str product_id;
    money price;
    int64_t quantity;
};

struct sums {
    money total, rest;
    struct {
        struct lenient_item *at;
        size_t len;
    } items;
};

struct limits {
    str password;
    strs roles;
    str code;
};

SCHEMA(item,
    FIELD(product_id, RULES(IS_STRING, IS_NOT_EMPTY)),
    FIELD(price,      RULES(MAX_DECIMALS(2), IS_POSITIVE)),
    FIELD(quantity,   RULES(IS_INT, AT_LEAST(1))));

SCHEMA(address,
    FIELD(street, RULES(IS_STRING)),
    FIELD(city,   RULES(IS_STRING), .optional = true));

SCHEMA(order,
    LIST(items,             .of = item_schema, RULES(IS_ARRAY, ARRAY_MIN_SIZE(1))),
    FIELD(shipping_address, .of = address_schema),
    FIELD(payment_method,   RULES(IS_IN(METHODS))));

SCHEMA(deep, FIELD(o, .of = order_schema));

SCHEMA(everything,
    FIELD(text), FIELD(flag), FIELD(whole), FIELD(real), FIELD(price), FIELD(id), FIELD(at),
    FIELD(tags), FIELD(state, .names = STATES), FIELD(meta), FIELD(address, .of = address_schema));

SCHEMA(words,
    FIELD(a, RULES(IS_STRING, IS_NOT_EMPTY, MIN_LENGTH(3), MAX_LENGTH(2))),
    FIELD(b, RULES(IS_STRING), .optional = true),
    FIELD(c, RULES(MIN_LENGTH(5), IS_DEFINED, IS_STRING), .json = "third"));

PARTIAL(change,
    FIELD(name,    RULES(IS_STRING, IS_NOT_EMPTY)),
    FIELD(profile, .of = address_schema, .optional = true),
    FIELD(is_active));

BARE(user_id, FIELD(id));

SCHEMA(lenient_item,
    FIELD(product_id),
    FIELD(price,    .lenient = true, RULES(MAX_DECIMALS(2), IS_POSITIVE)),
    FIELD(quantity));

SCHEMA(sums,
    FIELD(total, .lenient = true),
    FIELD(rest,  .lenient = true, .optional = true),
    LIST(items,  .of = lenient_item_schema, .optional = true));

SCHEMA(limits,
    FIELD(password, RULES(IS_STRING, MIN_LENGTH(8), MAX_BYTES(12), NO_NUL), .optional = true),
    FIELD(roles,    RULES(IS_ARRAY, EACH(IS_IN(METHODS)), EACH(IS_STRING)), .optional = true),
    FIELD(code,     RULES(IS_IPV4, IS_IPV6), .optional = true));

/* The messages joined by line breaks, or "" when the text was taken. */
static str messages(struct arena *arena, const struct schema *schema, const char *text)
{
    const struct json *value = NULL;
    struct buf joined = buf_new(1 << 20);
    void *out = arena_zalloc(arena, 1, schema->size);

    if (*text)
        assert_null(json_parse(arena, str_of(text), &value));
    error e = schema_read(schema, arena, value, SCHEMA_REFUSE, out);

    if (e) {
        assert_int_equal(e->status, 400);
        assert_string_equal(e->message, "Bad Request");
        assert_non_null(e->messages);
    }
    for (size_t i = 0; e && i < e->messages->len; i++)
        buf_printf(&joined, "%s%.*s", i ? "\n" : "", STR_ARG(e->messages->at[i]));
    str copy = arena_copy(arena, buf_text(&joined));

    buf_free(&joined);
    return copy;
}

struct row {
    const struct schema *(*schema)(void);
    const char *text, *expected;
};

static void check(const struct row *rows, size_t count)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    for (size_t i = 0; i < count; i++)
        assert_text(messages(arena, rows[i].schema(), rows[i].text), rows[i].expected);
    arena_free(arena);
}

static void a_property_complains_from_its_lowest_rule_up(void **state)
{
    static const struct row rows[] = {
        { words_schema, "{}",
          "a must be shorter than or equal to 2 characters\n"
          "a must be longer than or equal to 3 characters\n"
          "a should not be empty\n"
          "a must be a string\n"
          "third should not be null or undefined\n"
          "third must be a string\n"
          "third must be longer than or equal to 5 characters" },
        { words_schema, "{\"third\":\"abcde\",\"b\":1,\"a\":\"xyz\"}",
          "a must be shorter than or equal to 2 characters\n"
          "b must be a string" },
        { limits_schema, "{\"code\":\"x\"}", "code must be an ip address" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void unknown_members_come_first_in_the_order_of_the_input(void **state)
{
    static const struct row rows[] = {
        { address_schema, "{\"zz\":1,\"10\":2,\"street\":\"s\",\"9\":3,\"yy\":4}",
          "property 9 should not exist\nproperty 10 should not exist\n"
          "property zz should not exist\nproperty yy should not exist" },
        { address_schema, "{\"x\":1}", "property x should not exist\nstreet must be a string" },
        { address_schema, "{\"street\":\"s\",\"\":1}", "property  should not exist" },
        { address_schema, "{\"street\":\"s\",\"é😀\":1}", "property é😀 should not exist" },
        { address_schema, "{\"street\":\"s\",\"Street\":1}", "property Street should not exist" },
        { address_schema,
          "{\"street\":\"s\",\"__proto__\":1,\"constructor\":2,\"prototype\":3,\"toString\":4,"
          "\"valueOf\":5,\"hasOwnProperty\":6,\"isPrototypeOf\":7,\"propertyIsEnumerable\":8,"
          "\"toLocaleString\":9,\"__defineGetter__\":10,\"__lookupSetter__\":11}",
          "" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void an_order_complains_as_its_nestjs_class_does(void **state)
{
    static const struct row rows[] = {
        { order_schema, "{}",
          "items must contain at least 1 elements\nitems must be an array\n"
          "shippingAddress should not be null or undefined\n"
          "paymentMethod must be one of the following values: card, cash" },
        { order_schema,
          "{\"items\":[{\"productId\":\"\",\"price\":-1.234,\"quantity\":0}],"
          "\"shippingAddress\":{\"street\":1,\"zip\":3},\"paymentMethod\":\"card\"}",
          "items.0.productId should not be empty\n"
          "items.0.price must be a positive number\n"
          "items.0.price must be a number conforming to the specified constraints\n"
          "items.0.quantity must not be less than 1\n"
          "shippingAddress.property zip should not exist\n"
          "shippingAddress.street must be a string" },
        { order_schema,
          "{\"items\":\"x\",\"shippingAddress\":null,\"paymentMethod\":\"card\",\"z\":1}",
          "property z should not exist\n"
          "items must contain at least 1 elements\nitems must be an array\n"
          "each value in nested property items must be either object or array\n"
          "nested property shippingAddress must be either object or array" },
        { order_schema,
          "{\"items\":[1,null,\"s\"],\"shippingAddress\":\"y\",\"paymentMethod\":\"card\"}",
          "items.each value in nested property items must be either object or array\n"
          "items.each value in nested property items must be either object or array\n"
          "items.each value in nested property items must be either object or array\n"
          "nested property shippingAddress must be either object or array" },
        { order_schema,
          "{\"items\":{\"a\":1},\"shippingAddress\":[{\"street\":1},{\"zip\":2}],"
          "\"paymentMethod\":\"card\"}",
          "items must contain at least 1 elements\nitems must be an array\n"
          "items.property a should not exist\n"
          "items.productId should not be empty\nitems.productId must be a string\n"
          "items.price must be a positive number\n"
          "items.price must be a number conforming to the specified constraints\n"
          "items.quantity must not be less than 1\nitems.quantity must be an integer number\n"
          "shippingAddress.0.street must be a string\n"
          "shippingAddress.1.property zip should not exist\n"
          "shippingAddress.1.street must be a string" },
        { deep_schema,
          "{\"o\":{\"items\":[{\"productId\":\"p\",\"price\":1e-7,\"quantity\":1,\"x\":1}],"
          "\"shippingAddress\":{\"street\":\"s\"},\"paymentMethod\":\"cash\"}}",
          "o.items.0.property x should not exist\n"
          "o.items.0.price must be a number conforming to the specified constraints" },
        { deep_schema, "{\"o\":5}", "nested property o must be either object or array" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void a_nested_array_that_nestjs_would_let_pass_is_refused(void **state)
{
    static const struct row rows[] = {
        { deep_schema, "{\"o\":[]}", "o must be an object" },
        { order_schema,
          "{\"items\":[[]],\"shippingAddress\":{\"street\":\"s\"},\"paymentMethod\":\"card\"}",
          "items.each value in items must be an object" },
        { order_schema,
          "{\"items\":[[{\"productId\":\"p\",\"price\":1,\"quantity\":1}]],"
          "\"shippingAddress\":[{\"street\":\"s\"}],\"paymentMethod\":\"card\"}",
          "items.each value in items must be an object\nshippingAddress must be an object" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void a_body_that_is_no_object_is_refused(void **state)
{
    static const struct row rows[] = {
        { address_schema, "", "street must be a string" },
        { address_schema, "null", "street must be a string" },
        { address_schema, "{}", "street must be a string" },
        { address_schema, "[]", "street must be a string" },
        { address_schema, "5", "street must be a string" },
        { address_schema, "[{\"street\":\"s\"},2]",
          "property 0 should not exist\nproperty 1 should not exist\nstreet must be a string" },
        { limits_schema, "", "" },
        { limits_schema, "null", "" },
        { limits_schema, "[]", "Validation failed (object is expected)" },
        { limits_schema, "\"s\"", "Validation failed (object is expected)" },
        { limits_schema, "[{}]", "property 0 should not exist" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void our_own_rules_speak_for_bcrypt(void **state)
{
    static const struct row rows[] = {
        { limits_schema, "{\"password\":\"123456789012\"}", "" },
        { limits_schema, "{\"password\":\"\xC4\x83\xC4\x83\xC4\x83\xC4\x83\xC4\x83\xC4\x83z\"}",
          "password must be shorter than or equal to 12 bytes\n"
          "password must be longer than or equal to 8 characters" },
        { limits_schema, "{\"password\":\"12345678\\u0000\"}",
          "password must not contain a NUL character" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void elements_are_judged_together(void **state)
{
    static const struct row rows[] = {
        { limits_schema, "{\"roles\":[]}", "" },
        { limits_schema, "{\"roles\":[\"card\",\"cash\"]}", "" },
        { limits_schema, "{\"roles\":[\"x\",5]}",
          "each value in roles must be a string\n"
          "each value in roles must be one of the following values: card, cash" },
        { limits_schema, "{\"roles\":\"card\"}", "roles must be an array" },
        { limits_schema, "{\"roles\":null}", "" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void a_field_without_rules_has_the_rule_of_its_kind(void **state)
{
    static const struct row rows[] = {
        { everything_schema, "{}",
          "text must be a string\nflag must be a boolean value\nwhole must be an integer number\n"
          "real must be a number conforming to the specified constraints\n"
          "price must be a number conforming to the specified constraints\nid must be a UUID\n"
          "at must be a valid ISO 8601 date string\n"
          "each value in tags must be a string\ntags must be an array\n"
          "state must be one of the following values: PENDING, PAID\n"
          "meta should not be null or undefined\naddress should not be null or undefined" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

#define WITH(member)                                                                       \
    "{\"text\":\"t\",\"flag\":true,\"whole\":7,\"real\":1.5,\"price\":12.5,"               \
    "\"id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"at\":\"2026-01-31T09:05:00.250Z\"," \
    "\"tags\":[\"a\"],\"state\":\"PAID\",\"meta\":{},\"address\":{\"street\":\"s\"}," member "}"

static void a_value_that_the_member_cannot_hold_breaks_the_rule_of_its_kind(void **state)
{
    static const struct row rows[] = {
        { everything_schema, WITH("\"text\":\"u\""), "" },
        { everything_schema, WITH("\"whole\":9223372036854775808"),
          "whole must be an integer number" },
        { everything_schema, WITH("\"whole\":1e21"), "whole must be an integer number" },
        { everything_schema, WITH("\"real\":1e999"),
          "real must be a number conforming to the specified constraints" },
        { everything_schema, WITH("\"price\":1e30"),
          "price must be a number conforming to the specified constraints" },
        { everything_schema, WITH("\"price\":1.23000000000000000001"),
          "price must be a number conforming to the specified constraints" },
        { everything_schema, WITH("\"at\":\"2026-W05\""),
          "at must be a valid ISO 8601 date string" },
        { everything_schema, WITH("\"at\":\"2026-02-30T00:00:00Z\""),
          "at must be a valid ISO 8601 date string" },
        { everything_schema, WITH("\"state\":\"\""),
          "state must be one of the following values: PENDING, PAID" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void each_kind_is_read_exactly(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct everything in;

    (void)state;
    assert_null(schema_parse(
        everything_schema(), arena,
        STR(WITH("\"whole\":-70e-1,\"price\":0.29,\"tags\":[\"a\",\"\",\"\\n\"],"
                 "\"meta\":{ \"b\" : [1.50, {\"toString\":1,\"x\":null}], \"__proto__\": 2 }")),
        SCHEMA_REFUSE, &in));
    assert_text(in.text, "t");
    assert_true(in.flag);
    assert_true(in.whole == -7 && in.real == 1.5 && in.price.minor == 29);
    assert_int_equal(in.id.bytes[0], 0x6b);
    assert_true(in.at.ms == 1769850300250);
    assert_int_equal(in.tags.len, 3);
    assert_text(in.tags.at[1], "");
    assert_text(in.tags.at[2], "\n");
    assert_int_equal(in.state, PAID);
    assert_text(in.meta.text, "{\"b\":[1.5,{\"x\":null}]}");
    assert_text(in.address->street, "s");
    assert_null(in.address->city.at);
    arena_free(arena);
}

static void a_timestamp_may_have_any_form_that_names_a_moment(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        { "2026-01-31", 1769817600000 },
        { "2026-01-31T09:05", 1769850300000 },
        { "2026-01-31 09:05:00", 1769850300000 },
        { "2026-01-31T09:05:00.25Z", 1769850300250 },
        { "2026-01-31T09:05:00,2509999z", 1769850300250 },
        { "2026-01-31T11:05:00+02:00", 1769850300000 },
        { "2026-01-31T07:35:00-0130", 1769850300000 },
        { "2026-01-31T11:05+02", 1769850300000 },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        timestamp at = { 0 };
        str text = arena_printf(arena, "\"%s\"", rows[i].text);

        assert_null(
            schema_read_field(schema_field(everything_schema(), STR("at")), arena, text, &at));
        assert_true(at.ms == rows[i].ms);
    }
    arena_free(arena);
}

static void a_lenient_amount_is_rounded(void **state)
{
    static const struct {
        const char *text;
        int64_t minor;
    } rows[] = {
        { "{\"total\":0.30000000000000004}", 30 },
        { "{\"total\":99.89999999999999}", 9990 },
        { "{\"total\":1.005}", 101 },
        { "{\"total\":\"5.00\"}", 500 },
        { "{\"total\":\"-0.125\"}", -13 },
        { "{\"total\":\"\\u0035.5\"}", 550 },
        { "{\"total\":5e-324}", 0 },
        { "{\"total\":1,\"rest\":null}", 100 },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct sums in;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_null(schema_parse(sums_schema(), arena, str_of(rows[i].text), SCHEMA_REFUSE, &in));
        assert_int_equal(in.total.minor, rows[i].minor);
        assert_int_equal(in.rest.minor, 0);
    }
    assert_null(schema_parse(sums_schema(), arena,
                             STR("{\"total\":\"0.1\",\"items\":[{\"productId\":\"p\","
                                 "\"price\":\"19.999\",\"quantity\":1}]}"),
                             SCHEMA_REFUSE, &in));
    assert_int_equal(in.items.at[0].price.minor, 2000);
    arena_free(arena);
}

static void a_lenient_amount_is_an_amount_all_the_same(void **state)
{
#define NO_NUMBER "total must be a number conforming to the specified constraints"
    static const struct row rows[] = {
        { sums_schema, "{}", NO_NUMBER },
        { sums_schema, "{\"total\":null}", NO_NUMBER },
        { sums_schema, "{\"total\":true}", NO_NUMBER },
        { sums_schema, "{\"total\":[1]}", NO_NUMBER },
        { sums_schema, "{\"total\":\"\"}", NO_NUMBER },
        { sums_schema, "{\"total\":\"12 lei\"}", NO_NUMBER },
        { sums_schema, "{\"total\":\" 5.00\"}", NO_NUMBER },
        { sums_schema, "{\"total\":\"1,234.50\"}", NO_NUMBER },
        { sums_schema, "{\"total\":\"NaN\"}", NO_NUMBER },
        { sums_schema, "{\"total\":1e30}", NO_NUMBER },
        { sums_schema,
          "{\"total\":1,\"items\":[{\"productId\":\"p\",\"price\":\"-1.001\","
          "\"quantity\":1}]}",
          "items.0.price must be a positive number" },
        { everything_schema, WITH("\"price\":\"5.00\""),
          "price must be a number conforming to the specified constraints" },
        { everything_schema, WITH("\"price\":0.30000000000000004"),
          "price must be a number conforming to the specified constraints" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void lists_and_pointers_are_filled(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct deep in;

    (void)state;
    assert_null(schema_parse(deep_schema(), arena,
                             STR("{\"o\":{\"paymentMethod\":\"card\",\"shippingAddress\":{\"city\":"
                                 "\"c\",\"street\":\"s\"},"
                                 "\"items\":[{\"quantity\":3,\"price\":24.5,\"productId\":\"p\"},"
                                 "{\"productId\":\"q\",\"price\":1,\"quantity\":1}]}}"),
                             SCHEMA_REFUSE, &in));
    assert_int_equal(in.o->items.len, 2);
    assert_text(in.o->items.at[0].product_id, "p");
    assert_true(in.o->items.at[0].price.minor == 2450 && in.o->items.at[0].quantity == 3);
    assert_text(in.o->items.at[1].product_id, "q");
    assert_text(in.o->shipping_address->city, "c");
    assert_text(in.o->payment_method, "card");
    arena_free(arena);
}

static void a_partial_knows_what_was_given(void **state)
{
    const struct schema *schema = change_schema();
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct change in;

    (void)state;
    assert_null(schema_parse(schema, arena, STR("{}"), SCHEMA_REFUSE, &in));
    assert_true(in.given == 0);
    assert_null(schema_parse(schema, arena, STR("{\"isActive\":false,\"profile\":null}"),
                             SCHEMA_REFUSE, &in));
    assert_true(in.given == (schema_bit(schema, "is_active") | schema_bit(schema, "profile")));
    assert_null(in.profile);
    assert_null(
        schema_parse(schema, arena, STR("{\"name\":null,\"isActive\":null}"), SCHEMA_REFUSE, &in));
    assert_true(in.given == 0);
    assert_text(messages(arena, schema, "{\"name\":\"\",\"profile\":{},\"x\":1}"),
                "property x should not exist\nname should not be empty\n"
                "profile.street must be a string");
    arena_free(arena);
}

static void a_bare_payload_may_be_the_value_itself(void **state)
{
    static const struct row rows[] = {
        { user_id_schema, "\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"", "" },
        { user_id_schema, "{\"id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}", "" },
        { user_id_schema, "\"x\"", "id must be a UUID" },
        { user_id_schema, "5", "id must be a UUID" },
        { user_id_schema, "[]", "id must be a UUID" },
        { user_id_schema, "null", "id must be a UUID" },
        { user_id_schema, "{\"id\":1,\"x\":2}", "property x should not exist\nid must be a UUID" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void unknown_members_of_a_peer_are_ignored(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct address in;

    (void)state;
    assert_null(schema_parse(address_schema(), arena,
                             STR("{\"street\":\"s\",\"since\":{\"version\":2}}"), SCHEMA_IGNORE,
                             &in));
    assert_text(in.street, "s");
    arena_free(arena);
}

static void a_failure_leaves_the_struct_alone(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct address in = { STR("before"), STR("before") };

    (void)state;
    assert_non_null(schema_parse(address_schema(), arena, STR("{\"street\":\"s\",\"city\":5}"),
                                 SCHEMA_REFUSE, &in));
    assert_text(in.street, "before");
    assert_string_equal(
        schema_parse(address_schema(), arena, STR("{"), SCHEMA_REFUSE, &in)->message,
        "Expected property name or '}' in JSON at position 1");
    arena_free(arena);
}

static void messages_end_after_a_million_characters(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf text = buf_new(1 << 22);
    struct address in;
    const struct json *value;

    (void)state;
    buf_add_char(&text, '{');
    for (int i = 0; i < 30000; i++)
        buf_printf(&text, "%s\"k%dxxxxxxxxxx\":1", i ? "," : "", i);
    buf_add_char(&text, '}');
    assert_null(json_parse(arena, buf_text(&text), &value));
    error e = schema_read(address_schema(), arena, value, SCHEMA_REFUSE, &in);

    assert_int_equal(e->messages->len, 17327);
    assert_text(e->messages->at[17325], "property k17325xxxxxxxxxx should not exist");
    assert_text(e->messages->at[17326], "Further validation errors were omitted");
    buf_free(&text);
    arena_free(arena);
}

static void an_exhausted_arena_is_an_error(void **state)
{
    struct arena *big = arena_new(ARENA_CALL_MAX), *small = arena_new(ARENA_BLOCK_SIZE);
    struct buf text = buf_new(1 << 22);
    const struct json *value;
    struct order in;

    (void)state;
    BUF_ADD(&text, "{\"items\":[");
    for (int i = 0; i < 1000; i++)
        BUF_ADD(&text, "{\"productId\":\"p\",\"price\":1,\"quantity\":1},");
    text.len--;
    BUF_ADD(&text, "],\"shippingAddress\":{\"street\":\"s\"},\"paymentMethod\":\"card\"}");
    assert_null(json_parse(big, buf_text(&text), &value));
    assert_ptr_equal(schema_read(order_schema(), small, value, SCHEMA_REFUSE, &in),
                     &ERROR_OUT_OF_MEMORY);
    assert_null(schema_read(order_schema(), big, value, SCHEMA_REFUSE, &in));
    buf_free(&text);
    arena_free(big);
    arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_property_complains_from_its_lowest_rule_up),
        cmocka_unit_test(unknown_members_come_first_in_the_order_of_the_input),
        cmocka_unit_test(an_order_complains_as_its_nestjs_class_does),
        cmocka_unit_test(a_nested_array_that_nestjs_would_let_pass_is_refused),
        cmocka_unit_test(a_body_that_is_no_object_is_refused),
        cmocka_unit_test(our_own_rules_speak_for_bcrypt),
        cmocka_unit_test(elements_are_judged_together),
        cmocka_unit_test(a_field_without_rules_has_the_rule_of_its_kind),
        cmocka_unit_test(a_value_that_the_member_cannot_hold_breaks_the_rule_of_its_kind),
        cmocka_unit_test(each_kind_is_read_exactly),
        cmocka_unit_test(a_timestamp_may_have_any_form_that_names_a_moment),
        cmocka_unit_test(a_lenient_amount_is_rounded),
        cmocka_unit_test(a_lenient_amount_is_an_amount_all_the_same),
        cmocka_unit_test(lists_and_pointers_are_filled),
        cmocka_unit_test(a_partial_knows_what_was_given),
        cmocka_unit_test(a_bare_payload_may_be_the_value_itself),
        cmocka_unit_test(unknown_members_of_a_peer_are_ignored),
        cmocka_unit_test(a_failure_leaves_the_struct_alone),
        cmocka_unit_test(messages_end_after_a_million_characters),
        cmocka_unit_test(an_exhausted_arena_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
