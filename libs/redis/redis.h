/* Redis, kept in reach. A `struct redis` has two connections to one server, one for commands and one for
 * subscriptions (RESP2 allows no commands beside them). Both are opened at once and again, for ever, when
 * they are lost: with pauses that double up to REDIS_PAUSE_LAST_MS and vary at random, after which every
 * subscription is made anew. What was published meanwhile is gone; that is Redis's nature.
 *
 * The commands of one loop turn leave in one system call, and their replies are matched by order. A peer
 * that is silent is asked for a sign of life, and given up when none comes. */
#pragma once

#include "redis/codec.h"
#include "runtime/call.h"

enum {
    REDIS_PORT = 6379,
    REDIS_PAUSE_FIRST_MS = 20, /* after a connection that failed; doubled each time */
    REDIS_PAUSE_LAST_MS = 2000,
    REDIS_CONNECT_TIMEOUT_MS = 3000, /* from the name to the server's word that it is ready */
    REDIS_GRACE_MS = 500,  /* so long after a loss commands wait for the connection to return */
    REDIS_WATCH_MS = 2000, /* a connection that quiet is asked for a sign of life */
    REDIS_UNANSWERED_MAX = 64 * 1024, /* commands without a reply yet; more are refused */
    REDIS_SUBSCRIPTIONS_MAX = 4096,
};

extern const struct error
    REDIS_LOST; /* 503: the connection went away; the command's fate is unknown */
extern const struct error REDIS_BUSY; /* 503: REDIS_UNANSWERED_MAX or REDIS_SUBSCRIPTIONS_MAX */

struct redis;

struct redis_options {
    str host; /* a name or an address */
    unsigned port;
    str user, password; /* without `user` the password is the default user's; at == NULL: none */
    unsigned database;
};

/* Starts to connect. The texts of `options` must live as long as what is made. */
error redis_new(const struct redis_options *options, struct redis **out);

/* Sends what is queued and closes; to be called when no call waits for it. Subscriptions that are left are
 * freed. NULL is fine. */
void redis_free(struct redis *redis);

/* Waits until the connections that are needed are up. A 503 that says what the matter is, at once when it
 * has been so for REDIS_GRACE_MS. */
error redis_ready(struct call *call, struct redis *redis);

/* Sends a command and waits for its reply, which is in the call's arena. `out` may be NULL. An error reply
 * is a 502 with Redis's text; else the errors of redis_ready, REDIS_LOST, or the call's own. */
error redis_command(struct call *call, struct redis *redis, strs words, struct redis_reply *out);

#define REDIS_WORDS(...) \
    ((strs){ (const str[]){ __VA_ARGS__ }, sizeof((const str[]){ __VA_ARGS__ }) / sizeof(str) })

/* Sends a command whose reply nobody wants. REDIS_LOST when there is no connection now. */
error redis_post(struct redis *redis, strs words);

/* Several commands, of REDIS_WORDS each. */
struct redis_commands {
    const strs *at;
    size_t len;
};

#define REDIS_COMMANDS(...)                                  \
    ((struct redis_commands){ (const strs[]){ __VA_ARGS__ }, \
                              sizeof((const strs[]){ __VA_ARGS__ }) / sizeof(strs) })

/* redis_command for a transaction: the commands between MULTI and EXEC. The reply is an array with one
 * element a command, and a command's error is its element. */
error redis_transaction(struct call *call, struct redis *redis, struct redis_commands commands,
                        struct redis_reply *out);

/* redis_post for a transaction: all of it is sent, or on an error nothing. */
error redis_post_transaction(struct redis *redis, struct redis_commands commands);

/* Suspends while Redis takes commands more slowly than we send them. */
error redis_wait_for_room(struct call *call, struct redis *redis);

/* NULL while Redis can be worked with: the live connections are up and one has been heard of within a
 * second, or answers now. */
error redis_check(struct call *call, struct redis *redis);

struct redis_counts {
    bool up;                /* the connections that are needed */
    uint64_t reconnections; /* since the start */
    size_t subscriptions;
};
struct redis_counts redis_counts(const struct redis *redis);

/* --- subscriptions --------------------------------------------------------------------------------- */

struct redis_subscription;

struct redis_channel {
    str name;
    bool pattern; /* a glob: PSUBSCRIBE */

    /* A message on `channel`. On the loop's stack; both texts are gone afterwards. It may subscribe and
     * unsubscribe. */
    void (*message)(void *cookie, str channel, str payload);
    /* Redis has confirmed it: messages come from now on. At first and after each loss. May be NULL. */
    void (*confirmed)(void *cookie);
    /* The connection is lost, and with it what may have been published from here on. May be NULL. */
    void (*lost)(void *cookie);
    void *cookie;
};

/* Subscribes now and after each reconnection; `channel` is copied. Several of one name each get its messages. */
error redis_subscribe(struct redis *redis, const struct redis_channel *channel,
                      struct redis_subscription **out);

/* Waits until Redis has confirmed it. Errors as redis_ready; a refusal is a 502 with Redis's text. */
error redis_subscribed(struct call *call, struct redis_subscription *subscription);

/* Asks Redis to send no more. What is under way still comes, until redis_unsubscribe. */
void redis_subscription_leave(struct redis_subscription *subscription);

/* No more messages; frees it. NULL is fine. */
void redis_unsubscribe(struct redis_subscription *subscription);
