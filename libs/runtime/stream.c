/* A stream reads into one pooled block of STREAM_READ_SIZE bytes, which grows only when a message is longer,
 * and goes back to the pool when all of it has been consumed. What is written gathers in `out`, pooled likewise,
 * until the end of the turn. Descriptors are watched by uv_poll (level-triggered), so one wait, one recv and one send make
 * an exchange. Closing always ends in `gone`, from libuv's close callback: never inside the owner's own call. */
#include "runtime/stream.h"
#include "runtime/fiber_switch.h"
#include "runtime/loop_internal.h"
#include "runtime/stream_internal.h"
#include "runtime/tls_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGER_MS = 2000, /* how long a lingering close waits for the peer */
    LINGER_BYTES_MAX = 1024 * 1024,
    OUTPUT_KEEP_MAX = 64 * 1024, /* a larger output buffer is not pooled */
};

/* AddressSanitizer shall see who uses input that has been consumed. */
#ifdef SWITCH_ASAN
static const size_t INPUT_POOL_MAX = 0;
#else
static const size_t INPUT_POOL_MAX = BUFFER_POOL_MAX;
#endif

enum state { OPEN, CLOSING, LINGERING, CLOSED };

struct stream {
    uv_poll_t poll;
    int fd;
    enum state state;
    bool linger;     /* CLOSING continues with LINGERING */
    bool paused;     /* by the owner */
    bool peer_ended; /* its FIN has been read */
    bool was_congested;
    int watched;     /* events that uv_poll is set to */
    struct tls *tls; /* NULL: plain */
    const struct stream_owner *callbacks;
    void *owner;

    char *input; /* a pooled block, or a larger one of its own; NULL while there is nothing */
    size_t input_start, input_end, input_capacity;

    struct buf out;
    size_t sent;          /* of `out` */
    struct buf discarded; /* what is written after a close */
    size_t lingered;      /* bytes dropped while lingering */
    struct loop_hook flush;
    struct timer timeout; /* of sending or lingering */

    void (*released)(void *cookie); /* tells the listener that a place is free */
    void *cookie;
    char peer[STREAM_PEER_TEXT];
};

static void handle_events(uv_poll_t *poll, int status, int events);
static void flush_at_turn_end(struct loop_hook *hook);
static void shut(struct stream *stream);

/* --- input blocks ------------------------------------------------------------------------------- */

static char *take_block(void)
{
    struct buffer_pool *pool = &the_loop.inputs;

    return pool->count ? pool->free[--pool->count] : malloc(STREAM_READ_SIZE);
}

static void drop_input(struct stream *stream)
{
    struct buffer_pool *pool = &the_loop.inputs;

    if (stream->input_capacity == STREAM_READ_SIZE && pool->count < INPUT_POOL_MAX)
        pool->free[pool->count++] = stream->input;
    else
        free(stream->input);
    stream->input = NULL;
    stream->input_start = stream->input_end = stream->input_capacity = 0;
}

void stream_pool_free(void)
{
    while (the_loop.inputs.count)
        free(the_loop.inputs.free[--the_loop.inputs.count]);
    while (the_loop.outputs.count)
        buf_free(&the_loop.outputs.free[--the_loop.outputs.count]);
}

/* --- output buffers ------------------------------------------------------------------------------ */

static void take_output(struct stream *stream)
{
    struct output_pool *pool = &the_loop.outputs;

    if (!stream->out.at && pool->count)
        stream->out = pool->free[--pool->count];
}

static void drop_output(struct stream *stream)
{
    struct output_pool *pool = &the_loop.outputs;

    stream->out.len = stream->sent = 0;
    if (stream->out.at && stream->out.capacity <= OUTPUT_KEEP_MAX &&
        pool->count < BUFFER_POOL_MAX) {
        pool->free[pool->count++] = stream->out;
        stream->out = buf_new(STREAM_OUTPUT_MAX);
    } else {
        buf_free(&stream->out);
    }
}

static size_t input_len(const struct stream *stream)
{
    return stream->input_end - stream->input_start;
}

/* Room behind the unconsumed bytes: at least half a block (of TLS, a record), moving or growing as needed. */
static bool make_room(struct stream *stream)
{
    size_t wanted = stream->tls ? STREAM_READ_SIZE : STREAM_READ_SIZE / 2;

    if (!stream->input) {
        stream->input = take_block();
        stream->input_capacity = stream->input ? STREAM_READ_SIZE : 0;
        return stream->input;
    }
    if (stream->input_capacity - stream->input_end >= wanted)
        return true;
    if (stream->input_start) {
        memmove(stream->input, stream->input + stream->input_start, input_len(stream));
        stream->input_end -= stream->input_start;
        stream->input_start = 0;
    }
    if (stream->input_capacity - stream->input_end >= wanted)
        return true;
    size_t capacity = stream->input_capacity * 2;
    char *larger = malloc(capacity);

    if (!larger)
        return false;
    size_t len = stream->input_end;

    memcpy(larger, stream->input, len);
    drop_input(stream);
    stream->input = larger;
    stream->input_end = len;
    stream->input_capacity = capacity;
    return true;
}

/* --- watching ------------------------------------------------------------------------------------ */

static bool wants_input(const struct stream *stream)
{
    if (stream->peer_ended)
        return false;
    if (stream->state == LINGERING)
        return true;
    return stream->state == OPEN && stream->callbacks && !stream->paused &&
           input_len(stream) < STREAM_INPUT_MAX;
}

static bool has_output(const struct stream *stream)
{
    return stream->sent < stream->out.len;
}

static int wanted_events(const struct stream *stream)
{
    bool blocked = has_output(stream) && timer_running(&stream->timeout);
    bool for_input = stream->tls && tls_sending_wants_input(stream->tls);
    bool for_output = stream->tls && tls_receiving_wants_output(stream->tls);

    return (wants_input(stream) || (blocked && for_input) ? UV_READABLE : 0) |
           ((blocked && !for_input) || for_output ? UV_WRITABLE : 0);
}

static void watch_for(struct stream *stream, int events)
{
    if (stream->state == CLOSED || events == stream->watched)
        return;
    stream->watched = events;
    if (events)
        uv_poll_start(&stream->poll, events, handle_events);
    else
        uv_poll_stop(&stream->poll);
}

/* Tells libuv what to wait for, if that has changed. Reading that is no longer wanted is given up when something
 * arrives (handle_events), so that a pause in which nothing does costs no system call. */
static void watch(struct stream *stream)
{
    int events = wanted_events(stream);

    if (stream->watched != (events | UV_READABLE))
        watch_for(stream, events);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct stream *stream_new(int fd, const char *peer, void (*released)(void *cookie), void *cookie)
{
    struct stream *stream = calloc(1, sizeof *stream);

    if (!stream || uv_poll_init(&the_loop.uv, &stream->poll, fd)) {
        free(stream);
        return NULL;
    }
    stream->fd = fd;
    stream->out = buf_new(STREAM_OUTPUT_MAX);
    stream->discarded = buf_new(STREAM_OUTPUT_MAX);
    stream->flush.run = flush_at_turn_end;
    stream->released = released;
    stream->cookie = cookie;
    strncpy(stream->peer, peer, sizeof stream->peer - 1);
    return stream;
}

void stream_adopt(struct stream *stream, const struct stream_owner *callbacks, void *owner)
{
    stream->callbacks = callbacks;
    stream->owner = owner;
    watch(stream);
}

error stream_start_tls(struct stream *stream, struct tls_context *context, const char *name)
{
    assert(!stream->callbacks && !stream->tls);
    stream->tls = tls_new(context, stream->fd, name);
    return stream->tls ? NULL : &ERROR_OUT_OF_MEMORY;
}

static void gone(uv_handle_t *handle)
{
    struct stream *stream = LIST_ELEMENT(handle, struct stream, poll);

    tls_free(stream->tls);
    close(stream->fd);
    if (stream->callbacks)
        stream->callbacks->closed(stream, stream->owner);
    if (stream->released)
        stream->released(stream->cookie);
    if (stream->input)
        drop_input(stream);
    buf_free(&stream->out);
    buf_free(&stream->discarded);
    free(stream);
}

/* From here on nothing is sent or received. */
static void shut(struct stream *stream)
{
    if (stream->state == CLOSED)
        return;
    stream->state = CLOSED;
    timer_stop(&stream->timeout);
    loop_hook_cancel(&stream->flush);
    uv_poll_stop(&stream->poll);
    uv_close((uv_handle_t *)&stream->poll, gone);
}

static void timed_out(struct timer *timer)
{
    shut(LIST_ELEMENT(timer, struct stream, timeout));
}

static void start_lingering(struct stream *stream)
{
    stream->state = LINGERING;
    stream->sent = stream->out.len = 0;
    if (stream->peer_ended || shutdown(stream->fd, SHUT_WR)) {
        shut(stream);
        return;
    }
    timer_start(&stream->timeout, LINGER_MS, timed_out);
    watch(stream);
}

static size_t output_len(const struct stream *stream)
{
    return stream->out.len - stream->sent;
}

static void tell_drained(struct stream *stream)
{
    if (!stream->was_congested || stream->state != OPEN || output_len(stream) > STREAM_OUTPUT_HIGH)
        return;
    stream->was_congested = false;
    if (stream->callbacks && stream->callbacks->drained)
        stream->callbacks->drained(stream, stream->owner);
}

/* The kernel takes no more now. What it has taken makes way: a peer that always reads, but never catches up, must
 * not make the buffer grow. */
static void output_blocked(struct stream *stream)
{
    if (stream->sent > stream->out.len / 2) {
        buf_drop_front(&stream->out, stream->sent);
        stream->sent = 0;
    }
    if (!timer_running(&stream->timeout))
        timer_start(&stream->timeout, STREAM_SEND_TIMEOUT_MS, timed_out);
    watch(stream);
    tell_drained(stream);
}

/* All that was written has been sent. */
static void output_done(struct stream *stream)
{
    drop_output(stream);
    timer_stop(&stream->timeout);
    if (stream->state == CLOSING) {
        if (stream->tls)
            tls_end(stream->tls);
        if (stream->linger)
            start_lingering(stream);
        else
            shut(stream);
        return;
    }
    watch(stream);
    tell_drained(stream);
}

/* --- sending ------------------------------------------------------------------------------------- */

static ssize_t put_bytes(struct stream *stream, const char *bytes, size_t len)
{
    return stream->tls ? tls_send(stream->tls, bytes, len)
                       : send(stream->fd, bytes, len, MSG_NOSIGNAL);
}

static void flush(struct stream *stream)
{
    while (has_output(stream)) {
        ssize_t put =
            put_bytes(stream, stream->out.at + stream->sent, stream->out.len - stream->sent);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno != EAGAIN) {
            shut(stream);
            return;
        }
        if (put < 0) {
            output_blocked(stream);
            return;
        }
        stream->sent += (size_t)put;
        if (timer_running(&stream->timeout))
            timer_start(&stream->timeout, STREAM_SEND_TIMEOUT_MS, timed_out);
    }
    output_done(stream);
}

static void flush_at_turn_end(struct loop_hook *hook)
{
    struct stream *stream = LIST_ELEMENT(hook, struct stream, flush);

    if (buf_failed(&stream->out))
        shut(stream);
    else
        flush(stream);
}

struct buf *stream_output(struct stream *stream)
{
    if (stream->state != OPEN) {
        buf_clear(&stream->discarded);
        return &stream->discarded;
    }
    take_output(stream);
    loop_at_turn_end(&stream->flush);
    return &stream->out;
}

void stream_write(struct stream *stream, str bytes)
{
    if (stream->state == OPEN)
        buf_add(stream_output(stream), bytes);
}

bool stream_congested(const struct stream *stream)
{
    bool congested = output_len(stream) > STREAM_OUTPUT_HIGH;

    if (congested)
        ((struct stream *)stream)->was_congested = true;
    return congested;
}

/* --- receiving ----------------------------------------------------------------------------------- */

static void drop_lingering(struct stream *stream)
{
    char dropped[4096];
    ssize_t got = recv(stream->fd, dropped, sizeof dropped, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    stream->lingered += got > 0 ? (size_t)got : 0;
    if (got <= 0 || stream->lingered > LINGER_BYTES_MAX)
        shut(stream);
}

static void peer_has_ended(struct stream *stream)
{
    stream->peer_ended = true;
    watch_for(stream, wanted_events(stream));
    if (stream->callbacks->ended)
        stream->callbacks->ended(stream, stream->owner);
    else
        stream_close(stream);
}

static ssize_t get_bytes(struct stream *stream, char *out, size_t len)
{
    return stream->tls ? tls_receive(stream->tls, out, len) : recv(stream->fd, out, len, 0);
}

static void receive(struct stream *stream)
{
    if (!make_room(stream)) {
        shut(stream);
        return;
    }
    ssize_t got = get_bytes(stream, stream->input + stream->input_end,
                            stream->input_capacity - stream->input_end);

    if (got > 0) {
        stream->input_end += (size_t)got;
        stream->callbacks->received(stream, stream->owner);
    } else if (got == 0) {
        peer_has_ended(stream);
    } else if (errno != EAGAIN && errno != EINTR) {
        shut(stream);
    }
    if (stream->input && input_len(stream) == 0)
        drop_input(stream);
    watch(stream);
}

static void handle_events(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = LIST_ELEMENT(poll, struct stream, poll);

    if (status < 0) {
        shut(stream);
        return;
    }
    if (events & UV_WRITABLE || (stream->tls && has_output(stream)))
        flush(stream);
    if (stream->state == LINGERING && events & UV_READABLE)
        drop_lingering(stream);
    else if (wants_input(stream) && events & UV_READABLE)
        receive(stream);
    else
        watch_for(stream, wanted_events(stream));
}

str stream_input(const struct stream *stream)
{
    return (str){ stream->input ? stream->input + stream->input_start : "", input_len(stream) };
}

void stream_consume(struct stream *stream, size_t len)
{
    assert(len <= input_len(stream));
    stream->input_start += len;
    if (stream->input && input_len(stream) == 0)
        drop_input(stream);
    watch(stream);
}

void stream_pause(struct stream *stream)
{
    stream->paused = true;
    watch(stream);
}

void stream_resume(struct stream *stream)
{
    stream->paused = false;
    watch(stream);
}

/* --- closing ------------------------------------------------------------------------------------- */

static void close_after_output(struct stream *stream, bool linger)
{
    if (stream->state != OPEN)
        return;
    stream->linger = linger;
    loop_at_turn_end(&stream->flush);
    stream->state = CLOSING;
    watch(stream);
}

void stream_close(struct stream *stream)
{
    close_after_output(stream, false);
}

void stream_close_lingering(struct stream *stream)
{
    close_after_output(stream, true);
}

void stream_abort(struct stream *stream)
{
    shut(stream);
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}
