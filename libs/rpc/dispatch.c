#include "rpc/dispatch.h"
#include "rpc/peer.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/trace.h"

#include <assert.h>
#include <stdio.h>

enum { TRACE_MEMBER_MAX = TRACE_TEXT + 32 };

/* One packet on its way. */
struct delivery {
    struct call *call;
    const struct rpc_handlers *handlers;
    str route;
    const struct rpc_packet *packet;
    struct rpc_sink *sink;
};

/* --- metadata ------------------------------------------------------------------------------------ */

void rpc_call_inherit(struct call *call, const struct rpc_packet *packet)
{
    const struct json *left = json_member(packet->metadata, STR("timeLeftMs"));
    const struct json *trace = json_member(packet->metadata, STR("traceparent"));

    if (left && left->type == JSON_NUMBER) {
        double ms = json_number(left);

        if (ms < (double)call_left_ms(call))
            call->deadline_ms = clock_ms() + (ms > 0 ? (uint64_t)ms : 0);
    }
    if (trace && trace->type == JSON_STRING)
        trace_parse(trace->text, &call->trace);
}

str rpc_metadata(const struct call *call, uint64_t time_left_ms, str event)
{
    char trace[TRACE_TEXT + 1] = "", member[TRACE_MEMBER_MAX] = "";

    if (trace_is_set(&call->trace)) {
        trace_print(&call->trace, trace);
        snprintf(member, sizeof member, ",\"traceparent\":\"%s\"", trace);
    }
    return arena_printf(call->arena, "{\"timeLeftMs\":%llu%s%s%.*s}",
                        (unsigned long long)time_left_ms, member, event.at ? ",\"event\":" : "",
                        STR_ARG(event));
}

/* --- replies ------------------------------------------------------------------------------------- */

static void send_scratch(struct delivery *delivery)
{
    struct buf *text = delivery->sink->scratch;

    if (buf_failed(text)) {
        buf_clear(text);
        rpc_write_error(text, delivery->packet->id, &ERROR_OUT_OF_MEMORY);
    }
    if (!buf_failed(text))
        delivery->sink->put(delivery->sink, buf_text(text));
    buf_clear(text);
}

static void log_own_failure(const struct delivery *delivery, error e)
{
    str what = arena_printf(delivery->call->arena, "%.*s", STR_ARG(delivery->route));

    log_failure(delivery->handlers->title, what.at ? what.at : "a message", e);
}

static void reply_error(struct delivery *delivery, error e)
{
    if (e->status >= 500 || !delivery->packet->id)
        log_own_failure(delivery, e);
    if (!delivery->packet->id)
        return;
    rpc_write_error(delivery->sink->scratch, delivery->packet->id, e);
    send_scratch(delivery);
}

static void reply_end(struct delivery *delivery)
{
    if (!delivery->packet->id)
        return;
    rpc_write_end(delivery->sink->scratch, delivery->packet->id);
    send_scratch(delivery);
}

static void reply_value(struct delivery *delivery, struct schema_in value)
{
    if (!delivery->packet->id)
        return;
    if (value.schema->count)
        rpc_write_value(delivery->sink->scratch, delivery->packet->id, true, value);
    else
        rpc_write_end(delivery->sink->scratch, delivery->packet->id);
    send_scratch(delivery);
}

/* --- handlers ------------------------------------------------------------------------------------ */

static error read_payload(struct delivery *delivery, const struct schema *schema,
                          enum schema_unknown unknown, void **out)
{
    struct arena *arena = delivery->call->arena;
    void *payload = arena_zalloc(arena, 1, schema->size);

    if (!payload)
        return &ERROR_OUT_OF_MEMORY;
    if (schema->count)
        TRY(schema_read(schema, arena, delivery->packet->data, unknown, payload));
    *out = payload;
    return NULL;
}

static error answer(struct delivery *delivery, const struct message *row, void **out)
{
    void *in, *filled = arena_zalloc(delivery->call->arena, 1, row->out()->size);

    if (!filled)
        return &ERROR_OUT_OF_MEMORY;
    TRY(read_payload(delivery, row->in(), SCHEMA_REFUSE, &in));
    TRY(row->handle(delivery->call, in, filled));
    *out = filled;
    return NULL;
}

static error run_message(struct delivery *delivery, const struct message *row)
{
    void *out;
    error failed = answer(delivery, row, &out);

    if (failed)
        reply_error(delivery, failed);
    else
        reply_value(delivery, (struct schema_in){ row->out(), out });
    return failed;
}

/* --- streams ------------------------------------------------------------------------------------- */

struct outflow {
    struct rpc_items items;
    struct delivery *delivery;
};

static error put_item(struct call *call, struct rpc_items *items, const void *value)
{
    struct delivery *delivery = LIST_ELEMENT(items, struct outflow, items)->delivery;
    struct rpc_sink *sink = delivery->sink;

    TRY(call_check(call));
    if (!delivery->packet->id)
        return NULL;
    rpc_write_value(sink->scratch, delivery->packet->id, false,
                    (struct schema_in){ items->schema, value });
    send_scratch(delivery);
    return sink->wait ? sink->wait(call, sink) : NULL;
}

error rpc_item(struct call *call, struct rpc_items *items, struct schema_in item)
{
    assert(item.schema == items->schema);
    return items->put(call, items, item.value);
}

static error run_stream(struct delivery *delivery, const struct message *row)
{
    struct outflow outflow = { { row->out(), put_item }, delivery };
    void *in;
    error failed = read_payload(delivery, row->in(), SCHEMA_REFUSE, &in);

    if (!failed)
        failed = row->each(delivery->call, in, &outflow.items);
    if (failed)
        reply_error(delivery, failed);
    else
        reply_end(delivery);
    return failed;
}

/* --- events -------------------------------------------------------------------------------------- */

static error run_event(struct delivery *delivery, const struct event *row)
{
    void *in;

    TRY(read_payload(delivery, row->in(), SCHEMA_IGNORE, &in));
    if (row->receive)
        return row->receive(delivery->call, in, delivery->packet, row->cookie);
    return row->handle(delivery->call, in);
}

/* Runs every handler of the event, also when one fails; how many there were, and the first one's row. The first
 * failure is the caller's to report. */
static size_t run_events(struct delivery *delivery, const struct event **first, error *failed)
{
    size_t count = 0;

    for (const struct event *row = delivery->handlers->events; row && row->pattern; row++) {
        if (!str_is(delivery->route, row->pattern))
            continue;
        error e = run_event(delivery, row);

        if (!count++)
            *first = row;
        if (e && *failed)
            log_own_failure(delivery, e);
        else if (e)
            *failed = e;
    }
    return count;
}

/* A request to an event's pattern. Of two handlers and more NestJS answers an object of their values; ours
 * have none. */
static void reply_to_event(struct delivery *delivery, size_t handlers)
{
    struct buf *text = delivery->sink->scratch;

    if (handlers < 2) {
        reply_end(delivery);
        return;
    }
    BUF_ADD(text, "{\"response\":{},\"isDisposed\":true,\"id\":");
    json_write(text, delivery->packet->id);
    buf_add_char(text, '}');
    send_scratch(delivery);
}

/* --- the table that has the route ----------------------------------------------------------------- */

static error dispatch_event(struct delivery *delivery, const struct event **first)
{
    error failed = NULL;
    size_t handlers = run_events(delivery, first, &failed);

    if (failed)
        reply_error(delivery, failed);
    else if (handlers && delivery->packet->id)
        reply_to_event(delivery, handlers);
    return failed;
}

static void refuse_unknown(struct delivery *delivery)
{
    if (!delivery->packet->id)
        return;
    rpc_write_unknown_pattern(delivery->sink->scratch, delivery->packet->id);
    send_scratch(delivery);
}

/* Messages before streams before events. */
static error dispatch(struct delivery *delivery, struct rpc_handled *handled)
{
    const struct rpc_handlers *handlers = delivery->handlers;
    error failed = NULL;

    if (delivery->route.at) {
        handled->message = rpc_find(handlers->messages, delivery->route);
        if (handled->message)
            return run_message(delivery, handled->message);
        handled->message = rpc_find(handlers->streams, delivery->route);
        if (handled->message)
            return run_stream(delivery, handled->message);
        failed = dispatch_event(delivery, &handled->event);
    }
    if (!handled->event)
        refuse_unknown(delivery);
    return failed;
}

bool rpc_dispatch(struct call *call, const struct rpc_handlers *handlers, str route,
                  const struct rpc_packet *packet, struct rpc_sink *sink)
{
    struct delivery delivery = { call, handlers, route, packet, sink };
    struct rpc_handled handled = { 0 };
    uint64_t start_ns = handlers->handled ? clock_turn_ns() : 0;

    call->service = handlers->service;
    error failed = dispatch(&delivery, &handled);
    bool known = handled.message || handled.event;

    if (handlers->handled) {
        handled.status = failed ? failed->status : known ? 200 : 404;
        handled.duration_ns = clock_ns() - start_ns;
        handlers->handled(&handled, handlers->service);
    }
    return known;
}
