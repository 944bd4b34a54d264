#include "http/inflate.h"
#include "http/syntax.h"
#include "base/buf.h"

#include <zlib.h>

enum {
    PIECE = 16 * 1024,
    WINDOW_BITS = 15,
    WANT_GZIP = 16, /* added to the window's bits, asks zlib for gzip's header */
    GZIP_MAGIC = 0x1f,
};

static error bad_body(struct arena *arena, const char *reason)
{
    struct error *made = ARENA_NEW(arena, struct error);

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    *made = (struct error){ .status = 400, .form = ERROR_BRIEF, .message = reason };
    return made;
}

/* Several gzip members may follow one another (RFC 1952 section 2.2); anything else behind the end is ignored,
 * as Node.js does. */
static bool has_another_member(const z_stream *z, enum http_coding coding)
{
    return coding == HTTP_GZIP && z->avail_in && *z->next_in == GZIP_MAGIC;
}

static error inflate_all(struct arena *arena, z_stream *z, enum http_coding coding, struct buf *out)
{
    for (;;) {
        size_t room = out->max - out->len < PIECE ? out->max - out->len : PIECE;
        char *to = buf_reserve(out, room);

        if (!to)
            return &ERROR_OUT_OF_MEMORY;
        z->next_out = (Bytef *)to;
        z->avail_out = (uInt)room;
        int status = inflate(z, Z_NO_FLUSH);

        out->len += room - z->avail_out;
        if (out->len == out->max)
            return &HTTP_BODY_TOO_LARGE;
        if (status == Z_MEM_ERROR)
            return &ERROR_OUT_OF_MEMORY;
        if (status == Z_NEED_DICT)
            return bad_body(arena, "Missing dictionary");
        if (status == Z_DATA_ERROR)
            return bad_body(arena, z->msg ? z->msg : "incorrect data check");
        if (status == Z_STREAM_END && !has_another_member(z, coding))
            return NULL;
        if (status == Z_STREAM_END && inflateReset(z) != Z_OK)
            return &ERROR_OUT_OF_MEMORY;
        if (status != Z_STREAM_END && z->avail_in == 0 && z->avail_out)
            return bad_body(arena, "unexpected end of file");
    }
}

error http_inflate(struct arena *arena, str body, enum http_coding coding, size_t max, str *out)
{
    /* One byte of room more than allowed tells a body that fits from one that does not. */
    struct buf text = buf_new(max + 1);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)body.at, .avail_in = (uInt)body.len };

    if (inflateInit2(&z, WINDOW_BITS + (coding == HTTP_GZIP ? WANT_GZIP : 0)) != Z_OK)
        return &ERROR_OUT_OF_MEMORY;
    error failed = inflate_all(arena, &z, coding, &text);
    str copy = failed ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));

    inflateEnd(&z);
    buf_free(&text);
    if (failed)
        return failed;
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = copy;
    return NULL;
}
