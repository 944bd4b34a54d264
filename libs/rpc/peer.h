/* A peer is a service that one can ask. Where it lives is invisible to whoever asks: a service of this process
 * is called directly, with typed structs and no JSON in between. */
#pragma once

#include "rpc/message.h"

struct rpc_peer {
    str name;                       /* "user", for errors */
    const struct message *messages; /* what the service in this process answers; NULL: it is not here */
    void *service;                  /* its `call->service` */
};

/* Sends `in` to the handler of `pattern` and waits for its reply in `out`, whose memory is the call's arena.
 * The tables must be those of the pattern's row (asserted). 503 when the peer is nowhere. */
error rpc_send(struct call *call, const struct rpc_peer *peer, const char *pattern,
               struct schema_in in, struct schema_out out);

/* The row of that pattern, or NULL. */
const struct message *rpc_find(const struct message *messages, const char *pattern);

/* Looks for two rows of one pattern and for unsound field tables. NULL when all is well. */
error rpc_check(struct arena *arena, const struct message *messages);
