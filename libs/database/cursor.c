/* A cursor is base64url of the time's eight bytes and the id's sixteen. */
#include "database/cursor.h"
#include "base/hex.h"

#include <string.h>

enum { CURSOR_BYTES = 8 + 16 };

bool db_cursor_parse(str text, struct db_cursor *out)
{
    uint8_t bytes[CURSOR_BYTES + 2];
    size_t len;

    if (text.len != base64url_len(CURSOR_BYTES) || !base64url_decode(text, bytes, &len))
        return false;
    memcpy(&out->created_at.ms, bytes, 8);
    memcpy(out->id.bytes, bytes + 8, 16);
    return true;
}

error db_cursor_print(struct arena *arena, const struct db_cursor *cursor, str *out)
{
    uint8_t bytes[CURSOR_BYTES];
    size_t len = base64url_len(CURSOR_BYTES);
    char *text = arena_alloc(arena, len);

    if (!text)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(bytes, &cursor->created_at.ms, 8);
    memcpy(bytes + 8, cursor->id.bytes, 16);
    base64url_encode(bytes, CURSOR_BYTES, text);
    *out = (str){ text, len };
    return NULL;
}
