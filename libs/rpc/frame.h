/* NestJS's frames on a TCP connection: `<length>#<JSON text>`, one directly after the other. The length
 * counts UTF-16 code units of the text, not bytes: it is JavaScript's `string.length`. The bytes are
 * UTF-8, decoded as a WHATWG streaming decoder does, so each invalid sequence counts as the one U+FFFD
 * that it becomes. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum {
    RPC_FRAME_MAX = 1024 * 1024, /* code units of one frame, when nobody sets another bound */
};

extern const struct error RPC_CORRUPT_LENGTH; /* 400: what stands before `#` is not a length */
extern const struct error RPC_FRAME_TOO_LONG; /* 413: the length is above the bound */
extern const struct error RPC_NOT_JSON;       /* 400: the text cannot be JSON, whatever it holds */

/* A decoder of UTF-8 between two bytes; zeroed at a character's start. */
struct rpc_decoder {
    uint32_t code;
    uint8_t needed;    /* bytes that are missing */
    uint8_t low, high; /* what the next of them may be */
};

/* Takes the bytes of one connection apart. Bytes of a frame that is not whole yet are kept here, each
 * looked at once; a reader between two frames holds no memory. */
struct rpc_frame_reader {
    size_t max; /* code units */
    bool in_text;
    struct rpc_decoder decoder;

    /* the length so far, as parseInt reads it */
    enum {
        RPC_LENGTH_BLANK,
        RPC_LENGTH_SIGN,
        RPC_LENGTH_DIGITS,
        RPC_LENGTH_REST,
        RPC_LENGTH_BAD
    } phase;
    bool negative;
    uint64_t length;
    size_t prefix; /* code units before `#` */

    size_t units; /* of the text, seen so far */
    struct buf kept;
};

/* A reader that refuses frames of more than `max` code units. */
struct rpc_frame_reader rpc_frame_reader_new(size_t max);
void rpc_frame_reader_free(struct rpc_frame_reader *reader);

/* Reads on in `input`, up to the end of a frame or of the input; `*used` is how much of it is done with.
 * `*text` is the text of the frame that has ended, `at` NULL when none has. It may hold invalid UTF-8
 * (json_repair_utf8), and points into `input` or the reader: valid until the input is consumed or the
 * next rpc_frame_read, which gives the kept bytes back (an empty input does too). After an error the
 * reader is of no more use. */
error rpc_frame_read(struct rpc_frame_reader *reader, str input, size_t *used, str *text);

/* Whether a frame has begun and not ended. */
bool rpc_frame_is_partial(const struct rpc_frame_reader *reader);

/* Bytes of memory that the reader holds. */
size_t rpc_frame_held(const struct rpc_frame_reader *reader);

/* Appends a frame with that text. */
void rpc_frame_write(struct buf *out, str text);

/* Code units of a text, each invalid sequence counting as one. */
size_t rpc_utf16_units(str text);
