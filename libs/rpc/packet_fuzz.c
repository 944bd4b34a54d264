/* Reads the input as a packet, as a reply and as an error. What is echoed and what an error becomes must be
 * JSON again, and the error the same again. */
#include "rpc/packet.h"

#include <stdlib.h>

enum { ARENA_FUZZ_MAX = 16 * 1024 * 1024, OUT_MAX = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_error(struct arena *arena, const struct json *err)
{
    struct buf out = buf_new(OUT_MAX);
    const struct json *again;
    error e = rpc_error_of(arena, err);

    require(e->status >= 400 && e->status <= 599 && e->message);
    rpc_write_err(&out, e);
    require(!json_parse(arena, buf_text(&out), &again));
    require(rpc_error_of(arena, again)->status == e->status);
    buf_free(&out);
}

static void check(struct arena *arena, str text)
{
    struct rpc_packet packet;
    struct rpc_reply reply;
    struct buf out = buf_new(OUT_MAX);
    const struct json *echo;

    if (rpc_packet_read(arena, text, &packet))
        return;
    require(!rpc_reply_read(arena, text, &reply));
    if (packet.id) {
        rpc_write_end(&out, packet.id);
        require(!json_parse(arena, buf_text(&out), &echo));
    }
    if (reply.err)
        check_error(arena, reply.err);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_FUZZ_MAX);

    require(arena);
    str text = json_repair_utf8(arena, (str){ (const char *)data, size });

    if (text.at)
        check(arena, text);
    arena_free(arena);
    return 0;
}
