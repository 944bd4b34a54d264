/* Taking texts apart: what JavaScript's regular expressions do in class-validator is done here by walking. */
#include "schema/rules_internal.h"

#include <string.h>

bool scan_one_of(struct scan *scan, const char *set)
{
    if (scan_end(scan) || *scan->at == '\0' || !strchr(set, *scan->at))
        return false;
    scan->at++;
    return true;
}

bool scan_digits(struct scan *scan, size_t count)
{
    if ((size_t)(scan->end - scan->at) < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!schema_is_digit(scan->at[i]))
            return false;
    scan->at += count;
    return true;
}

bool scan_number(struct scan *scan)
{
    return scan_while(scan, schema_is_digit) > 0;
}

size_t scan_while(struct scan *scan, bool (*is)(char c))
{
    const char *start = scan->at;

    while (scan->at < scan->end && is(*scan->at))
        scan->at++;
    return (size_t)(scan->at - start);
}

unsigned scan_code(struct scan *scan)
{
    unsigned char lead = (unsigned char)*scan->at++;

    if (lead < 0x80)
        return lead;
    int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    unsigned code = lead & (0x3Fu >> more);

    for (; more > 0 && scan->at < scan->end; more--)
        code = code << 6 | ((unsigned char)*scan->at++ & 0x3F);
    return code;
}

unsigned scan_space(struct scan *scan)
{
    struct scan ahead = *scan;
    unsigned code = scan_end(scan) ? 0 : scan_code(&ahead);

    if (!schema_is_space(code))
        return 0;
    *scan = ahead;
    return code;
}

bool schema_is_space(unsigned code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000 || code == 0xFEFF;
}

bool schema_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool schema_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool schema_is_hex_digit(char c)
{
    return schema_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool schema_is_code(str text, const char *codes, size_t len)
{
    if (text.len != len)
        return false;
    for (; *codes; codes += len + 1)
        if (str_eq_nocase(text, (str){ codes, len }))
            return true;
    return false;
}

bool schema_is_hidden_name(str name)
{
    static const char *const HIDDEN[] = {
        "constructor",      "prototype",        "hasOwnProperty",   "isPrototypeOf",
        "propertyIsEnumerable", "toLocaleString", "toString",       "valueOf",
        "__proto__",        "__defineGetter__", "__defineSetter__", "__lookupGetter__",
        "__lookupSetter__",
    };

    for (size_t i = 0; i < sizeof HIDDEN / sizeof HIDDEN[0]; i++)
        if (str_is(name, HIDDEN[i]))
            return true;
    return false;
}

size_t schema_text_len(str text)
{
    struct scan scan = scan_of(text);
    bool base = false; /* a character that a selector would belong to */
    size_t len = 0;

    while (!scan_end(&scan)) {
        unsigned code = scan_code(&scan);
        bool selector = code == 0xFE0E || code == 0xFE0F;

        len += !(selector && base);
        base = !selector;
    }
    return len;
}
