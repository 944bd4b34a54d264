/* What OpenAPI needs to know of a field: its type, then what its rules and those of its kind say,
 * no member twice. Rules with `each` belong to the items of an array. */
#include "schema/schema_internal.h"

static const char *const TYPES[] = {
    [SCHEMA_STR] = "string",       [SCHEMA_BOOL] = "boolean", [SCHEMA_INT] = "integer",
    [SCHEMA_DOUBLE] = "number",    [SCHEMA_MONEY] = "number", [SCHEMA_UUID] = "string",
    [SCHEMA_TIMESTAMP] = "string", [SCHEMA_STRS] = "array",   [SCHEMA_ENUM] = "string",
    [SCHEMA_JSON] = NULL,          [SCHEMA_OBJECT] = NULL,    [SCHEMA_LIST] = "array",
};

/* IS_NOT_EMPTY says something of strings alone, and less than a length does. */
static void describe_rules(const struct rule *rules, size_t count, bool each, bool text,
                           struct rule_keys *keys, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].each == each && rules[i].type != RULE_IS_NOT_EMPTY)
            schema_rule_describe_once(&rules[i], keys, out);
    for (size_t i = 0; text && i < count; i++)
        if (rules[i].each == each && rules[i].type == RULE_IS_NOT_EMPTY)
            schema_rule_describe_once(&rules[i], keys, out);
}

static void describe_level(const struct field *field, bool each, bool text, struct buf *out)
{
    struct rule kind[SCHEMA_KIND_RULES], own[SCHEMA_KIND_RULES];
    const struct rule *rules;
    struct rule_keys keys = { .count = 0 };
    size_t count = schema_rules_of(field, kind, &rules);

    describe_rules(rules, count, each, text, &keys, out);
    describe_rules(own, schema_kind_rules(field, own), each, text, &keys, out);
}

static bool has_rule(const struct field *field, enum rule_type type)
{
    for (size_t i = 0; i < SCHEMA_RULES_MAX; i++)
        if (field->rules[i].type == type)
            return true;
    return false;
}

void schema_describe(const struct field *field, struct buf *out)
{
    const char *type = TYPES[field->kind];

    if (field->kind == SCHEMA_JSON &&
        (has_rule(field, RULE_IS_OBJECT) || has_rule(field, RULE_IS_NOT_EMPTY_OBJECT)))
        type = "object";
    if (!type)
        return;
    buf_printf(out, "\"type\":\"%s\"", type);
    if (field->kind == SCHEMA_STRS) {
        BUF_ADD(out, ",\"items\":{\"type\":\"string\"");
        describe_level(field, true, true, out);
        buf_add_char(out, '}');
    }
    describe_level(field, false, type[0] == 's', out);
}
