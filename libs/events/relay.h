/* Events on their way between processes: what a packet of one looks like, how it is handed to a consumer elsewhere, and how
 * a consumer takes it.
 *
 *     {"pattern":"order.created","data":{…},"metadata":{"timeLeftMs":9500,"traceparent":"00-…","event":
 *      {"id":"…","streamId":"…","version":1,"position":7,"recordedAt":"…","cause":"…","actor":"…"}}}
 *
 * Pattern and data are NestJS's; a NestJS consumer ignores the rest. The data have today's shape. */
#pragma once

#include "events/events.h"
#include "events/redis_stream.h"
#include "rpc/client.h"
#include "rpc/message.h"
#include "rpc/packet.h"

enum {
    EVENTS_ANSWER_MS =
        500, /* a consumer is told that much less than the time that is left for its answer */
};

/* A consumer in another process, and how it is reached: one of the three. */
struct events_consumer {
    struct events *events;
    const char *const *types;  /* what it listens to, ended by NULL; NULL: to everything */
    struct rpc_client *client; /* a request on the TCP wire, whose reply is the acknowledgement */
    struct events_stream *stream; /* Redis Streams */
    struct redis *
        redis; /* NestJS's pub/sub: heard by whoever listens at that moment, acknowledged by nobody */
};

/* The relay of a subscriber (events.h) whose cookie is a `struct events_consumer`. Types that the consumer does not listen
 * to are passed over. */
error events_relay(struct call *call, const struct recorded *event, void *consumer, bool *answered);

/* Handles a packet by the first row of its pattern, in a table of subscriptions; without one nothing happens. For what came over
 * a Redis Stream. */
error events_receive(struct call *call, const struct rpc_packet *packet,
                     const struct subscription *rows);

/* The rows as event handlers of a service, for what comes over the TCP wire and NestJS's pub/sub; ended like any table of
 * events, in `arena`, after those of `others` (or NULL). An event of ours that is heard on pub/sub is left alone, for it
 * comes on its own way, too. One that a NestJS service has emitted has no identity: its id is then made of its pattern and
 * data, so that a second copy is known as one; of the replicas that hear it on pub/sub the one that claims that id handles
 * it. */
error events_handlers(struct arena *arena, const struct subscription *rows,
                      const struct event *others, const struct event **out);
