/* Reads the input whole and cut into pieces, which must give the same frames; what is read and written
 * again must come back. */
#include "rpc/frame.h"

#include <stdlib.h>

enum { MAX = 4096, OUT_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A digest of what is read from bytes that come in pieces of `piece`. */
static error read_all(str bytes, size_t piece, struct buf *out)
{
    struct rpc_frame_reader reader = rpc_frame_reader_new(MAX);
    error failed = NULL;
    str text;

    while (bytes.len && !failed) {
        str input = str_slice(bytes, 0, piece);
        size_t used;

        do {
            failed = rpc_frame_read(&reader, input, &used, &text);
            if (failed)
                break;
            if (text.at)
                rpc_frame_write(out, text);
            if (used > input.len || (!text.at && used != input.len))
                abort();
            input = str_slice(input, used, SIZE_MAX);
        } while (text.at);
        bytes = str_slice(bytes, piece, SIZE_MAX);
    }
    rpc_frame_reader_free(&reader);
    return failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str bytes = { (const char *)data, size };
    struct buf whole = buf_new(OUT_MAX), pieces = buf_new(OUT_MAX), again = buf_new(OUT_MAX);
    error failed = read_all(bytes, size ? size : 1, &whole);

    if (read_all(bytes, size ? data[0] % 7 + 1 : 1, &pieces) != failed)
        abort();
    if (!str_eq(buf_text(&whole), buf_text(&pieces)))
        abort();
    /* A text that ends in the middle of a character runs into what follows. */
    if (str_is_utf8(bytes) && (read_all(buf_text(&whole), SIZE_MAX, &again) ||
                               !str_eq(buf_text(&whole), buf_text(&again))))
        abort();
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&again);
    return 0;
}
