#include "rpc/peer.h"

#include <assert.h>
#include <string.h>

enum { PATTERN_MAX = 1024 };

const struct schema *nothing_schema(void)
{
    static const struct schema table = { .name = "nothing", .size = sizeof(struct nothing) };

    return &table;
}

const struct message *rpc_find(const struct message *messages, str pattern)
{
    for (const struct message *row = messages; row && row->pattern; row++)
        if (str_is(pattern, row->pattern))
            return row;
    return NULL;
}

/* The row of the pattern that gives what the caller reads. */
static const struct message *find_row(const struct message *messages, const char *pattern,
                                      const struct schema *out)
{
    const struct message *row = rpc_find(messages, str_of(pattern));

    while (row && row->out() != out)
        row = rpc_find(row + 1, str_of(pattern));
    return row;
}

/* --- in this process ------------------------------------------------------------------------------ */

/* The handler runs on the caller's fiber, with the caller's arena and deadline, as its own service. */
static error send_here(struct call *call, const struct rpc_peer *peer, const struct message *row,
                       struct schema_in in, struct schema_out out)
{
    void *caller = call->service;

    assert(row->in() == in.schema);
    call->service = peer->service;
    error failed = row->handle(call, in.value, out.value);

    call->service = caller;
    return failed;
}

/* --- elsewhere ------------------------------------------------------------------------------------ */

/* The value of a payload in the call's arena. */
static error print_payload(struct arena *arena, struct schema_in in, str *out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    if (in.schema)
        schema_write_secrets(in.schema, in.value, &text);
    else
        BUF_ADD(&text, "{}"); /* NestJS refuses to send undefined */
    *out = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error print_pattern(struct arena *arena, const char *pattern, str *out)
{
    struct buf text = buf_new(PATTERN_MAX);

    json_write_string(&text, str_of(pattern));
    *out = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static bool is_among(const char *const *patterns, const char *pattern)
{
    for (; patterns && *patterns; patterns++)
        if (strcmp(*patterns, pattern) == 0)
            return true;
    return false;
}

/* The last value of a reply, as NestJS's gateways take it. */
struct last {
    bool any;
    const struct json *value;
};

static error keep_last(void *cookie, const struct json *value)
{
    *(struct last *)cookie = (struct last){ true, value };
    return NULL;
}

static error unexpected(struct call *call, const struct rpc_peer *peer, const char *pattern,
                        error e)
{
    return error_because(call->arena, e, 502, "The %.*s service answered %s with something else",
                         STR_ARG(peer->name), pattern);
}

/* What NestJS's gateways answer then, too. */
static error nothing_came(struct arena *arena, const char *pattern)
{
    struct error *made = ARENA_NEW(arena, struct error);

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    *made = ERROR_INTERNAL;
    made->cause = error_new(arena, 500, "no elements in sequence: %s", pattern);
    return made;
}

static error read_value(struct call *call, const struct rpc_peer *peer, const char *pattern,
                        const struct last *last, struct schema_out out)
{
    if (!out.schema->count)
        return NULL;
    if (!last->any || !last->value)
        return nothing_came(call->arena, pattern);
    error failed = schema_read(out.schema, call->arena, last->value, SCHEMA_IGNORE, out.value);

    if (!failed || failed == &ERROR_OUT_OF_MEMORY)
        return failed;
    if (failed->messages && failed->messages->len)
        failed = error_new(call->arena, 502, "%.*s", STR_ARG(failed->messages->at[0]));
    return unexpected(call, peer, pattern, failed);
}

static error send_there(struct call *call, const struct rpc_peer *peer, const char *pattern,
                        struct schema_in in, struct schema_out out)
{
    struct last last = { 0 };
    struct rpc_request request = {
        .idempotent = is_among(peer->idempotent, pattern),
        .item = keep_last,
        .cookie = &last,
    };

    TRY(print_pattern(call->arena, pattern, &request.pattern));
    TRY(print_payload(call->arena, in, &request.data));
    TRY(rpc_client_send(call, peer->client, &request));
    return read_value(call, peer, pattern, &last, out);
}

error rpc_send(struct call *call, const struct rpc_peer *peer, const char *pattern,
               struct schema_in in, struct schema_out out)
{
    const struct message *row = find_row(peer->messages, pattern, out.schema);

    assert(row || !rpc_find(peer->messages, str_of(pattern)));
    if (row)
        return send_here(call, peer, row, in, out);
    if (peer->client)
        return send_there(call, peer, pattern, in, out);
    return error_new(call->arena, 503, "The %.*s service is not available", STR_ARG(peer->name));
}

error rpc_emit(struct call *call, struct rpc_client *client, const char *pattern,
               struct schema_in in)
{
    str data;

    TRY(print_payload(call->arena, in, &data));
    return rpc_client_emit(call, client, str_of(pattern), data);
}

/* --- streams ------------------------------------------------------------------------------------- */

struct inflow {
    struct call *call;
    const struct rpc_stream_request *request;
};

static error read_item(void *cookie, const struct json *value)
{
    const struct inflow *inflow = cookie;
    const struct rpc_stream_request *request = inflow->request;
    void *item = arena_zalloc(inflow->call->arena, 1, request->schema->size);

    if (!item)
        return &ERROR_OUT_OF_MEMORY;
    TRY(schema_read(request->schema, inflow->call->arena, value, SCHEMA_IGNORE, item));
    return request->each(request->cookie, item);
}

error rpc_send_stream(struct call *call, struct rpc_client *client,
                      const struct rpc_stream_request *request)
{
    struct inflow inflow = { call, request };
    struct rpc_request sent = { .item = read_item, .cookie = &inflow };

    TRY(print_pattern(call->arena, request->pattern, &sent.pattern));
    TRY(print_payload(call->arena, request->in, &sent.data));
    return rpc_client_send(call, client, &sent);
}

/* --- tables -------------------------------------------------------------------------------------- */

error rpc_check(struct arena *arena, const struct message *messages)
{
    for (const struct message *row = messages; row && row->pattern; row++) {
        if (find_row(messages, row->pattern, row->out()) != row)
            return error_new(arena, 500, "two handlers of one reply for the pattern %s",
                             row->pattern);
        if (row->in()->count)
            TRY(schema_check(row->in(), arena));
        if (row->out()->count)
            TRY(schema_check(row->out(), arena));
    }
    return NULL;
}

error rpc_check_events(struct arena *arena, const struct event *events)
{
    for (const struct event *row = events; row && row->pattern; row++)
        if (row->in()->count)
            TRY(schema_check(row->in(), arena));
    return NULL;
}
