/* What V8 (Node 20) says about a text that is not JSON. Positions and the pieces of the text that
 * are quoted count UTF-16 units. A message is a C string in UTF-8: half a surrogate pair and NUL,
 * which V8 would quote as they are, show as U+FFFD. */
#include "json/json_internal.h"

#include <string.h>

enum {
    CONTEXT = 10,                   /* units quoted on each side of the unexpected character */
    QUOTED_WHOLE = 2 * CONTEXT + 1, /* shorter texts are quoted whole */
};

static const char *const MESSAGES[] = {
    [JSON_FAULT_NAME_OR_BRACE] = "Expected property name or '}' in JSON",
    [JSON_FAULT_QUOTED_NAME] = "Expected double-quoted property name in JSON",
    [JSON_FAULT_COLON] = "Expected ':' after property name in JSON",
    [JSON_FAULT_COMMA_OR_BRACE] = "Expected ',' or '}' after property value in JSON",
    [JSON_FAULT_COMMA_OR_BRACKET] = "Expected ',' or ']' after array element in JSON",
    [JSON_FAULT_MORE_TEXT] = "Unexpected non-whitespace character after JSON",
    [JSON_FAULT_MINUS] = "No number after minus sign in JSON",
    [JSON_FAULT_FRACTION] = "Unterminated fractional number in JSON",
    [JSON_FAULT_EXPONENT] = "Exponent part is missing a number in JSON",
    [JSON_FAULT_UNTERMINATED] = "Unterminated string in JSON",
    [JSON_FAULT_CONTROL] = "Bad control character in string literal in JSON",
    [JSON_FAULT_ESCAPE] = "Bad escaped character in JSON",
    [JSON_FAULT_UNICODE] = "Bad Unicode escape in JSON",
};

/* What JSON.parse says when somebody stringified too little; it names no position. */
static const char *const FAMILIAR[] = { "[object Object]", "NaN", "Infinity", "undefined" };

static size_t sequence_len(char lead)
{
    unsigned char c = (unsigned char)lead;

    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Appends the units `from` to `to` of the text. */
static void add_units(struct buf *out, str text, size_t from, size_t to)
{
    size_t unit = 0;

    for (size_t i = 0; i < text.len && unit < to;) {
        size_t len = sequence_len(text.at[i]), units = len == 4 ? 2 : 1;

        if (unit >= from && unit + units <= to && text.at[i] != '\0')
            buf_add(out, str_slice(text, i, len));
        else if (unit + units > from)
            BUF_ADD(out, "\xEF\xBF\xBD");
        i += len;
        unit += units;
    }
}

static void add_unexpected(struct buf *out, str text, size_t position)
{
    size_t len = str_utf16_len(text);
    bool whole = len < QUOTED_WHOLE, cut = !whole && position >= CONTEXT;
    size_t from = cut ? position - CONTEXT : 0;
    size_t to = whole || position + CONTEXT > len ? len : position + CONTEXT;

    BUF_ADD(out, "Unexpected token '");
    add_units(out, text, position, position + 1);
    buf_add(out, cut ? STR("', ...\"") : STR("', \""));
    add_units(out, text, from, to);
    buf_add(out, to < len ? STR("\"... is not valid JSON") : STR("\" is not valid JSON"));
}

static bool familiar(str text)
{
    for (size_t i = 0; i < sizeof FAMILIAR / sizeof FAMILIAR[0]; i++)
        if (str_is(text, FAMILIAR[i]))
            return true;
    return false;
}

static void add_token(struct buf *out, str text, const char *at, size_t position)
{
    char c = at < text.at + text.len ? *at : '\0';

    if (at == text.at + text.len)
        BUF_ADD(out, "Unexpected end of JSON input");
    else if (c == '"')
        buf_printf(out, "Unexpected string in JSON at position %zu", position);
    else if (c == '-' || (c >= '0' && c <= '9'))
        buf_printf(out, "Unexpected number in JSON at position %zu", position);
    else if (familiar(text))
        buf_printf(out, "\"%.*s\" is not valid JSON", STR_ARG(text));
    else
        add_unexpected(out, text, position);
}

static error finish(struct arena *arena, struct buf *message)
{
    str text = buf_text(message);
    error made =
        buf_failed(message) ? &ERROR_OUT_OF_MEMORY : error_new(arena, 400, "%.*s", STR_ARG(text));

    buf_free(message);
    return made;
}

static size_t position_of(str text, const char *at)
{
    return str_utf16_len((str){ text.at, (size_t)(at - text.at) });
}

error json_fault_error(const struct json_reader *r)
{
    struct buf message = buf_new(1024);

    if (r->fault == JSON_FAULT_NO_MEMORY)
        return &ERROR_OUT_OF_MEMORY;
    if (r->fault == JSON_FAULT_TOO_DEEP)
        return error_new(r->arena, 400, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
    size_t position = position_of(r->text, r->fault_at);

    if (r->fault == JSON_FAULT_TOKEN)
        add_token(&message, r->text, r->fault_at, position);
    else
        buf_printf(&message, "%s at position %zu", MESSAGES[r->fault], position);
    return finish(r->arena, &message);
}

error json_first_character_error(struct arena *arena, str text, const char *at)
{
    struct buf message = buf_new(1024);

    add_unexpected(&message, text, position_of(text, at));
    return finish(arena, &message);
}
