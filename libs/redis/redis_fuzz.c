/* Reads the input as what Redis sends, once whole and once in pieces as long as its first byte says. Both
 * must give the same replies, and the same end. */
#include "redis/codec.h"

#include <stdlib.h>

enum { OUT_MAX = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void print(struct buf *out, const struct redis_reply *reply, int depth)
{
    require(depth <= REDIS_DEPTH_MAX + 1);
    buf_printf(out, "%d:%lld:%zu:%zu(", reply->type, (long long)reply->integer, reply->text.len,
               reply->count);
    buf_add(out, reply->text);
    for (size_t i = 0; i < reply->count; i++)
        print(out, &reply->at[i], depth + 1);
    buf_add_char(out, ')');
}

static bool read_all(struct redis_reader *reader, struct buf *out)
{
    const struct redis_reply *reply;

    for (;;) {
        if (redis_reader_next(reader, &reply))
            return false;
        if (!reply)
            return true;
        print(out, reply, 0);
    }
}

static struct buf read_in_pieces(str bytes, size_t len)
{
    struct redis_reader reader;
    struct buf out = buf_new(OUT_MAX);
    bool sound = true;

    require(!redis_reader_init(&reader));
    for (; sound && bytes.len; bytes = str_slice(bytes, len, SIZE_MAX))
        sound = !redis_reader_feed(&reader, str_slice(bytes, 0, len)) && read_all(&reader, &out);
    buf_add(&out, sound ? STR("whole") : STR("broken"));
    redis_reader_free(&reader);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    str bytes = { (const char *)data + 1, size - 1 };
    struct buf whole = read_in_pieces(bytes, bytes.len);
    struct buf pieces = read_in_pieces(bytes, (size_t)data[0] + 1);

    require(str_eq(buf_text(&whole), buf_text(&pieces)));
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
