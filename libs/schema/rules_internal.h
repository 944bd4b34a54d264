/* Between the files that make up the rules: how texts are taken apart, and the checkers that the table in
 * rules.c names. */
#pragma once

#include "json/json.h"
#include "schema/rules.h"

/* A place in a text that a checker walks over; the takers move it and say whether they could. */
struct scan {
    const char *at, *end;
};

static inline struct scan scan_of(str text)
{
    return (struct scan){ text.at, text.at + text.len };
}

static inline bool scan_end(const struct scan *scan)
{
    return scan->at == scan->end;
}

static inline str scan_rest(const struct scan *scan)
{
    return (str){ scan->at, (size_t)(scan->end - scan->at) };
}

/* The next byte, or NUL at the end (which is also a byte that may come). */
static inline char scan_peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static inline bool scan_char(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* One character of a set of ASCII characters. */
bool scan_one_of(struct scan *scan, const char *set);

/* Exactly `count` decimal digits. */
bool scan_digits(struct scan *scan, size_t count);

/* One or more decimal digits. */
bool scan_number(struct scan *scan);

/* One or more bytes for which `is` holds; how many. */
size_t scan_while(struct scan *scan, bool (*is)(char c));

/* One white-space character as JavaScript's \s understands it; which one, or 0. */
unsigned scan_space(struct scan *scan);

/* The next code point; the text is well-formed UTF-8 and not at its end. */
unsigned scan_code(struct scan *scan);

bool schema_is_space(unsigned code);
bool schema_is_digit(char c);
bool schema_is_letter(char c);
bool schema_is_hex_digit(char c);

/* Whether the text, in any case, is one of the blank-separated codes of `len` letters each. */
bool schema_is_code(str text, const char *codes, size_t len);

/* Names that NestJS drops from every object, because they would touch JavaScript's prototypes. */
bool schema_is_hidden_name(str name);

/* Length in code points without the variation selectors U+FE0E and U+FE0F that follow a character. */
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
bool schema_value_matches(const struct rule *rule, const struct json *value);
bool schema_value_contains(const struct rule *rule, const struct json *value);
bool schema_value_lacks(const struct rule *rule, const struct json *value);
bool schema_value_is_uuid_version(const struct rule *rule, const struct json *value);

/* rules_text.c */
bool schema_has_no_nul(str text);
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
