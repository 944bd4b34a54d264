/* Rules on the characters of a string. Each function says in its body what the library's regular
 * expression says. */
#include "base/arena.h"
#include "base/uuid.h"
#include "schema/rules_internal.h"

#include <string.h>

static bool all(str text, bool (*is)(char c))
{
    struct scan scan = scan_of(text);

    return scan_while(&scan, is) == text.len && text.len > 0;
}

static bool letter_or_digit(char c)
{
    return scan_is_letter(c) || scan_is_digit(c);
}

static bool ascii(char c)
{
    return (unsigned char)c < 0x80;
}

bool schema_is_alpha(str text)
{
    return all(text, scan_is_letter);
}

bool schema_is_alphanumeric(str text)
{
    return all(text, letter_or_digit);
}

bool schema_is_ascii(str text)
{
    return all(text, ascii);
}

/* Drops `0x` or what its like. */
static str without_prefix(str text, const char *letters)
{
    if (text.len > 1 && text.at[0] == '0' && strchr(letters, text.at[1]) && text.at[1])
        return str_slice(text, 2, text.len);
    return text;
}

bool schema_is_hexadecimal(str text)
{
    return all(without_prefix(text, "xXhH"), scan_is_hex_digit);
}

bool schema_is_hex_color(str text)
{
    str digits = text.len && text.at[0] == '#' ? str_slice(text, 1, text.len) : text;

    return (digits.len == 3 || digits.len == 4 || digits.len == 6 || digits.len == 8) &&
           all(digits, scan_is_hex_digit);
}

static bool octal_digit(char c)
{
    return c >= '0' && c <= '7';
}

bool schema_is_octal(str text)
{
    return all(without_prefix(text, "oO"), octal_digit);
}

static bool base64_digit(char c)
{
    return letter_or_digit(c) || c == '+' || c == '/';
}

bool schema_is_base64(str text)
{
    struct scan scan = scan_of(text);
    size_t digits = scan_while(&scan, base64_digit);

    if (!text.len)
        return true;
    if (!digits || text.len % 4)
        return false;
    if (scan_char(&scan, '='))
        scan_char(&scan, '=');
    return scan_end(&scan);
}

/* Sign, digits, point and digits; the point needs digits behind it. */
bool schema_is_decimal(str text)
{
    struct scan scan = scan_of(text);

    scan_one_of(&scan, "+-");
    bool whole = scan_number(&scan), fraction = false;

    if (scan_char(&scan, '.')) {
        fraction = scan_number(&scan);
        if (!fraction)
            return false;
    }
    return scan_end(&scan) && (whole || fraction);
}

bool schema_is_number_string(str text)
{
    return schema_is_decimal(text);
}

bool schema_is_boolean_string(str text)
{
    return str_is(text, "true") || str_is(text, "false") || str_is(text, "1") || str_is(text, "0");
}

/* The library asks for a hexadecimal number of 24 characters, so a prefix counts among them. */
bool schema_is_mongo_id(str text)
{
    enum { MONGO_ID_LEN = 24 };

    return text.len == MONGO_ID_LEN && schema_is_hexadecimal(text);
}

bool schema_is_uuid(str text)
{
    uuid id;

    return uuid_parse(text, &id);
}

/* An object or array of any depth that the reader takes; the tree is thrown away. */
bool schema_is_json(str text)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    const struct json *value;
    bool sound = arena && !json_parse(arena, text, &value) &&
                 (value->type == JSON_OBJECT || value->type == JSON_ARRAY);

    arena_free(arena);
    return sound;
}

static bool base64url_digit(char c)
{
    return letter_or_digit(c) || c == '-' || c == '_';
}

bool schema_is_jwt(str text)
{
    struct scan scan = scan_of(text);

    for (int dots = 0; dots < 2; dots++) {
        scan_while(&scan, base64url_digit);
        if (!scan_char(&scan, '.'))
            return false;
    }
    scan_while(&scan, base64url_digit);
    return scan_end(&scan);
}

static bool no_leading_zero(struct scan *scan)
{
    const char *start = scan->at;

    return scan_number(scan) && (*start != '0' || scan->at - start == 1);
}

static bool semver_character(char c)
{
    return letter_or_digit(c) || c == '-';
}

/* Identifiers joined by points; those of digits alone may not begin with a zero when `strict`. */
static bool semver_identifiers(struct scan *scan, bool strict)
{
    do {
        struct scan digits = *scan;
        const char *start = scan->at;
        size_t len = scan_while(scan, semver_character);
        bool numeric = scan_while(&digits, scan_is_digit) == len;

        if (!len || (strict && numeric && len > 1 && *start == '0'))
            return false;
    } while (scan_char(scan, '.'));
    return true;
}

bool schema_is_sem_ver(str text)
{
    struct scan scan = scan_of(text);

    if (!no_leading_zero(&scan) || !scan_char(&scan, '.') || !no_leading_zero(&scan) ||
        !scan_char(&scan, '.') || !no_leading_zero(&scan))
        return false;
    if (scan_char(&scan, '-') && !semver_identifiers(&scan, true))
        return false;
    if (scan_char(&scan, '+') && !semver_identifiers(&scan, false))
        return false;
    return scan_end(&scan);
}

/* At least eight UTF-16 units with a small and a capital letter, a digit and one of the symbols
 * below (the pound sign is the only one that is not ASCII). */
bool schema_is_strong_password(str text)
{
    static const char SYMBOLS[] = "-#!$@%^&*()_+|~=`{}[]:\";'<>?,./\\ ";
    enum { POUND = 0xA3, LEN_MIN = 8 };
    struct scan scan = scan_of(text);
    bool small = false, capital = false, number = false, symbol = false;

    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);

        small |= code >= 'a' && code <= 'z';
        capital |= code >= 'A' && code <= 'Z';
        number |= code >= '0' && code <= '9';
        symbol |= code == POUND || (code && code < 0x80 && strchr(SYMBOLS, (int)code));
    }
    return small && capital && number && symbol && str_utf16_len(text) >= LEN_MIN;
}
