/* NestJS's TCP server: connections that carry any number of requests and events at once, each on a fiber
 * of its own, replies in order of completion. It does not listen; whoever accepts hands the streams over
 * (a service's port speaks HTTP too).
 *
 * What one peer can cost is bounded: the size of a frame, the memory of all frames that are not whole
 * yet, the requests that run for one connection (then reading pauses), what waits to be sent (the
 * stream's limits; while it is much, no further frame is looked at), and the time a frame may stand still
 * half sent. */
#pragma once

#include "rpc/dispatch.h"
#include "rpc/frame.h"
#include "runtime/stream.h"

enum {
    RPC_RUNNING_MAX = 256,              /* of one connection */
    RPC_PARTIAL_MAX = 64 * 1024 * 1024, /* bytes that all unfinished frames of a server may hold */
    RPC_INCOMPLETE_TIMEOUT_MS =
        30 * 1000, /* after the last byte of a frame that is not whole, as NestJS */
};

/* The text of a packet with which a server that stops tells its clients so: they send nothing more on
 * this connection and close it when the last reply has come. For NestJS's clients it is a reply to nobody,
 * which they ignore. */
extern const str RPC_GOODBYE;

struct rpc_server;

struct rpc_server_options {
    struct rpc_handlers handlers;
    size_t frame_max; /* code units; 0: RPC_FRAME_MAX */
    uint64_t
        request_timeout_ms; /* of a call whose packet names no shorter time; 0: CALL_TIMEOUT_MS */
    uint64_t incomplete_timeout_ms; /* 0: RPC_INCOMPLETE_TIMEOUT_MS */
};

/* `options` is copied; the tables are not. */
error rpc_server_new(const struct rpc_server_options *options, struct rpc_server **out);

/* Serves a stream that somebody accepted and perhaps already read from. The server owns it from here on. A
 * request's call is cancelled when its connection goes away; an event's is not. */
void rpc_server_take(struct rpc_server *server, struct stream *stream);

/* Says RPC_GOODBYE on every connection, goes on answering until the clients have closed or been idle for a
 * moment, then calls `drained(cookie)`, at the latest after `timeout_ms`, when what is left is cut off. */
void rpc_server_drain(struct rpc_server *server, uint64_t timeout_ms, void (*drained)(void *cookie),
                      void *cookie);

/* After `drained`, or when nothing was ever taken. NULL is fine. */
void rpc_server_free(struct rpc_server *server);

/* Requests and events being handled now, and connections open. */
size_t rpc_server_active(const struct rpc_server *server);
size_t rpc_server_connections(const struct rpc_server *server);
