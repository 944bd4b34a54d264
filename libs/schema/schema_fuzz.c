/* Reads any bytes as structs of every kind, unknown members refused or not, and as texts. What is
 * taken is written, read and written again: both must be the same. The input's text is also tried
 * against every rule on strings. */
#include "schema/schema.h"

#include <stdlib.h>

enum { PRINT_MAX = 64 * 1024 * 1024 };

static const char *const STATES[] = { "", "PENDING", "PAID", NULL };

enum state { NO_STATE, PENDING, PAID };

struct part {
    str product_id;
    money price;
    int64_t quantity;
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
    struct part *part;
    struct {
        struct part *at;
        size_t len;
    } parts;
};

struct change {
    fieldset given;
    str name;
    bool is_active;
    struct thing *thing;
    strs roles;
};

struct bare {
    uuid id;
};

static SCHEMA(part,
    FIELD(product_id, RULES(IS_STRING, IS_NOT_EMPTY)),
    FIELD(price,      RULES(MAX_DECIMALS(2), IS_POSITIVE)),
    FIELD(quantity,   RULES(IS_INT, AT_LEAST(1)), .fallback = "1"));

static SCHEMA(thing,
    FIELD(text,       RULES(IS_STRING, LENGTH(1, 20)), .optional = true),
    FIELD(is_new,     .optional = true),
    FIELD(whole,      .optional = true),
    FIELD(real,       .optional = true),
    FIELD(price,      .optional = true),
    FIELD(id,         .optional = true),
    FIELD(created_at, .nullable = true, .optional = true),
    FIELD(tags,       RULES(IS_ARRAY, ARRAY_UNIQUE, EACH(IS_STRING)), .optional = true),
    FIELD(state,      .names = STATES, .optional = true),
    FIELD(meta,       .optional = true),
    FIELD(part,       .of = part_schema, .optional = true),
    LIST(parts,       .of = part_schema, RULES(IS_ARRAY, ARRAY_MAX_SIZE(5)), .optional = true));

static PARTIAL(change,
    FIELD(name,      RULES(IS_STRING, MAX_LENGTH(5))),
    FIELD(is_active),
    FIELD(thing,     .of = thing_schema, .optional = true),
    FIELD(roles,     RULES(EACH(IS_IN(STATES)))));

static BARE(bare, FIELD(id));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_messages(error e)
{
    require(e->status == 400);
    for (size_t i = 0; e->messages && i < e->messages->len; i++)
        require(str_is_utf8(e->messages->at[i]));
}

static void write_twice(const struct schema *schema, struct arena *arena, const void *value)
{
    struct buf once = buf_new(PRINT_MAX), twice = buf_new(PRINT_MAX);
    void *again = arena_zalloc(arena, 1, schema->size);

    require(again);
    schema_write(schema, value, &once);
    require(!buf_failed(&once));
    require(!schema_parse(schema, arena, buf_text(&once), SCHEMA_REFUSE, again));
    schema_write(schema, again, &twice);
    require(str_eq(buf_text(&once), buf_text(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

static void read(const struct schema *schema, struct arena *arena, str text,
                 enum schema_unknown unknown)
{
    void *out = arena_zalloc(arena, 1, schema->size);
    error e = schema_parse(schema, arena, text, unknown, out);

    if (e)
        require_messages(e);
    else
        write_twice(schema, arena, out);
}

static str same_text(void *cookie, const struct field *field)
{
    (void)field;
    return *(const str *)cookie;
}

static void read_texts(struct arena *arena, str text)
{
    struct schema_texts texts = { same_text, &text, schema_env_name };
    struct thing out;
    error e = schema_read_texts(thing_schema(), arena, &texts, &out);

    if (e)
        require_messages(e);
}

static bool no_text(str text)
{
    return !text.len;
}

static void try_rules(str text)
{
    struct json value = { .type = JSON_STRING, .text = text, .source = text };
    struct buf out = buf_new(PRINT_MAX);

    for (int type = RULE_MIN_LENGTH; type < RULE_COUNT_; type++) {
        struct rule rule = { .type = (enum rule_type)type, .low = 2, .high = 5, .text = "a" };

        if (rule.type == RULE_MATCHES)
            rule.matches = no_text;
        if (!schema_rule_holds(&rule, &value))
            schema_rule_message(&rule, STR("p"), &value, &out);
        schema_rule_describe(&rule, &out);
    }
    require(!buf_failed(&out));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str text = json_repair_utf8(arena, (str){ (const char *)data, size });

    read(thing_schema(), arena, text, SCHEMA_REFUSE);
    read(thing_schema(), arena, text, SCHEMA_IGNORE);
    read(change_schema(), arena, text, SCHEMA_REFUSE);
    read(bare_schema(), arena, text, SCHEMA_REFUSE);
    read_texts(arena, text);
    try_rules(text);
    arena_free(arena);
    return 0;
}
