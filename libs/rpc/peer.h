/* A peer is a service that one can ask. Where it lives is invisible to whoever asks: a service of this process
 * is called directly, with typed structs and no JSON in between; another one through a client. */
#pragma once

#include "rpc/client.h"
#include "rpc/message.h"

struct rpc_peer {
    str name; /* "user", for errors */
    const struct message
        *messages;             /* what the service in this process answers; NULL: it is not here */
    void *service;             /* its `call->service` */
    struct rpc_client *client; /* to the service elsewhere, or NULL */
    const char *const
        *idempotent; /* patterns that the client may send twice, ended by NULL; or NULL */
};

/* Sends `in` to the handler of `pattern` and waits for its reply in `out`, whose memory is the call's arena.
 * The tables must be those of a row of the pattern (asserted). 503 when the peer is nowhere; of a peer
 * elsewhere also the errors of rpc_client_send, and 502 when its reply is not what `out` describes.
 * Of several replies the last counts. */
error rpc_send(struct call *call, const struct rpc_peer *peer, const char *pattern,
               struct schema_in in, struct schema_out out);

/* Emits an event to the service that the client leads to. */
error rpc_emit(struct call *call, struct rpc_client *client, const char *pattern,
               struct schema_in in);

/* Sends `in` to a pattern whose replies are many, and hands each, read by `schema` into the call's arena,
 * to `each`. An error of `each` ends it. */
struct rpc_stream_request {
    const char *pattern;
    struct schema_in in;
    const struct schema *schema;
    error (*each)(void *cookie, const void *item);
    void *cookie;
};
error rpc_send_stream(struct call *call, struct rpc_client *client,
                      const struct rpc_stream_request *request);

/* The first row of that pattern, or NULL; the table may be NULL. */
const struct message *rpc_find(const struct message *messages, str pattern);

/* Looks for two rows of one pattern with one reply and for unsound field tables. NULL when all is well; a table may be
 * NULL. */
error rpc_check(struct arena *arena, const struct message *messages);
error rpc_check_events(struct arena *arena, const struct event *events);
