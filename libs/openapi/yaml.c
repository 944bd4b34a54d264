/* JSON trees as YAML: block style, two blanks a level, one line a value, as js-yaml prints them.
 *
 *     "responses": { "201": { "description": "Created" } }       responses:
 *                                                                  '201':
 *                                                                    description: Created
 *
 * A string stands plain only where no reader, of YAML 1.1 or 1.2, could take it for something else: it
 * begins with a letter or one of a few signs, holds nothing that ends a plain scalar, and is no word for a
 * boolean or null (`no`, `y`). Others are quoted with ' and, where they hold characters that YAML does not
 * allow as they are, with " and JSON's escapes, which YAML has too. */
#include "openapi/openapi_internal.h"

#include <string.h>

/* A code point and the bytes it takes. Whatever needs no care (bytes of a malformed sequence, characters
 * above U+FFFF) is a single byte of code PLAIN_BYTE. */
struct character {
    unsigned code;
    size_t len;
};

enum { PLAIN_BYTE = 0x10000 };

static struct character character_at(str text, size_t at)
{
    const unsigned char *s = (const unsigned char *)text.at + at;
    size_t left = text.len - at;

    if (s[0] < 0x80)
        return (struct character){ s[0], 1 };
    if (s[0] >= 0xc2 && s[0] <= 0xdf && left > 1)
        return (struct character){ (s[0] & 0x1fU) << 6 | (s[1] & 0x3fU), 2 };
    if ((s[0] & 0xf0) == 0xe0 && left > 2)
        return (struct character){ (s[0] & 0xfU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU), 3 };
    return (struct character){ PLAIN_BYTE, 1 };
}

/* Control characters, line ends of Unicode, the byte order mark and non-characters. */
static bool needs_escape(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff || code == 0xfffe || code == 0xffff;
}

static bool any_needs_escape(str text)
{
    struct character c;

    for (size_t at = 0; at < text.len; at += c.len) {
        c = character_at(text, at);
        if (needs_escape(c.code))
            return true;
    }
    return false;
}

static bool is_reserved(str text)
{
    static const char *const words[] = {
        "null", "true", "false", "yes", "no", "on", "off", "y", "n"
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(text, str_of(words[i])))
            return true;
    return false;
}

/* "3.0.0": with two dots it is no number to any reader, and everybody writes `openapi: 3.0.0`. */
static bool is_version(str text)
{
    size_t dots = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.')
            dots++;
        else if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return dots >= 2 && text.at[0] != '.';
}

static bool may_begin_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("/$_(", c) ||
           (unsigned char)c >= 0x80;
}

static bool is_plain(str text)
{
    if (!text.len || is_reserved(text) || any_needs_escape(text))
        return false;
    if (!may_begin_plain(text.at[0]) && !is_version(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char next = i + 1 < text.len ? text.at[i + 1] : ' ';

        if ((text.at[i] == ':' && next == ' ') || (text.at[i] == ' ' && next == '#'))
            return false;
    }
    return text.at[text.len - 1] != ' ';
}

static void write_single_quoted(struct buf *out, str text)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\'')
            buf_add_char(out, '\'');
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '\'');
}

static void write_escaped(struct buf *out, unsigned code)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };

    if (code < sizeof letters && letters[code])
        buf_printf(out, "\\%c", letters[code]);
    else if (code == '"' || code == '\\')
        buf_printf(out, "\\%c", (char)code);
    else
        buf_printf(out, "\\u%04x", code);
}

static void write_double_quoted(struct buf *out, str text)
{
    struct character c;

    buf_add_char(out, '"');
    for (size_t at = 0; at < text.len; at += c.len) {
        c = character_at(text, at);
        if (needs_escape(c.code) || c.code == '"' || c.code == '\\')
            write_escaped(out, c.code);
        else
            buf_add(out, str_slice(text, at, c.len));
    }
    buf_add_char(out, '"');
}

static void write_string(struct buf *out, str text)
{
    if (is_plain(text))
        buf_add(out, text);
    else if (any_needs_escape(text))
        write_double_quoted(out, text);
    else
        write_single_quoted(out, text);
}

static void write_children(struct buf *out, const struct json *parent, size_t depth, bool begun);

/* Numbers, booleans, null and empty collections look as in JSON. */
static void write_leaf(struct buf *out, const struct json *value)
{
    if (value->type == JSON_STRING)
        write_string(out, value->text);
    else
        json_write(out, value);
    buf_add_char(out, '\n');
}

/* What stands after a member's colon or an element's dash. The first child of an element stands on the
 * dash's line. */
static void write_rest(struct buf *out, const struct json *value, size_t depth, bool after_dash)
{
    if (!value->first) {
        buf_add_char(out, ' ');
        write_leaf(out, value);
        return;
    }
    buf_add_char(out, after_dash ? ' ' : '\n');
    write_children(out, value, depth, after_dash);
}

/* Each member or element on lines of its own, indented to `depth`; `begun` tells that the first one's line
 * is indented already. */
static void write_children(struct buf *out, const struct json *parent, size_t depth, bool begun)
{
    bool array = parent->type == JSON_ARRAY;

    for (const struct json *child = parent->first; child; child = child->next) {
        for (size_t i = 0; i < depth && !begun; i++)
            BUF_ADD(out, "  ");
        begun = false;
        if (!array)
            write_string(out, child->name);
        buf_add_char(out, array ? '-' : ':');
        write_rest(out, child, depth + 1, array);
    }
}

void openapi_write_yaml(struct buf *out, const struct json *value)
{
    if (value->first)
        write_children(out, value, 0, false);
    else
        write_leaf(out, value);
}
