/* Calls to a service that is somewhere else, over whatever carrier (rpc/tcp_client.h; others plug in below).
 *
 * What NestJS's ClientProxy lacks is here for every carrier: a deadline on each call, passed on to the
 * peer; errors with a status; and one more try for patterns that were declared idempotent, as long as
 * retries stay a small share of all calls. */
#pragma once

#include "rpc/pending.h"
#include "runtime/call.h"

enum {
    RPC_TIMEOUT_MS = 2000, /* of a call that names no other */
    RPC_TRIES_MAX = 3,     /* of an idempotent call */
    RPC_RETRIES_PERCENT =
        20, /* of all calls, over RPC_BUDGET_WINDOW_MS; a few are always allowed */
    RPC_BUDGET_WINDOW_MS = 10 * 1000,
};

struct rpc_client;

/* One call. `pattern` and `data` are JSON texts. */
struct rpc_request {
    str pattern;         /* "user.create" with its quotation marks, or an object */
    str data;            /* at == NULL: undefined */
    str event;           /* goes along as `metadata.event`; at == NULL: nothing */
    bool idempotent;     /* may be sent again when its fate is unknown */
    uint64_t timeout_ms; /* 0: the client's; the call's deadline counts in any case */
    uint64_t margin_ms;  /* the peer is told that much less than the time that is left */

    /* Gets each value that comes back, on the caller's fiber; NULL for one that has none. May be NULL. */
    error (*item)(void *cookie, const struct json *value);
    void *cookie;
};

/* Sends the request and waits until the peer has disposed of it. Errors: the peer's own (rpc_error_of);
 * 503 when nothing could be sent; 502 when the connection went away and the outcome is unknown; 504 when
 * the time was up. Values and errors are in the call's arena. */
error rpc_client_send(struct call *call, struct rpc_client *client,
                      const struct rpc_request *request);

/* The same; `*answered` says whether the peer has answered: an error is its own then. */
error rpc_client_ask(struct call *call, struct rpc_client *client,
                     const struct rpc_request *request, bool *answered);

/* Sends an event, whose pattern is a route. NULL says that it was handed to a connection, no more. */
error rpc_client_emit(struct call *call, struct rpc_client *client, str route, str data);

/* Closes and frees; to be called when no call is under way. NULL is fine. */
void rpc_client_free(struct rpc_client *client);

/* --- for carriers ---------------------------------------------------------------------------------- */

struct rpc_options {
    str name;            /* of the service that is called, for errors: "user" */
    uint64_t timeout_ms; /* 0: RPC_TIMEOUT_MS */
};

/* One try of a request. */
struct rpc_attempt {
    const struct rpc_request *request;
    bool sent;     /* set by the carrier when it can no longer say that the peer has not seen it */
    bool answered; /* set when the peer has: an error is its own */
    const void *tried; /* the carrier's: where the try before went, for comparing only */
};

struct rpc_carrier {
    /* Sends and waits (rpc_pending_wait). Failing over to another address while nothing is sent is the
     * carrier's business. */
    error (*exchange)(struct call *call, struct rpc_client *client, struct rpc_attempt *attempt);
    error (*emit)(struct call *call, struct rpc_client *client, str route, str data);
    void (*close)(
        struct rpc_client *client); /* frees, in the end, the struct that the client lies in */
};

/* What all clients have; the first member of a carrier's own struct. */
struct rpc_client {
    const struct rpc_carrier *carrier;
    struct rpc_options options;
    struct rpc_pending pending;
    struct buf scratch; /* where packets are printed; free between two suspensions */
    struct rpc_budget {
        uint64_t since_ms;
        unsigned calls, retries; /* of this window */
        unsigned calls_before;   /* of the last */
    } budget;
};

error rpc_client_init(struct rpc_client *client, const struct rpc_carrier *carrier,
                      const struct rpc_options *options);
void rpc_client_clear(struct rpc_client *client);

/* Prints the packet of a request into `scratch`: its text, or `at` NULL when memory was refused. */
str rpc_client_packet(struct call *call, struct rpc_client *client,
                      const struct rpc_request *request, str id);

extern const struct error RPC_CONNECTION_CLOSED; /* 502 "Connection closed" */
