/* Reads any bytes as a template, behind a first line that is its data, in JSON. What compiles is checked against a field
 * table and filled twice, with both ways of escaping; the same data must give the same output. */
#include "mail/template.h"

#include <stdlib.h>

enum { OUTPUT_MAX = 1024 * 1024 };

struct inner {
    str a;
    int64_t b;
};

struct outer {
    str a;
    strs b;
    struct inner *c;
    json_text d;
    struct {
        struct inner *at;
        size_t len;
    } list;
};

static SCHEMA(inner, FIELD(a), FIELD(b));
static SCHEMA(outer, FIELD(a), FIELD(b), FIELD(c, .of = inner_schema), FIELD(d),
              LIST(list, .of = inner_schema));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void fill(const struct mail_template *template, const struct json *data,
                 enum mail_escape escape)
{
    struct buf once = buf_new(OUTPUT_MAX), twice = buf_new(OUTPUT_MAX);
    error e = mail_template_render(template, data, escape, &once);

    require(e == mail_template_render(template, data, escape, &twice));
    require(!e || e->status >= 500);
    require(e || (str_eq(buf_text(&once), buf_text(&twice)) && str_is_utf8(buf_text(&once))));
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str rest = { (const char *)data, size }, first = { NULL, 0 };
    struct mail_template *template;
    const struct json *value = NULL;

    str_next_piece(&rest, '\n', &first);
    if (!rest.at)
        rest = STR("");
    if (json_parse(arena, json_repair_utf8(arena, first), &value))
        value = NULL;
    error e = mail_template_compile(arena, "fuzz", rest, &template);

    if (e) {
        require(e->status == 400 && str_is_utf8(str_of(e->message)));
    } else {
        e = mail_template_check(arena, template, outer_schema());
        require(!e || (e->status == 400 && str_is_utf8(str_of(e->message))));
        fill(template, value, MAIL_ESCAPE_HTML);
        fill(template, value, MAIL_ESCAPE_NONE);
    }
    arena_free(arena);
    return 0;
}
