/* Events over Redis Streams, to services in other processes. Each consumer, a service, has one stream,
 * `cuib:events:<consumer>`, and in it one consumer group of its own name, whose members are the service's replicas.
 *
 *     producer   XADD cuib:events:user * token T packet {…}  consumer   XREADGROUP, when woken
 *                PUBLISH cuib:events:user (wakes)                       the handler, on a fiber of its own
 *                waits for the answer                                   XACK, XDEL, PUBLISH cuib:events:user:answers
 *                                                                       {"isDisposed":true,"id":T}, or with an "err"
 *
 * Redis carries, it does not keep: the event lies in the producer's store until the answer has come, and without one
 * it is sent again, also into a Redis that was emptied. So what is delivered is delivered at least once, and the consumers'
 * inboxes know what they had. Of one stream of events the producer has one on its way at a time, which keeps
 * their order whatever number of replicas reads. XAUTOCLAIM needs Redis 6.2. */
#pragma once

#include "redis/redis.h"
#include "rpc/packet.h"

enum {
    EVENTS_STREAM_RUNNING_MAX = 256, /* entries that a consumer handles at the same time */
    EVENTS_STREAM_CLAIM_MS =
        30 * 1000, /* an entry that nobody has answered for so long goes to another replica */
    EVENTS_STREAM_LOOK_MS =
        5 * 1000, /* how often a consumer looks without being woken: a wake-up can be lost */
    EVENTS_STREAM_PACKET_MAX = 1024 * 1024, /* bytes */
};

/* --- the producer's side ---------------------------------------------------------------------------- */

struct events_stream;

struct events_stream_options {
    struct redis *redis; /* outlives it */
    str consumer;        /* "user" */
    /* What was not answered is worth another attempt: a replica of the consumer has started or come back, or our
     * connections to Redis have. On the loop's stack; more often than needed. Or NULL. */
    void (*present)(void *cookie);
    void *cookie;
};

error events_stream_new(const struct events_stream_options *options, struct events_stream **out);

/* To be called when no call waits for an answer. NULL is fine. */
void events_stream_free(struct events_stream *stream);

/* Hands a packet (JSON text) over and waits for the answer, until the call's deadline. NULL: a handler has succeeded. An error
 * with `*answered`: the handler's own, or that the packet is too long, which no other attempt will change. Without: Redis or
 * the consumer is away, or the call's time is up, and the entry was taken back as far as that was possible. */
error events_stream_deliver(struct call *call, struct events_stream *stream, str packet,
                            bool *answered);

/* --- the consumer's side ---------------------------------------------------------------------------- */

struct events_reader;

struct events_reader_options {
    struct redis *redis; /* outlives it */
    str consumer;        /* "user" */
    const char *title;   /* of log lines: "UserService" */
    /* Handles one packet, on a fiber and a call of its own. Its error is the answer. */
    error (*handle)(struct call *call, const struct rpc_packet *packet, void *cookie);
    void *cookie;
    uint64_t claim_ms; /* 0: EVENTS_STREAM_CLAIM_MS */
};

/* Makes the group when Redis is there, and again whenever it is gone. */
error events_reader_new(const struct events_reader_options *options, struct events_reader **out);

/* Takes no more entries, finishes those that run, then calls `drained(cookie)`; what runs after `timeout_ms` is
 * cancelled first. */
void events_reader_drain(struct events_reader *reader, uint64_t timeout_ms,
                         void (*drained)(void *cookie), void *cookie);

/* After `drained`. NULL is fine. */
void events_reader_free(struct events_reader *reader);

struct events_reader_counts {
    uint64_t handled, failed; /* entries whose answer was a success, an error */
    uint64_t claimed; /* of both, left by a replica that was gone or by a reply that was lost */
    size_t running;
};
struct events_reader_counts events_reader_counts(const struct events_reader *reader);
