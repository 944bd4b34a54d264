#include "apps/notification-service/templates.h"
#include "base/embed.h"
#include "runtime/file.h"

extern const struct embedded_file notification_service_templates[];

enum { FILLED_MAX = 4 * 1024 * 1024 };

const char *const letter_part_names[] = { "subject", "html", "text", NULL };

static str name_of(struct arena *arena, struct template_key key)
{
    return arena_printf(arena, "%s/%s.%s", mail_languages[key.language], letter_names[key.letter],
                        letter_part_names[key.part]);
}

static error built_in(struct arena *arena, str name, str *out)
{
    for (const struct embedded_file *file = notification_service_templates; file->name; file++) {
        if (!str_is(name, file->name))
            continue;
        *out = (str){ (const char *)file->at, file->len };
        return NULL;
    }
    return error_new(arena, 500, "there is no template %.*s", STR_ARG(name));
}

/* A file of the directory comes with its path for a name, so that an error says where to look. */
static error read_source(struct arena *arena, str directory, str *name, str *out)
{
    if (!directory.at)
        return built_in(arena, *name, out);
    str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(directory), STR_ARG(*name));

    if (!path.at)
        return &ERROR_OUT_OF_MEMORY;
    error missing = file_read(arena, path.at, MAIL_TEMPLATE_MAX, out);

    if (missing && missing->status == 404)
        return built_in(arena, *name, out);
    if (!missing)
        *name = path;
    return missing;
}

error template_load(struct arena *arena, str directory, struct template_key key,
                    struct mail_template **out)
{
    str name = name_of(arena, key), source;
    struct mail_template *made;

    if (!name.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(read_source(arena, directory, &name, &source));
    if (!str_is_utf8(source))
        return error_new(arena, 400, "%.*s is not UTF-8", STR_ARG(name));
    TRY(mail_template_compile(arena, name.at, source, &made));
    TRY(mail_template_check(arena, made, letter_schema(key.letter)));
    *out = made;
    return NULL;
}

static str one_line(str text)
{
    char *at = (char *)text.at;

    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)at[i] < ' ' || at[i] == 0x7F)
            at[i] = ' ';
    return str_trim(text);
}

error template_fill(struct arena *arena, const struct mail_template *template,
                    enum letter_part part, const struct json *values, str *out)
{
    struct buf text = buf_new(FILLED_MAX);
    error failed = mail_template_render(
        template, values, part == LETTER_HTML ? MAIL_ESCAPE_HTML : MAIL_ESCAPE_NONE, &text);
    str copy = failed ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));

    buf_free(&text);
    if (failed)
        return failed;
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = part == LETTER_SUBJECT ? one_line(copy) : copy;
    return NULL;
}

static error load_part(struct arena *arena, str directory, struct template_key key,
                       struct templates *out)
{
    return template_load(arena, directory, key, &out->of[key.language][key.letter][key.part]);
}

error templates_load(struct arena *arena, str directory, struct templates *out)
{
    for (int language = 0; language < LANGUAGE_COUNT; language++)
        for (int letter = 0; letter < LETTER_COUNT; letter++)
            for (int part = 0; part < LETTER_PARTS; part++)
                TRY(load_part(arena, directory,
                              (struct template_key){ (enum language)language, (enum letter)letter,
                                                     (enum letter_part)part },
                              out));
    return NULL;
}
