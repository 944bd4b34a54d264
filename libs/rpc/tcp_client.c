#include "rpc/tcp_internal.h"
#include "runtime/clock.h"
#include "runtime/connect.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESOLVE_TIMEOUT_MS = 5000,
    RESOLVE_ARENA_MAX = 256 * 1024,
    RESOLVE_AGAIN_MS = 500, /* after a failure */
    TRY_SHARE = 2,          /* an idempotent call keeps that part of its time for another address */
    TRY_MIN_MS = 250,
};

static struct tcp_client *tcp_of(struct rpc_client *client)
{
    return LIST_ELEMENT(client, struct tcp_client, common);
}

/* --- names --------------------------------------------------------------------------------------- */

static struct endpoint *find_endpoint(const struct tcp_client *client, str address, unsigned port)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->endpoints[i]->port == port && str_is(address, client->endpoints[i]->address))
            return client->endpoints[i];
    return NULL;
}

static void add_endpoint(struct tcp_client *client, str address, const struct origin *origin)
{
    struct endpoint *endpoint = find_endpoint(client, address, origin->port);

    if (endpoint) {
        endpoint->stale = false;
        return;
    }
    if (client->count == RPC_ADDRESSES_MAX)
        return;
    endpoint = rpc_endpoint_new(client, address, origin);
    if (endpoint)
        client->endpoints[client->count++] = endpoint;
}

/* Addresses that no name leads to any more go when nothing hangs on them. */
static void drop_stale(struct tcp_client *client)
{
    size_t kept = 0;

    for (size_t i = 0; i < client->count; i++) {
        struct endpoint *endpoint = client->endpoints[i];

        if (endpoint->stale && endpoint->line)
            rpc_endpoint_retire_line(endpoint);
        if (endpoint->stale && !endpoint->calls && endpoint->state != ENDPOINT_CONNECTING)
            rpc_endpoint_free(endpoint);
        else
            client->endpoints[kept++] = endpoint;
    }
    client->count = kept;
}

/* One name that cannot be resolved leaves the addresses of all as they are. */
static error look_up_all(struct call *call, struct tcp_client *client,
                         strs found[RPC_ADDRESSES_MAX])
{
    for (size_t i = 0; i < client->origin_count; i++)
        TRY(connect_resolve(call, client->origins[i].host, &found[i]));
    return NULL;
}

static void take_addresses(struct tcp_client *client, const strs *found)
{
    for (size_t i = 0; i < client->count; i++)
        client->endpoints[i]->stale = true;
    for (size_t i = 0; i < client->origin_count; i++)
        for (size_t k = 0; k < found[i].len; k++)
            add_endpoint(client, found[i].at[k], &client->origins[i]);
    drop_stale(client);
}

static void resolve_fiber(void *argument)
{
    struct tcp_client *client = argument;
    struct arena *arena = arena_new(RESOLVE_ARENA_MAX);
    struct call call = call_new(arena, RESOLVE_TIMEOUT_MS);
    strs *found = arena ? ARENA_ARRAY(arena, strs, RPC_ADDRESSES_MAX) : NULL;

    client->resolving = &call;
    error failed = found ? look_up_all(&call, client, found) : &ERROR_OUT_OF_MEMORY;

    client->resolving = NULL;
    client->resolved_ms = clock_ms();
    if (!failed) {
        take_addresses(client, found);
    } else {
        snprintf(client->trouble, sizeof client->trouble, "%s", failed->message);
        client->resolved_ms -= RPC_RESOLVE_EVERY_MS - RESOLVE_AGAIN_MS;
        if (!client->closing)
            log_failure("Client", "looking up addresses", failed);
    }
    rpc_wake_all(&client->resolve_waiters);
    arena_free(arena);
    rpc_tcp_release(client);
}

static error start_resolving(struct tcp_client *client)
{
    client->references++;
    error failed = fiber_start(resolve_fiber, client);

    if (failed)
        rpc_tcp_release(client);
    return failed;
}

/* Sees to it that there are addresses. Old ones are used while new ones are looked up. */
static error resolve(struct call *call, struct tcp_client *client)
{
    bool due = !client->resolved_ms || clock_ms() >= client->resolved_ms + RPC_RESOLVE_EVERY_MS;

    if (due && !client->resolving)
        TRY(start_resolving(client));
    while (!client->count && client->resolving)
        TRY(rpc_wait_among(call, &client->resolve_waiters));
    return client->count ? NULL : error_new(call->arena, 503, "%s", client->trouble);
}

/* --- choosing ------------------------------------------------------------------------------------ */

static struct endpoint *fewer_calls(struct endpoint *a, struct endpoint *b)
{
    return b->calls < a->calls ? b : a;
}

/* Of two chosen at random among those that pass, the one with fewer calls; NULL when none passes. The one
 * to be avoided counts only when it is the last. */
static struct endpoint *choose_among(const struct tcp_client *client,
                                     const struct endpoint *avoided,
                                     bool (*passes)(const struct endpoint *endpoint))
{
    struct endpoint *candidates[RPC_ADDRESSES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < client->count; i++)
        if (client->endpoints[i] != avoided && passes(client->endpoints[i]))
            candidates[count++] = client->endpoints[i];
    if (count < 2)
        return count ? candidates[0] : NULL;
    size_t first = random_below(count), second = random_below(count - 1);

    return fewer_calls(candidates[first], candidates[second + (second >= first)]);
}

/* Why no address can be had. */
static const char *trouble_of(const struct tcp_client *client)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->endpoints[i]->state == ENDPOINT_DOWN)
            return client->endpoints[i]->trouble;
    return "no address is left";
}

static error choose(struct call *call, struct tcp_client *client, const struct endpoint *avoided,
                    struct endpoint **out)
{
    for (size_t i = 0; i < client->count; i++)
        rpc_endpoint_probe(client->endpoints[i]);
    *out = choose_among(client, avoided, rpc_endpoint_is_good);
    if (!*out)
        *out = choose_among(client, NULL, rpc_endpoint_is_possible);
    return *out ? NULL : error_new(call->arena, 503, "%s", trouble_of(client));
}

/* A connection to some address, and a call counted for it. Nothing is sent yet, so every address may be
 * tried; it ends when none is left to try, or the call's time. */
static error reach(struct call *call, struct tcp_client *client, const struct endpoint *avoided,
                   struct endpoint **out)
{
    struct endpoint *endpoint;

    client->used_ms = clock_ms();
    for (;;) {
        TRY(resolve(call, client));
        TRY(choose(call, client, avoided, &endpoint));
        endpoint->calls++;
        error failed = rpc_endpoint_ready(call, endpoint);

        if (!failed)
            break;
        endpoint->calls--;
        TRY(call_check(call));
        if (client->closing)
            return failed;
    }
    *out = endpoint;
    return NULL;
}

/* --- calls --------------------------------------------------------------------------------------- */

/* Retired lines whose last call gave up. */
static void sweep_lines(struct tcp_client *client)
{
    for (struct link *link = client->lines.next; link != &client->lines; link = link->next)
        rpc_line_close_when_done(LIST_ELEMENT(link, struct line, link));
}

/* Time for one try. */
static uint64_t deadline_of_try(const struct call *call, const struct tcp_client *client,
                                const struct rpc_request *request)
{
    uint64_t left = call_left_ms(call), share = left / TRY_SHARE;

    if (!request->idempotent || client->count < 2)
        return call->deadline_ms;
    if (share < TRY_MIN_MS)
        share = left < TRY_MIN_MS ? left : TRY_MIN_MS;
    return clock_ms() + share;
}

static error converse(struct call *call, struct tcp_client *client, struct endpoint *endpoint,
                      struct rpc_attempt *attempt)
{
    const struct rpc_request *request = attempt->request;
    uint64_t deadline_ms = call->deadline_ms, sent_ms = clock_ms();
    struct rpc_entry entry;

    rpc_pending_add(&client->common.pending, &entry, call->arena);
    str packet = rpc_client_packet(call, &client->common, request, str_of(entry.id));

    if (!packet.at) {
        rpc_pending_remove(&entry);
        return &ERROR_OUT_OF_MEMORY;
    }
    attempt->sent = true;
    rpc_line_send(endpoint->line, packet);
    rpc_line_expect(endpoint->line, &entry);
    call->deadline_ms = deadline_of_try(call, client, request);
    error failed = rpc_pending_wait(call, &entry, request->item, request->cookie);

    call->deadline_ms = deadline_ms;
    if (failed == &ERROR_DEADLINE && !entry.ended)
        rpc_endpoint_was_silent(endpoint, sent_ms);
    attempt->answered = entry.answered;
    rpc_pending_remove(&entry);
    if (!entry.ended)
        sweep_lines(client);
    return failed;
}

static error exchange(struct call *call, struct rpc_client *common, struct rpc_attempt *attempt)
{
    struct tcp_client *client = tcp_of(common);
    struct endpoint *endpoint;

    TRY(reach(call, client, attempt->tried, &endpoint));
    attempt->tried = endpoint;
    error failed = converse(call, client, endpoint, attempt);

    endpoint->calls--;
    return failed;
}

static error emit(struct call *call, struct rpc_client *common, str route, str data)
{
    struct tcp_client *client = tcp_of(common);
    struct endpoint *endpoint;
    struct buf pattern = buf_new(ARENA_CALL_MAX);

    TRY(reach(call, client, NULL, &endpoint));
    endpoint->calls--;
    json_write_string(&pattern, route);
    const struct rpc_request request = { .pattern = buf_text(&pattern), .data = data };
    bool printed = !buf_failed(&pattern);
    str packet =
        printed ? rpc_client_packet(call, common, &request, (str){ NULL, 0 }) : (str){ NULL, 0 };

    buf_free(&pattern);
    if (!packet.at)
        return &ERROR_OUT_OF_MEMORY;
    rpc_line_send(endpoint->line, packet);
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------- */

void rpc_tcp_release(struct tcp_client *client)
{
    if (--client->references)
        return;
    for (size_t i = 0; i < client->count; i++)
        rpc_endpoint_free(client->endpoints[i]);
    for (size_t i = 0; i < client->origin_count; i++)
        free(client->origins[i].name);
    rpc_client_clear(&client->common);
    free(client);
}

static void close_endpoint(struct endpoint *endpoint)
{
    timer_stop(&endpoint->pause);
    if (endpoint->connecting)
        call_cancel(endpoint->connecting);
    rpc_wake_all(&endpoint->waiters);
}

static void close_client(struct rpc_client *common)
{
    struct tcp_client *client = tcp_of(common);

    client->closing = true;
    if (client->resolving)
        call_cancel(client->resolving);
    for (struct link *link = client->lines.next; link != &client->lines; link = link->next)
        stream_close(LIST_ELEMENT(link, struct line, link)->stream);
    for (size_t i = 0; i < client->count; i++)
        close_endpoint(client->endpoints[i]);
    rpc_tcp_release(client);
}

static const struct rpc_carrier TCP = { exchange, emit, close_client };

static bool read_port(str text, unsigned *out)
{
    uint64_t port;

    if (!str_to_uint(text, UINT16_MAX, &port) || port == 0)
        return false;
    *out = (unsigned)port;
    return true;
}

/* "host", "host:port", "::1", "[::1]", "[::1]:port". */
static bool read_origin(str text, unsigned port, struct origin *out)
{
    size_t colon = str_find(text, ':');
    size_t bracket = str_starts_with(text, STR("[")) ? str_find(text, ']') : text.len;

    *out = (struct origin){ .host = text, .port = port };
    if (bracket < text.len) {
        out->host = str_slice(text, 1, bracket - 1);
        colon = bracket + 1;
    } else if (colon < text.len &&
               str_find(str_slice(text, colon + 1, text.len), ':') < text.len - colon - 1) {
        return true;
    } else {
        out->host = str_slice(text, 0, colon);
    }
    if (!out->host.len)
        return false;
    return colon >= text.len ||
           (text.at[colon] == ':' && read_port(str_slice(text, colon + 1, text.len), &out->port));
}

static error add_origin(struct arena *arena, struct tcp_client *client, str text, unsigned port)
{
    struct origin *origin = &client->origins[client->origin_count++];

    if (!read_origin(text, port, origin))
        return error_new(arena, 500, "'%.*s' is not an address", STR_ARG(text));
    origin->name = calloc(1, origin->host.len + 1);
    if (!origin->name)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(origin->name, origin->host.at, origin->host.len);
    return NULL;
}

static error read_origins(struct arena *arena, struct tcp_client *client, str addresses,
                          unsigned port)
{
    str piece;

    while (str_next_piece(&addresses, ',', &piece)) {
        piece = str_trim(piece);
        if (!piece.len)
            continue;
        if (client->origin_count == RPC_ADDRESSES_MAX)
            return error_new(arena, 500, "more than %d addresses", RPC_ADDRESSES_MAX);
        TRY(add_origin(arena, client, piece, port));
    }
    return client->origin_count ? NULL : error_new(arena, 500, "no address is given");
}

error rpc_tcp_client_new(struct arena *arena, const struct rpc_tcp_options *options,
                         struct rpc_client **out)
{
    struct tcp_client *client = calloc(1, sizeof *client);

    if (!client)
        return &ERROR_OUT_OF_MEMORY;
    client->references = 1;
    client->tls = options->tls;
    client->frame_max = options->frame_max ? options->frame_max : RPC_FRAME_MAX;
    list_init(&client->lines);
    list_init(&client->resolve_waiters);
    error failed = rpc_client_init(&client->common, &TCP, &options->common);

    if (!failed)
        failed = read_origins(arena, client, options->addresses, options->port);
    if (failed) {
        rpc_tcp_release(client);
        return failed;
    }
    *out = &client->common;
    return NULL;
}

struct rpc_tcp_counts rpc_tcp_client_counts(const struct rpc_client *common)
{
    const struct tcp_client *client = tcp_of((struct rpc_client *)common);
    struct rpc_tcp_counts counts = { .addresses = client->count };

    for (size_t i = 0; i < client->count; i++)
        counts.connected += client->endpoints[i]->line != NULL;
    return counts;
}
