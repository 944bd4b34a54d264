#include "database/value.h"

#include "database/errors.h"

#include <assert.h>
#include <string.h>

struct list {
    void *at;
    size_t len;
};

/* What a kind is in SQL, and the size of its member. */
static const struct {
    enum db_type type;
    size_t size;
} kinds[] = {
    [SCHEMA_STR] = { DB_TEXT, sizeof(str) },
    [SCHEMA_BOOL] = { DB_INTEGER, sizeof(bool) },
    [SCHEMA_INT] = { DB_INTEGER, sizeof(int64_t) },
    [SCHEMA_DOUBLE] = { DB_REAL, sizeof(double) },
    [SCHEMA_MONEY] = { DB_INTEGER, sizeof(money) },
    [SCHEMA_UUID] = { DB_TEXT, sizeof(uuid) },
    [SCHEMA_TIMESTAMP] = { DB_INTEGER, sizeof(timestamp) },
    [SCHEMA_STRS] = { DB_TEXT, sizeof(strs) },
    [SCHEMA_ENUM] = { DB_TEXT, sizeof(unsigned) },
    [SCHEMA_JSON] = { DB_TEXT, sizeof(json_text) },
    [SCHEMA_OBJECT] = { DB_TEXT, sizeof(void *) },
    [SCHEMA_LIST] = { DB_TEXT, sizeof(struct list) },
};

static const char *const type_name[] = {
    [DB_NULL] = "null",
    [DB_INTEGER] = "an integer",
    [DB_REAL] = "a number",
    [DB_TEXT] = "a text",
};

/* A number that no name stands for. */
static bool has_no_name(const struct field *field, const void *member)
{
    unsigned value = *(const unsigned *)member, known = 0;

    while (known <= value && field->names[known])
        known++;
    return known <= value;
}

/* Whether the member is null in SQL. A list that may not be null is empty when it has no array. */
static bool is_null(const struct schema *schema, size_t row, const void *record)
{
    const struct field *field = &schema->fields[row];
    bool is_list = field->kind == SCHEMA_STRS || field->kind == SCHEMA_LIST;

    if (schema->partial && !(*(const fieldset *)record >> row & 1))
        return true;
    if (is_list && !field->optional && !field->nullable)
        return false;
    if (field->kind == SCHEMA_ENUM && has_no_name(field, (const char *)record + field->offset))
        return false;
    return schema_is_absent(field, (const char *)record + field->offset);
}

static error text_of_uuid(struct arena *arena, const uuid *id, str *out)
{
    char *text = arena_alloc(arena, UUID_TEXT);

    if (!text)
        return &ERROR_OUT_OF_MEMORY;
    uuid_print(*id, text);
    *out = (str){ text, UUID_TEXT };
    return NULL;
}

static error text_of_json(struct arena *arena, const struct field *field, const void *member,
                          str *out)
{
    struct buf buf = buf_new(ARENA_CALL_MAX);

    if (schema_is_absent(field, member))
        BUF_ADD(&buf, "[]");
    else
        schema_write_field(field, member, &buf);
    *out = buf_failed(&buf) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&buf));
    buf_free(&buf);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error text_of_enum(struct arena *arena, const struct field *field, const void *member,
                          str *out)
{
    unsigned value = *(const unsigned *)member;

    if (has_no_name(field, member))
        return db_internal_error(arena, "%s has no name for the value %u", field->name, value);
    *out = str_of(field->names[value]);
    return NULL;
}

error db_value_of(struct arena *arena, const struct schema *schema, size_t row, const void *record,
                  struct db_value *out)
{
    const struct field *field = &schema->fields[row];
    const void *member = (const char *)record + field->offset;

    *out = (struct db_value){ .type = DB_NULL };
    if (is_null(schema, row, record))
        return NULL;
    out->type = kinds[field->kind].type;
    switch (field->kind) {
    case SCHEMA_STR: out->text = *(const str *)member; break;
    case SCHEMA_BOOL: out->integer = *(const bool *)member; break;
    case SCHEMA_INT: out->integer = *(const int64_t *)member; break;
    case SCHEMA_DOUBLE: out->real = *(const double *)member; break;
    case SCHEMA_MONEY: out->integer = ((const money *)member)->minor; break;
    case SCHEMA_TIMESTAMP: out->integer = ((const timestamp *)member)->ms; break;
    case SCHEMA_JSON: out->text = ((const json_text *)member)->text; break;
    case SCHEMA_UUID: return text_of_uuid(arena, member, &out->text);
    case SCHEMA_ENUM: return text_of_enum(arena, field, member, &out->text);
    case SCHEMA_STRS:
    case SCHEMA_OBJECT:
    case SCHEMA_LIST: return text_of_json(arena, field, member, &out->text);
    }
    return NULL;
}

static error copy_text(struct arena *arena, str text, str *out)
{
    str copy = arena_copy(arena, text);

    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = copy;
    return NULL;
}

static str reason(error why)
{
    return why->messages && why->messages->len ? why->messages->at[0] : str_of(why->message);
}

/* What was read points into the text, so the text is copied first. */
static error read_json(struct arena *arena, const struct field *field, str text, void *member)
{
    str copy;

    TRY(copy_text(arena, text, &copy));
    error why = schema_read_field(field, arena, copy, member);

    return why && why != &ERROR_OUT_OF_MEMORY
               ? db_internal_error(arena, "%s: %.*s", field->name, STR_ARG(reason(why)))
               : why;
}

static bool read_enum(const struct field *field, str text, unsigned *out)
{
    for (unsigned i = 0; field->names[i]; i++) {
        if (str_is(text, field->names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* The kinds whose text may be anything but theirs. */
static error read_exact(struct arena *arena, const struct field *field, str text, void *member)
{
    bool is_uuid = field->kind == SCHEMA_UUID;

    if (is_uuid ? uuid_parse(text, member) : read_enum(field, text, member))
        return NULL;
    return db_internal_error(arena, "%s cannot hold '%.*s'", field->name, STR_ARG(text));
}

error db_value_store(struct arena *arena, const struct schema *schema, size_t row,
                     const struct db_value *value, void *record)
{
    const struct field *field = &schema->fields[row];
    void *member = (char *)record + field->offset;

    if (value->type == DB_NULL) {
        memset(member, 0, kinds[field->kind].size);
        return NULL;
    }
    bool widens = field->kind == SCHEMA_DOUBLE && value->type == DB_INTEGER;

    if (value->type != kinds[field->kind].type && !widens)
        return db_internal_error(arena, "%s cannot hold %s", field->name, type_name[value->type]);
    if (schema->partial)
        *(fieldset *)record |= (fieldset)1 << row;
    switch (field->kind) {
    case SCHEMA_STR: return copy_text(arena, value->text, member);
    case SCHEMA_JSON: return copy_text(arena, value->text, &((json_text *)member)->text);
    case SCHEMA_BOOL: *(bool *)member = value->integer != 0; break;
    case SCHEMA_INT: *(int64_t *)member = value->integer; break;
    case SCHEMA_DOUBLE: *(double *)member = widens ? (double)value->integer : value->real; break;
    case SCHEMA_MONEY: ((money *)member)->minor = value->integer; break;
    case SCHEMA_TIMESTAMP: ((timestamp *)member)->ms = value->integer; break;
    case SCHEMA_UUID:
    case SCHEMA_ENUM: return read_exact(arena, field, value->text, member);
    case SCHEMA_STRS:
    case SCHEMA_OBJECT:
    case SCHEMA_LIST: return read_json(arena, field, value->text, member);
    }
    return NULL;
}
