#include "schema/schema.h"

#include "testing/test.h"

static const char *const STATES[] = { "", "PENDING", "PAID", NULL };

struct part {
    str name;
};

struct thing {
    str plain, email, name, code;
    bool flag;
    int64_t limit;
    double real;
    money price, total;
    uuid id;
    timestamp at;
    strs tags, roles;
    unsigned state;
    json_text any, object;
    struct part *part;
    struct {
        struct part *at;
        size_t len;
    } parts;
};

static SCHEMA(part, FIELD(name));

SCHEMA(thing,
    FIELD(plain),
    FIELD(email,  RULES(IS_EMAIL, MAX_LENGTH(254))),
    FIELD(name,   RULES(IS_STRING, IS_NOT_EMPTY, MAX_LENGTH(100))),
    FIELD(code,   RULES(IS_STRING, IS_NOT_EMPTY, LENGTH(2, 5))),
    FIELD(flag),
    FIELD(limit,  RULES(IS_INT, AT_LEAST(1), AT_MOST(100))),
    FIELD(real),
    FIELD(price,  RULES(MAX_DECIMALS(2), IS_POSITIVE, AT_MOST(1000000))),
    FIELD(total),
    FIELD(id),
    FIELD(at),
    FIELD(tags,   RULES(IS_ARRAY, ARRAY_MAX_SIZE(3), ARRAY_UNIQUE, EACH(IS_STRING),
                        EACH(IS_NOT_EMPTY))),
    FIELD(roles,  RULES(EACH(IS_IN(STATES)))),
    FIELD(state,  .names = STATES),
    FIELD(any),
    FIELD(object, RULES(IS_NOT_EMPTY_OBJECT)),
    FIELD(part,   .of = part_schema),
    LIST(parts,   .of = part_schema, RULES(IS_ARRAY, ARRAY_MIN_SIZE(1), ARRAY_MAX_SIZE(100))));

static void kind_and_rules_describe_a_field(void **state)
{
    static const struct {
        const char *member, *expected;
    } rows[] = {
        { "plain", "\"type\":\"string\"" },
        { "email", "\"type\":\"string\",\"format\":\"email\",\"maxLength\":254" },
        { "name", "\"type\":\"string\",\"maxLength\":100,\"minLength\":1" },
        { "code", "\"type\":\"string\",\"minLength\":2,\"maxLength\":5" },
        { "flag", "\"type\":\"boolean\"" },
        { "limit", "\"type\":\"integer\",\"minimum\":1,\"maximum\":100" },
        { "real", "\"type\":\"number\"" },
        { "price",
          "\"type\":\"number\",\"multipleOf\":0.01,\"minimum\":0,\"exclusiveMinimum\":true,"
          "\"maximum\":1000000" },
        { "total", "\"type\":\"number\",\"multipleOf\":0.01" },
        { "id", "\"type\":\"string\",\"format\":\"uuid\"" },
        { "at", "\"type\":\"string\",\"format\":\"date-time\"" },
        { "tags",
          "\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1},\"maxItems\":3,"
          "\"uniqueItems\":true" },
        { "roles",
          "\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"PENDING\",\"PAID\"]}" },
        { "state", "\"type\":\"string\",\"enum\":[\"PENDING\",\"PAID\"]" },
        { "any", "" },
        { "object", "\"type\":\"object\",\"minProperties\":1" },
        { "part", "" },
        { "parts", "\"type\":\"array\",\"minItems\":1,\"maxItems\":100" },
    };
    struct buf out = buf_new(1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        schema_describe(schema_field(thing_schema(), str_of(rows[i].member)), &out);
        assert_text(buf_text(&out), rows[i].expected);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kind_and_rules_describe_a_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
