/* A chunked body, whole and split at three places that the first bytes of the input choose: both must come to
 * the same outcome. */
#include "http/chunked.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 4096, SPLITS = 3 };

struct outcome {
    error failed;
    bool done;
    size_t used;
    struct buf out;
};

static void read_piece(struct http_chunked *decoder, str piece, struct outcome *outcome)
{
    char *copy = malloc(piece.len + 1);
    size_t used = 0;

    if (piece.len)
        memcpy(copy, piece.at, piece.len);
    outcome->failed = http_chunked_read(decoder, (str){ copy, piece.len }, &outcome->out, &used);
    free(copy);
    outcome->done = decoder->state == HTTP_CHUNKED_DONE;
    if (!outcome->failed && !outcome->done && used != piece.len)
        abort();
    outcome->used += used;
}

static struct outcome decode(str in, const uint8_t *steps)
{
    struct outcome outcome = { .out = buf_new(BODY_MAX) };
    struct http_chunked decoder = { 0 };

    for (size_t i = 0; i < SPLITS && steps && !outcome.failed && !outcome.done; i++) {
        str piece = str_slice(in, 0, steps[i]);

        read_piece(&decoder, piece, &outcome);
        in = str_slice(in, piece.len, in.len);
    }
    if (!outcome.failed && !outcome.done)
        read_piece(&decoder, in, &outcome);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SPLITS)
        return 0;
    str in = { (const char *)data + SPLITS, size - SPLITS };
    struct outcome whole = decode(in, NULL), split = decode(in, data);

    if (whole.failed != split.failed || whole.done != split.done)
        abort();
    if (!whole.failed &&
        (whole.used != split.used || !str_eq(buf_text(&whole.out), buf_text(&split.out))))
        abort();
    if (whole.out.len > BODY_MAX)
        abort();
    buf_free(&whole.out);
    buf_free(&split.out);
    return 0;
}
