/* The engine's insides, shared by server.c, work.c and connection.c alone. */
#pragma once

#include "http/chunked.h"
#include "http/head.h"
#include "http/response.h"
#include "http/server.h"
#include "runtime/loop.h"

enum {
    WORK_POOL_MAX = 256,              /* requests' memory kept for reuse */
    WORK_BUFFER_KEEP_MAX = 16 * 1024, /* a larger buffer in it is not kept */
    PIPELINE_MAX =
        64 * 1024,        /* unread bytes behind a request that runs; beyond it reading pauses */
    IDLE_GRACE_MS = 1000, /* how much later than promised an idle connection is closed */
    DRAIN_IDLE_MS = 250, /* a connection idle for less at the drain may have a request on its way */
};

/* One request from its head to its answer: everything that it needs, pooled. */
struct work {
    struct work *next_free;
    struct http_server *server;
    struct connection *connection; /* NULL once it is gone */
    struct arena *arena;
    struct call call;
    uint64_t start_ns; /* of the handler, for `answered` */
    struct http_response response;
    struct http_chunked chunked;
    struct buf body; /* of a chunked request */
    struct http_head head;
};

struct http_server {
    struct http_server_options options;
    struct arena *arena; /* for what lives as long as the server */
    struct http_printer printer;
    struct listener *listener; /* NULL when draining */
    struct link connections;
    size_t connection_count;
    size_t active; /* requests that run, those whose connection is gone included */
    struct work *free_works;
    size_t free_work_count;

    bool draining;
    struct timer drain_timer;
    struct loop_hook drain_hook; /* calls `drained` */
    void (*drained)(void *cookie);
    void *drained_cookie;
};

/* server.c: to be called when a connection or a request has ended. */
void http_server_note_end(struct http_server *server);

/* work.c: NULL when there is no memory. What is given back may be taken again at once. */
struct work *http_work_take(struct http_server *server);
void http_work_give_back(struct work *work);
void http_work_pool_free(struct http_server *server);

/* connection.c: serves a stream; it is aborted when there is no memory. */
void http_connection_new(struct http_server *server, struct stream *stream);

/* Closes every connection that has been idle for DRAIN_IDLE_MS, and the others when they have; or all at once. */
void http_connections_drain(struct http_server *server);
void http_connections_abort(struct http_server *server);
