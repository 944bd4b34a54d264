/* NestJS's Redis transport, the server's side. It subscribes to the route of every handler, runs what is
 * published there, each request and event on a fiber of its own, and publishes replies on `<route>.reply`.
 *
 * On Redis every replica of a service hears every request. NestJS's all answer; of ours one does: before a
 * request is handled, its id is claimed in Redis (SET NX, for RPC_CLAIM_MS), and who comes later leaves it
 * alone. An event has no id and is for all replicas, unless its rows name something to claim it by (message.h):
 * then one replica of each service handles it. */
#pragma once

#include "redis/redis.h"
#include "rpc/dispatch.h"

enum {
    RPC_REDIS_RUNNING_MAX = 4096,        /* requests and events at once; more are dropped */
    RPC_REDIS_PAYLOAD_MAX = 1024 * 1024, /* bytes of one message; a longer one is dropped */
    RPC_CLAIM_MS = 60 * 1000,
    RPC_CLAIM_ID_MAX = 256, /* bytes; a request with a longer id is answered by all */
};

struct rpc_redis_server;

struct rpc_redis_server_options {
    struct rpc_handlers handlers;
    struct redis *redis;        /* outlives the server; others may use it too */
    bool every_replica_answers; /* no claims, of events neither: as NestJS */
    bool wildcards; /* patterns are Redis's globs; the reply goes to the channel's `.reply` */
    uint64_t
        request_timeout_ms; /* of a call whose packet names no shorter time; 0: CALL_TIMEOUT_MS */
};

/* Subscribes; Redis may confirm later. `options` is copied; the tables are not. */
error rpc_redis_server_new(const struct rpc_redis_server_options *options,
                           struct rpc_redis_server **out);

/* Unsubscribes, finishes what runs and what was under way to us, then calls `drained(cookie)`; after
 * `timeout_ms` what still runs is cancelled. */
void rpc_redis_server_drain(struct rpc_redis_server *server, uint64_t timeout_ms,
                            void (*drained)(void *cookie), void *cookie);

/* After `drained`, or when nothing ever ran. NULL is fine. */
void rpc_redis_server_free(struct rpc_redis_server *server);

struct rpc_redis_server_counts {
    size_t active;         /* requests and events being handled now */
    uint64_t handled;      /* requests and events */
    uint64_t suppressed;   /* requests and events that another replica had claimed */
    uint64_t dropped;      /* messages beyond the limits */
    uint64_t replies_lost; /* for want of a connection */
};
struct rpc_redis_server_counts rpc_redis_server_counts(const struct rpc_redis_server *server);
