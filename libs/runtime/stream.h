/* Byte streams: TCP connections that read into a buffer and send, once per loop turn, all that the turn has
 * written. HTTP, RPC and Redis connections are each a protocol on top of one. Memory: an idle stream
 * holds no buffers. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "runtime/call.h"

enum {
    STREAM_READ_SIZE = 16 * 1024,         /* asked of the kernel at a time */
    STREAM_INPUT_MAX = 256 * 1024,        /* received and not consumed; beyond it reading pauses */
    STREAM_OUTPUT_MAX = 64 * 1024 * 1024, /* queued for sending; beyond it the stream is closed */
    STREAM_OUTPUT_HIGH = 256 * 1024,      /* stream_congested above this */
    STREAM_SEND_TIMEOUT_MS = 30 * 1000,   /* a peer that takes nothing for that long is closed */
};

struct stream;

/* What the protocol above a stream does. Callbacks run on the loop's stack, never from inside a stream_
 * function that the owner called. */
struct stream_owner {
    /* Bytes were added to stream_input. */
    void (*received)(struct stream *stream, void *owner);
    /* The peer has sent its end (half close); it may still read. May be NULL: then the stream is closed. */
    void (*ended)(struct stream *stream, void *owner);
    /* The output fell below STREAM_OUTPUT_HIGH after stream_congested was true. May be NULL. */
    void (*drained)(struct stream *stream, void *owner);
    /* The connection is gone (reset, timeout, or stream_close has finished). Called exactly once, and the
     * last thing that happens; the stream is freed afterwards. */
    void (*closed)(struct stream *stream, void *owner);
};

/* A listening socket. */
struct listener;

struct listen_options {
    const char *address;      /* "127.0.0.1", "::", a name is not resolved */
    unsigned port;            /* 0: any free one */
    unsigned connections_max; /* at once; further ones wait in the kernel's queue */
    bool share_port;          /* SO_REUSEPORT: several processes on one port */
    /* A peer has connected: the callback makes the stream's owner with stream_adopt or closes it. */
    void (*accepted)(struct stream *stream, void *cookie);
    void *cookie;
};

/* Opens, binds and listens. The error names address and port ("127.0.0.1:3000 is in use by another process"). */
error listener_new(struct arena *arena, const struct listen_options *options,
                   struct listener **out);

/* The port that is listened on. */
unsigned listener_port(const struct listener *listener);

/* Stops accepting; connections go on. Frees the listener. NULL is fine. */
void listener_free(struct listener *listener);

/* Sets who is called back. To be called in `accepted`. */
void stream_adopt(struct stream *stream, const struct stream_owner *callbacks, void *owner);

/* The bytes received and not yet consumed. Valid until the callback ends or stream_consume, which may give the
 * memory to another stream. */
str stream_input(const struct stream *stream);
void stream_consume(struct stream *stream, size_t len);

/* Stops and resumes reading; a stream begins reading when it is adopted. What stream_input holds already is not
 * announced again. A paused stream may notice that the peer is gone only when it sends. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* Queues bytes (copied); they leave at the end of the turn. Ignored once the stream is closing. */
void stream_write(struct stream *stream, str bytes);

/* The output buffer itself, to append to with buf_… functions; schedules the flush. Never NULL: after a
 * close it is a buffer that is thrown away. */
struct buf *stream_output(struct stream *stream);

/* Whether the peer reads more slowly than we write: stop producing until `drained`. */
bool stream_congested(const struct stream *stream);

/* Sends what is queued, then closes: no more callbacks but `closed`. */
void stream_close(struct stream *stream);

/* Sends what is queued and our end, then reads and drops what the peer still sends, up to a bound, until
 * it closes too: the way to make sure that a last answer arrives (RFC 9112 section 9.6). */
void stream_close_lingering(struct stream *stream);

/* Closes at once; what is queued is lost. */
void stream_abort(struct stream *stream);

/* "127.0.0.1:40312", for logs; valid as long as the stream. */
const char *stream_peer(const struct stream *stream);
