/* A client over NestJS's TCP wire, to one service on one or many addresses.
 *
 * Names are resolved when they are first needed and again every few seconds; each address gets one
 * connection, opened when a call first goes there, that carries all of its calls. Of two addresses
 * chosen at random the one with fewer calls under way is taken. An address that refuses connections, or
 * that lets several calls in a row run out of time without a sign of life, is left out for a while that
 * doubles each time, and then tried with a single call. */
#pragma once

#include "rpc/client.h"
#include "rpc/frame.h"
#include "runtime/tls.h"

enum {
    RPC_ADDRESSES_MAX = 64,        /* of one service */
    RPC_CONNECT_TIMEOUT_MS = 1000, /* of one address */
    RPC_RESOLVE_EVERY_MS = 5000,   /* names are looked up anew, on use, when that old */
    RPC_RESTART_GRACE_MS =
        1500, /* so long after a connection was lost calls wait for the peer to return */
    RPC_SILENCE_MS = 500, /* an address that owes replies and says nothing for so long is avoided */
    RPC_FAILURES_MAX =
        3, /* silences and connections lost under a call, in a row; then it is left out */
    RPC_EJECTION_MS = 1000, /* for how long, at first; doubled each time, at most a minute */
};

struct rpc_tcp_options {
    struct rpc_options common;
    str addresses;    /* "user-1,user-2:3005,[::1]:3001", separated by commas */
    unsigned port;    /* of those that name none */
    size_t frame_max; /* of replies, in code units; 0: RPC_FRAME_MAX */
    struct tls_context
        *tls; /* NULL: plain. The certificates must be for the hosts of `addresses` */
};

/* Opens nothing yet. The texts of `options` must live as long as the client. The error names an address
 * that is none. */
error rpc_tcp_client_new(struct arena *arena, const struct rpc_tcp_options *options,
                         struct rpc_client **out);

/* Addresses known now, and of those the ones that have a connection. */
struct rpc_tcp_counts {
    size_t addresses, connected;
};
struct rpc_tcp_counts rpc_tcp_client_counts(const struct rpc_client *client);
