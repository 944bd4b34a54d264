#include "mail/mail_internal.h"

#include <string.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 255 };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322 section 3.2.3. */
static bool is_atext(char c)
{
    return is_letter_or_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

bool mail_is_ascii(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

static str rest_of(str text, size_t start)
{
    return str_slice(text, start, text.len);
}

/* Control characters, those beyond ASCII included: some readers take U+0085, U+2028 and U+2029 for line breaks. */
static bool has_controls(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        str rest = rest_of(text, i);

        if (c < ' ' || c == 0x7f || str_starts_with(rest, STR("\u2028")) ||
            str_starts_with(rest, STR("\u2029")))
            return true;
        if (c == 0xc2 && rest.len > 1 && (unsigned char)rest.at[1] < 0xa0)
            return true;
    }
    return false;
}

/* Atoms with single dots between them, each of characters that `fits`. */
static bool is_dotted(str text, bool (*fits)(char c))
{
    bool after_dot = true;

    for (size_t i = 0; i < text.len; i++) {
        bool dot = text.at[i] == '.';

        if (dot ? after_dot : !fits(text.at[i]))
            return false;
        after_dot = dot;
    }
    return !after_dot;
}

static bool fits_local(char c)
{
    return is_atext(c) || is_beyond_ascii(c);
}

static bool fits_domain(char c)
{
    return is_letter_or_digit(c) || c == '-' || is_beyond_ascii(c);
}

static bool fits_id(char c)
{
    return is_atext(c) && c != '/';
}

/* "…" of printable ASCII without a quote or backslash. */
static bool is_quoted(str text)
{
    str inside = str_slice(text, 1, text.len < 2 ? 0 : text.len - 2);

    return inside.len && text.at[0] == '"' && text.at[text.len - 1] == '"' &&
           mail_is_ascii(inside) && str_find(inside, '"') == inside.len &&
           str_find(inside, '\\') == inside.len;
}

static size_t find_last(str text, char c)
{
    size_t i = text.len;

    while (i && text.at[i - 1] != c)
        i--;
    return i ? i - 1 : text.len;
}

static bool is_address(str text)
{
    size_t at = find_last(text, '@');
    str local = str_slice(text, 0, at), domain = rest_of(text, at + 1);

    return text.len <= MAIL_ADDRESS_MAX && local.len <= LOCAL_MAX && domain.len <= DOMAIN_MAX &&
           (is_dotted(local, fits_local) || is_quoted(local)) && is_dotted(domain, fits_domain);
}

/* A name within quotes, with its backslashes taken away. False when it is not well quoted. */
static bool unquote(char *to, str quoted, size_t *len)
{
    *len = 0;
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.at[i] == '"' || (quoted.at[i] == '\\' && ++i + 1 == quoted.len))
            return false;
        to[(*len)++] = quoted.at[i];
    }
    return quoted.len > 1 && quoted.at[quoted.len - 1] == '"';
}

static error read_name(struct arena *arena, const char *field, str text, str *out)
{
    if (text.len > MAIL_NAME_MAX)
        return error_new(arena, 400, "The mail's %s has a name of more than %d bytes", field,
                         MAIL_NAME_MAX);
    if (!text.len || text.at[0] != '"') {
        *out = text;
        return NULL;
    }
    char *name = arena_alloc(arena, text.len);
    size_t len;

    if (!name)
        return &ERROR_OUT_OF_MEMORY;
    if (!unquote(name, text, &len))
        return error_new(arena, 400, "The name in the mail's %s is not well quoted", field);
    *out = (str){ name, len };
    return NULL;
}

error mail_address_parse(struct arena *arena, const char *field, str text, struct mail_address *out)
{
    struct mail_address found = { .address = str_trim(text) };

    if (has_controls(text) || !str_is_utf8(text))
        return error_new(arena, 400, "The mail's %s holds a line break or control character",
                         field);
    if (str_ends_with(found.address, STR(">"))) {
        str whole = found.address;
        size_t open = find_last(whole, '<');

        found.address = str_slice(whole, open + 1, whole.len - open - (open < whole.len) - 1);
        TRY(read_name(arena, field, str_trim(str_slice(whole, 0, open)), &found.name));
    }
    if (!is_address(found.address))
        return error_new(arena, 400, "The mail's %s is no address", field);
    *out = found;
    return NULL;
}

error mail_id_check(struct arena *arena, str id)
{
    str inside = str_slice(id, 1, id.len < 2 ? 0 : id.len - 2);
    size_t at = str_find(inside, '@');

    if (id.len <= MAIL_ID_MAX && str_starts_with(id, STR("<")) && str_ends_with(id, STR(">")) &&
        is_dotted(str_slice(inside, 0, at), fits_id) && is_dotted(rest_of(inside, at + 1), fits_id))
        return NULL;
    return error_new(arena, 400, "The mail's Message-ID is not of the form <…@…>");
}
