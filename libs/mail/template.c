/* Templates: what compiling one takes. How: template_internal.h. */
#include "mail/template_internal.h"

#include <string.h>

const char *const mail_template_blocks[] = {
    [TEMPLATE_EACH] = "each", [TEMPLATE_IF] = "if",     [TEMPLATE_UNLESS] = "unless",
    [TEMPLATE_WITH] = "with", [TEMPLATE_BLOCKS] = NULL,
};

error mail_template_error(const struct template_reader *reader, unsigned line, const char *format,
                          ...)
{
    va_list arguments;

    va_start(arguments, format);
    str text = arena_vprintf(reader->arena, format, arguments);

    va_end(arguments);
    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    return error_new(reader->arena, 400, "%s:%u: %s", reader->name, line, text.at);
}

/* The line of the first byte that no template may have. */
static unsigned line_of(str source, const char *at)
{
    unsigned line = 1;

    for (const char *c = source.at; c < at; c++)
        line += *c == '\n';
    return line;
}

static error check_source(const struct template_reader *reader)
{
    str source = reader->source;
    const char *nul = source.len ? memchr(source.at, 0, source.len) : NULL;

    if (source.len > MAIL_TEMPLATE_MAX)
        return mail_template_error(reader, 1, "a template may have %d bytes", MAIL_TEMPLATE_MAX);
    if (!str_is_utf8(source))
        return mail_template_error(reader, 1, "the template is not UTF-8");
    if (nul)
        return mail_template_error(reader, line_of(source, nul), "a NUL byte");
    return NULL;
}

error mail_template_compile(struct arena *arena, const char *name, str source,
                            struct mail_template **out)
{
    struct template_reader reader = { .arena = arena, .name = name, .source = source, .line = 1 };
    struct mail_template *made;

    TRY(check_source(&reader));
    made = ARENA_NEW(arena, struct mail_template);
    reader.source = arena_copy(arena, source);
    reader.name = arena_copy(arena, str_of(name)).at;
    if (!made || !reader.source.at || !reader.name)
        return &ERROR_OUT_OF_MEMORY;
    made->name = reader.name;
    TRY(mail_template_parse(&reader, &made->program));
    mail_template_strip(&made->program);
    *out = made;
    return NULL;
}
