#include "base/uuid.h"

#include "base/hex.h"

#include <string.h>

/* Where the text has its digits, two a byte. */
static const uint8_t BYTE_AT[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };

void uuid_print(uuid id, char out[UUID_TEXT])
{
    for (int i = 0; i < 16; i++)
        hex_encode(&id.bytes[i], 1, out + BYTE_AT[i]);
    out[8] = out[13] = out[18] = out[23] = '-';
}

static bool read_hex(str text, uuid *out)
{
    int bad = 0;

    for (int i = 0; i < 16; i++) {
        int high = hex_digit(text.at[BYTE_AT[i]]), low = hex_digit(text.at[BYTE_AT[i] + 1]);

        bad |= high | low;
        out->bytes[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return bad >= 0 && text.at[8] == '-' && text.at[13] == '-' && text.at[18] == '-' &&
           text.at[23] == '-';
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
