/* A client over NestJS's Redis transport. A request is published on the channel that is its route; the reply
 * comes on `<route>.reply`, which all clients of that route hear: ids that are not ours are dropped. We
 * subscribe before we publish, and unsubscribe when no call has needed the channel for a moment.
 *
 * Redis says how many have heard a message, so a request that nobody heard is a 503 at once, after a
 * grace for services that have just gone and may return. A lost connection loses replies: what waits
 * for one gets RPC_CONNECTION_CLOSED. */
#pragma once

#include "redis/redis.h"
#include "rpc/client.h"

enum {
    RPC_REDIS_CHANNELS_MAX = 1024, /* reply channels at once; further calls are refused */
    RPC_REDIS_LINGER_MS = 1000,    /* a reply channel is kept that long after its last call */
    RPC_REDIS_GRACE_MS = 1500, /* so long after somebody listened there a request waits for it */
};

struct rpc_redis_options {
    struct rpc_options common;
    struct redis *redis; /* outlives the client; others may use it too */
};

error rpc_redis_client_new(const struct rpc_redis_options *options, struct rpc_client **out);
