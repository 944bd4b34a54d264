/* The table of rules: for each its message, its checker and what OpenAPI says of it. In a message
 * `$property` stands for the property, `$1` and `$2` for the rule's numbers, `$text` for its text,
 * `$names` for its list. In a member of OpenAPI `$1`, `$2` likewise, `$names` for a JSON array,
 * `$pattern` for the text as a JSON string (without the slashes of a regular expression), `$step`
 * for the smallest decimal. */
#include "schema/rules_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MEMBERS_MAX = 2 };

struct row {
    const char *message;
    bool (*text)(str text); /* a rule that only a string can satisfy; or */
    bool (*value)(const struct rule *rule, const struct json *value);
    enum rule_type same_as; /* the decorator that it is another form of */
    struct {
        const char *key, *value;
    } members[MEMBERS_MAX];
};

#define OPENAPI(...) .members = { __VA_ARGS__ }
#define FORMAT(name) .members = { { "format", "\"" name "\"" } }
#define PATTERN(source) .members = { { "pattern", "\"" source "\"" } }

/* clang-format off */
static const struct row ROWS[RULE_COUNT_] = {
    [RULE_IS_DEFINED] = { "$property should not be null or undefined",
                          .value = schema_value_is_defined },
    [RULE_IS_EMPTY] = { "$property must be empty", .value = schema_value_is_empty },
    [RULE_IS_NOT_EMPTY] = { "$property should not be empty", .value = schema_value_is_not_empty,
                            OPENAPI({ "minLength", "1" }) },
    [RULE_EQUALS] = { "$property must be equal to $text", .value = schema_value_equals },
    [RULE_NOT_EQUALS] = { "$property should not be equal to $text", .value = schema_value_differs },
    [RULE_IS_IN] = { "$property must be one of the following values: $names",
                     .value = schema_value_is_in, OPENAPI({ "enum", "$names" }) },
    [RULE_IS_NOT_IN] = { "$property should not be one of the following values: $names",
                         .value = schema_value_is_not_in },
    [RULE_IS_ENUM] = { "$property must be one of the following values: $names",
                       .value = schema_value_is_in, OPENAPI({ "enum", "$names" }) },

    [RULE_IS_STRING] = { "$property must be a string", .value = schema_value_is_string },
    [RULE_IS_BOOLEAN] = { "$property must be a boolean value", .value = schema_value_is_boolean },
    [RULE_IS_INT] = { "$property must be an integer number", .value = schema_value_is_int },
    [RULE_IS_NUMBER] = { "$property must be a number conforming to the specified constraints",
                         .value = schema_value_is_number },
    [RULE_MAX_DECIMALS] = { "$property must be a number conforming to the specified constraints",
                            .value = schema_value_max_decimals, .same_as = RULE_IS_NUMBER,
                            OPENAPI({ "multipleOf", "$step" }) },
    [RULE_IS_ARRAY] = { "$property must be an array", .value = schema_value_is_array },
    [RULE_IS_OBJECT] = { "$property must be an object", .value = schema_value_is_object },
    [RULE_IS_NOT_EMPTY_OBJECT] = { "$property must be a non-empty object",
                                   .value = schema_value_is_not_empty_object,
                                   OPENAPI({ "minProperties", "1" }) },

    [RULE_AT_LEAST] = { "$property must not be less than $1", .value = schema_value_at_least,
                        OPENAPI({ "minimum", "$1" }) },
    [RULE_AT_MOST] = { "$property must not be greater than $1", .value = schema_value_at_most,
                       OPENAPI({ "maximum", "$1" }) },
    [RULE_IS_POSITIVE] = { "$property must be a positive number", .value = schema_value_is_positive,
                           OPENAPI({ "minimum", "0" }, { "exclusiveMinimum", "true" }) },
    [RULE_IS_NEGATIVE] = { "$property must be a negative number", .value = schema_value_is_negative,
                           OPENAPI({ "maximum", "0" }, { "exclusiveMaximum", "true" }) },
    [RULE_IS_DIVISIBLE_BY] = { "$property must be divisible by $1",
                               .value = schema_value_is_divisible,
                               OPENAPI({ "multipleOf", "$1" }) },
    [RULE_IS_LATITUDE] = { "$property must be a latitude string or number",
                           .value = schema_value_is_latitude },
    [RULE_IS_LONGITUDE] = { "$property must be a longitude string or number",
                            .value = schema_value_is_longitude },

    [RULE_ARRAY_MIN_SIZE] = { "$property must contain at least $1 elements",
                              .value = schema_value_min_size, OPENAPI({ "minItems", "$1" }) },
    [RULE_ARRAY_MAX_SIZE] = { "$property must contain no more than $1 elements",
                              .value = schema_value_max_size, OPENAPI({ "maxItems", "$1" }) },
    [RULE_ARRAY_NOT_EMPTY] = { "$property should not be empty",
                               .value = schema_value_array_not_empty,
                               OPENAPI({ "minItems", "1" }) },
    [RULE_ARRAY_UNIQUE] = { "All $property's elements must be unique",
                            .value = schema_value_array_unique,
                            OPENAPI({ "uniqueItems", "true" }) },

    [RULE_MIN_LENGTH] = { "$property must be longer than or equal to $1 characters",
                          .value = schema_value_min_length, OPENAPI({ "minLength", "$1" }) },
    [RULE_MAX_LENGTH] = { "$property must be shorter than or equal to $1 characters",
                          .value = schema_value_max_length, OPENAPI({ "maxLength", "$1" }) },
    [RULE_LENGTH] = { "$property must be longer than or equal to $1 and shorter than or equal to "
                      "$2 characters",
                      .value = schema_value_length,
                      OPENAPI({ "minLength", "$1" }, { "maxLength", "$2" }) },
    [RULE_IS_BYTE_LENGTH] = { "$property's byte length must fall into ($1, $2) range",
                              .value = schema_value_byte_length },
    [RULE_MAX_BYTES] = { "$property must be shorter than or equal to $1 bytes",
                         .value = schema_value_max_bytes, OPENAPI({ "maxLength", "$1" }) },
    [RULE_NO_NUL] = { "$property must not contain a NUL character", .value = schema_value_no_nul },
    [RULE_MATCHES] = { "$property must match $text regular expression",
                       .value = schema_value_matches, OPENAPI({ "pattern", "$pattern" }) },
    [RULE_CONTAINS] = { "$property must contain a $text string", .value = schema_value_contains,
                        OPENAPI({ "pattern", "$pattern" }) },
    [RULE_NOT_CONTAINS] = { "$property should not contain a $text string",
                            .value = schema_value_lacks },
    [RULE_IS_ALPHA] = { "$property must contain only letters (a-zA-Z)", .text = schema_is_alpha,
                        PATTERN("^[a-zA-Z]+$") },
    [RULE_IS_ALPHANUMERIC] = { "$property must contain only letters and numbers",
                               .text = schema_is_alphanumeric, PATTERN("^[0-9a-zA-Z]+$") },
    [RULE_IS_ASCII] = { "$property must contain only ASCII characters", .text = schema_is_ascii },
    [RULE_IS_LOWERCASE] = { "$property must be a lowercase string", .text = schema_is_lowercase },
    [RULE_IS_UPPERCASE] = { "$property must be uppercase", .text = schema_is_uppercase },
    [RULE_IS_HEXADECIMAL] = { "$property must be a hexadecimal number",
                              .text = schema_is_hexadecimal },
    [RULE_IS_HEX_COLOR] = { "$property must be a hexadecimal color", .text = schema_is_hex_color },
    [RULE_IS_OCTAL] = { "$property must be valid octal number", .text = schema_is_octal },
    [RULE_IS_BASE64] = { "$property must be base64 encoded",
                         .text = schema_is_base64, FORMAT("base64") },
    [RULE_IS_DECIMAL] = { "$property is not a valid decimal number.", .text = schema_is_decimal },
    [RULE_IS_NUMBER_STRING] = { "$property must be a number string",
                                .text = schema_is_number_string },
    [RULE_IS_BOOLEAN_STRING] = { "$property must be a boolean string",
                                 .text = schema_is_boolean_string,
                                 OPENAPI({ "enum", "[\"true\",\"false\",\"1\",\"0\"]" }) },
    [RULE_IS_EMAIL] = { "$property must be an email", .text = schema_is_email, FORMAT("email") },
    [RULE_IS_URL] = { "$property must be a URL address", .text = schema_is_url, FORMAT("uri") },
    [RULE_IS_FQDN] = { "$property must be a valid domain name", .text = schema_is_fqdn,
                       FORMAT("hostname") },
    [RULE_IS_IP] = { "$property must be an ip address", .text = schema_is_ip, FORMAT("ip") },
    [RULE_IS_IPV4] = { "$property must be an ip address", .text = schema_is_ipv4,
                     .same_as = RULE_IS_IP, FORMAT("ipv4") },
    [RULE_IS_IPV6] = { "$property must be an ip address", .text = schema_is_ipv6,
                     .same_as = RULE_IS_IP, FORMAT("ipv6") },
    [RULE_IS_PORT] = { "$property must be a port", .text = schema_is_port },
    [RULE_IS_MAC_ADDRESS] = { "$property must be a MAC Address", .text = schema_is_mac_address },
    [RULE_IS_UUID] = { "$property must be a UUID", .text = schema_is_uuid, FORMAT("uuid") },
    [RULE_IS_UUID_VERSION] = { "$property must be a UUID", .value = schema_value_is_uuid_version,
                               .same_as = RULE_IS_UUID,
                               FORMAT("uuid") },
    [RULE_IS_MONGO_ID] = { "$property must be a mongodb id", .text = schema_is_mongo_id },
    [RULE_IS_JSON] = { "$property must be a json string", .text = schema_is_json, FORMAT("json") },
    [RULE_IS_JWT] = { "$property must be a jwt string", .text = schema_is_jwt },
    [RULE_IS_SEM_VER] = { "$property must be a Semantic Versioning Specification",
                          .text = schema_is_sem_ver },
    [RULE_IS_ISO8601] = { "$property must be a valid ISO 8601 date string",
                          .text = schema_is_iso8601,
                          FORMAT("date-time") },
    [RULE_IS_DATE_STRING] = { "$property must be a valid ISO 8601 date string",
                              .text = schema_is_iso8601,
                              FORMAT("date-time") },
    [RULE_IS_RFC3339] = { "$property must be RFC 3339 date", .text = schema_is_rfc3339,
                          FORMAT("date-time") },
    [RULE_IS_MILITARY_TIME] = { "$property must be a valid representation of military time in the "
                                "format HH:MM",
                                .text = schema_is_military_time,
                                PATTERN("^([01][0-9]|2[0-3]):?[0-5][0-9]$") },
    [RULE_IS_LAT_LONG] = { "$property must be a latitude,longitude string",
                           .text = schema_is_lat_long },
    [RULE_IS_MOBILE_PHONE_RO] = { "$property must be a phone number",
                                  .text = schema_is_mobile_phone_ro,
                                  FORMAT("mobile-phone") },
    [RULE_IS_POSTAL_CODE_RO] = { "$property must be a postal code",
                                 .text = schema_is_postal_code_ro,
                                 PATTERN("^[0-9]{6}$") },
    [RULE_IS_STRONG_PASSWORD] = { "$property is not strong enough",
                                  .text = schema_is_strong_password },
    [RULE_IS_CURRENCY] = { "$property must be a currency",
                           .text = schema_is_currency, FORMAT("currency") },
    [RULE_IS_ISO4217] = { "$property must be a valid ISO4217 currency code",
                          .text = schema_is_iso4217,
                          PATTERN("^[A-Za-z]{3}$") },
    [RULE_IS_ISO31661_ALPHA2] = { "$property must be a valid ISO31661 Alpha2 code",
                                  .text = schema_is_iso31661_alpha2, PATTERN("^[A-Za-z]{2}$") },
    [RULE_IS_CREDIT_CARD] = { "$property must be a credit card", .text = schema_is_credit_card,
                              FORMAT("credit-card") },
};
/* clang-format on */

bool schema_rule_holds(const struct rule *rule, const struct json *value)
{
    assert(rule->type > RULE_NONE && rule->type < RULE_COUNT_);
    const struct row *row = &ROWS[rule->type];

    if (row->value)
        return row->value(rule, value);
    return value && value->type == JSON_STRING && row->text(value->text);
}

bool schema_rule_holds_in(const struct rule *rule, const struct json *value)
{
    if (!rule->each || !value || value->type != JSON_ARRAY)
        return schema_rule_holds(rule, value);
    for (const struct json *item = value->first; item; item = item->next)
        if (!schema_rule_holds(rule, item))
            return false;
    return true;
}

enum rule_type schema_rule_decorator(const struct rule *rule)
{
    enum rule_type base = ROWS[rule->type].same_as;

    return base ? base : rule->type;
}

/* LENGTH tells which side was missed, by JavaScript's `.length` of a string or array; an empty
 * value (undefined, null, 0, false, "") is too short. */
static const char *length_message(const struct rule *rule, const struct json *value)
{
    bool truthy =
        value && (value->type == JSON_TRUE || value->type == JSON_ARRAY ||
                  value->type == JSON_OBJECT || (value->type == JSON_STRING && value->text.len) ||
                  (value->type == JSON_NUMBER && json_number(value) != 0));
    double length = !truthy                      ? 0
                    : value->type == JSON_STRING ? (double)str_utf16_len(value->text)
                    : value->type == JSON_ARRAY  ? (double)value->count
                                                 : (double)NAN;

    if (!truthy || length < rule->low)
        return ROWS[RULE_MIN_LENGTH].message;
    if (length > rule->high)
        return "$property must be shorter than or equal to $2 characters";
    return ROWS[RULE_LENGTH].message;
}

static void add_names(const struct rule *rule, struct buf *out)
{
    bool first = true;

    for (const char *const *name = rule->names; *name; name++) {
        if (!**name)
            continue;
        if (!first)
            BUF_ADD(out, ", ");
        buf_add(out, str_of(*name));
        first = false;
    }
}

/* What a token of a message stands for; the tokens are the ones at the top of this file. */
static void add_token(const struct rule *rule, str token, str property, struct buf *out)
{
    if (str_is(token, "$property")) {
        if (rule->each)
            BUF_ADD(out, "each value in ");
        buf_add(out, property);
    } else if (str_is(token, "$1")) {
        json_write_number(out, rule->low);
    } else if (str_is(token, "$2")) {
        json_write_number(out, rule->high);
    } else if (str_is(token, "$text")) {
        buf_add(out, str_of(rule->text));
    } else {
        add_names(rule, out);
    }
}

static size_t token_len(const char *token)
{
    size_t len = 1;

    while (scan_is_letter(token[len]) || scan_is_digit(token[len]))
        len++;
    return len;
}

void schema_rule_message(const struct rule *rule, str property, const struct json *value,
                         struct buf *out)
{
    const char *message =
        rule->type == RULE_LENGTH ? length_message(rule, value) : ROWS[rule->type].message;

    if (rule->each && message[0] != '$') {
        BUF_ADD(out, "each value in "); /* "each value in All p's elements must be unique" */
        struct rule plain = *rule;

        plain.each = false;
        schema_rule_message(&plain, property, value, out);
        return;
    }
    while (*message) {
        size_t plain = strcspn(message, "$");

        buf_add(out, (str){ message, plain });
        message += plain;
        if (*message) {
            size_t len = token_len(message);

            add_token(rule, (str){ message, len }, property, out);
            message += len;
        }
    }
}

static void add_json_names(const struct rule *rule, struct buf *out)
{
    bool first = true;

    buf_add_char(out, '[');
    for (const char *const *name = rule->names; *name; name++) {
        if (!**name)
            continue;
        if (!first)
            buf_add_char(out, ',');
        json_write_string(out, str_of(*name));
        first = false;
    }
    buf_add_char(out, ']');
}

/* `/source/flags` without slashes and flags; any other text as it is. */
static str pattern_of(const char *text)
{
    str pattern = str_of(text);
    const char *last = strrchr(text, '/');

    return text[0] == '/' && last > text ? (str){ text + 1, (size_t)(last - text - 1) } : pattern;
}

static void add_member(const struct rule *rule, const char *key, const char *value, struct buf *out)
{
    buf_printf(out, ",\"%s\":", key);
    if (str_is(str_of(value), "$1"))
        json_write_number(out, rule->low);
    else if (str_is(str_of(value), "$2"))
        json_write_number(out, rule->high);
    else if (str_is(str_of(value), "$step"))
        json_write_number(out, 1 / pow(10, rule->low));
    else if (str_is(str_of(value), "$pattern"))
        json_write_string(out, pattern_of(rule->text));
    else if (str_is(str_of(value), "$names"))
        add_json_names(rule, out);
    else
        buf_add(out, str_of(value));
}

static bool is_new(struct rule_keys *keys, const char *key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (str_is(str_of(keys->at[i]), key))
            return false;
    if (keys->count < RULE_KEYS_MAX)
        keys->at[keys->count++] = key;
    return true;
}

void schema_rule_describe_once(const struct rule *rule, struct rule_keys *keys, struct buf *out)
{
    const struct row *row = &ROWS[rule->type];

    for (int i = 0; i < MEMBERS_MAX && row->members[i].key; i++)
        if (is_new(keys, row->members[i].key))
            add_member(rule, row->members[i].key, row->members[i].value, out);
}

void schema_rule_describe(const struct rule *rule, struct buf *out)
{
    struct rule_keys keys = { .count = 0 };

    schema_rule_describe_once(rule, &keys, out);
}
