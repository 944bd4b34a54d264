/* An answer comes on another connection than XADD's reply, and may be there first. So the entry carries a token of the
 * producer's own that the answer names: the id of a request, as rpc/pending.h gives it out, is one that no other
 * producer has, and an answer is a reply without a value,
 *
 *     {"isDisposed":true,"id":"<token>"} or {"err":{"statusCode":…},"isDisposed":true,"id":"<token>"}
 *
 * Every producer hears all answers of a consumer and knows its own.
 *
 * XADD and PUBLISH are one transaction. PUBLISH's reply says how many have heard it; when nobody has, nobody
 * reads, and there is nothing to wait for. */
#include "events/redis_stream_internal.h"
#include "rpc/pending.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NUMBER_TEXT = 12,
    LOOK_UP_MS = 100, /* between two looks whether Redis is up */
};

struct events_stream {
    struct events_stream_options options;
    struct events_stream_names names;
    struct rpc_pending pending;
    struct link waiting; /* entries of `pending` */
    struct redis_subscription *answers;
    struct timer look_up;
};

struct delivery {
    struct events_stream *stream;
    struct rpc_entry entry;
    str packet;
    str id; /* of the entry in Redis; at == NULL: not known */
};

static const struct error TOO_LONG = ERROR(413, "The event is too long to be sent");
static const struct error NAME_TOO_LONG = ERROR(500, "The consumer's name is too long");
static const struct error STARTED_ANEW = ERROR(503, "a replica has started anew");
static const struct error ODD_REPLY = ERROR(502, "Redis sent an odd reply");

bool events_stream_names(str consumer, struct events_stream_names *out)
{
    if (consumer.len > EVENTS_STREAM_NAME_MAX)
        return false;
    snprintf(out->key, sizeof out->key, "cuib:events:%.*s", STR_ARG(consumer));
    snprintf(out->answers, sizeof out->answers, "cuib:events:%.*s:answers", STR_ARG(consumer));
    snprintf(out->group, sizeof out->group, "%.*s", STR_ARG(consumer));
    return true;
}

/* --- answers ------------------------------------------------------------------------------------- */

static void look_up(struct timer *timer);

/* Of the two connections the one for commands may come up last; before that a delivery would fail again. */
static void tell_present(void *cookie)
{
    struct events_stream *stream = cookie;
    const struct events_stream_options *options = &stream->options;

    if (!options->present)
        return;
    if (redis_counts(options->redis).up)
        options->present(options->cookie);
    else
        timer_start(&stream->look_up, LOOK_UP_MS, look_up);
}

static void look_up(struct timer *timer)
{
    tell_present(LIST_ELEMENT(timer, struct events_stream, look_up));
}

static void fail_all(struct events_stream *stream, error why)
{
    struct link *link;

    while ((link = list_take(&stream->waiting)))
        rpc_pending_fail(LIST_ELEMENT(link, struct rpc_entry, in_group), why);
}

/* Whoever says hello has just started, or found that Redis was emptied. What is under way may have gone with the replica
 * before, or with Redis: sending it again costs the consumer a look into its inbox, waiting for the deadline costs
 * seconds. */
static void greet(struct events_stream *stream)
{
    fail_all(stream, &STARTED_ANEW);
    tell_present(stream);
}

/* Answers for others, and what is no answer, are passed over. */
static void heard(void *cookie, str channel, str payload)
{
    struct events_stream *stream = cookie;
    struct rpc_entry *entry;

    (void)channel;
    if (str_eq(payload, EVENTS_STREAM_HELLO))
        greet(stream);
    else
        (void)rpc_pending_deliver(&stream->pending, payload, &entry);
}

static void lost(void *cookie)
{
    fail_all(cookie, &REDIS_LOST);
}

/* --- delivering ---------------------------------------------------------------------------------- */

static error send(struct call *call, const struct delivery *delivery, struct redis_reply *out)
{
    const struct events_stream *stream = delivery->stream;
    str key = str_of(stream->names.key);
    char most[NUMBER_TEXT];

    snprintf(most, sizeof most, "%d", EVENTS_STREAM_ENTRIES_MAX);
    return redis_transaction(
        call, stream->options.redis,
        REDIS_COMMANDS(REDIS_WORDS(STR("XADD"), key, STR("MAXLEN"), STR("~"), str_of(most),
                                   STR("*"), STR("token"), str_of(delivery->entry.id),
                                   STR("packet"), delivery->packet),
                       REDIS_WORDS(STR("PUBLISH"), key, STR(""))),
        out);
}

static error put(struct call *call, struct delivery *delivery)
{
    struct redis_reply reply;

    TRY(send(call, delivery, &reply));
    if (reply.type != REDIS_ARRAY || reply.count != 2)
        return &ODD_REPLY;
    const struct redis_reply *id = &reply.at[0], *heard_by = &reply.at[1];

    if (id->type == REDIS_ERROR)
        return error_new(call->arena, 502, "%.*s", STR_ARG(id->text));
    if (id->type != REDIS_TEXT || heard_by->type != REDIS_INTEGER)
        return &ODD_REPLY;
    delivery->id = id->text;
    if (heard_by->integer == 0)
        return error_new(call->arena, 503, "%s is not listening", delivery->stream->names.group);
    return NULL;
}

static error exchange(struct call *call, struct delivery *delivery)
{
    TRY(redis_subscribed(call, delivery->stream->answers));
    TRY(put(call, delivery));
    return rpc_pending_wait(call, &delivery->entry, NULL, NULL);
}

/* When it could not even be sent, that Redis is up again is worth a word, too. */
static void give_up(const struct delivery *delivery, error failed)
{
    struct events_stream *stream = delivery->stream;

    if (delivery->id.at)
        (void)redis_post(stream->options.redis,
                         REDIS_WORDS(STR("XDEL"), str_of(stream->names.key), delivery->id));
    else if (failed && failed->status == 503 && !timer_running(&stream->look_up))
        timer_start(&stream->look_up, LOOK_UP_MS, look_up);
}

error events_stream_deliver(struct call *call, struct events_stream *stream, str packet,
                            bool *answered)
{
    struct delivery delivery = { .stream = stream, .packet = packet };

    *answered = packet.len > EVENTS_STREAM_PACKET_MAX;
    if (*answered)
        return &TOO_LONG;
    rpc_pending_add(&stream->pending, &delivery.entry, call->arena);
    list_append(&stream->waiting, &delivery.entry.in_group);
    error failed = exchange(call, &delivery);

    *answered = delivery.entry.answered;
    if (*answered)
        failed = delivery.entry.failed;
    else
        give_up(&delivery, failed);
    rpc_pending_remove(&delivery.entry);
    return failed;
}

/* --- life ---------------------------------------------------------------------------------------- */

static error start(struct events_stream *stream)
{
    if (!events_stream_names(stream->options.consumer, &stream->names))
        return &NAME_TOO_LONG;
    TRY(rpc_pending_init(&stream->pending));
    return redis_subscribe(stream->options.redis,
                           &(struct redis_channel){ .name = str_of(stream->names.answers),
                                                    .message = heard,
                                                    .confirmed = tell_present,
                                                    .lost = lost,
                                                    .cookie = stream },
                           &stream->answers);
}

error events_stream_new(const struct events_stream_options *options, struct events_stream **out)
{
    struct events_stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return &ERROR_OUT_OF_MEMORY;
    stream->options = *options;
    list_init(&stream->waiting);
    error failed = start(stream);

    if (failed) {
        events_stream_free(stream);
        return failed;
    }
    *out = stream;
    return NULL;
}

void events_stream_free(struct events_stream *stream)
{
    if (!stream)
        return;
    timer_stop(&stream->look_up);
    redis_unsubscribe(stream->answers);
    rpc_pending_free(&stream->pending);
    free(stream);
}
