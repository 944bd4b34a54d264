/* What is heard on the second connection. RESP2 mixes messages with the replies to SUBSCRIBE and its like,
 * one reply a channel; a message is told by its first word. */
#include "redis/redis_internal.h"
#include "runtime/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_subscription {
    struct link link;
    struct redis *redis;
    struct redis_channel channel;
    struct expected *asked; /* a SUBSCRIBE under way */
    bool confirmed;
    bool leaving;
    bool gone; /* to be freed */
    char refusal[REDIS_TROUBLE];
};

static struct redis_subscription *subscription_of(struct link *link)
{
    return LIST_ELEMENT(link, struct redis_subscription, link);
}

/* --- calling back --------------------------------------------------------------------------------- */

static void free_subscription(struct redis_subscription *subscription)
{
    list_remove(&subscription->link);
    subscription->redis->subscription_count--;
    free(subscription);
}

static void sweep(struct redis *redis)
{
    struct link *next, *list = &redis->subscriptions;

    for (struct link *link = list->next; link != list; link = next) {
        next = link->next;
        if (subscription_of(link)->gone)
            free_subscription(subscription_of(link));
    }
}

/* What is called may subscribe (at the end of the list) and unsubscribe (freed here, afterwards). */
static void begin_delivery(struct redis *redis)
{
    redis->delivering++;
}

static void end_delivery(struct redis *redis)
{
    if (--redis->delivering == 0)
        sweep(redis);
}

/* --- subscribing ---------------------------------------------------------------------------------- */

static void tell_confirmed(struct redis_subscription *subscription)
{
    struct redis *redis = subscription->redis;

    begin_delivery(redis);
    if (subscription->channel.confirmed && !subscription->gone)
        subscription->channel.confirmed(subscription->channel.cookie);
    end_delivery(redis);
}

static void confirmed(void *cookie, error failed, const struct redis_reply *reply)
{
    struct redis_subscription *subscription = cookie;

    subscription->asked = NULL;
    if (failed)
        return;
    subscription->confirmed = reply->type != REDIS_ERROR;
    snprintf(subscription->refusal, sizeof subscription->refusal, "%.*s",
             reply->type == REDIS_ERROR ? (int)reply->text.len : 0, reply->text.at);
    if (!subscription->confirmed)
        log_error("Redis", "subscribing to %.*s: %s", STR_ARG(subscription->channel.name),
                  subscription->refusal);
    redis_wake_all(&subscription->redis->ears.waiters);
    if (subscription->confirmed)
        tell_confirmed(subscription);
}

static void ask(struct redis_subscription *subscription)
{
    str verb = subscription->channel.pattern ? STR("PSUBSCRIBE") : STR("SUBSCRIBE");

    subscription->asked = redis_connection_send(&subscription->redis->ears,
                                                REDIS_WORDS(verb, subscription->channel.name),
                                                confirmed, subscription);
    if (!subscription->asked)
        snprintf(subscription->refusal, sizeof subscription->refusal, "%s", REDIS_BUSY.message);
}

static void settled(void *cookie, error failed, const struct redis_reply *reply)
{
    (void)reply;
    ((struct redis *)cookie)->settled = !failed;
}

/* Replies come in order: that to a PING, after those to all before it. */
void redis_resubscribe(struct connection *ears)
{
    struct link *list = &ears->redis->subscriptions;

    for (struct link *link = list->next; link != list; link = link->next)
        if (!subscription_of(link)->leaving)
            ask(subscription_of(link));
    redis_connection_send(ears, REDIS_WORDS(STR("PING")), settled, ears->redis);
}

/* --- delivering ---------------------------------------------------------------------------------- */

void redis_tell_lost(struct connection *ears)
{
    struct redis *redis = ears->redis;
    struct link *list = &redis->subscriptions;

    redis->settled = false;
    begin_delivery(redis);
    for (struct link *link = list->next; link != list; link = link->next) {
        struct redis_subscription *subscription = subscription_of(link);

        subscription->confirmed = false;
        if (subscription->channel.lost && !subscription->gone)
            subscription->channel.lost(subscription->channel.cookie);
    }
    end_delivery(redis);
}

/* A message as it came: for which subscription, on which channel. */
struct message {
    bool pattern;
    str name, channel, payload;
};

static void deliver(struct redis *redis, const struct message *message)
{
    struct link *list = &redis->subscriptions, *last = list->previous;

    begin_delivery(redis);
    for (struct link *link = list->next; link != list; link = link->next) {
        const struct redis_subscription *subscription = subscription_of(link);
        const struct redis_channel *channel = &subscription->channel;

        if (channel->pattern == message->pattern && str_eq(channel->name, message->name) &&
            !subscription->gone)
            channel->message(channel->cookie, message->channel, message->payload);
        if (link == last)
            break;
    }
    end_delivery(redis);
}

static bool all_texts(const struct redis_reply *reply)
{
    for (size_t i = 0; i < reply->count; i++)
        if (reply->at[i].type != REDIS_TEXT)
            return false;
    return true;
}

bool redis_take_message(struct connection *ears, const struct redis_reply *reply)
{
    const struct redis_reply *at = reply->at;

    if (reply->type != REDIS_ARRAY || reply->count < 3 || reply->count > 4 || !all_texts(reply))
        return false;
    bool pattern = reply->count == 4;

    if (!str_is(at[0].text, pattern ? "pmessage" : "message"))
        return false;
    deliver(ears->redis, &(struct message){
                             .pattern = pattern,
                             .name = at[1].text,
                             .channel = at[pattern ? 2 : 1].text,
                             .payload = at[pattern ? 3 : 2].text,
                         });
    return true;
}

/* --- coming and going ---------------------------------------------------------------------------- */

error redis_subscribe(struct redis *redis, const struct redis_channel *channel,
                      struct redis_subscription **out)
{
    struct redis_subscription *made;

    if (redis->subscription_count >= REDIS_SUBSCRIPTIONS_MAX)
        return &REDIS_BUSY;
    made = calloc(1, sizeof *made + channel->name.len);
    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    made->redis = redis;
    made->channel = *channel;
    made->channel.name.at = memcpy(made + 1, channel->name.at, channel->name.len);
    list_append(&redis->subscriptions, &made->link);
    redis->subscription_count++;
    if (redis->ears.state == REDIS_UP && redis->ears.stream)
        ask(made);
    *out = made;
    return NULL;
}

error redis_subscribed(struct call *call, struct redis_subscription *subscription)
{
    struct connection *ears = &subscription->redis->ears;

    for (;;) {
        if (subscription->confirmed)
            return NULL;
        if (*subscription->refusal)
            return error_new(call->arena, 502, "%s", subscription->refusal);
        TRY(redis_connection_ready(call, ears));
        if (!subscription->confirmed && !*subscription->refusal)
            TRY(redis_wait_among(call, &ears->waiters));
    }
}

static bool has_another(const struct redis_subscription *subscription)
{
    struct link *list = &subscription->redis->subscriptions;

    for (struct link *link = list->next; link != list; link = link->next) {
        const struct redis_subscription *other = subscription_of(link);

        if (other != subscription && !other->leaving &&
            other->channel.pattern == subscription->channel.pattern &&
            str_eq(other->channel.name, subscription->channel.name))
            return true;
    }
    return false;
}

void redis_subscription_leave(struct redis_subscription *subscription)
{
    struct redis *redis = subscription->redis;
    str verb = subscription->channel.pattern ? STR("PUNSUBSCRIBE") : STR("UNSUBSCRIBE");

    if (subscription->leaving)
        return;
    subscription->leaving = true;
    if (redis->ears.state == REDIS_UP && !has_another(subscription))
        redis_connection_send(&redis->ears, REDIS_WORDS(verb, subscription->channel.name), NULL,
                              NULL);
}

void redis_unsubscribe(struct redis_subscription *subscription)
{
    if (!subscription)
        return;
    redis_subscription_leave(subscription);
    if (subscription->asked)
        subscription->asked->arrived = NULL;
    subscription->asked = NULL;
    subscription->gone = true;
    if (!subscription->redis->delivering)
        free_subscription(subscription);
}

void redis_free_subscriptions(struct redis *redis)
{
    struct link *next, *list = &redis->subscriptions;

    assert(!redis->delivering);
    for (struct link *link = list->next; link != list; link = next) {
        next = link->next;
        redis_unsubscribe(subscription_of(link));
    }
}
