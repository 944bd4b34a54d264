/* Redis's protocol, RESP2, without a connection: commands to bytes and bytes to replies. hiredis does both
 * (its reader and its formatter, nothing else of it); here are the limits, and replies that lie in one
 * arena. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum {
    REDIS_REPLY_MAX = 16 * 1024 * 1024,     /* bytes of one reply, and of one message */
    REDIS_MEMORY_MAX = 2 * REDIS_REPLY_MAX, /* what its pieces may take, in all */
    REDIS_DEPTH_MAX = 7,                    /* arrays in arrays; hiredis refuses more */
    REDIS_WORDS_MAX = 64,                   /* of one command */
};

extern const struct error REDIS_REPLY_TOO_LONG; /* 502: beyond one of these limits */
extern const struct error REDIS_NOT_A_REPLY;    /* 502: what came is not RESP */

enum redis_type { REDIS_NIL, REDIS_TEXT, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_ARRAY };

struct redis_reply {
    enum redis_type type;
    str text; /* of a text, status or error; any bytes */
    int64_t integer;
    const struct redis_reply *at; /* the elements of an array */
    size_t count;
};

/* Appends a command of 1 to REDIS_WORDS_MAX words. The buffer says whether there was memory. */
void redis_write_command(struct buf *out, const str *words, size_t count);

/* Takes the bytes of one connection apart. */
struct redis_reader {
    struct redisReader *hiredis;
    struct arena *arena; /* of the reply under way, or last handed out */
    struct redis_reply root;
    bool refused; /* a piece did not fit */
    bool handed_out;
};

error redis_reader_init(struct redis_reader *reader);
void redis_reader_free(struct redis_reader *reader);

/* Adds bytes that have arrived. All whole replies are to be taken before the next. After an error the
 * reader is of no more use. */
error redis_reader_feed(struct redis_reader *reader, str bytes);

/* The next whole reply, valid until the next call; NULL in `*out` when there is none. */
error redis_reader_next(struct redis_reader *reader, const struct redis_reply **out);

/* A copy of the reply and all that belongs to it. ERROR_OUT_OF_MEMORY when the arena refuses. */
error redis_reply_copy(struct arena *arena, const struct redis_reply *reply,
                       struct redis_reply *out);
