/* From a packet to the handlers of its route and back, whatever carried it: a TCP connection, Redis. The
 * carrier parses the packet, starts a fiber with a call, and gets the replies as texts to send. */
#pragma once

#include "rpc/message.h"
#include "rpc/packet.h"

/* A message that has been handled, for whoever counts them. */
struct rpc_handled {
    const struct message *message; /* its row among messages or streams; NULL: */
    const struct event
        *event;           /* … the first row of its pattern among events; NULL: nobody has it */
    int status;           /* 200, or the error's */
    uint64_t duration_ns; /* since the loop's turn in which it was whole */
};

/* What a service answers and listens to. */
struct rpc_handlers {
    const struct message *messages; /* each may be NULL */
    const struct message *streams;
    const struct event *events;
    void *service;     /* `call->service` of the handlers */
    const char *title; /* of the log lines: "UserService" */
    /* Told of every message and event when its handlers have returned. It does not suspend. Or NULL. */
    void (*handled)(const struct rpc_handled *handled, void *service);
};

/* Where replies go. */
struct rpc_sink {
    /* Sends the text of one reply; it is gone afterwards. */
    void (*put)(struct rpc_sink *sink, str packet);
    /* Suspends while the peer reads more slowly than we write; or NULL. */
    error (*wait)(struct call *call, struct rpc_sink *sink);
    struct buf *scratch; /* where replies are printed; free for others between two of them */
};

/* Gives the call the time that the packet's sender has left (`metadata.timeLeftMs`), where that is less
 * than it has, and the sender's trace (`metadata.traceparent`). */
void rpc_call_inherit(struct call *call, const struct rpc_packet *packet);

/* What rpc_call_inherit reads, as JSON: for the packets that a call sends; and, where its `at` is set, the JSON of
 * `event` as the member of that name. `at` is NULL when the arena refuses. */
str rpc_metadata(const struct call *call, uint64_t time_left_ms, str event);

/* Runs the handlers of `route` on the call's fiber. A request is answered in any case, also when only event
 * handlers have its pattern; an event is not, also when a message handler has it. Failures that are not
 * the caller's own (status 500 and more, any of an event) are logged. False when nobody has the pattern. */
bool rpc_dispatch(struct call *call, const struct rpc_handlers *handlers, str route,
                  const struct rpc_packet *packet, struct rpc_sink *sink);
