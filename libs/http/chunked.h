/* The decoder of chunked bodies (RFC 9112 section 7.1): bytes in, as they arrive, data out. Strict: sizes are
 * hexadecimal digits alone, every line ends in CR LF, extensions are skipped up to a bound, trailers must be
 * well-formed fields and are dropped. However the bytes are split, the outcome is the same. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum {
    HTTP_CHUNK_DIGITS_MAX = 16,           /* of a size, leading zeros included */
    HTTP_CHUNK_EXTENSIONS_MAX = 4 * 1024, /* of one body, together */
    HTTP_TRAILERS_MAX = 4 * 1024,
};

enum http_chunked_state {
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_BLANK, /* blanks between the size and an extension */
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_SIZE_END, /* the LF after a size */
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_END, /* the CR after data */
    HTTP_CHUNK_DATA_END_FEED,
    HTTP_TRAILER_START,
    HTTP_TRAILER_NAME,
    HTTP_TRAILER_VALUE,
    HTTP_TRAILER_END,
    HTTP_CHUNKED_LAST, /* the LF that ends the body */
    HTTP_CHUNKED_DONE,
};

/* The decoder between two calls; all zero at the start of a body. */
struct http_chunked {
    enum http_chunked_state state;
    bool last;         /* the chunk of size 0 was seen */
    unsigned digits;   /* of the size being read */
    uint64_t left;     /* of the chunk */
    size_t extensions; /* bytes so far */
    size_t trailers;
};

/* Decodes as much of `in` as it can, appends the data to `out` and says in `*used` how many bytes of `in` it
 * took: all of them unless the body ended, then `state` is HTTP_CHUNKED_DONE. A body that would exceed
 * `out->max` is a 413 as soon as a chunk's size shows it; a malformed one is a 400, extensions or trailers
 * beyond their bound are a 431. After an error the decoder is of no more use. ERROR_OUT_OF_MEMORY when the
 * heap refuses. */
error http_chunked_read(struct http_chunked *decoder, str in, struct buf *out, size_t *used);
