/* NestJS's packets: what a frame, or a message on Redis, holds.
 *
 *     request  {"pattern":P,"data":D,"id":ID}       event  {"pattern":P,"data":D}
 *     reply    {"response":V,"isDisposed":true,"id":ID}, or several whose last is disposed
 *     error    {"err":E,"isDisposed":true,"id":ID}
 *
 * `metadata` may end a request or an event. A reply never has another key: NestJS 12 takes a packet
 * with one for the value itself. */
#pragma once

#include "json/json.h"
#include "schema/schema.h"

/* A request or an event that has arrived. Members that are missing are NULL. */
struct rpc_packet {
    const struct json *pattern, *data, *metadata;
    const struct json *id; /* any value, echoed as it came; NULL: an event */
};

/* Reads the text of a packet; it must live as long as `arena`. Falsy values and scalars are packets
 * without members, and without pattern and data an `id` says nothing. RPC_NOT_JSON when it is no JSON. */
error rpc_packet_read(struct arena *arena, str text, struct rpc_packet *out);

/* A reply that has arrived. */
struct rpc_reply {
    const struct json *id;       /* NULL: none */
    const struct json *err;      /* NULL: no error; falsy ones are none */
    const struct json *response; /* NULL: no value */
    bool ended;                  /* nothing more will come */
};

error rpc_reply_read(struct arena *arena, str text, struct rpc_reply *out);

/* A request or an event to be written; all texts but the id are JSON. */
struct rpc_outgoing {
    str pattern;
    str data;     /* at == NULL: none */
    str id;       /* plain characters; at == NULL: an event */
    str metadata; /* at == NULL: none */
};

void rpc_write_outgoing(struct buf *out, const struct rpc_outgoing *packet);

/* Replies to the request `id`. `last` disposes of it. */
void rpc_write_value(struct buf *out, const struct json *id, bool last, struct schema_in value);
void rpc_write_end(struct buf *out, const struct json *id);
void rpc_write_error(struct buf *out, const struct json *id, error e);
void rpc_write_unknown_pattern(struct buf *out, const struct json *id);

/* 500, as any error that has no status: what rpc_error_of makes of the answer above. */
extern const struct error RPC_UNKNOWN_PATTERN;

/* Appends the error as it travels: {"statusCode":404,"message":"User not found","error":"Not Found"};
 * `message` is a list where the error has one, `error` is left out where the error's form has none, and
 * `retryAfter` (seconds) follows where it is set. */
void rpc_write_err(struct buf *out, error e);

/* What a peer's `err` means to our own caller. In the form above, member by member, it is the error that
 * was written. Otherwise NestJS's rule for gateways: an integer `statusCode` from 400 to 599 and a
 * `message` that is a text make an error of that status without `error`; everything else is a 500
 * "Internal server error" whose cause shows what came. */
error rpc_error_of(struct arena *arena, const struct json *err);
