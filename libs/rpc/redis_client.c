#include "rpc/redis_client.h"
#include "rpc/pattern.h"
#include "rpc/redis_packet.h"
#include "runtime/clock.h"

#include <stdlib.h>
#include <string.h>

enum { LISTENER_PAUSE_MS = 20 }; /* between two looks for somebody who listens */

struct redis_client {
    struct rpc_client common;
    struct redis *redis;
    struct link channels;
    size_t channel_count;
};

/* The replies of one route. */
struct reply_channel {
    struct link link;
    struct redis_client *client;
    struct redis_subscription *subscription;
    struct link entries; /* requests that wait for one */
    struct timer idle;   /* since the last call */
    unsigned calls;
    uint64_t listened_ms; /* when somebody last heard a request of this route; 0: never */
    str route;
};

static const struct error NOT_A_PATTERN = ERROR(400, "The pattern has no route");
static const struct error TOO_MANY_ROUTES = ERROR(503, "Too many routes wait for replies");

static struct redis_client *redis_client_of(struct rpc_client *client)
{
    return LIST_ELEMENT(client, struct redis_client, common);
}

/* --- reply channels ------------------------------------------------------------------------------- */

/* Ids of others, and text that is no reply, are for others. */
static void heard(void *cookie, str channel, str payload)
{
    struct reply_channel *replies = cookie;
    struct rpc_entry *entry;

    (void)channel;
    if (!rpc_pending_deliver(&replies->client->common.pending, payload, &entry) && entry &&
        entry->ended)
        list_remove(&entry->in_group);
}

static void lost(void *cookie)
{
    struct reply_channel *replies = cookie;
    struct link *link;

    while ((link = list_take(&replies->entries)))
        rpc_pending_fail(LIST_ELEMENT(link, struct rpc_entry, in_group), &RPC_CONNECTION_CLOSED);
}

static void free_channel(struct reply_channel *channel)
{
    timer_stop(&channel->idle);
    redis_unsubscribe(channel->subscription);
    list_remove(&channel->link);
    channel->client->channel_count--;
    free(channel);
}

static void idle_for_long(struct timer *timer)
{
    free_channel(LIST_ELEMENT(timer, struct reply_channel, idle));
}

static struct reply_channel *find_channel(struct redis_client *client, str route)
{
    for (struct link *link = client->channels.next; link != &client->channels; link = link->next) {
        struct reply_channel *channel = LIST_ELEMENT(link, struct reply_channel, link);

        if (str_eq(channel->route, route))
            return channel;
    }
    return NULL;
}

/* Subscribes to `<route>.reply`. */
static error listen_on(struct call *call, struct reply_channel *channel)
{
    str name = arena_printf(call->arena, "%.*s.reply", STR_ARG(channel->route));

    if (!name.at)
        return &ERROR_OUT_OF_MEMORY;
    return redis_subscribe(
        channel->client->redis,
        &(struct redis_channel){ .name = name, .message = heard, .lost = lost, .cookie = channel },
        &channel->subscription);
}

static error make_channel(struct call *call, struct redis_client *client, str route,
                          struct reply_channel **out)
{
    struct reply_channel *channel;

    if (client->channel_count >= RPC_REDIS_CHANNELS_MAX)
        return &TOO_MANY_ROUTES;
    channel = calloc(1, sizeof *channel + route.len);
    if (!channel)
        return &ERROR_OUT_OF_MEMORY;
    channel->client = client;
    channel->route = (str){ memcpy(channel + 1, route.at, route.len), route.len };
    list_init(&channel->entries);
    error failed = listen_on(call, channel);

    if (failed) {
        free(channel);
        return failed;
    }
    list_append(&client->channels, &channel->link);
    client->channel_count++;
    *out = channel;
    return NULL;
}

static error take_channel(struct call *call, struct redis_client *client, str route,
                          struct reply_channel **out)
{
    struct reply_channel *channel = find_channel(client, route);

    if (!channel)
        TRY(make_channel(call, client, route, &channel));
    timer_stop(&channel->idle);
    channel->calls++;
    *out = channel;
    return NULL;
}

static void give_back(struct reply_channel *channel)
{
    if (--channel->calls == 0)
        timer_start(&channel->idle, RPC_REDIS_LINGER_MS, idle_for_long);
}

/* --- calls --------------------------------------------------------------------------------------- */

static error publish(struct call *call, struct redis *redis, str channel, str packet,
                     bool *anybody_heard)
{
    struct redis_reply reply;

    TRY(redis_command(call, redis, REDIS_WORDS(STR("PUBLISH"), channel, packet), &reply));
    *anybody_heard = reply.type == REDIS_INTEGER && reply.integer > 0;
    return NULL;
}

static bool may_return(const struct reply_channel *channel)
{
    return channel->listened_ms && clock_ms() < channel->listened_ms + RPC_REDIS_GRACE_MS;
}

/* One message on its way. The packet is printed after the last wait: the scratch is everybody's. */
static error put(struct call *call, struct reply_channel *channel, struct rpc_entry *entry,
                 struct rpc_attempt *attempt, bool *anybody_heard)
{
    struct redis_client *client = channel->client;

    TRY(redis_ready(call, client->redis));
    str packet = rpc_client_packet(call, &client->common, attempt->request, str_of(entry->id));

    if (!packet.at)
        return &ERROR_OUT_OF_MEMORY;
    attempt->sent = true;
    TRY(publish(call, client->redis, channel->route, packet, anybody_heard));
    attempt->sent = *anybody_heard;
    if (*anybody_heard)
        channel->listened_ms = clock_ms();
    return NULL;
}

static error send_until_heard(struct call *call, struct reply_channel *channel,
                              struct rpc_entry *entry, struct rpc_attempt *attempt)
{
    bool heard_it;

    for (;;) {
        TRY(put(call, channel, entry, attempt, &heard_it));
        if (heard_it)
            return NULL;
        if (!may_return(channel))
            return error_new(call->arena, 503, "nobody listens on %.*s", STR_ARG(channel->route));
        TRY(call_sleep(call, LISTENER_PAUSE_MS));
    }
}

static error converse(struct call *call, struct reply_channel *channel, struct rpc_attempt *attempt)
{
    const struct rpc_request *request = attempt->request;
    struct rpc_entry entry;

    TRY(redis_subscribed(call, channel->subscription));
    rpc_pending_add(&channel->client->common.pending, &entry, call->arena);
    list_append(&channel->entries, &entry.in_group);
    error failed = send_until_heard(call, channel, &entry, attempt);

    if (failed == &REDIS_LOST && attempt->sent)
        failed = &RPC_CONNECTION_CLOSED;
    if (!failed)
        failed = rpc_pending_wait(call, &entry, request->item, request->cookie);
    attempt->answered = entry.answered;
    rpc_pending_remove(&entry);
    return failed;
}

static error route_of(struct arena *arena, str pattern, str *out)
{
    const struct json *value;

    TRY(json_parse(arena, pattern, &value));
    *out = rpc_route_of(arena, value);
    return out->at ? NULL : &NOT_A_PATTERN;
}

static error exchange(struct call *call, struct rpc_client *common, struct rpc_attempt *attempt)
{
    struct reply_channel *channel;
    str route;

    TRY(route_of(call->arena, attempt->request->pattern, &route));
    TRY(take_channel(call, redis_client_of(common), route, &channel));
    error failed = converse(call, channel, attempt);

    give_back(channel);
    return failed;
}

/* That nobody listens is no failure: an event is for whoever is there. */
static error emit(struct call *call, struct rpc_client *common, str route, str data)
{
    struct redis *redis = redis_client_of(common)->redis;
    const struct rpc_request request = { .pattern = rpc_redis_pattern(call->arena, route),
                                         .data = data };
    bool anybody_heard;

    if (!request.pattern.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(redis_ready(call, redis));
    str packet = rpc_client_packet(call, common, &request, (str){ NULL, 0 });

    if (!packet.at)
        return &ERROR_OUT_OF_MEMORY;
    return publish(call, redis, route, packet, &anybody_heard);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void close_client(struct rpc_client *common)
{
    struct redis_client *client = redis_client_of(common);
    struct link *next;

    for (struct link *link = client->channels.next; link != &client->channels; link = next) {
        next = link->next;
        free_channel(LIST_ELEMENT(link, struct reply_channel, link));
    }
    rpc_client_clear(common);
    free(client);
}

static const struct rpc_carrier REDIS = { exchange, emit, close_client };

error rpc_redis_client_new(const struct rpc_redis_options *options, struct rpc_client **out)
{
    struct redis_client *client = calloc(1, sizeof *client);

    if (!client)
        return &ERROR_OUT_OF_MEMORY;
    client->redis = options->redis;
    list_init(&client->channels);
    error failed = rpc_client_init(&client->common, &REDIS, &options->common);

    if (failed) {
        rpc_client_clear(&client->common);
        free(client);
        return failed;
    }
    *out = &client->common;
    return NULL;
}
