/* The TCP client's insides: tcp_client.c chooses, endpoint.c has one address, line.c one connection.
 *
 *                   first call              connected            goodbye
 *         COLD ────────────────▶ CONNECTING ─────────▶ UP ────────────────▶ COLD
 *           ▲                        │ failed          │ lost
 *           └──── the pause is over ─┴▶    DOWN    ◀───┘ */
#pragma once

#include "rpc/tcp_client.h"
#include "runtime/stream.h"

enum { ENDPOINT_TROUBLE = 160 };

struct tcp_client;
struct endpoint;

/* One connection. A retired one belongs to no endpoint any more: it ends when its last reply has come. */
struct line {
    struct link link; /* in tcp_client.lines */
    struct tcp_client *client;
    struct endpoint *endpoint; /* NULL: retired */
    struct stream *stream;
    struct rpc_frame_reader reader;
    struct link entries; /* requests that wait for replies from here */
    bool closing;
};

struct endpoint {
    struct tcp_client *client;
    char address[48];
    const char *host; /* the name that leads here; what its certificate must be for */
    unsigned port;
    enum { ENDPOINT_COLD, ENDPOINT_CONNECTING, ENDPOINT_UP, ENDPOINT_DOWN } state;
    struct line *line;
    struct link waiters; /* calls that wait for the next change */
    unsigned calls;      /* waiting for a connection or a reply */
    bool stale;          /* no name leads here any more */

    unsigned refusals;              /* connections that failed, in a row */
    char trouble[ENDPOINT_TROUBLE]; /* why the last one did */
    struct timer pause;             /* until the next try */
    struct call *connecting;        /* the call of the fiber that connects */
    uint64_t lost_ms;               /* when a connection was lost; 0: never */
    uint64_t heard_ms; /* the last byte, or when the first of the waiting requests left */

    unsigned failures;  /* silences and lost connections, in a row */
    unsigned ejections; /* in a row */
    uint64_t ejected_until_ms;
};

/* A host of the client's addresses. */
struct origin {
    str host;
    char *name; /* the same with a NUL, owned */
    unsigned port;
};

struct tcp_client {
    struct rpc_client common;
    size_t frame_max;
    struct tls_context *tls;
    struct origin origins[RPC_ADDRESSES_MAX];
    size_t origin_count;
    struct endpoint *endpoints[RPC_ADDRESSES_MAX];
    size_t count;
    struct link lines;
    struct link resolve_waiters;
    uint64_t used_ms;               /* by the last call */
    uint64_t resolved_ms;           /* 0: never */
    char trouble[ENDPOINT_TROUBLE]; /* of the last look-up */
    struct call *resolving;         /* the call of the fiber that does */
    unsigned references;            /* lines and fibers; the client is freed with the last one */
    bool closing;
};

/* A call on a list of those that wait for something to change. */
struct waiter {
    struct link link;
    struct wait wait;
};
error rpc_wait_among(struct call *call, struct link *waiters);
void rpc_wake_all(struct link *waiters);

/* tcp_client.c */
void rpc_tcp_release(struct tcp_client *client);

/* endpoint.c */
struct endpoint *rpc_endpoint_new(struct tcp_client *client, str address,
                                  const struct origin *origin);
void rpc_endpoint_free(struct endpoint *endpoint);

/* Whether a call may be sent there without second thoughts; and whether it may at all. */
bool rpc_endpoint_is_good(const struct endpoint *endpoint);
bool rpc_endpoint_is_possible(const struct endpoint *endpoint);

/* Waits until the endpoint has a connection with room. A 503 when connecting has failed; an endpoint that is
 * down is waited for until it is tried again. */
error rpc_endpoint_ready(struct call *call, struct endpoint *endpoint);

/* Tries to connect, when it has failed before and nobody tries now. */
void rpc_endpoint_probe(struct endpoint *endpoint);

/* A call has had a reply from there; or none, in the time that it had since `since_ms`. */
void rpc_endpoint_answered(struct endpoint *endpoint);
void rpc_endpoint_was_silent(struct endpoint *endpoint, uint64_t since_ms);

/* The connection is gone, perhaps with calls on it. */
void rpc_endpoint_lost_line(struct endpoint *endpoint);

/* The connection is no more to be used for new calls. */
void rpc_endpoint_retire_line(struct endpoint *endpoint);

/* line.c: a line over the stream, which it owns; NULL (and the stream gone) when there is no memory. */
struct line *rpc_line_new(struct endpoint *endpoint, struct stream *stream);
void rpc_line_send(struct line *line, str packet);
void rpc_line_expect(struct line *line, struct rpc_entry *entry);
void rpc_line_close_when_done(struct line *line);
