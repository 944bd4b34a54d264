#include "http/percent.h"
#include "http/syntax.h"
#include "json/json.h"

static int escaped_byte(str text, size_t at)
{
    if (text.at[at] != '%' || text.len - at < 3)
        return -1;
    int high = http_hex_digit(text.at[at + 1]), low = http_hex_digit(text.at[at + 2]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes what is well-formed; the answer counts the escapes that were not. */
static size_t decode(str text, char plus, char *to, size_t *len)
{
    size_t malformed = 0, n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int byte = escaped_byte(text, i);

        malformed += text.at[i] == '%' && byte < 0;
        if (byte >= 0)
            i += 2;
        to[n++] = byte >= 0 ? (char)byte : text.at[i] == '+' ? plus : text.at[i];
    }
    *len = n;
    return malformed;
}

error http_decode_param(struct arena *arena, str text, str *out)
{
    size_t len;

    if (str_find(text, '%') == text.len) {
        *out = text;
        return NULL;
    }
    char *to = arena_alloc(arena, text.len);

    if (!to)
        return &ERROR_OUT_OF_MEMORY;
    if (decode(text, '+', to, &len) || !str_is_utf8((str){ to, len }))
        return error_new(arena, 400, "Failed to decode param '%.*s'", STR_ARG(text));
    *out = (str){ to, len };
    return NULL;
}

str http_decode_query(struct arena *arena, str text)
{
    size_t len;

    if (str_find(text, '%') == text.len && str_find(text, '+') == text.len)
        return json_repair_utf8(arena, text);
    char *to = arena_alloc(arena, text.len);

    if (!to)
        return (str){ NULL, 0 };
    decode(text, ' ', to, &len);
    return json_repair_utf8(arena, (str){ to, len });
}
