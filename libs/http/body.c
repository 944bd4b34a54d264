/* Bodies as NestJS's body parser reads them, in its order: a body that nobody announced or of another type is
 * none; then the charset, the coding, the text. One difference: of the UTF family only UTF-8 is read, and no
 * brotli; both are answered as NestJS answers what it cannot read. */
#include "http/form.h"
#include "http/inflate.h"
#include "http/message.h"
#include "http/route.h"
#include "http/server.h"
#include "json/json.h"

enum body_type { BODY_OTHER, BODY_JSON, BODY_FORM };

static enum body_type type_of(str content_type)
{
    str media = str_trim(str_slice(content_type, 0, str_find(content_type, ';')));

    if (str_eq_nocase(media, STR("application/json")))
        return BODY_JSON;
    if (str_eq_nocase(media, STR("application/x-www-form-urlencoded")))
        return BODY_FORM;
    return BODY_OTHER;
}

static bool is_announced(const struct http_request *request)
{
    return http_header(request, STR("Content-Length")).at ||
           http_header(request, STR("Transfer-Encoding")).at;
}

static str unquote(str value)
{
    return value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"'
               ? str_slice(value, 1, value.len - 2)
               : value;
}

/* The value of a parameter of the media type; UTF-8 when there is none. */
static str charset_of(str content_type)
{
    str rest = str_slice(content_type, str_find(content_type, ';') + 1, content_type.len), piece;

    while (str_next_piece(&rest, ';', &piece)) {
        size_t equals = str_find(piece, '=');

        if (str_eq_nocase(str_trim(str_slice(piece, 0, equals)), STR("charset")))
            return unquote(str_trim(str_slice(piece, equals + 1, piece.len)));
    }
    return STR("utf-8");
}

/* 415 with the name in quotes; `change` is what NestJS does to its case. */
static error unsupported(struct arena *arena, const char *what, str name, char (*change)(char c))
{
    struct error *made = ARENA_NEW(arena, struct error);
    char *changed = arena_alloc(arena, name.len);

    if (!made || !changed)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < name.len; i++)
        changed[i] = change(name.at[i]);
    str text = json_repair_utf8(arena, (str){ changed, name.len });

    text = text.at ? arena_printf(arena, "unsupported %s \"%.*s\"", what, STR_ARG(text)) : text;
    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    *made = (struct error){ .status = 415, .form = ERROR_BRIEF, .message = text.at };
    return made;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The body without its Content-Encoding. */
static error decoded_body(struct arena *arena, const struct http_request *request, str *out)
{
    str coding = http_header(request, STR("Content-Encoding"));

    if (coding.len == 0 || str_eq_nocase(coding, STR("identity")))
        return *out = request->body, NULL;
    if (str_eq_nocase(coding, STR("gzip")))
        return http_inflate(arena, request->body, HTTP_GZIP, HTTP_BODY_MAX, out);
    if (str_eq_nocase(coding, STR("deflate")))
        return http_inflate(arena, request->body, HTTP_DEFLATE, HTTP_BODY_MAX, out);
    return unsupported(arena, "content encoding", coding, lower);
}

error http_body(struct arena *arena, const struct http_request *request, const struct json **out)
{
    str content_type = http_header(request, STR("Content-Type")), text = { NULL, 0 };
    enum body_type type = type_of(content_type);

    if (type == BODY_OTHER || !is_announced(request))
        return *out = NULL, NULL;
    str charset = charset_of(content_type);

    if (!str_eq_nocase(charset, STR("utf-8")))
        return unsupported(arena, "charset", charset, upper);
    TRY(decoded_body(arena, request, &text));
    if (type == BODY_FORM) {
        TRY(http_form_to_json(arena, text, &text));
        return json_parse(arena, text, out);
    }
    text = text.len ? json_repair_utf8(arena, text) : STR("");
    return text.at ? json_parse_body(arena, text, out) : &ERROR_OUT_OF_MEMORY;
}
