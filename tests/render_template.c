/* Fills templates for tests/system/templates.test.mjs. Each line of the input is a case, each line of the output its
 * outcome:
 *
 *     {"template":"Hello {{name}}","data":{"name":"Ana"},"noEscape":false}      {"output":"Hello Ana"}
 *     {"template":"{{#if x}}","data":{}}                                        {"error":"template:1: …"}
 */
#include "mail/template.h"

#include <stdio.h>
#include <stdlib.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

static error fill(struct arena *arena, const struct json *row, struct buf *out)
{
    const struct json *source = json_member(row, STR("template"));
    const struct json *no_escape = json_member(row, STR("noEscape"));
    bool plain = no_escape && no_escape->type == JSON_TRUE;
    struct mail_template *template;

    if (!source || source->type != JSON_STRING)
        return error_new(arena, 400, "a case without a template");
    TRY(mail_template_compile(arena, "template", source->text, &template));
    return mail_template_render(template, json_member(row, STR("data")),
                                plain ? MAIL_ESCAPE_NONE : MAIL_ESCAPE_HTML, out);
}

static void answer(struct arena *arena, str line)
{
    struct buf output = buf_new(OUTPUT_MAX), out = buf_new(OUTPUT_MAX);
    const struct json *row;
    error e = json_parse(arena, line, &row);

    if (!e)
        e = fill(arena, row, &output);
    buf_printf(&out, "{\"%s\":", e ? "error" : "output");
    json_write_string(&out, e ? str_of(e->message) : buf_text(&output));
    BUF_ADD(&out, "}\n");
    if (buf_failed(&out) || fwrite(out.at, 1, out.len, stdout) != out.len)
        abort();
    buf_free(&output);
    buf_free(&out);
}

int main(void)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    char *line = NULL;
    size_t size = 0;

    for (ssize_t len; (len = getline(&line, &size, stdin)) > 0; arena_reset(arena))
        answer(arena, (str){ line, (size_t)len });
    free(line);
    arena_free(arena);
    return fflush(stdout) ? 1 : 0;
}
