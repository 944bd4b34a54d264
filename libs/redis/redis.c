#include "redis/redis_internal.h"
#include "runtime/clock.h"

#include <stdlib.h>

enum { FRESH_MS = 1000 }; /* a sign of life that is younger needs no other */

static const struct error NOT_SUBSCRIBED = ERROR(503, "subscriptions are not confirmed yet");

/* --- waiting ------------------------------------------------------------------------------------- */

struct waiter {
    struct link link;
    struct wait wait;
};

error redis_wait_among(struct call *call, struct link *waiters)
{
    struct waiter waiter = { 0 };

    list_append(waiters, &waiter.link);
    error failed = call_wait(call, &waiter.wait);

    list_remove(&waiter.link);
    return failed;
}

void redis_wake_all(struct link *waiters)
{
    struct link *link;

    while ((link = list_take(waiters)))
        wait_done(&LIST_ELEMENT(link, struct waiter, link)->wait);
}

/* --- commands ------------------------------------------------------------------------------------ */

error redis_command(struct call *call, struct redis *redis, strs words, struct redis_reply *out)
{
    TRY(redis_connection_ready(call, &redis->commands));
    return redis_connection_ask(call, &redis->commands, words, out);
}

error redis_post(struct redis *redis, strs words)
{
    struct connection *commands = &redis->commands;

    if (commands->state != REDIS_UP || !commands->stream)
        return &REDIS_LOST;
    return redis_connection_send(commands, words, NULL, NULL) ? NULL : &REDIS_BUSY;
}

/* MULTI and what follows it; without the EXEC, whose reply is the one that counts. Nothing may come between
 * them, so there is room for all, or none is sent. */
static error begin_transaction(struct connection *commands, struct redis_commands sent)
{
    if (!redis_connection_reserve(commands, sent.len + 2))
        return commands->stream ? &REDIS_BUSY : &REDIS_LOST;
    redis_connection_send(commands, REDIS_WORDS(STR("MULTI")), NULL, NULL);
    for (size_t i = 0; i < sent.len; i++)
        redis_connection_send(commands, sent.at[i], NULL, NULL);
    return NULL;
}

error redis_transaction(struct call *call, struct redis *redis, struct redis_commands commands,
                        struct redis_reply *out)
{
    TRY(redis_connection_ready(call, &redis->commands));
    TRY(begin_transaction(&redis->commands, commands));
    return redis_connection_ask(call, &redis->commands, REDIS_WORDS(STR("EXEC")), out);
}

error redis_post_transaction(struct redis *redis, struct redis_commands commands)
{
    if (redis->commands.state != REDIS_UP)
        return &REDIS_LOST;
    TRY(begin_transaction(&redis->commands, commands));
    return redis_post(redis, REDIS_WORDS(STR("EXEC")));
}

error redis_wait_for_room(struct call *call, struct redis *redis)
{
    struct connection *commands = &redis->commands;

    while (commands->stream && stream_congested(commands->stream))
        TRY(redis_wait_among(call, &commands->waiters));
    return call_check(call);
}

/* --- state --------------------------------------------------------------------------------------- */

static bool needs_ears(const struct redis *redis)
{
    return redis->subscription_count;
}

error redis_ready(struct call *call, struct redis *redis)
{
    TRY(redis_connection_ready(call, &redis->commands));
    return needs_ears(redis) ? redis_connection_ready(call, &redis->ears) : NULL;
}

static error check_up(struct call *call, const struct connection *connection)
{
    if (connection->state == REDIS_UP)
        return NULL;
    return error_new(call->arena, 503, "%s",
                     *connection->trouble ? connection->trouble : "not connected yet");
}

error redis_check(struct call *call, struct redis *redis)
{
    TRY(check_up(call, &redis->commands));
    if (needs_ears(redis))
        TRY(check_up(call, &redis->ears));
    if (needs_ears(redis) && !redis->settled)
        return &NOT_SUBSCRIBED;
    if (clock_ms() < redis->commands.heard_ms + FRESH_MS)
        return NULL;
    return redis_connection_ask(call, &redis->commands, REDIS_WORDS(STR("PING")), NULL);
}

struct redis_counts redis_counts(const struct redis *redis)
{
    const struct connection *commands = &redis->commands, *ears = &redis->ears;

    return (struct redis_counts){
        .up = commands->state == REDIS_UP && (!needs_ears(redis) || ears->state == REDIS_UP),
        .reconnections = (commands->ups ? commands->ups - 1 : 0) + (ears->ups ? ears->ups - 1 : 0),
        .subscriptions = redis->subscription_count,
    };
}

/* --- life ---------------------------------------------------------------------------------------- */

error redis_new(const struct redis_options *options, struct redis **out)
{
    struct redis *redis = calloc(1, sizeof *redis);

    if (!redis)
        return &ERROR_OUT_OF_MEMORY;
    redis->options = *options;
    redis->references = 1;
    list_init(&redis->subscriptions);
    redis_connection_init(&redis->commands, redis);
    redis_connection_init(&redis->ears, redis);
    redis->commands.purpose = "commands";
    redis->ears.purpose = "subscriptions";
    redis->ears.came_up = redis_resubscribe;
    redis->ears.went_down = redis_tell_lost;
    redis->ears.pushed = redis_take_message;
    redis_connection_start(&redis->commands);
    redis_connection_start(&redis->ears);
    *out = redis;
    return NULL;
}

void redis_release(struct redis *redis)
{
    if (--redis->references)
        return;
    redis_connection_clear(&redis->commands);
    redis_connection_clear(&redis->ears);
    free(redis);
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    redis->closing = true;
    redis_free_subscriptions(redis);
    redis_connection_close(&redis->commands);
    redis_connection_close(&redis->ears);
    redis_release(redis);
}
