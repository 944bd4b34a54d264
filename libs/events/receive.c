/* The consumer's side of events that come from other processes. */
#include "auth/digest.h"
#include "events/identity.h"
#include "events/relay.h"
#include "rpc/pattern.h"
#include "runtime/clock.h"
#include "runtime/trace.h"

SCHEMA(events_identity,
       FIELD(id),
       FIELD(stream_id),
       FIELD(version),
       FIELD(position),
       FIELD(recorded_at),
       FIELD(cause, .optional = true),
       FIELD(actor, .optional = true));

/* --- whose event it is --------------------------------------------------------------------------- */

/* An UUID of version 8 (RFC 9562 section 5.8): the same for the same pattern and data. */
static error make_id(struct arena *arena, str route, str data, uuid *out)
{
    str text = arena_printf(arena, "%.*s\n%.*s", STR_ARG(route), STR_ARG(data)), hex;

    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(auth_digest(arena, text, &hex));
    str id = arena_printf(arena, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex.at, hex.at + 8, hex.at + 12,
                          hex.at + 15, hex.at + 18);

    if (!id.at || !uuid_parse(id, out))
        return &ERROR_OUT_OF_MEMORY;
    return NULL;
}

static error of_ours(struct arena *arena, const struct json *said, struct recorded *out)
{
    struct events_identity identity = { 0 };

    TRY(schema_read(events_identity_schema(), arena, said, SCHEMA_IGNORE, &identity));
    out->id = identity.id;
    out->stream_id = identity.stream_id;
    out->version = identity.version;
    out->position = identity.position;
    out->recorded_at = identity.recorded_at;
    out->cause = identity.cause;
    out->actor = identity.actor;
    return NULL;
}

static error of_somebody(struct arena *arena, struct recorded *out)
{
    out->recorded_at = clock_now();
    return make_id(arena, out->type, out->data, &out->id);
}

static const struct json *identity_in(const struct rpc_packet *packet)
{
    return json_member(packet->metadata, STR("event"));
}

static error identify(struct call *call, const struct rpc_packet *packet, const char *type,
                      struct recorded *out)
{
    const struct json *said = identity_in(packet);
    char trace[TRACE_TEXT + 1];

    *out = (struct recorded){ .type = str_of(type) };
    if (packet->data)
        out->data = packet->data->source;
    if (trace_is_set(&call->trace)) {
        trace_print(&call->trace, trace);
        out->trace = arena_copy(call->arena, (str){ trace, TRACE_TEXT });
    }
    return said ? of_ours(call->arena, said, out) : of_somebody(call->arena, out);
}

static error handle(struct call *call, const struct subscription *row,
                    const struct rpc_packet *packet, const void *data)
{
    struct recorded event;

    TRY(identify(call, packet, row->type, &event));
    return row->handle(call, &event, data);
}

/* --- over a stream ------------------------------------------------------------------------------- */

static error read_and_handle(struct call *call, const struct subscription *row,
                             const struct rpc_packet *packet)
{
    void *data = arena_zalloc(call->arena, 1, row->schema()->size);

    if (!data)
        return &ERROR_OUT_OF_MEMORY;
    TRY(schema_read(row->schema(), call->arena, packet->data, SCHEMA_IGNORE, data));
    return handle(call, row, packet, data);
}

error events_receive(struct call *call, const struct rpc_packet *packet,
                     const struct subscription *rows)
{
    str route = rpc_route(call->arena, packet->pattern);

    for (const struct subscription *row = rows; route.at && row->type; row++) {
        if (str_is(route, row->type))
            return read_and_handle(call, row, packet);
    }
    return NULL;
}

/* --- over the wire of messages ------------------------------------------------------------------- */

/* What has an identity and is no request is the copy that we publish for NestJS's services. */
static error receive(struct call *call, const void *data, const struct rpc_packet *packet,
                     const void *row)
{
    if (identity_in(packet) && !packet->id)
        return NULL;
    return handle(call, row, packet, data);
}

/* One that a NestJS service has published is heard by every replica, each of which may have a store of its own: who
 * claims the id that it gets is the one to handle it. */
static str claim(struct arena *arena, const struct rpc_packet *packet, const void *cookie)
{
    const struct subscription *row = cookie;
    str data = packet->data ? packet->data->source : (str){ NULL, 0 };
    char text[UUID_TEXT];
    uuid id;

    if (identity_in(packet) || make_id(arena, str_of(row->type), data, &id))
        return (str){ NULL, 0 };
    uuid_print(id, text);
    return arena_copy(arena, (str){ text, sizeof text });
}

static size_t count_rows(const struct subscription *rows, const struct event *others)
{
    size_t count = 0;

    for (; rows && rows->type; rows++)
        count++;
    for (; others && others->pattern; others++)
        count++;
    return count;
}

error events_handlers(struct arena *arena, const struct subscription *rows,
                      const struct event *others, const struct event **out)
{
    struct event *made = ARENA_ARRAY(arena, struct event, count_rows(rows, others) + 1);
    struct event *next = made;

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    for (; others && others->pattern; others++)
        *next++ = *others;
    for (; rows && rows->type; rows++)
        *next++ = (struct event){ .pattern = rows->type,
                                  .in = rows->schema,
                                  .receive = receive,
                                  .cookie = rows,
                                  .claim = claim };
    *out = made;
    return NULL;
}
