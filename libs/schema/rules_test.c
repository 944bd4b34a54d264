/* Each rule's message, and values that class-validator accepts and refuses (checked against
 * class-validator 0.15.1). */
#include "json/json.h"
#include "schema/rules.h"

#include "testing/test.h"

enum { VALUES_MAX = 24 };

static const char *const NAMES[] = { "", "card", "cash", NULL };

static bool is_slug(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 'a' || text.at[i] > 'z')
            return false;
    return text.len > 0;
}

/* Values are JSON texts; NULL ends a list and "undefined" is no value. */
struct expectation {
    struct rule rule;
    const char *message;
    const char *accepted[VALUES_MAX], *refused[VALUES_MAX];
};

static const struct json *value_of(struct arena *arena, const char *text)
{
    const struct json *value = NULL;

    if (str_is(str_of(text), "undefined"))
        return NULL;
    assert_null(json_parse(arena, str_of(text), &value));
    return value;
}

static void check(const struct expectation *row)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf message = buf_new(1000);

    for (size_t i = 0; row->accepted[i]; i++)
        if (!schema_rule_holds(&row->rule, value_of(arena, row->accepted[i])))
            fail_msg("%s: refuses %s", row->message, row->accepted[i]);
    for (size_t i = 0; row->refused[i]; i++)
        if (schema_rule_holds(&row->rule, value_of(arena, row->refused[i])))
            fail_msg("%s: accepts %s", row->message, row->refused[i]);
    schema_rule_message(&row->rule, STR("p"), value_of(arena, row->refused[0]), &message);
    assert_text(buf_text(&message), row->message);
    buf_free(&message);
    arena_free(arena);
}

#define CHECK_ROWS(rows)                        \
    for (size_t i = 0; i < COUNT_OF(rows); i++) \
    check(&(rows)[i])

static void rules_on_any_value(void **state)
{
    static const struct expectation rows[] = {
        { IS_DEFINED,
          "p should not be null or undefined",
          { "\"\"", "0", "false", "[]" },
          { "null", "undefined" } },
        { IS_EMPTY,
          "p must be empty",
          { "\"\"", "null", "undefined" },
          { "\" \"", "[]", "{}", "0", "false" } },
        { IS_NOT_EMPTY,
          "p should not be empty",
          { "\" \"", "[]", "{}", "0", "false" },
          { "\"\"", "null", "undefined" } },
        { EQUALS("x"), "p must be equal to x", { "\"x\"" }, { "\"y\"", "[\"x\"]", "null" } },
        { NOT_EQUALS("x"), "p should not be equal to x", { "\"y\"", "null", "5" }, { "\"x\"" } },
        { IS_IN(NAMES),
          "p must be one of the following values: card, cash",
          { "\"card\"", "\"cash\"" },
          { "\"CARD\"", "\"\"", "[\"card\"]", "null", "0" } },
        { IS_ENUM(NAMES),
          "p must be one of the following values: card, cash",
          { "\"card\"" },
          { "\"x\"", "undefined" } },
        { IS_NOT_IN(NAMES),
          "p should not be one of the following values: card, cash",
          { "\"x\"", "undefined", "5" },
          { "\"card\"" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_types_and_numbers(void **state)
{
    static const struct expectation rows[] = {
        { IS_STRING,
          "p must be a string",
          { "\"\"", "\"a\"" },
          { "5", "null", "[\"a\"]", "undefined" } },
        { IS_BOOLEAN,
          "p must be a boolean value",
          { "true", "false" },
          { "\"true\"", "0", "null" } },
        { IS_INT,
          "p must be an integer number",
          { "0", "-0", "1.0", "1e3", "1e21", "9007199254740993" },
          { "1.5", "\"1\"", "1e400", "null" } },
        { IS_NUMBER,
          "p must be a number conforming to the specified constraints",
          { "1", "1.5", "1e21" },
          { "\"1\"", "1e400", "null" } },
        { MAX_DECIMALS(2),
          "p must be a number conforming to the specified constraints",
          { "1", "1.2", "1.23", "100.10", "1.2300", "1e21", "1e2", "123456789.12",
            "1.23000000000000000001" },
          { "1.234", "1e-7", "1.005", "0.30000000000000004", "-1.239", "1.5e-7", "1e400",
            "\"1\"" } },
        { IS_ARRAY, "p must be an array", { "[]", "[1]" }, { "{}", "\"a\"", "null" } },
        { IS_OBJECT, "p must be an object", { "{}", "{\"a\":1}" }, { "[]", "null", "\"a\"" } },
        { IS_NOT_EMPTY_OBJECT,
          "p must be a non-empty object",
          { "{\"a\":null}" },
          { "{}", "[1]", "{\"__proto__\":1}" } },
        { AT_LEAST(1),
          "p must not be less than 1",
          { "1", "2" },
          { "0", "\"2\"", "null", "undefined" } },
        { AT_LEAST(0.01), "p must not be less than 0.01", { "0.01", "2" }, { "0.009" } },
        { AT_MOST(1), "p must not be greater than 1", { "1", "-5" }, { "1.1", "\"1\"", "null" } },
        { IS_POSITIVE, "p must be a positive number", { "0.1" }, { "0", "-1", "\"1\"" } },
        { IS_NEGATIVE, "p must be a negative number", { "-0.1" }, { "0", "-0", "1" } },
        { IS_DIVISIBLE_BY(3), "p must be divisible by 3", { "3", "0", "-6" }, { "4", "\"3\"" } },
        { IS_LATITUDE,
          "p must be a latitude string or number",
          { "44.4", "\"44.4\"", "90", "-90.0", "\"90.00\"" },
          { "91", "\"44,4x\"", "\"x\"", "90.1", "null" } },
        { IS_LONGITUDE,
          "p must be a longitude string or number",
          { "26.1", "\"26.1\"", "180" },
          { "181", "\"x\"", "null" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_arrays(void **state)
{
    static const struct expectation rows[] = {
        { ARRAY_MIN_SIZE(1),
          "p must contain at least 1 elements",
          { "[1]" },
          { "[]", "\"a\"", "undefined" } },
        { ARRAY_MAX_SIZE(1),
          "p must contain no more than 1 elements",
          { "[]", "[1]" },
          { "[1,2]", "{}" } },
        { ARRAY_NOT_EMPTY, "p should not be empty", { "[1]" }, { "[]", "\"a\"", "undefined" } },
        { ARRAY_UNIQUE,
          "All p's elements must be unique",
          { "[]", "[1]", "[1,\"1\"]", "[{},{}]", "[[],[]]", "[true,false]" },
          { "[1,1.0]", "[\"a\",\"b\",\"a\"]", "[null,null]", "[0,-0]", "\"ab\"", "undefined" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_length(void **state)
{
    static const struct expectation rows[] = {
        { MIN_LENGTH(2),
          "p must be longer than or equal to 2 characters",
          { "\"ab\"", "\"😀😀\"", "\"e\\u0301\"", "\"éé\"" },
          { "\"a\"", "\"😀\"", "\"a\\ufe0f\"", "5", "undefined" } },
        { MAX_LENGTH(2),
          "p must be shorter than or equal to 2 characters",
          { "\"\"", "\"😀😀\"", "\"a\\ufe0fb\"" },
          { "\"abc\"", "\"😀😀😀\"", "null", "5" } },
        { LENGTH(2, 3),
          "p must be longer than or equal to 2 characters",
          { "\"ab\"", "\"abc\"" },
          { "\"a\"", "\"abcd\"", "null" } },
        { LENGTH(2, 3),
          "p must be shorter than or equal to 3 characters",
          { NULL },
          { "\"abcd\"" } },
        { LENGTH(2, 3),
          "p must be longer than or equal to 2 and shorter than or equal to 3 characters",
          { NULL },
          { "5" } },
        { LENGTH(2, 3), "p must be longer than or equal to 2 characters", { NULL }, { "0" } },
        { IS_BYTE_LENGTH(2, 3),
          "p's byte length must fall into (2, 3) range",
          { "\"ab\"", "\"é\"" },
          { "\"a\"", "\"😀\"", "5" } },
        { MAX_BYTES(3),
          "p must be shorter than or equal to 3 bytes",
          { "\"abc\"", "\"é\"", "5" },
          { "\"éé\"" } },
        { NO_NUL,
          "p must not contain a NUL character",
          { "\"\"", "\"a\"", "5" },
          { "\"a\\u0000b\"" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_characters(void **state)
{
    static const struct expectation rows[] = {
        { MATCHES("/^[a-z]+$/", is_slug),
          "p must match /^[a-z]+$/ regular expression",
          { "\"abc\"" },
          { "\"ABC\"", "\"\"", "5" } },
        { CONTAINS("ab"), "p must contain a ab string", { "\"xabx\"" }, { "\"x\"", "5" } },
        { NOT_CONTAINS("ab"),
          "p should not contain a ab string",
          { "\"x\"" },
          { "\"xabx\"", "5" } },
        { IS_ALPHA,
          "p must contain only letters (a-zA-Z)",
          { "\"aZ\"" },
          { "\"a1\"", "\"\"", "\"ă\"", "5" } },
        { IS_ALPHANUMERIC,
          "p must contain only letters and numbers",
          { "\"a1\"" },
          { "\"a b\"", "\"\"", "\"ă\"" } },
        { IS_ASCII,
          "p must contain only ASCII characters",
          { "\"a\\n\\u007f\"" },
          { "\"ă\"", "\"\"" } },
        { IS_LOWERCASE,
          "p must be a lowercase string",
          { "\"\"", "\"1\"", "\"ă\"", "\"ß\"" },
          { "\"aB\"", "\"Ă\"", "\"Σ\"" } },
        { IS_UPPERCASE,
          "p must be uppercase",
          { "\"\"", "\"Ă1\"" },
          { "\"Ab\"", "\"ß\"", "\"ă\"" } },
        { IS_HEXADECIMAL,
          "p must be a hexadecimal number",
          { "\"ff\"", "\"0xfF\"", "\"0hFF\"" },
          { "\"xyz\"", "\"0x\"", "\"\"" } },
        { IS_HEX_COLOR,
          "p must be a hexadecimal color",
          { "\"#fff\"", "\"#ffff\"", "\"fff\"", "\"#ffffff\"", "\"#ffffffff\"" },
          { "\"#ff\"", "\"#ggg\"", "\"\"" } },
        { IS_OCTAL, "p must be valid octal number", { "\"0o7\"", "\"7\"" }, { "\"8\"", "\"\"" } },
        { IS_BASE64,
          "p must be base64 encoded",
          { "\"aGk=\"", "\"\"", "\"aG==\"" },
          { "\"aGk\"", "\"aGk-\"", "\"a===\"", "5" } },
        { IS_DECIMAL,
          "p is not a valid decimal number.",
          { "\"1.5\"", "\"1\"", "\".5\"", "\"-1\"" },
          { "\"1.\"", "\"a\"", "\"1,5\"", "\"-\"" } },
        { IS_NUMBER_STRING,
          "p must be a number string",
          { "\"1\"", "\"-1.5\"", "\"+.5\"" },
          { "\"1e3\"", "\" 1\"", "\"\"", "1" } },
        { IS_BOOLEAN_STRING,
          "p must be a boolean string",
          { "\"true\"", "\"0\"" },
          { "\"TRUE\"", "true" } },
        { IS_STRONG_PASSWORD,
          "p is not strong enough",
          { "\"Abcdef1!\"", "\"Abcdef1 \"", "\"Abcdef1£\"", "\"Ab1!ăăăă\"" },
          { "\"Abcdef12\"", "\"abcdef1!\"", "\"Ab1!\"", "\"Abcdef1ă\"" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_machines_and_identifiers(void **state)
{
    static const struct expectation rows[] = {
        { IS_IP,
          "p must be an ip address",
          { "\"1.2.3.4\"", "\"::1\"", "\"::\"", "\"fe80::1%eth0\"", "\"2001:db8::\"",
            "\"::ffff:1.2.3.4\"", "\"2001:db8:0:0:0:0:0:1\"", "\"1:2:3:4:5:6:7::\"", "\"1::8\"" },
          { "\"256.1.1.1\"", "\"01.2.3.4\"", "\"1.2.3\"", "\"1::2::3\"", "\"g::1\"",
            "\"1:2:3:4:5:6:7\"", "\"1:2:3:4:5:6:7:8:9\"", "\"::1%\"", "\":1\"", "\"12345::\"",
            "\"\"" } },
        { IS_IPV4, "p must be an ip address", { "\"1.2.3.4\"" }, { "\"::1\"" } },
        { IS_IPV6, "p must be an ip address", { "\"::1\"" }, { "\"1.2.3.4\"" } },
        { IS_PORT,
          "p must be a port",
          { "\"0\"", "\"80\"", "\"65535\"", "\"+80\"" },
          { "\"65536\"", "\"-1\"", "\"080\"", "80", "\"\"" } },
        { IS_MAC_ADDRESS,
          "p must be a MAC Address",
          { "\"01:23:45:67:89:ab\"", "\"01-23-45-67-89-AB\"", "\"0123.4567.89ab\"",
            "\"01 23 45 67 89 ab\"", "\"01:23:45:67:89:ab:cd:ef\"" },
          { "\"0123456789ab\"", "\"01:23:45:67:89\"", "\"01:23-45:67:89:ab\"" } },
        { IS_FQDN,
          "p must be a valid domain name",
          { "\"a.com\"", "\"ăî.com\"", "\"a--b.co\"" },
          { "\"localhost\"", "\"a.c\"", "\"a_b.com\"", "\"a.com.\"", "\"1.2.3.4\"", "\"-a.com\"",
            "\"a.123\"", "\"\"" } },
        { IS_UUID,
          "p must be a UUID",
          { "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"", "\"6BA7B810-9DAD-41D1-80B4-00C04FD430C8\"",
            "\"00000000-0000-0000-0000-000000000000\"", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"",
            "\"018f4e4e-8f3a-7c4b-9d2e-0123456789ab\"" },
          { "\"6ba7b810-9dad-91d1-80b4-00c04fd430c8\"", "\"6ba7b810-9dad-41d1-70b4-00c04fd430c8\"",
            "\"6ba7b8109dad11d180b400c04fd430c8\"", "\"x\"", "5" } },
        { IS_UUID_VERSION(4),
          "p must be a UUID",
          { "\"6BA7B810-9DAD-41D1-80B4-00C04FD430C8\"" },
          { "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
            "\"00000000-0000-0000-0000-000000000000\"" } },
        { IS_MONGO_ID,
          "p must be a mongodb id",
          { "\"507f1f77bcf86cd799439011\"" },
          { "\"507f1f77bcf86cd79943901\"", "\"507f1f77bcf86cd79943901g\"" } },
        { IS_JSON,
          "p must be a json string",
          { "\"{}\"", "\"[1]\"" },
          { "\"1\"", "\"null\"", "\"{a}\"", "\"\"", "{}" } },
        { IS_JWT,
          "p must be a jwt string",
          { "\"a.b.c\"", "\"eyJ.e30.\"", "\"..\"" },
          { "\"a.b\"", "\"a.b.c.d\"", "\"a.b.c=\"", "\"\"" } },
        { IS_SEM_VER,
          "p must be a Semantic Versioning Specification",
          { "\"1.2.3\"", "\"1.2.3-a.1+b\"", "\"0.0.0-0a\"" },
          { "\"1.2\"", "\"v1.2.3\"", "\"01.2.3\"", "\"1.2.3-01\"", "\"1.2.3-\"" } },
        { IS_LAT_LONG,
          "p must be a latitude,longitude string",
          { "\"44.4,26.1\"", "\"(44.4,26.1)\"", "\"44.4, 26.1\"", "\"90,180\"", "\"+44.4,-26.1\"" },
          { "\"91,0\"", "\"44.4\"", "\"44.4,181\"", "\"44.4 ,26.1\"", "\" 44.4,26.1\"",
            "\"(44.4,26.1\"" } },
        { IS_MOBILE_PHONE_RO,
          "p must be a phone number",
          { "\"+40721234567\"", "\"0721234567\"", "\"40721234567\"", "\"+40 721 234 567\"",
            "\"0721/234-567\"" },
          { "\"0211234567\"", "\"0040721234567\"", "\"+4 0721 234 567\"", "\"0712\"" } },
        { IS_POSTAL_CODE_RO,
          "p must be a postal code",
          { "\"010101\"" },
          { "\"1234\"", "\"0101010\"", "\"abcdef\"" } },
        { IS_CURRENCY,
          "p must be a currency",
          { "\"1\"", "\"$1\"", "\"1.50\"", "\"1,000.00\"", "\"-$1\"", "\".50\"", "\"0.50\"",
            "\"1000\"" },
          { "\"10,00\"", "\"$-1\"", "\"1.5\"", "\"€1\"", "\"01\"", "\"1,00,000\"", "\"\"",
            "\"$\"" } },
        { IS_ISO4217,
          "p must be a valid ISO4217 currency code",
          { "\"RON\"", "\"eur\"", "\"ZWL\"", "\"AED\"", "\"YER\"" },
          { "\"ABC\"", "\"RO\"" } },
        { IS_ISO31661_ALPHA2,
          "p must be a valid ISO31661 Alpha2 code",
          { "\"RO\"", "\"ad\"", "\"ZW\"" },
          { "\"XX\"", "\"ROU\"", "\"\"" } },
        { IS_CREDIT_CARD,
          "p must be a credit card",
          { "\"4111 1111-1111 1111\"", "\"378282246310005\"", "\"5105105105105100\"",
            "\"6011111111111117\"" },
          { "\"4111111111111112\"", "\"1234\"", "\"411111111111111a\"", "\"\"" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void rules_on_dates(void **state)
{
    static const struct expectation rows[] = {
        { IS_ISO8601,
          "p must be a valid ISO 8601 date string",
          { "\"2020-01-01\"", "\"2020-02-30\"", "\"2020-01-01T10:00:00Z\"",
            "\"2020-01-01T10:00:00.123Z\"", "\"2020-01-01 10:00:00\"",
            "\"2020-01-01T10:00:00+02:00\"", "\"20200101\"", "\"2020-W10-1\"", "\"2020-060\"",
            "\"2020\"", "\"2020-01\"", "\"2020-01-01T10:00\"", "\"2020-01-01T10:00:00,5Z\"",
            "\"2020-01-01T10Z\"", "\"2020-01-01T\"" },
          { "\"2020-1-1\"", "\"2020-13-01\"", "\"2020-01-01T25:00:00Z\"",
            "\"2020-01-01T10:00:60Z\"", "\"+002020-01-01\"", "\"2020-01-01T24:00:00Z\"", "\"\"",
            "\"x\"", "\"Jan 1 2020\"", "\"202001\"", "\"2020-360\"", "5" } },
        { IS_DATE_STRING,
          "p must be a valid ISO 8601 date string",
          { "\"2020-01-01\"" },
          { "\"x\"", "5" } },
        { IS_RFC3339,
          "p must be RFC 3339 date",
          { "\"2020-01-01T10:00:00Z\"", "\"2020-01-01 10:00:00Z\"", "\"2020-01-01t10:00:60z\"",
            "\"2020-02-30T10:00:00.1+02:00\"" },
          { "\"2020-01-01T10:00:00\"", "\"2020-01-01\"", "\"2020-01-01T10:00Z\"" } },
        { IS_MILITARY_TIME,
          "p must be a valid representation of military time in the format HH:MM",
          { "\"00:00\"", "\"23:59\"", "\"2359\"" },
          { "\"24:00\"", "\"1:00\"", "\"12:60\"" } },
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void each_names_the_elements(void **state)
{
    static const struct {
        struct rule rule;
        const char *message;
    } rows[] = {
        { EACH(IS_STRING), "each value in p must be a string" },
        { EACH(LENGTH(2, 3)),
          "each value in p must be longer than or equal to 2 and shorter than or equal to 3 "
          "characters" },
        { EACH(IS_BYTE_LENGTH(2, 3)), "each value in p's byte length must fall into (2, 3) range" },
        { EACH(ARRAY_UNIQUE), "each value in All p's elements must be unique" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf message = buf_new(1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&message);
        schema_rule_message(&rows[i].rule, STR("p"), value_of(arena, "[1,2,3]"), &message);
        assert_text(buf_text(&message), rows[i].message);
    }
    buf_free(&message);
    arena_free(arena);
}

static void openapi_learns_what_a_rule_says(void **state)
{
    static const struct {
        struct rule rule;
        const char *members;
    } rows[] = {
        { MIN_LENGTH(8), ",\"minLength\":8" },
        { LENGTH(1, 200), ",\"minLength\":1,\"maxLength\":200" },
        { AT_MOST(1000000.5), ",\"maximum\":1000000.5" },
        { IS_POSITIVE, ",\"minimum\":0,\"exclusiveMinimum\":true" },
        { MAX_DECIMALS(2), ",\"multipleOf\":0.01" },
        { IS_EMAIL, ",\"format\":\"email\"" },
        { IS_IN(NAMES), ",\"enum\":[\"card\",\"cash\"]" },
        { MATCHES("/^[a-z]+\"$/i", is_slug), ",\"pattern\":\"^[a-z]+\\\"$\"" },
        { ARRAY_UNIQUE, ",\"uniqueItems\":true" },
        { IS_STRING, "" },
    };
    struct buf out = buf_new(1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        schema_rule_describe(&rows[i].rule, &out);
        assert_text(buf_text(&out), rows[i].members);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_on_any_value),
        cmocka_unit_test(rules_on_types_and_numbers),
        cmocka_unit_test(rules_on_arrays),
        cmocka_unit_test(rules_on_length),
        cmocka_unit_test(rules_on_characters),
        cmocka_unit_test(rules_on_machines_and_identifiers),
        cmocka_unit_test(rules_on_dates),
        cmocka_unit_test(each_names_the_elements),
        cmocka_unit_test(openapi_learns_what_a_rule_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
