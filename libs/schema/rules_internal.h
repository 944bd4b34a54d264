/* Between the files that make up the rules: sets of characters, and the checkers that the table in
 * rules.c names. */
#pragma once

#include "json/json.h"
#include "schema/rules.h"
#include "schema/scan.h"

/* Codes of `len` capital letters, ascending, a blank behind each. */
struct codes {
    size_t len;
    str list;
};

enum { CODE_LEN_MAX = 3 };

/* Whether the text, in any case, is one of them. */
bool schema_is_code(str text, const struct codes *codes);

/* Names that NestJS drops from every object, because they would touch JavaScript's prototypes. */
bool schema_is_hidden_name(str name);

/* Length in code points without the variation selectors U+FE0E and U+FE0F that follow a
 * character. */
size_t schema_text_len(str text);

/* As schema_rule_holds, for every element of an array where `each` is set. */
bool schema_rule_holds_in(const struct rule *rule, const struct json *value);

/* Rules of one decorator share a message: the upper one's at the place of the lower. */
enum rule_type schema_rule_decorator(const struct rule *rule);

enum { RULE_KEYS_MAX = 16 };

/* OpenAPI members already written. */
struct rule_keys {
    const char *at[RULE_KEYS_MAX];
    size_t count;
};

/* As schema_rule_describe, leaving out members that are already there. */
void schema_rule_describe_once(const struct rule *rule, struct rule_keys *keys, struct buf *out);

/* rules_value.c: rules on values of any type. */
bool schema_value_is_defined(const struct rule *rule, const struct json *value);
bool schema_value_is_empty(const struct rule *rule, const struct json *value);
bool schema_value_is_not_empty(const struct rule *rule, const struct json *value);
bool schema_value_equals(const struct rule *rule, const struct json *value);
bool schema_value_differs(const struct rule *rule, const struct json *value);
bool schema_value_is_in(const struct rule *rule, const struct json *value);
bool schema_value_is_not_in(const struct rule *rule, const struct json *value);
bool schema_value_is_string(const struct rule *rule, const struct json *value);
bool schema_value_is_boolean(const struct rule *rule, const struct json *value);
bool schema_value_is_int(const struct rule *rule, const struct json *value);
bool schema_value_is_number(const struct rule *rule, const struct json *value);
bool schema_value_max_decimals(const struct rule *rule, const struct json *value);
bool schema_value_is_array(const struct rule *rule, const struct json *value);
bool schema_value_is_object(const struct rule *rule, const struct json *value);
bool schema_value_is_not_empty_object(const struct rule *rule, const struct json *value);
bool schema_value_at_least(const struct rule *rule, const struct json *value);
bool schema_value_at_most(const struct rule *rule, const struct json *value);
bool schema_value_is_positive(const struct rule *rule, const struct json *value);
bool schema_value_is_negative(const struct rule *rule, const struct json *value);
bool schema_value_is_divisible(const struct rule *rule, const struct json *value);
bool schema_value_is_latitude(const struct rule *rule, const struct json *value);
bool schema_value_is_longitude(const struct rule *rule, const struct json *value);
bool schema_value_min_size(const struct rule *rule, const struct json *value);
bool schema_value_max_size(const struct rule *rule, const struct json *value);
bool schema_value_array_not_empty(const struct rule *rule, const struct json *value);
bool schema_value_array_unique(const struct rule *rule, const struct json *value);
bool schema_value_min_length(const struct rule *rule, const struct json *value);
bool schema_value_max_length(const struct rule *rule, const struct json *value);
bool schema_value_length(const struct rule *rule, const struct json *value);
bool schema_value_byte_length(const struct rule *rule, const struct json *value);
bool schema_value_max_bytes(const struct rule *rule, const struct json *value);
bool schema_value_no_nul(const struct rule *rule, const struct json *value);
bool schema_value_matches(const struct rule *rule, const struct json *value);
bool schema_value_contains(const struct rule *rule, const struct json *value);
bool schema_value_lacks(const struct rule *rule, const struct json *value);
bool schema_value_is_uuid_version(const struct rule *rule, const struct json *value);

/* rules_text.c */
bool schema_is_alpha(str text);
bool schema_is_alphanumeric(str text);
bool schema_is_ascii(str text);
bool schema_is_hexadecimal(str text);
bool schema_is_hex_color(str text);
bool schema_is_octal(str text);
bool schema_is_base64(str text);
bool schema_is_decimal(str text);
bool schema_is_number_string(str text);
bool schema_is_boolean_string(str text);
bool schema_is_mongo_id(str text);
bool schema_is_json(str text);
bool schema_is_jwt(str text);
bool schema_is_uuid(str text);
bool schema_is_sem_ver(str text);
bool schema_is_strong_password(str text);

/* rules_case.c */
bool schema_is_lowercase(str text);
bool schema_is_uppercase(str text);

/* rules_net.c */
bool schema_is_ip(str text);
bool schema_is_port(str text);
bool schema_is_mac_address(str text);

/* rules_time.c */
bool schema_is_rfc3339(str text);
bool schema_is_military_time(str text);

/* rules_place.c */
bool schema_is_lat_long(str text);
bool schema_is_latitude(str text);
bool schema_is_longitude(str text);
bool schema_is_mobile_phone_ro(str text);
bool schema_is_postal_code_ro(str text);
bool schema_is_iso31661_alpha2(str text);

/* rules_pay.c */
bool schema_is_currency(str text);
bool schema_is_iso4217(str text);
bool schema_is_credit_card(str text);
