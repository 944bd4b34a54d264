/* E-mail addresses and domain names as validator.js takes them with its defaults. It counts UTF-16
 * units; a character outside the basic plane is two units, both surrogates, which domains may hold
 * and local parts may not. */
#include "schema/rules_internal.h"

#include <string.h>

enum {
    EMAIL_UNITS_MAX = 254,
    LOCAL_BYTES_MAX = 64,
    DOMAIN_BYTES_MAX = 254,
    LABEL_UNITS_MAX = 63,
    TOP_LABEL_MIN = 2,
};

/* The upper part of what local parts and top-level domains are made of. */
static bool international(unsigned code)
{
    return (code >= 0xA1 && code <= 0xD7FF) || (code >= 0xF900 && code <= 0xFDCF) ||
           (code >= 0xFDF0 && code <= 0xFFEF);
}

static bool ascii_letter(unsigned code)
{
    return code < 0x80 && scan_is_letter((char)code);
}

static bool letter_or_digit(unsigned code)
{
    return ascii_letter(code) || (code >= '0' && code <= '9');
}

static bool label_code(unsigned code)
{
    bool full_width = code >= 0xFF01 && code <= 0xFF5E;

    return letter_or_digit(code) || code == '-' || (code >= 0xA1 && !full_width);
}

static bool is_label(str label)
{
    struct scan scan = scan_of(label);
    size_t units = 0;

    if (!label.len || label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);

        if (!label_code(code))
            return false;
        units += code > 0xFFFF ? 2 : 1;
    }
    return units <= LABEL_UNITS_MAX;
}

/* `xn` in any case and at least two of a to z, 0 to 9 and hyphen. */
static bool is_punycode(str label)
{
    if (label.len < 4 || (label.at[0] | 0x20) != 'x' || (label.at[1] | 0x20) != 'n')
        return false;
    for (size_t i = 2; i < label.len; i++)
        if (!scan_is_letter(label.at[i]) && !scan_is_digit(label.at[i]) && label.at[i] != '-')
            return false;
    return true;
}

static bool is_top_label(str label)
{
    enum { COPYRIGHT = 0xA9 };
    struct scan scan = scan_of(label);
    size_t count = 0;

    for (; !scan_end(&scan); count++) {
        unsigned code = scan_code(&scan);
        bool fits = ascii_letter(code) || (international(code) && code != COPYRIGHT);

        if (!fits || scan_is_space(code))
            return is_punycode(label);
    }
    return count >= TOP_LABEL_MIN;
}

bool schema_is_fqdn(str text)
{
    str rest = text, label = text;
    size_t labels = 0;

    for (; str_next_piece(&rest, '.', &label); labels++)
        if (!is_label(label))
            return false;
    return labels >= 2 && is_top_label(label);
}

static bool quoted_code(unsigned code)
{
    if (scan_is_space(code) || code == 0xA0 || international(code))
        return true;
    return code >= 1 && code <= 0x7F && code != '"' && code != '\\';
}

static bool escaped_code(unsigned code)
{
    return (code >= 1 && code <= 0x7F && code != '\n') || code == 0xA0 || international(code);
}

/* What stands between the quotation marks; a backslash takes the next character with it. */
static bool is_quoted(str text)
{
    struct scan scan = scan_of(text);

    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);

        if (quoted_code(code))
            continue;
        if (code != '\\' || scan_end(&scan) || !escaped_code(scan_code(&scan)))
            return false;
    }
    return true;
}

static bool is_atom(str text)
{
    struct scan scan = scan_of(text);

    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);
        bool symbol = code && code < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", (int)code);

        if (!letter_or_digit(code) && !symbol && !international(code))
            return false;
    }
    return text.len > 0;
}

static bool is_local(str local)
{
    str rest = local, atom;

    if (local.len && local.at[0] == '"' && local.at[local.len - 1] == '"')
        return is_quoted(str_slice(local, 1, local.len > 1 ? local.len - 2 : 0));
    while (str_next_piece(&rest, '.', &atom))
        if (!is_atom(atom))
            return false;
    return true;
}

bool schema_is_email(str text)
{
    const char *at = text.len ? memrchr(text.at, '@', text.len) : NULL;

    if (!at)
        return false;
    str local = { text.at, (size_t)(at - text.at) };
    str domain = str_slice(text, local.len + 1, text.len);

    return local.len <= LOCAL_BYTES_MAX && domain.len <= DOMAIN_BYTES_MAX &&
           str_utf16_len(text) <= EMAIL_UNITS_MAX && schema_is_fqdn(domain) && is_local(local);
}
