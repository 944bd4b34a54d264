/* A field's names: `created_at` is `createdAt` in JSON and `CREATED_AT` in the environment. The
 * JSON name is never stored; it is compared and printed from the C name. */
#include "schema/schema_internal.h"

#include <assert.h>
#include <string.h>

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool schema_is_name(const struct field *field, str name)
{
    const char *snake = field->name;
    size_t i = 0;

    if (field->json)
        return str_is(name, field->json);
    for (; i < name.len && *snake; i++, snake++) {
        char c = *snake;

        if (c == '_' && snake[1])
            c = upper(*++snake);
        if (name.at[i] != c)
            return false;
    }
    return i == name.len && !*snake;
}

size_t schema_json_name_max(const struct field *field)
{
    return strlen(field->json ? field->json : field->name);
}

char *schema_put_json_name(const struct field *field, char *to)
{
    const char *from = field->json ? field->json : field->name, *next;
    size_t len = strlen(from);

    while (!field->json && (next = memchr(from, '_', len)) && (size_t)(next - from) + 1 < len) {
        size_t piece = (size_t)(next - from);

        memcpy(to, from, piece);
        to[piece] = upper(next[1]);
        to += piece + 1;
        from = next + 2;
        len -= piece + 2;
    }
    memcpy(to, from, len);
    return to + len;
}

void schema_json_name(const struct field *field, struct buf *out)
{
    char *to = buf_reserve(out, schema_json_name_max(field));

    if (to)
        out->len += (size_t)(schema_put_json_name(field, to) - to);
}

void schema_env_name(const struct field *field, struct buf *out)
{
    if (field->env) {
        buf_add(out, str_of(field->env));
        return;
    }
    for (const char *c = field->name; *c; c++)
        buf_add_char(out, upper(*c));
}

const struct field *schema_field(const struct schema *schema, str name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (str_is(name, schema->fields[i].name))
            return &schema->fields[i];
    return NULL;
}

fieldset schema_bit(const struct schema *schema, const char *member)
{
    const struct field *field = schema_field(schema, str_of(member));

    assert(field && schema->count <= SCHEMA_FIELDS_MAX);
    return (fieldset)1 << (field - schema->fields);
}
