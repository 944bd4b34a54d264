#include "events/relay.h"
#include "events/events_internal.h"
#include "events/identity.h"
#include "rpc/dispatch.h"

enum { PACKET_MAX = EVENTS_STREAM_PACKET_MAX };

static bool listens(const struct events_consumer *consumer, str type)
{
    if (!consumer->types)
        return true;
    for (const char *const *name = consumer->types; *name; name++) {
        if (str_is(type, *name))
            return true;
    }
    return false;
}

/* --- what is sent -------------------------------------------------------------------------------- */

/* JSON texts, in the call's arena. */
struct parts {
    str pattern, data, identity;
};

static error quote(struct arena *arena, str text, str *out)
{
    struct buf quoted = buf_new(PACKET_MAX);

    json_write_string(&quoted, text);
    *out = buf_failed(&quoted) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&quoted));
    buf_free(&quoted);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error print_identity(struct arena *arena, const struct recorded *event, str *out)
{
    const struct events_identity identity = {
        .id = event->id,
        .stream_id = event->stream_id,
        .version = event->version,
        .position = event->position,
        .recorded_at = event->recorded_at,
        .cause = event->cause,
        .actor = event->actor,
    };
    struct buf text = buf_new(PACKET_MAX);

    schema_write(events_identity_schema(), &identity, &text);
    *out = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error make_parts(struct arena *arena, const struct events *events,
                        const struct recorded *event, struct parts *out)
{
    struct recorded today = *event;
    const struct event_type *type;
    const struct aggregate *aggregate = events_aggregate_of(events, event->type, &type);

    if (aggregate)
        TRY(events_modernize(arena, aggregate, &today));
    out->data = today.data;
    TRY(quote(arena, event->type, &out->pattern));
    return print_identity(arena, event, &out->identity);
}

/* As a whole, for carriers that take texts. */
static error make_packet(struct call *call, const struct parts *parts, str *out)
{
    uint64_t left_ms = call_left_ms(call);
    const struct rpc_outgoing packet = {
        .pattern = parts->pattern,
        .data = parts->data,
        .metadata =
            rpc_metadata(call, left_ms > EVENTS_ANSWER_MS ? left_ms - EVENTS_ANSWER_MS : left_ms,
                         parts->identity),
    };
    struct buf text = buf_new(PACKET_MAX);

    rpc_write_outgoing(&text, &packet);
    *out = buf_failed(&text) || !packet.metadata.at ? (str){ NULL, 0 }
                                                    : arena_copy(call->arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* --- how ----------------------------------------------------------------------------------------- */

/* A consumer that has no handler for the event will have none a moment later: that is a refusal (404), which soon shows
 * among the dead letters. */
static error over_tcp(struct call *call, const struct events_consumer *consumer,
                      const struct parts *parts, bool *answered)
{
    const struct rpc_request request = {
        .pattern = parts->pattern,
        .data = parts->data,
        .event = parts->identity,
        .idempotent = true,
        .timeout_ms = call_left_ms(call),
        .margin_ms = EVENTS_ANSWER_MS,
    };

    error failed = rpc_client_ask(call, consumer->client, &request, answered);

    if (failed == &RPC_UNKNOWN_PATTERN)
        return error_new(call->arena, 404, "%s", failed->cause->message);
    return failed;
}

static error publish(struct call *call, const struct events_consumer *consumer, str route,
                     str packet, bool *answered)
{
    error failed =
        redis_command(call, consumer->redis, REDIS_WORDS(STR("PUBLISH"), route, packet), NULL);

    *answered = !failed;
    return failed;
}

error events_relay(struct call *call, const struct recorded *event, void *cookie, bool *answered)
{
    const struct events_consumer *consumer = cookie;
    struct parts parts;
    str packet;

    *answered = true;
    if (!listens(consumer, event->type))
        return NULL;
    TRY(make_parts(call->arena, consumer->events, event, &parts));
    if (consumer->client)
        return over_tcp(call, consumer, &parts, answered);
    TRY(make_packet(call, &parts, &packet));
    if (consumer->stream)
        return events_stream_deliver(call, consumer->stream, packet, answered);
    return publish(call, consumer, event->type, packet, answered);
}
