/* Mistakes in field tables, found when a service starts. That no member was forgotten is told from
 * the offsets: sorted by offset, each row must begin where the one before ends, but for the
 * padding that its alignment asks for, and the last must end where the struct does. */
#include "schema/schema_internal.h"

struct walk {
    struct arena *arena;
    const struct schema *stack[SCHEMA_DEPTH_MAX];
    size_t depth;
};

struct shape {
    size_t size, align;
};

#define SHAPE(type)                  \
    {                                \
        sizeof(type), _Alignof(type) \
    }

struct list {
    void *at;
    size_t len;
};

static const struct shape SHAPES[] = {
    [SCHEMA_STR] = SHAPE(str),
    [SCHEMA_BOOL] = SHAPE(bool),
    [SCHEMA_INT] = SHAPE(int64_t),
    [SCHEMA_DOUBLE] = SHAPE(double),
    [SCHEMA_MONEY] = SHAPE(money),
    [SCHEMA_UUID] = SHAPE(uuid),
    [SCHEMA_TIMESTAMP] = SHAPE(timestamp),
    [SCHEMA_STRS] = SHAPE(strs),
    [SCHEMA_ENUM] = SHAPE(unsigned),
    [SCHEMA_JSON] = SHAPE(json_text),
    [SCHEMA_OBJECT] = SHAPE(void *),
    [SCHEMA_LIST] = SHAPE(struct list),
};

static size_t align_up(size_t offset, size_t align)
{
    return (offset + align - 1) / align * align;
}

static error wrong(struct walk *walk, const struct schema *schema, const struct field *field,
                   const char *what)
{
    return error_new(walk->arena, 500, "Table %s%s%s: %s", schema->name, field ? "." : "",
                     field ? field->name : "", what);
}

/* The row with the lowest offset from `from` on, or NULL. */
static const struct field *next_row(const struct schema *schema, size_t from)
{
    const struct field *next = NULL;

    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];

        if (field->offset >= from && (!next || field->offset < next->offset))
            next = field;
    }
    return next;
}

static error check_members(struct walk *walk, const struct schema *schema)
{
    size_t end = schema->partial ? sizeof(fieldset) : 0;
    size_t align = schema->partial ? _Alignof(fieldset) : 1, rows = 0;

    if (schema->partial && next_row(schema, 0)->offset < end)
        return wrong(walk, schema, NULL, "`fieldset given` must be the first member");
    for (const struct field *field; (field = next_row(schema, end)); rows++) {
        struct shape shape = SHAPES[field->kind];

        if (field->offset != align_up(end, shape.align))
            return wrong(walk, schema, field, "a member in front of it has no row");
        end = field->offset + shape.size;
        align = shape.align > align ? shape.align : align;
    }
    if (rows < schema->count)
        return wrong(walk, schema, NULL, "two rows for one member");
    if (align_up(end, align) != schema->size)
        return wrong(walk, schema, NULL, "the last member has no row");
    return NULL;
}

static bool same_name(const struct field *a, const struct field *b)
{
    char name[128];
    struct buf text = { .at = name, .capacity = sizeof name, .max = sizeof name };

    schema_json_name(a, &text);
    return !buf_failed(&text) && schema_is_name(b, buf_text(&text));
}

static bool needs_names(enum rule_type type)
{
    return type == RULE_IS_IN || type == RULE_IS_NOT_IN || type == RULE_IS_ENUM;
}

static error check_rules(struct walk *walk, const struct schema *schema, const struct field *field)
{
    for (size_t i = 0; i < SCHEMA_RULES_MAX; i++) {
        const struct rule *rule = &field->rules[i];

        if (needs_names(rule->type) && !rule->names)
            return wrong(walk, schema, field, "a rule without its list of names");
        if (rule->type == RULE_MATCHES && (!rule->text || !rule->matches))
            return wrong(walk, schema, field, "MATCHES without its checker");
    }
    return NULL;
}

static error check_table(struct walk *walk, const struct schema *schema);

static error check_row(struct walk *walk, const struct schema *schema, const struct field *field)
{
    bool nested = field->kind == SCHEMA_OBJECT || field->kind == SCHEMA_LIST;

    if (nested && !field->of)
        return wrong(walk, schema, field, "neither a type with a kind nor a table in .of");
    if (!nested && field->of)
        return wrong(walk, schema, field, ".of for a member that is no struct");
    if (field->kind == SCHEMA_ENUM && !field->names)
        return wrong(walk, schema, field, "an enum without .names");
    if (field->lenient && field->kind != SCHEMA_MONEY)
        return wrong(walk, schema, field, ".lenient for a member that is no money");
    TRY(check_rules(walk, schema, field));
    for (const struct field *other = schema->fields; other < field; other++)
        if (same_name(other, field))
            return wrong(walk, schema, field, "two rows have this JSON name");
    return nested ? check_table(walk, field->of()) : NULL;
}

static error check_table(struct walk *walk, const struct schema *schema)
{
    for (size_t i = 0; i < walk->depth; i++)
        if (walk->stack[i] == schema)
            return wrong(walk, schema, NULL, "it is nested in itself");
    if (walk->depth == SCHEMA_DEPTH_MAX)
        return wrong(walk, schema, NULL, "it is nested too deep");
    if (schema->count > SCHEMA_FIELDS_MAX)
        return wrong(walk, schema, NULL, "it has too many rows");
    if (schema->bare && schema->count != 1)
        return wrong(walk, schema, NULL, "a BARE table has one row");
    walk->stack[walk->depth++] = schema;
    TRY(check_members(walk, schema));
    for (size_t i = 0; i < schema->count; i++)
        TRY(check_row(walk, schema, &schema->fields[i]));
    walk->depth--;
    return NULL;
}

error schema_check(const struct schema *schema, struct arena *arena)
{
    struct walk walk = { .arena = arena };

    return check_table(&walk, schema);
}
