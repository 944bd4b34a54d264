/* The insides of redis.h: connection.c has one connection, subscription.c what is heard on the second,
 * redis.c the commands on the first.
 *
 *             name, address, AUTH, SELECT, PING             lost
 *     CONNECTING ─────────────────────────────▶ UP ────────────────┐
 *         ▲   │ failed                                             │
 *         │   └──────────▶ PAUSING ◀───────────────────────────────┘
 *         └───────────────────┘ after a while */
#pragma once

#include "base/list.h"
#include "redis/redis.h"
#include "runtime/stream.h"

enum { REDIS_TROUBLE = 200 };

/* A reply that will come. It stays in its place when whoever asked has gone: then `arrived` is NULL. */
struct expected {
    struct link link;
    void (*arrived)(void *cookie, error failed, const struct redis_reply *reply);
    void *cookie;
};

struct connection {
    struct redis *redis;
    const char *purpose; /* for the log */
    enum { REDIS_PAUSING, REDIS_CONNECTING, REDIS_UP } state;
    struct stream *stream; /* also while its greeting is exchanged */
    struct redis_reader reader;
    struct link expected; /* in the order of their commands */
    size_t expected_count;
    struct expected *free;
    struct link waiters; /* calls that wait for the next change */
    struct call *connecting;
    struct timer timer; /* the end of the pause; of a connection that is up, the next look at it */
    unsigned failures;  /* in a row */
    uint64_t lost_ms;   /* when it began not to be up */
    uint64_t heard_ms;  /* the last bytes */
    uint64_t ups;       /* how often it came up */
    char trouble[REDIS_TROUBLE]; /* why it is not up */

    void (*came_up)(struct connection *connection); /* these three may be NULL */
    void (*went_down)(struct connection *connection);
    bool (*pushed)(struct connection *connection,
                   const struct redis_reply *reply); /* not a reply: taken */
};

struct redis {
    struct redis_options options;
    struct connection commands, ears;
    struct link subscriptions;
    size_t subscription_count;
    unsigned delivering; /* redis_unsubscribe leaves freeing to whoever delivers */
    unsigned references; /* streams and fibers; freed with the last one */
    bool settled; /* what was subscribed to when the second connection came up is confirmed */
    bool closing;
};

/* A call on a list of those that wait for something to change. */
error redis_wait_among(struct call *call, struct link *waiters);
void redis_wake_all(struct link *waiters);
void redis_release(struct redis *redis);

/* connection.c */
void redis_connection_init(struct connection *connection, struct redis *redis);
void redis_connection_start(struct connection *connection);
void redis_connection_close(struct connection *connection);
void redis_connection_clear(struct connection *connection);

/* Waits until it is up and takes commands. */
error redis_connection_ready(struct call *call, struct connection *connection);

/* Sends a command on a stream that is open; the reply goes to `arrived`, which may be NULL. NULL when refused. */
struct expected *redis_connection_send(struct connection *connection, strs words,
                                       void (*arrived)(void *cookie, error failed,
                                                       const struct redis_reply *reply),
                                       void *cookie);

/* Makes the next `count` sends certain, as long as nobody else sends before them; false: refused. */
bool redis_connection_reserve(struct connection *connection, size_t count);

/* Sends and waits. */
error redis_connection_ask(struct call *call, struct connection *connection, strs words,
                           struct redis_reply *out);

/* subscription.c */
void redis_resubscribe(struct connection *ears);
void redis_tell_lost(struct connection *ears);
bool redis_take_message(struct connection *ears, const struct redis_reply *reply);
void redis_free_subscriptions(struct redis *redis);
