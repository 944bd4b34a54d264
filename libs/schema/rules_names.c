/* What several rules need to know of texts. */
#include "schema/rules_internal.h"

#include <string.h>

bool schema_is_code(str text, const struct codes *codes)
{
    size_t low = 0, high = codes->list.len / (codes->len + 1);
    char upper[CODE_LEN_MAX];

    if (text.len != codes->len || codes->len > CODE_LEN_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        upper[i] = (char)(scan_is_letter(text.at[i]) ? text.at[i] & ~0x20 : text.at[i]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(upper, codes->list.at + middle * (codes->len + 1), codes->len);

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool schema_is_hidden_name(str name)
{
    static const char *const HIDDEN[] = {
        "constructor",
        "prototype",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
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
