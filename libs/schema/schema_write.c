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

/* Every kind but these two begins with the pointer that is NULL, or with the number that is
 * zero. */
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

/* The kinds whose text has a limit are put into room that was reserved beforehand. */
enum { FIXED_MAX = 40 };

static char *put_text(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

static char *put_uint(char *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    return put_text(to, digits + at, sizeof digits - at);
}

static char *put_int(char *to, int64_t value)
{
    if (value < 0)
        *to++ = '-';
    return put_uint(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* 12, 12.5 or 12.05. */
static char *put_money(char *to, money amount)
{
    bool negative = amount.minor < 0;
    uint64_t minor = negative ? 0 - (uint64_t)amount.minor : (uint64_t)amount.minor;

    if (negative)
        *to++ = '-';
    to = put_uint(to, minor / 100);
    if (minor % 100) {
        *to++ = '.';
        *to++ = (char)('0' + minor / 10 % 10);
        if (minor % 10)
            *to++ = (char)('0' + minor % 10);
    }
    return to;
}

static char *put_uuid(char *to, const uuid *id)
{
    *to++ = '"';
    uuid_print(*id, to);
    to += UUID_TEXT;
    *to++ = '"';
    return to;
}

static char *put_timestamp(char *to, timestamp time)
{
    *to++ = '"';
    timestamp_print(time, to);
    to += TIMESTAMP_TEXT;
    *to++ = '"';
    return to;
}

/* NULL for a kind whose text has no limit. */
static char *put_fixed(char *to, const struct field *field, const void *value)
{
    switch (field->kind) {
    case SCHEMA_BOOL:
        return *(const bool *)value ? put_text(to, "true", 4) : put_text(to, "false", 5);
    case SCHEMA_INT: return put_int(to, *(const int64_t *)value);
    case SCHEMA_MONEY: return put_money(to, *(const money *)value);
    case SCHEMA_UUID: return put_uuid(to, value);
    case SCHEMA_TIMESTAMP: return put_timestamp(to, *(const timestamp *)value);
    default: return NULL;
    }
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
    char fixed[FIXED_MAX], *end = put_fixed(fixed, field, value);

    if (end) {
        buf_add(out, (str){ fixed, (size_t)(end - fixed) });
        return;
    }
    switch (field->kind) {
    case SCHEMA_STR: json_write_string(out, *(const str *)value); break;
    case SCHEMA_DOUBLE: json_write_number(out, *(const double *)value); break;
    case SCHEMA_STRS: write_strs(value, out); break;
    case SCHEMA_ENUM: json_write_string(out, str_of(name_of(field, value))); break;
    case SCHEMA_JSON: buf_add(out, ((const json_text *)value)->text); break;
    case SCHEMA_OBJECT: write_struct(field->of(), *(const char *const *)value, secrets, out); break;
    case SCHEMA_LIST: write_list(field->of(), value, secrets, out); break;
    default: break;
    }
}

/* `"createdAt":` with a comma in front where one is due, and behind it the value if it is short:
 * one reservation for all. False when the value is still to be written. */
static bool write_name(const struct field *field, const void *value, bool first, struct buf *out)
{
    size_t name = schema_json_name_max(field);
    char *start = buf_reserve(out, name + 4 + FIXED_MAX), *to = start;

    if (!start)
        return true;
    if (!first)
        *to++ = ',';
    *to++ = '"';
    to = schema_put_json_name(field, to);
    *to++ = '"';
    *to++ = ':';
    char *end = value ? put_fixed(to, field, value) : put_text(to, "null", 4);

    out->len += (size_t)((end ? end : to) - start);
    return end;
}

/* Whether the row is printed at all. */
static bool is_printed(const struct field *field, bool given, bool partial, bool absent,
                       bool secrets)
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
        if (!write_name(field, absent ? NULL : member, first, out))
            write_value(field, member, secrets, out);
        first = false;
    }
    buf_add_char(out, '}');
}

static void write_field(const struct field *field, const void *value, bool secrets, struct buf *out)
{
    if (schema_is_absent(field, value))
        BUF_ADD(out, "null");
    else
        write_value(field, value, secrets, out);
}

static void write_whole(const struct schema *schema, const void *value, bool secrets,
                        struct buf *out)
{
    const struct field *first = schema->fields;

    if (schema->bare)
        write_field(first, (const char *)value + first->offset, secrets, out);
    else
        write_struct(schema, value, secrets, out);
}

void schema_write(const struct schema *schema, const void *value, struct buf *out)
{
    write_whole(schema, value, false, out);
}

void schema_write_secrets(const struct schema *schema, const void *value, struct buf *out)
{
    write_whole(schema, value, true, out);
}

void schema_write_field(const struct field *field, const void *value, struct buf *out)
{
    write_field(field, value, false, out);
}
