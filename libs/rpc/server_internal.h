/* The server's insides, shared by server.c and connection.c alone. */
#pragma once

#include "rpc/complaints.h"
#include "rpc/server.h"
#include "runtime/loop.h"

enum {
    WORK_POOL_MAX = 256, /* requests' memory kept for reuse */
    SCRATCH_KEEP_MAX = 256 * 1024,
    DRAIN_IDLE_MS =
        250, /* a connection quiet for less at the drain may have a request on its way */
};

/* One packet from its frame to the last reply: everything that it needs, pooled. */
struct work {
    struct link link; /* among those of its connection */
    struct work *next_free;
    struct rpc_server *server;
    struct connection *connection; /* NULL once it is gone */
    struct arena *arena;
    struct call call;
    struct rpc_packet packet;
    str route;
    struct rpc_sink sink;
};

struct rpc_server {
    struct rpc_server_options options;
    struct link connections;
    size_t connection_count;
    size_t active;  /* works, those whose connection is gone included */
    size_t partial; /* bytes held by unfinished frames */
    struct work *free_works;
    size_t free_work_count;
    struct buf scratch;
    struct rpc_complaints complaints;

    bool draining;
    struct timer drain_timer;
    struct loop_hook drain_hook; /* calls `drained` */
    void (*drained)(void *cookie);
    void *drained_cookie;
};

/* server.c: NULL when there is no memory. What is given back may be taken again at once. */
struct work *rpc_work_take(struct rpc_server *server);
void rpc_work_give_back(struct work *work);

/* server.c: to be called when a connection or a work has ended. */
void rpc_server_note_end(struct rpc_server *server);

/* connection.c */
void rpc_connection_new(struct rpc_server *server, struct stream *stream);
void rpc_connections_drain(struct rpc_server *server);
void rpc_connections_abort(struct rpc_server *server);
