/* Writing a struct: row by row, straight into the buffer. */
#include "schema/schema_internal.h"

#include <string.h>

struct list {
    const char *at;
    size_t len;
};

static void write_struct(const struct schema *schema, const char *value, bool secrets,
                         struct buf *out);

static uint64_t bits(const void *value)
{
    uint64_t all;

    memcpy(&all, value, sizeof all);
    return all;
}

static const char *name_of(const struct field *field, const void *value)
{
    unsigned number;

    memcpy(&number, value, sizeof number);
    for (unsigned i = 0; field->names[i]; i++)
        if (i == number)
            return field->names[i];
    return "";
}

/* Every kind but these two begins with the pointer that is NULL, or with the number that is zero. */
bool schema_is_absent(const struct field *field, const void *value)
{
    bool may_lack = field->optional || field->nullable;

    switch (field->kind) {
    case SCHEMA_BOOL: return false;
    case SCHEMA_ENUM: return !*name_of(field, value);
    case SCHEMA_INT:
    case SCHEMA_DOUBLE:
    case SCHEMA_MONEY: return field->optional && bits(value) == 0;
    case SCHEMA_TIMESTAMP: return may_lack && bits(value) == 0;
    case SCHEMA_UUID: return may_lack && bits(value) == 0 && bits((const char *)value + 8) == 0;
    case SCHEMA_STR:
    case SCHEMA_STRS:
    case SCHEMA_JSON:
    case SCHEMA_OBJECT:
    case SCHEMA_LIST: break;
    }
    return bits(value) == 0;
}

static void write_money(money amount, struct buf *out)
{
    char *to = buf_reserve(out, MONEY_TEXT);

    if (to)
        out->len += money_print(amount, to);
}

/* Bytes that are printed as they are, between quotation marks. */
static char *reserve_quoted(struct buf *out, size_t len)
{
    char *to = buf_reserve(out, len + 2);

    if (!to)
        return NULL;
    to[0] = to[len + 1] = '"';
    out->len += len + 2;
    return to + 1;
}

static void write_uuid(const uuid *id, struct buf *out)
{
    char *to = reserve_quoted(out, UUID_TEXT);

    if (to)
        uuid_print(*id, to);
}

static void write_timestamp(timestamp time, struct buf *out)
{
    char *to = reserve_quoted(out, TIMESTAMP_TEXT);

    if (to)
        timestamp_print(time, to);
}

static void write_strs(const strs *list, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->len; i++) {
        if (i)
            buf_add_char(out, ',');
        json_write_string(out, list->at[i]);
    }
    buf_add_char(out, ']');
}

static void write_list(const struct schema *schema, const struct list *list, bool secrets,
                       struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->len; i++) {
        if (i)
            buf_add_char(out, ',');
        write_struct(schema, list->at + i * schema->size, secrets, out);
    }
    buf_add_char(out, ']');
}

static void write_value(const struct field *field, const void *value, bool secrets, struct buf *out)
{
    switch (field->kind) {
    case SCHEMA_STR: json_write_string(out, *(const str *)value); break;
    case SCHEMA_BOOL: buf_add(out, *(const bool *)value ? STR("true") : STR("false")); break;
    case SCHEMA_INT: buf_add_int(out, *(const int64_t *)value); break;
    case SCHEMA_DOUBLE: json_write_number(out, *(const double *)value); break;
    case SCHEMA_MONEY: write_money(*(const money *)value, out); break;
    case SCHEMA_UUID: write_uuid(value, out); break;
    case SCHEMA_TIMESTAMP: write_timestamp(*(const timestamp *)value, out); break;
    case SCHEMA_STRS: write_strs(value, out); break;
    case SCHEMA_ENUM: json_write_string(out, str_of(name_of(field, value))); break;
    case SCHEMA_JSON: buf_add(out, ((const json_text *)value)->text); break;
    case SCHEMA_OBJECT:
        write_struct(field->of(), *(const char *const *)value, secrets, out);
        break;
    case SCHEMA_LIST: write_list(field->of(), value, secrets, out); break;
    }
}

/* `"createdAt":` with a comma in front where one is due. */
static void write_name(const struct field *field, bool first, struct buf *out)
{
    char *quote = buf_reserve(out, 2);

    if (!quote)
        return;
    quote[0] = ',';
    quote[!first] = '"';
    out->len += 1 + !first;
    schema_json_name(field, out);
    BUF_ADD(out, "\":");
}

/* Whether the row is printed at all. */
static bool is_printed(const struct field *field, bool given, bool partial, bool absent, bool secrets)
{
    if (field->secret && !secrets)
        return false;
    if (partial)
        return given;
    return !absent || field->nullable || !field->optional;
}

static void write_struct(const struct schema *schema, const char *value, bool secrets,
                         struct buf *out)
{
    fieldset given = schema->partial ? bits(value) : 0;
    bool first = true;

    buf_add_char(out, '{');
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        const char *member = value + field->offset;
        bool absent = schema_is_absent(field, member);

        if (!is_printed(field, given >> i & 1, schema->partial, absent, secrets))
            continue;
        write_name(field, first, out);
        first = false;
        if (absent)
            BUF_ADD(out, "null");
        else
            write_value(field, member, secrets, out);
    }
    buf_add_char(out, '}');
}

void schema_write(const struct schema *schema, const void *value, struct buf *out)
{
    write_struct(schema, value, false, out);
}

void schema_write_secrets(const struct schema *schema, const void *value, struct buf *out)
{
    write_struct(schema, value, true, out);
}

void schema_write_field(const struct field *field, const void *value, struct buf *out)
{
    if (schema_is_absent(field, value))
        BUF_ADD(out, "null");
    else
        write_value(field, value, false, out);
}
