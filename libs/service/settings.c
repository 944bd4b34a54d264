#include "service/settings.h"
#include "runtime/file.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 128, NAME_COLUMN = 28 };

struct lookup {
    struct arena *arena;
    error failed; /* of reading a NAME_FILE */
};

static const char *variable(const struct field *field, const char *suffix)
{
    struct buf name = buf_new(NAME_MAX_BYTES);

    schema_env_name(field, &name);
    buf_add(&name, str_of(suffix));
    buf_add_char(&name, '\0');
    const char *value = buf_failed(&name) ? NULL : getenv(name.at);

    buf_free(&name);
    return value && *value ? value : NULL;
}

static str without_newline(str text)
{
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static str find(void *cookie, const struct field *field)
{
    struct lookup *lookup = cookie;
    const char *value = variable(field, ""), *path = variable(field, "_FILE");
    str content = { NULL, 0 };

    if (value)
        return str_of(value);
    if (path && !lookup->failed)
        lookup->failed = file_read(lookup->arena, path, SETTINGS_FILE_MAX, &content);
    return content.at ? without_newline(content) : content;
}

/* The first of a list of messages, or the message. */
static error one_line(struct arena *arena, error e)
{
    if (!e || !e->messages || !e->messages->len)
        return e;
    return error_new(arena, e->status, "%.*s", STR_ARG(e->messages->at[0]));
}

error settings_load(const struct schema *schema, struct arena *arena, void *out)
{
    struct lookup lookup = { .arena = arena };
    const struct schema_texts texts = { find, &lookup, schema_env_name };
    error invalid = schema_read_texts(schema, arena, &texts, out);

    return lookup.failed ? lookup.failed : one_line(arena, invalid);
}

void settings_describe(const struct schema *schema, struct buf *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        size_t start = out->len;

        BUF_ADD(out, "  ");
        schema_env_name(field, out);
        while (out->len < start + NAME_COLUMN && !buf_failed(out))
            buf_add_char(out, ' ');
        buf_add_char(out, ' ');
        buf_add(out, str_of(field->doc));
        if (field->fallback)
            buf_printf(out, " (%s)", field->fallback);
        buf_add_char(out, '\n');
    }
}
