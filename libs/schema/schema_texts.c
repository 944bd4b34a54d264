/* Structs from texts: query parameters, settings, fallbacks. A text becomes the JSON value that it
 * means for the field's kind, and then the rules decide as they do for a body. What cannot be
 * converted stays a string and so breaks the rules of any other kind. */
#include "schema/schema_internal.h"

#include <string.h>

static struct json *node_of(struct arena *arena, enum json_type type, str text)
{
    struct json *node = ARENA_NEW(arena, struct json);

    if (node)
        *node = (struct json){ .type = type, .text = text, .source = text };
    return node;
}

static const struct json *parsed_or_text(struct arena *arena, str text)
{
    const struct json *value;
    error e = json_parse(arena, text, &value);

    if (!e)
        return value;
    return e == &ERROR_OUT_OF_MEMORY ? NULL : node_of(arena, JSON_STRING, text);
}

static const struct json *number_or_text(struct arena *arena, str text)
{
    const struct json *value = parsed_or_text(arena, text);

    if (value && value->type != JSON_NUMBER)
        return node_of(arena, JSON_STRING, text);
    return value;
}

static const struct json *bool_or_text(struct arena *arena, str text)
{
    bool yes = str_is(text, "true") || str_is(text, "1");
    bool no = str_is(text, "false") || str_is(text, "0");

    return node_of(arena, yes ? JSON_TRUE : no ? JSON_FALSE : JSON_STRING, text);
}

static const struct json *pieces(struct arena *arena, str text)
{
    struct json *list = node_of(arena, JSON_ARRAY, text), *last = NULL;
    str rest = text, piece;

    while (list && text.len && str_next_piece(&rest, ',', &piece)) {
        struct json *item = node_of(arena, JSON_STRING, str_trim(piece));

        if (!item)
            return NULL;
        if (last)
            last->next = item;
        else
            list->first = item;
        last = item;
        list->count++;
    }
    return list;
}

const struct json *schema_text_value(struct arena *arena, const struct field *field, str text)
{
    switch (field->kind) {
    case SCHEMA_INT:
    case SCHEMA_DOUBLE:
    case SCHEMA_MONEY: return number_or_text(arena, text);
    case SCHEMA_BOOL: return bool_or_text(arena, text);
    case SCHEMA_STRS: return pieces(arena, text);
    case SCHEMA_JSON:
    case SCHEMA_OBJECT:
    case SCHEMA_LIST: return parsed_or_text(arena, text);
    case SCHEMA_STR:
    case SCHEMA_UUID:
    case SCHEMA_TIMESTAMP:
    case SCHEMA_ENUM: break;
    }
    return node_of(arena, JSON_STRING, text);
}

error schema_read_texts(const struct schema *schema, struct arena *arena,
                        const struct schema_texts *texts, void *out)
{
    const struct json *values[SCHEMA_FIELDS_MAX] = { NULL };
    struct schema_reader r = schema_reader_of(arena, SCHEMA_REFUSE);
    void *filled = arena_zalloc(arena, 1, schema->size);

    if (!filled)
        return &ERROR_OUT_OF_MEMORY;
    r.name_of = texts->name_of;
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        str text = texts->find(texts->cookie, field);

        if (text.at)
            values[i] = schema_text_value(arena, field, text);
        if (text.at && !values[i])
            return &ERROR_OUT_OF_MEMORY;
    }
    schema_read_values(&r, NULL, schema, values, filled);
    TRY(schema_finish(&r));
    memcpy(out, filled, schema->size);
    return NULL;
}
