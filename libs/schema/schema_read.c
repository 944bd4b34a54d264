/* Reading a struct: first the members of the object are matched with the rows, unknown ones
 * reported; then row by row the rules are asked, from the lowest up, and the value is put into the
 * struct. All mistakes are collected. The order of messages is class-validator's:
 *
 *     unknown members, in the order of the input
 *     for each row: IsDefined, then the other rules bottom-up, then "nested property …",
 *                   then the same for what is nested in it
 *
 * The struct is filled in a copy and handed over when there was no complaint. */
#include "schema/schema_internal.h"

#include <string.h>

static const struct rule DEFINED = IS_DEFINED, OBJECT = IS_OBJECT, EACH_OBJECT = EACH(IS_OBJECT),
                         ARRAY = IS_ARRAY;

/* Index of the row whose JSON name it is, or the count. Members mostly come in the order of the
 * rows, so the search begins behind the one found last. */
static size_t find_row(const struct schema *schema, str name, size_t *next)
{
    for (size_t i = 0; i < schema->count; i++) {
        size_t row = *next + i < schema->count ? *next + i : *next + i - schema->count;

        if (schema_is_name(&schema->fields[row], name)) {
            *next = row + 1 < schema->count ? row + 1 : 0;
            return row;
        }
    }
    return schema->count;
}

static void match_members(struct schema_reader *r, struct schema_path *path,
                          const struct schema *schema, const struct json *object,
                          const struct json **values)
{
    size_t next = 0;

    for (const struct json *member = object->first; member; member = member->next) {
        size_t row = find_row(schema, member->name, &next);

        if (row < schema->count)
            values[row] = member;
        else if (r->unknown == SCHEMA_REFUSE && !schema_is_hidden_name(member->name))
            schema_complain_unknown(r, path, member->name);
    }
}

static void read_object(struct schema_reader *r, struct schema_path *path,
                        const struct schema *schema, const struct json *object, void *out)
{
    const struct json *values[SCHEMA_FIELDS_MAX];

    memset(values, 0, schema->count * sizeof values[0]);
    match_members(r, path, schema, object, values);
    schema_read_values(r, path, schema, values, out);
}

/* Validates what stands where an object is nested: an array item by item, whatever its depth.
 * `out` holds the object, or the last one of an array, which nobody wants. */
static void read_nested(struct schema_reader *r, struct schema_path *path,
                        const struct field *field, const struct json *value, void *out)
{
    const struct schema *schema = field->of();
    uint32_t index = 0;

    if (value->type == JSON_OBJECT) {
        read_object(r, path, schema, value, out);
    } else if (value->type == JSON_ARRAY) {
        for (const struct json *item = value->first; item; item = item->next) {
            struct schema_path at = { path, NULL, index++, SCHEMA_UNHEARD };

            read_nested(r, &at, field, item, out);
        }
    } else {
        schema_complain_nested(r, path, field->kind == SCHEMA_LIST);
    }
}

static void *room_for(struct schema_reader *r, const struct schema *schema, size_t count)
{
    void *room = arena_zalloc(r->arena, count, schema->size);

    r->no_memory |= !room;
    return room;
}

static void read_pointer(struct schema_reader *r, struct schema_path *path,
                         const struct field *field, const struct json *value, void *out)
{
    void *room = room_for(r, field->of(), 1);
    size_t before = r->count;

    if (!room)
        return;
    read_nested(r, path, field, value, room);
    if (r->count == before && value->type != JSON_OBJECT)
        schema_complain(r, path, &OBJECT, value);
    memcpy(out, &room, sizeof room);
}

/* A list's items. Those of a list that broke a rule need no place of their own. */
static void read_items(struct schema_reader *r, struct schema_path *path, const struct field *field,
                       const struct json *list, bool keep, void *out)
{
    const struct schema *schema = field->of();
    char *room = room_for(r, schema, keep ? list->count : 1);
    struct schema_path at = { path, NULL, 0, SCHEMA_UNHEARD };
    size_t len = list->count;

    if (!room)
        return;
    for (const struct json *item = list->first; item; item = item->next, at.index++) {
        size_t before = r->count;

        at.state = SCHEMA_UNHEARD;
        read_nested(r, &at, field, item, room + (keep ? at.index * schema->size : 0));
        if (r->count == before && item->type == JSON_ARRAY)
            schema_complain(r, &at, &EACH_OBJECT, item);
    }
    memcpy(out, &room, sizeof room);
    memcpy((char *)out + sizeof room, &len, sizeof len);
}

static void read_list(struct schema_reader *r, struct schema_path *path, const struct field *field,
                      const struct json *value, bool keep, void *out)
{
    if (value->type == JSON_ARRAY) {
        read_items(r, path, field, value, keep, out);
        return;
    }
    void *room = room_for(r, field->of(), 1);
    size_t before = r->count;

    if (!room)
        return;
    read_nested(r, path, field, value, room);
    if (keep && r->count == before)
        schema_complain(r, path, &ARRAY, value);
}

/* The broken rules in the order of their messages: IsDefined, then bottom-up; two of the same
 * decorator give one message, the upper one's at the place of the lower. Returns how many. */
static size_t broken_rules(const struct rule *rules, size_t count, const struct json *value,
                           const struct rule *broken[SCHEMA_RULES_MAX])
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (rules[i].type == RULE_IS_DEFINED && !schema_rule_holds(&rules[i], value) && !found)
            broken[found++] = &rules[i];
    for (size_t i = count; i-- > 0;) {
        size_t k = 0;

        if (rules[i].type == RULE_IS_DEFINED || schema_rule_holds_in(&rules[i], value))
            continue;
        while (k < found && schema_rule_decorator(broken[k]) != schema_rule_decorator(&rules[i]))
            k++;
        broken[k] = &rules[i];
        found += k == found;
    }
    return found;
}

/* A value that no rule objects to but the member cannot hold: the first rule of its kind that it
 * breaks, else the kind's main one. */
static void complain_of_kind(struct schema_reader *r, struct schema_path *path,
                             const struct field *field, const struct json *value)
{
    struct rule kind[SCHEMA_KIND_RULES];
    const struct rule *broken[SCHEMA_RULES_MAX];
    size_t count = schema_kind_rules(field, kind);
    size_t found = broken_rules(kind, count, value, broken);

    schema_complain(r, path, found ? broken[0] : &kind[0], value);
}

static bool is_nested(const struct field *field)
{
    return field->kind == SCHEMA_OBJECT || field->kind == SCHEMA_LIST;
}

static void read_field(struct schema_reader *r, struct schema_path *path, const struct field *field,
                       const struct json *value, void *out)
{
    struct rule kind[SCHEMA_KIND_RULES];
    const struct rule *rules, *broken[SCHEMA_RULES_MAX];
    size_t count = schema_rules_of(field, kind, &rules);

    if (value && field->lenient) {
        value = schema_rounded(r->arena, value);
        r->no_memory |= !value;
    }
    size_t found = broken_rules(rules, count, value, broken);

    for (size_t i = 0; i < found; i++)
        schema_complain(r, path, broken[i], value);
    if (is_nested(field) && value) {
        if (field->kind == SCHEMA_OBJECT)
            read_pointer(r, path, field, value, out);
        else
            read_list(r, path, field, value, !found, out);
    } else if (!found && is_nested(field)) {
        schema_complain(r, path, &DEFINED, value);
    } else if (!found && (!value || !schema_bind(r, field, value, out))) {
        complain_of_kind(r, path, field, value);
    }
}

static bool is_missing(const struct json *value)
{
    return !value || value->type == JSON_NULL;
}

/* Reads one row; whether the field counts as given in a PARTIAL. */
static bool read_row(struct schema_reader *r, struct schema_path *path, bool optional,
                     const struct json *value, void *out)
{
    const struct field *field = path->field;

    if (is_missing(value) && field->fallback && !optional) {
        value = schema_text_value(r->arena, field, str_of(field->fallback));
        r->no_memory |= !value;
    }
    if (value && is_missing(value) && (field->optional || field->nullable))
        return true;
    if (is_missing(value) && (optional || field->optional))
        return false;
    read_field(r, path, field, value, out);
    return true;
}

void schema_read_values(struct schema_reader *r, struct schema_path *path,
                        const struct schema *schema, const struct json *const *values, void *out)
{
    fieldset given = 0;

    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        struct schema_path at = { path, field, 0, SCHEMA_UNHEARD };

        if (read_row(r, &at, schema->partial, values[i], (char *)out + field->offset))
            given |= (fieldset)1 << i;
    }
    if (schema->partial)
        memcpy(out, &given, sizeof given);
}

/* A body that is an array: its elements are unknown members to NestJS. */
static void refuse_elements(struct schema_reader *r, const struct json *array)
{
    char digits[24];

    for (uint32_t i = 0; r->unknown == SCHEMA_REFUSE && i < array->count; i++) {
        struct buf number = { .at = digits, .capacity = sizeof digits, .max = sizeof digits };

        buf_add_uint(&number, i);
        schema_complain_unknown(r, NULL, buf_text(&number));
    }
}

static void read_top(struct schema_reader *r, const struct schema *schema, const struct json *value,
                     void *out)
{
    const struct json *values[SCHEMA_FIELDS_MAX] = { NULL };
    bool wrong = value && value->type != JSON_OBJECT && value->type != JSON_NULL;

    if (schema->bare && wrong) {
        values[0] = value;
        wrong = false;
    } else if (value && value->type == JSON_OBJECT) {
        match_members(r, NULL, schema, value, values);
    } else if (value && value->type == JSON_ARRAY) {
        refuse_elements(r, value);
    }
    schema_read_values(r, NULL, schema, values, out);
    if (wrong && !r->count)
        schema_complain_plainly(r, STR("Validation failed (object is expected)"));
}

error schema_read(const struct schema *schema, struct arena *arena, const struct json *value,
                  enum schema_unknown unknown, void *out)
{
    struct schema_reader r = schema_reader_of(arena, unknown);
    void *filled = arena_zalloc(arena, 1, schema->size);

    if (!filled)
        return &ERROR_OUT_OF_MEMORY;
    read_top(&r, schema, value, filled);
    TRY(schema_finish(&r));
    memcpy(out, filled, schema->size);
    return NULL;
}

error schema_parse(const struct schema *schema, struct arena *arena, str text,
                   enum schema_unknown unknown, void *out)
{
    const struct json *value;

    TRY(json_parse(arena, text, &value));
    return schema_read(schema, arena, value, unknown, out);
}

error schema_read_field(const struct field *field, struct arena *arena, str text, void *out)
{
    struct schema_reader r = schema_reader_of(arena, SCHEMA_IGNORE);
    struct schema_path at = { NULL, field, 0, SCHEMA_UNHEARD };
    const struct json *value;

    TRY(json_parse(arena, text, &value));
    if (is_missing(value) && (field->optional || field->nullable))
        return NULL;
    read_field(&r, &at, field, value, out);
    return schema_finish(&r);
}
