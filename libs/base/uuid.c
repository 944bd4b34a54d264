#include "base/uuid.h"

#include <string.h>

/* Index of the hyphens in the text. */
static bool hyphen_at(int i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_print(uuid id, char out[UUID_TEXT])
{
    static const char HEX[] = "0123456789abcdef";
    int to = 0;

    for (int i = 0; i < 16; i++) {
        if (hyphen_at(to))
            out[to++] = '-';
        out[to++] = HEX[id.bytes[i] >> 4];
        out[to++] = HEX[id.bytes[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(str text, uuid *out)
{
    int nibbles = 0;

    *out = (uuid){ { 0 } };
    for (int i = 0; i < UUID_TEXT; i++) {
        int value = hex_value(text.at[i]);

        if (hyphen_at(i) ? text.at[i] != '-' : value < 0)
            return false;
        if (hyphen_at(i))
            continue;
        out->bytes[nibbles / 2] |= (uint8_t)(nibbles % 2 ? value : value << 4);
        nibbles++;
    }
    return true;
}

static bool all_bytes(uuid id, uint8_t byte)
{
    for (int i = 0; i < 16; i++)
        if (id.bytes[i] != byte)
            return false;
    return true;
}

bool uuid_parse(str text, uuid *out)
{
    uuid id;

    if (text.len != UUID_TEXT || !read_hex(text, &id))
        return false;
    int version = id.bytes[6] >> 4;
    bool defined = version >= 1 && version <= 8 && (id.bytes[8] & 0xC0) == 0x80;

    if (!defined && !all_bytes(id, 0x00) && !all_bytes(id, 0xFF))
        return false;
    *out = id;
    return true;
}

bool uuid_eq(uuid a, uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}
