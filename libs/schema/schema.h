/* Field tables: one per type that crosses a border. The same table reads a struct from JSON with
 * class-validator's messages in class-validator's order, writes it as JSON, binds it to SQL
 * parameters and rows, reads settings from the environment, and describes itself in OpenAPI.
 *
 *     struct create_user { str email, password, name; struct profile *profile; };
 *
 *     SCHEMA(create_user,
 *         FIELD(email,    RULES(IS_EMAIL, MAX_LENGTH(254))),
 *         FIELD(password, RULES(IS_STRING, MIN_LENGTH(8)), .secret = true),
 *         FIELD(name,     RULES(IS_STRING, IS_NOT_EMPTY, MAX_LENGTH(100))),
 *         FIELD(profile,  .of = profile_schema, .optional = true));
 *
 * makes the function create_user_schema(). Inside it SELF is the struct, so a row names only the
 * member; the kind comes from the member's own type. A member `created_at` is `createdAt` in JSON,
 * `created_at` in SQL and `CREATED_AT` in the environment. Rules are written in the order in which
 * the decorators of the NestJS class would stand, so that messages come out in NestJS's order (the
 * lowest first). A field without rules has the rule of its kind: a string, an integer, a UUID … A
 * value that passes the rules but that the member's type cannot hold (an integer beyond 64 bits,
 * say) breaks its kind's rule too. */
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "base/uuid.h"
#include "json/json.h"
#include "schema/rules.h"

enum {
    SCHEMA_FIELDS_MAX = 64, /* so that a fieldset has a bit for each */
    SCHEMA_RULES_MAX = 8,
    SCHEMA_DEPTH_MAX = 8, /* nesting of tables */
};

/* Which fields of a PARTIAL were given: bit i is the i-th row. The first member of such a struct,
 * named `given`. */
typedef uint64_t fieldset;

/* Any JSON value, carried as NestJS would print it again: compact, without the names that
 * JavaScript's prototypes own; `at` is NULL when absent. */
typedef struct json_text {
    str text;
} json_text;

/* What a member is, and how it says that there is no value (see schema_is_absent). */
/* clang-format off */
enum schema_kind {
    SCHEMA_STR,       /* str; at == NULL: absent */
    SCHEMA_BOOL,      /* bool; never absent */
    SCHEMA_INT,       /* int64_t; an optional 0 is absent */
    SCHEMA_DOUBLE,    /* double; likewise */
    SCHEMA_MONEY,     /* money: a JSON number of two decimals, minor units in SQL; likewise */
    SCHEMA_UUID,      /* uuid; 36 characters in JSON and SQL; an optional or nullable nil: absent */
    SCHEMA_TIMESTAMP, /* timestamp: ISO 8601 in JSON, integer milliseconds in SQL; 0 likewise */
    SCHEMA_STRS,      /* strs: array of strings, JSON text in SQL; at == NULL: absent */
    SCHEMA_ENUM,      /* an enum; its name out of `.names` in JSON and SQL; an empty name: absent */
    SCHEMA_JSON,      /* json_text; JSON text in SQL; at == NULL: absent */
    SCHEMA_OBJECT,    /* pointer to a struct that `.of` describes; JSON text in SQL; NULL: absent */
    SCHEMA_LIST,      /* struct { struct x *at; size_t len; } likewise; at == NULL: absent */
};
/* clang-format on */

struct schema;

struct field {
    const char *name; /* the C member: snake_case */
    size_t offset;
    enum schema_kind kind;
    const struct schema *(*of)(void);
    const char *const *names; /* SCHEMA_ENUM: texts by value, ended by NULL */
    struct rule rules[SCHEMA_RULES_MAX];
    bool optional;        /* may be absent or null (IsOptional); an absent one is not printed */
    bool nullable;        /* printed as null when it is absent */
    bool secret;          /* read, never printed by schema_write; masked in logs */
    bool lenient;         /* of a MONEY: rounded to two decimals, and taken of a text, too; what
                             JavaScript makes of sums, and object mappers of decimals */
    const char *fallback; /* value when absent or null, as text: settings and query parameters */
    const char *doc;      /* one line for --help and OpenAPI */
    const char *example;  /* for OpenAPI */
    const char *json;     /* JSON name where it is not the camel-cased member */
    const char *env;      /* environment name where it is not the upper-cased member */
};

struct schema {
    const char *name; /* the struct's tag */
    size_t size;
    const struct field *fields;
    size_t count;
    bool partial; /* every field optional, `given` kept */
    bool bare;    /* the payload may be the single field's value itself */
};

/* clang-format off */
#define SCHEMA_KIND(value)       \
    _Generic((value),            \
        str: SCHEMA_STR,         \
        bool: SCHEMA_BOOL,       \
        int64_t: SCHEMA_INT,     \
        double: SCHEMA_DOUBLE,   \
        money: SCHEMA_MONEY,     \
        uuid: SCHEMA_UUID,       \
        timestamp: SCHEMA_TIMESTAMP, \
        strs: SCHEMA_STRS,       \
        json_text: SCHEMA_JSON,  \
        unsigned: SCHEMA_ENUM,   \
        default: SCHEMA_OBJECT)
/* clang-format on */

/* One row. FIELD_ gets a last empty argument so that FIELD(member) alone is valid too. */
#define FIELD(...) FIELD_(__VA_ARGS__, )
#define FIELD_(member, ...)                                   \
    {                                                         \
        .name = #member, .offset = offsetof(SELF, member),    \
        .kind = SCHEMA_KIND(((SELF *)0)->member), __VA_ARGS__ \
    }

/* A member `struct { struct x *at; size_t len; } member`. */
#define LIST(...) LIST_(__VA_ARGS__, )
#define LIST_(member, ...)                                                                  \
    {                                                                                       \
        .name = #member, .offset = offsetof(SELF, member), .kind = SCHEMA_LIST, __VA_ARGS__ \
    }

#define RULES(...) .rules = { __VA_ARGS__ }

/* Ends in a declaration so that a semicolon follows; `static` may stand in front. */
#define SCHEMA_WITH(tag, flags, ...)                                                    \
    const struct schema *tag##_schema(void);                                            \
    const struct schema *tag##_schema(void)                                             \
    {                                                                                   \
        typedef struct tag SELF;                                                        \
        static const struct field fields[] = { __VA_ARGS__ };                           \
        static const struct schema table = { #tag, sizeof(SELF), fields,                \
                                             sizeof fields / sizeof fields[0], flags }; \
        return &table;                                                                  \
    }                                                                                   \
    const struct schema *tag##_schema(void)

#define SCHEMA(tag, ...) SCHEMA_WITH(tag, SCHEMA_PLAIN_, __VA_ARGS__)
#define PARTIAL(tag, ...) SCHEMA_WITH(tag, SCHEMA_PARTIAL_, __VA_ARGS__)
#define BARE(tag, ...) SCHEMA_WITH(tag, SCHEMA_BARE_, __VA_ARGS__)
#define SCHEMA_PLAIN_ false, false
#define SCHEMA_PARTIAL_ true, false
#define SCHEMA_BARE_ false, true

/* A struct together with its table, as database, messages and events take them: IN(user_id, &id)
 * does not compile when `&id` is no pointer to a struct user_id. */
struct schema_in {
    const struct schema *schema;
    const void *value;
};
struct schema_out {
    const struct schema *schema;
    void *value;
};

#define IN(tag, pointer) ((struct schema_in){ tag##_schema(), (const struct tag *){ (pointer) } })
#define OUT(tag, pointer) ((struct schema_out){ tag##_schema(), (struct tag *){ (pointer) } })
#define NO_INPUT ((struct schema_in){ NULL, NULL })

/* What to do with members that no row names. */
enum schema_unknown {
    SCHEMA_REFUSE, /* "property x should not exist": what comes from outside */
    SCHEMA_IGNORE, /* what another service answers, which may know more than we do */
};

/* Validates `value` and fills the struct `out`, all its memory from `arena`, strings pointing into
 * the text that was parsed. On failure: a 400 whose messages are NestJS's ValidationPipe's with {
 * transform, whitelist, forbidNonWhitelisted }, and `out` is untouched. `value` may be NULL (no
 * body).
 *
 * A row with `.of` is @ValidateNested() @Type(); a required one that is absent is also refused,
 * with IsDefined's message unless its own rules have said something. In a PARTIAL every field may
 * be absent; null for a field that is `.optional` counts as given, without a value (`profile:
 * null` removes the profile), null for any other as not given. A timestamp may be any ISO 8601
 * date, or date and time with or without an offset (without one it is UTC). */
error schema_read(const struct schema *schema, struct arena *arena, const struct json *value,
                  enum schema_unknown unknown, void *out);

/* json_parse and schema_read in one: any JSON value, for message payloads and stored documents. */
error schema_parse(const struct schema *schema, struct arena *arena, str text,
                   enum schema_unknown unknown, void *out);

/* Fills `out` from texts: `find` gives the text for a field, at == NULL for none. Numbers and
 * booleans (true, false, 1, 0) are converted first, lists of strings split at commas and trimmed,
 * objects parsed as JSON; then the same rules hold, and a text that could not be converted breaks
 * them as a string would. `.fallback` stands in for a missing text. Messages name the field as
 * `name_of` names it (schema_json_name or schema_env_name). */
struct schema_texts {
    str (*find)(void *cookie, const struct field *field);
    void *cookie;
    void (*name_of)(const struct field *field, struct buf *out);
};

error schema_read_texts(const struct schema *schema, struct arena *arena,
                        const struct schema_texts *texts, void *out);

/* Appends the struct as JSON in the order of its rows; secret fields are left out. An absent value
 * is null where the row is nullable, left out where it is optional, else null. Of a PARTIAL the
 * given fields alone are printed, an absent one as null; of a BARE the field's value alone. */
void schema_write(const struct schema *schema, const void *value, struct buf *out);

/* The same with the secret fields: what a peer needs that will read it with the same table. */
void schema_write_secrets(const struct schema *schema, const void *value, struct buf *out);

/* Appends the value of one field as JSON (the form that SQL columns of the kinds STRS, JSON,
 * OBJECT and LIST hold); `value` points to the member. An absent one is null. */
void schema_write_field(const struct field *field, const void *value, struct buf *out);

/* Whether the member at `value` holds no value: what reading an absent or null one leaves. */
bool schema_is_absent(const struct field *field, const void *value);

/* Reads one field from such a text into the member at `out`, unknown members ignored. */
error schema_read_field(const struct field *field, struct arena *arena, str text, void *out);

/* Appends `createdAt`, `CREATED_AT`. */
void schema_json_name(const struct field *field, struct buf *out);
void schema_env_name(const struct field *field, struct buf *out);

/* The row of that member, or NULL; `name` is the C member's name. */
const struct field *schema_field(const struct schema *schema, str name);

/* Bit of that member in a fieldset; the member must exist (asserted). */
fieldset schema_bit(const struct schema *schema, const char *member);

/* Appends the members of the field's OpenAPI schema object that follow from its kind and rules,
 * separated by commas: `"type":"string","format":"email","maxLength":254`. A list of strings has
 * its `items`, a list of structs has not (the caller knows the name of their schema); an OBJECT,
 * and a JSON without IS_OBJECT, give nothing at all. Description, example, default, nullable and
 * required are the caller's. */
void schema_describe(const struct field *field, struct buf *out);

/* Looks for mistakes in a table and all tables below it: a member without a row (an offset that
 * the rows before do not explain), a pointer or list without `.of`, an enum without `.names`,
 * `.lenient` for anything but money, two rows with one JSON name, too deep or circular nesting, a
 * partial without `given`. NULL when it is sound; else a 500 whose message names table and field. Called for every table when a service
 * starts. */
error schema_check(const struct schema *schema, struct arena *arena);
