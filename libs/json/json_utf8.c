/* Replacing invalid UTF-8 as the WHATWG encoding standard's decoder does: each longest beginning
 * of a valid sequence (or each byte that cannot begin one) becomes one U+FFFD. */
#include "json/json_internal.h"

#include <string.h>

enum { REPLACEMENT_LEN = 3 };

/* How many bytes a sequence that begins with `lead` has, 0 when none does; and what its second
 * byte may be. */
static size_t expected_len(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Length of the sequence at `p`, and whether it is whole; at least 1. */
static size_t take_sequence(const unsigned char *p, size_t left, bool *whole)
{
    unsigned char low, high;
    size_t want = expected_len(p[0], &low, &high), have = 1;

    while (have < want && have < left && p[have] >= low && p[have] <= high) {
        have++;
        low = 0x80;
        high = 0xBF;
    }
    *whole = have == want;
    return have;
}

str json_repair_utf8(struct arena *arena, str text)
{
    if (str_is_utf8(text))
        return text;
    const unsigned char *p = (const unsigned char *)text.at;
    char *start = arena_alloc(arena, text.len * REPLACEMENT_LEN), *to = start;

    if (!start)
        return (str){ NULL, 0 };
    for (size_t i = 0; i < text.len;) {
        bool whole;
        size_t len = take_sequence(p + i, text.len - i, &whole);

        memcpy(to, whole ? text.at + i : "\xEF\xBF\xBD", whole ? len : REPLACEMENT_LEN);
        to += whole ? len : REPLACEMENT_LEN;
        i += len;
    }
    return (str){ start, (size_t)(to - start) };
}
