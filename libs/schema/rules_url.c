/* URLs as validator.js takes them with its defaults: http, https or ftp, or no scheme at all; a
 * host that is an address or a domain name with a top-level domain. The steps follow the
 * library's, oddities included ("http:a.com" passes, "http:/a.com" does not). */
#include "schema/rules_internal.h"

#include <string.h>

enum { URL_UNITS_MAX = 2084 };

static bool has_forbidden(str text)
{
    struct scan scan = scan_of(text);

    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);

        if (scan_is_space(code) || code == '<' || code == '>')
            return true;
    }
    return false;
}

static bool scheme_character(char c)
{
    return scan_is_letter(c) || scan_is_digit(c) || c == '+' || c == '.' || c == '-';
}

static bool known_scheme(str scheme)
{
    return str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https")) ||
           str_eq_nocase(scheme, STR("ftp"));
}

static bool user_character(char c)
{
    return scan_is_letter(c) || scan_is_digit(c) || (c && strchr("._%:-", c));
}

/* Whether what stands before an `@` can only be a user: plain characters, nothing
 * percent-encoded. */
static bool plain_user(str text)
{
    struct scan scan = scan_of(text);

    scan_while(&scan, user_character);
    if (!scan_end(&scan))
        return false;
    for (size_t i = 0; i + 2 < text.len; i++)
        if (text.at[i] == '%' && scan_is_hex_digit(text.at[i + 1]) &&
            scan_is_hex_digit(text.at[i + 2]))
            return false;
    return true;
}

/* Whether the colon found behind `rest` ends no scheme but parts user and password, or host and
 * port. */
static bool colon_is_no_scheme(str rest)
{
    str head = str_slice(rest, 0, str_find(rest, '/'));
    size_t at = str_find(head, '@');

    if (at < head.len)
        return plain_user(str_slice(head, 0, at));
    return rest.len && scan_is_digit(rest.at[0]);
}

/* Drops a scheme; `*dropped` says whether there was one. False when it is a scheme of another
 * kind. */
static bool drop_scheme(str *text, bool *dropped)
{
    struct scan scan = scan_of(*text);

    *dropped = false;
    if (!scan_is_letter(scan_peek(&scan)))
        return true;
    scan_while(&scan, scheme_character);
    str scheme = { text->at, (size_t)(scan.at - text->at) };

    if (!scan_char(&scan, ':'))
        return true;
    str rest = scan_rest(&scan);

    if (!str_starts_with(rest, STR("//")) && colon_is_no_scheme(rest))
        return true;
    *text = rest;
    *dropped = true;
    return known_scheme(scheme);
}

/* Drops `user:password@`. */
static bool drop_user(str *text)
{
    size_t at = str_find(*text, '@');

    if (at == text->len)
        return true;
    str user = str_slice(*text, 0, at);
    size_t colon = str_find(user, ':');
    str password = str_slice(user, colon + 1, user.len);

    *text = str_slice(*text, at + 1, text->len);
    return user.len && !str_is(user, ":") && str_find(password, ':') == password.len;
}

static bool is_port(str text)
{
    uint64_t port;

    while (text.len > 1 && text.at[0] == '0')
        text = str_slice(text, 1, text.len);
    return str_to_uint(text, UINT16_MAX, &port) && port > 0;
}

/* `[address]` with an optional port behind it. */
static bool is_bracketed(str text)
{
    size_t end = str_find(text, ']');
    str port = str_slice(text, end + 1, text.len);

    if (!text.len || text.at[0] != '[' || end == text.len)
        return false;
    if (port.len && (port.at[0] != ':' || !is_port(str_slice(port, 1, port.len))))
        return false;
    return schema_is_ipv6(str_slice(text, 1, end - 1));
}

static bool is_host_and_port(str text)
{
    size_t colon = str_find(text, ':');
    str host = str_slice(text, 0, colon), port = str_slice(text, colon + 1, text.len);

    if (port.len && !is_port(port))
        return false;
    return schema_is_ip(host) || schema_is_fqdn(host);
}

bool schema_is_url(str text)
{
    bool dropped;

    if (!text.len || str_utf16_len(text) > URL_UNITS_MAX || has_forbidden(text) ||
        str_starts_with(text, STR("mailto:")))
        return false;
    text = str_slice(text, 0, str_find(text, '#'));
    text = str_slice(text, 0, str_find(text, '?'));
    if (!drop_scheme(&text, &dropped))
        return false;
    if (str_starts_with(text, STR("//"))) {
        if (!dropped)
            return false;
        text = str_slice(text, 2, text.len);
    }
    text = str_slice(text, 0, str_find(text, '/'));
    if (!text.len || !drop_user(&text))
        return false;
    return is_bracketed(text) || is_host_and_port(text);
}
