/* What a field's value must satisfy, in class-validator's words: IS_EMAIL is @IsEmail(),
 * MIN_LENGTH(8) is @MinLength(8). A rule is a plain initialiser, written in RULES(...) of a field
 * table (schema/schema.h), in the order in which the decorators would stand above the property of
 * the NestJS class.
 *
 *     FIELD(name,  RULES(IS_STRING, IS_NOT_EMPTY, MAX_LENGTH(100)))
 *     FIELD(roles, RULES(IS_ARRAY, ARRAY_MAX_SIZE(2), EACH(IS_IN(role_names))))
 *
 * Names that differ from class-validator's:
 *     AT_LEAST(n), AT_MOST(n)   @Min(n), @Max(n): <sys/param.h> has macros of those names
 *     MAX_DECIMALS(n)           @IsNumber({ maxDecimalPlaces: n })
 *     IS_UUID_VERSION(n)        @IsUUID('n')
 *     IS_IPV4, IS_IPV6          @IsIP(4), @IsIP(6)
 *     IS_MOBILE_PHONE_RO        @IsMobilePhone('ro-RO')
 *     IS_POSTAL_CODE_RO         @IsPostalCode('RO')
 *     MAX_BYTES(n), NO_NUL      have no counterpart; what bcrypt can take of a password
 * Names of lists are `const char *const names[]` ended by NULL; an empty name in such a list is no
 * value (see SCHEMA_ENUM in schema/schema.h) and is neither accepted nor printed. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct json;

enum rule_type {
    RULE_NONE, /* ends a list of rules */
    /* any value */
    RULE_IS_DEFINED,
    RULE_IS_EMPTY,
    RULE_IS_NOT_EMPTY,
    RULE_EQUALS,
    RULE_NOT_EQUALS,
    RULE_IS_IN,
    RULE_IS_NOT_IN,
    RULE_IS_ENUM,
    /* types */
    RULE_IS_STRING,
    RULE_IS_BOOLEAN,
    RULE_IS_INT,
    RULE_IS_NUMBER,
    RULE_MAX_DECIMALS,
    RULE_IS_ARRAY,
    RULE_IS_OBJECT,
    RULE_IS_NOT_EMPTY_OBJECT,
    /* numbers */
    RULE_AT_LEAST,
    RULE_AT_MOST,
    RULE_IS_POSITIVE,
    RULE_IS_NEGATIVE,
    RULE_IS_DIVISIBLE_BY,
    RULE_IS_LATITUDE,
    RULE_IS_LONGITUDE,
    /* arrays */
    RULE_ARRAY_MIN_SIZE,
    RULE_ARRAY_MAX_SIZE,
    RULE_ARRAY_NOT_EMPTY,
    RULE_ARRAY_UNIQUE,
    /* strings */
    RULE_MIN_LENGTH,
    RULE_MAX_LENGTH,
    RULE_LENGTH,
    RULE_IS_BYTE_LENGTH,
    RULE_MAX_BYTES,
    RULE_NO_NUL,
    RULE_MATCHES,
    RULE_CONTAINS,
    RULE_NOT_CONTAINS,
    RULE_IS_ALPHA,
    RULE_IS_ALPHANUMERIC,
    RULE_IS_ASCII,
    RULE_IS_LOWERCASE,
    RULE_IS_UPPERCASE,
    RULE_IS_HEXADECIMAL,
    RULE_IS_HEX_COLOR,
    RULE_IS_OCTAL,
    RULE_IS_BASE64,
    RULE_IS_DECIMAL,
    RULE_IS_NUMBER_STRING,
    RULE_IS_BOOLEAN_STRING,
    RULE_IS_EMAIL,
    RULE_IS_URL,
    RULE_IS_FQDN,
    RULE_IS_IP,
    RULE_IS_IPV4,
    RULE_IS_IPV6,
    RULE_IS_PORT,
    RULE_IS_MAC_ADDRESS,
    RULE_IS_UUID,
    RULE_IS_UUID_VERSION,
    RULE_IS_MONGO_ID,
    RULE_IS_JSON,
    RULE_IS_JWT,
    RULE_IS_SEM_VER,
    RULE_IS_ISO8601,
    RULE_IS_DATE_STRING,
    RULE_IS_RFC3339,
    RULE_IS_MILITARY_TIME,
    RULE_IS_LAT_LONG,
    RULE_IS_MOBILE_PHONE_RO,
    RULE_IS_POSTAL_CODE_RO,
    RULE_IS_STRONG_PASSWORD,
    RULE_IS_CURRENCY,
    RULE_IS_ISO4217,
    RULE_IS_ISO31661_ALPHA2,
    RULE_IS_CREDIT_CARD,
    RULE_COUNT_,
};

struct rule {
    struct {
        enum rule_type type;
        union {
            double low;           /* the first number of the decorator */
            bool (*matches)(str); /* MATCHES */
        };
        double high; /* the second number */
        union {
            const char *text;         /* EQUALS, CONTAINS, MATCHES */
            const char *const *names; /* IS_IN, IS_ENUM and their like */
        };
    };
    bool each; /* `each: true`: holds for every element of an array */
};

/* @Rule({ each: true }): EACH(IS_STRING), EACH(MAX_LENGTH(20)). */
#define EACH(...)                  \
    {                              \
        __VA_ARGS__, .each = true, \
    }

#define RULE_(...)   \
    {                \
        __VA_ARGS__, \
    }

#define IS_DEFINED RULE_(.type = RULE_IS_DEFINED)
#define IS_EMPTY RULE_(.type = RULE_IS_EMPTY)
#define IS_NOT_EMPTY RULE_(.type = RULE_IS_NOT_EMPTY)
#define EQUALS(string) RULE_(.type = RULE_EQUALS, .text = (string))
#define NOT_EQUALS(string) RULE_(.type = RULE_NOT_EQUALS, .text = (string))
#define IS_IN(list) RULE_(.type = RULE_IS_IN, .names = (list))
#define IS_NOT_IN(list) RULE_(.type = RULE_IS_NOT_IN, .names = (list))
#define IS_ENUM(list) RULE_(.type = RULE_IS_ENUM, .names = (list))

#define IS_STRING RULE_(.type = RULE_IS_STRING)
#define IS_BOOLEAN RULE_(.type = RULE_IS_BOOLEAN)
#define IS_INT RULE_(.type = RULE_IS_INT)
#define IS_NUMBER RULE_(.type = RULE_IS_NUMBER)
#define MAX_DECIMALS(n) RULE_(.type = RULE_MAX_DECIMALS, .low = (n))
#define IS_ARRAY RULE_(.type = RULE_IS_ARRAY)
#define IS_OBJECT RULE_(.type = RULE_IS_OBJECT)
#define IS_NOT_EMPTY_OBJECT RULE_(.type = RULE_IS_NOT_EMPTY_OBJECT)

#define AT_LEAST(n) RULE_(.type = RULE_AT_LEAST, .low = (n))
#define AT_MOST(n) RULE_(.type = RULE_AT_MOST, .low = (n))
#define IS_POSITIVE RULE_(.type = RULE_IS_POSITIVE)
#define IS_NEGATIVE RULE_(.type = RULE_IS_NEGATIVE)
#define IS_DIVISIBLE_BY(n) RULE_(.type = RULE_IS_DIVISIBLE_BY, .low = (n))
#define IS_LATITUDE RULE_(.type = RULE_IS_LATITUDE)
#define IS_LONGITUDE RULE_(.type = RULE_IS_LONGITUDE)

#define ARRAY_MIN_SIZE(n) RULE_(.type = RULE_ARRAY_MIN_SIZE, .low = (n))
#define ARRAY_MAX_SIZE(n) RULE_(.type = RULE_ARRAY_MAX_SIZE, .low = (n))
#define ARRAY_NOT_EMPTY RULE_(.type = RULE_ARRAY_NOT_EMPTY)
#define ARRAY_UNIQUE RULE_(.type = RULE_ARRAY_UNIQUE)

/* Lengths are code points, as class-validator counts them; bytes are UTF-8. */
#define MIN_LENGTH(n) RULE_(.type = RULE_MIN_LENGTH, .low = (n))
#define MAX_LENGTH(n) RULE_(.type = RULE_MAX_LENGTH, .low = (n))
#define LENGTH(min, max) RULE_(.type = RULE_LENGTH, .low = (min), .high = (max))
#define IS_BYTE_LENGTH(min, max) RULE_(.type = RULE_IS_BYTE_LENGTH, .low = (min), .high = (max))
#define MAX_BYTES(n) RULE_(.type = RULE_MAX_BYTES, .low = (n))
#define NO_NUL RULE_(.type = RULE_NO_NUL)

/* MATCHES("/^[a-z]+$/", is_slug): the first argument is the regular expression as it stands in the
 * message, the second the function that decides. */
#define MATCHES(source, checker) RULE_(.type = RULE_MATCHES, .text = (source), .matches = (checker))
#define CONTAINS(string) RULE_(.type = RULE_CONTAINS, .text = (string))
#define NOT_CONTAINS(string) RULE_(.type = RULE_NOT_CONTAINS, .text = (string))
#define IS_ALPHA RULE_(.type = RULE_IS_ALPHA)
#define IS_ALPHANUMERIC RULE_(.type = RULE_IS_ALPHANUMERIC)
#define IS_ASCII RULE_(.type = RULE_IS_ASCII)
#define IS_LOWERCASE RULE_(.type = RULE_IS_LOWERCASE)
#define IS_UPPERCASE RULE_(.type = RULE_IS_UPPERCASE)
#define IS_HEXADECIMAL RULE_(.type = RULE_IS_HEXADECIMAL)
#define IS_HEX_COLOR RULE_(.type = RULE_IS_HEX_COLOR)
#define IS_OCTAL RULE_(.type = RULE_IS_OCTAL)
#define IS_BASE64 RULE_(.type = RULE_IS_BASE64)
#define IS_DECIMAL RULE_(.type = RULE_IS_DECIMAL)
#define IS_NUMBER_STRING RULE_(.type = RULE_IS_NUMBER_STRING)
#define IS_BOOLEAN_STRING RULE_(.type = RULE_IS_BOOLEAN_STRING)
#define IS_EMAIL RULE_(.type = RULE_IS_EMAIL)
#define IS_URL RULE_(.type = RULE_IS_URL)
#define IS_FQDN RULE_(.type = RULE_IS_FQDN)
#define IS_IP RULE_(.type = RULE_IS_IP)
#define IS_IPV4 RULE_(.type = RULE_IS_IPV4)
#define IS_IPV6 RULE_(.type = RULE_IS_IPV6)
#define IS_PORT RULE_(.type = RULE_IS_PORT)
#define IS_MAC_ADDRESS RULE_(.type = RULE_IS_MAC_ADDRESS)
#define IS_UUID RULE_(.type = RULE_IS_UUID)
#define IS_UUID_VERSION(n) RULE_(.type = RULE_IS_UUID_VERSION, .low = (n))
#define IS_MONGO_ID RULE_(.type = RULE_IS_MONGO_ID)
#define IS_JSON RULE_(.type = RULE_IS_JSON)
#define IS_JWT RULE_(.type = RULE_IS_JWT)
#define IS_SEM_VER RULE_(.type = RULE_IS_SEM_VER)
#define IS_ISO8601 RULE_(.type = RULE_IS_ISO8601)
#define IS_DATE_STRING RULE_(.type = RULE_IS_DATE_STRING)
#define IS_RFC3339 RULE_(.type = RULE_IS_RFC3339)
#define IS_MILITARY_TIME RULE_(.type = RULE_IS_MILITARY_TIME)
#define IS_LAT_LONG RULE_(.type = RULE_IS_LAT_LONG)
#define IS_MOBILE_PHONE_RO RULE_(.type = RULE_IS_MOBILE_PHONE_RO)
#define IS_POSTAL_CODE_RO RULE_(.type = RULE_IS_POSTAL_CODE_RO)
#define IS_STRONG_PASSWORD RULE_(.type = RULE_IS_STRONG_PASSWORD)
#define IS_CURRENCY RULE_(.type = RULE_IS_CURRENCY)
#define IS_ISO4217 RULE_(.type = RULE_IS_ISO4217)
#define IS_ISO31661_ALPHA2 RULE_(.type = RULE_IS_ISO31661_ALPHA2)
#define IS_CREDIT_CARD RULE_(.type = RULE_IS_CREDIT_CARD)

/* Whether `value` satisfies the rule, `each` not considered; NULL is JavaScript's undefined. */
bool schema_rule_holds(const struct rule *rule, const struct json *value);

/* Appends the message of a rule that `value` breaks, `property` being the name in it ("age" gives
 * "age must be an integer number"), with "each value in " where `each` is set. */
void schema_rule_message(const struct rule *rule, str property, const struct json *value,
                         struct buf *out);

/* Appends what the rule means in an OpenAPI schema object, each member with a comma in front:
 * MIN_LENGTH(8) gives `,"minLength":8`, IS_EMAIL `,"format":"email"`; nothing for a rule that has
 * no counterpart. Of several rules with the same key the caller may want only one: schema_describe
 * in schema/schema.h does that for a whole field. */
void schema_rule_describe(const struct rule *rule, struct buf *out);

/* Checkers that are useful by themselves. */
bool schema_is_email(str text);
bool schema_is_url(str text);
bool schema_is_fqdn(str text);
bool schema_is_ipv4(str text);
bool schema_is_ipv6(str text);
bool schema_is_iso8601(str text);
