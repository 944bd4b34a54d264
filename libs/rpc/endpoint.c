#include "rpc/tcp_internal.h"
#include "runtime/clock.h"
#include "runtime/connect.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PAUSE_FIRST_MS = 10, /* after a failed connection; doubled each time */
    PAUSE_LAST_MS = 1000,
    PAUSE_RETURN_MS = 100, /* while the peer may be coming back */
    PROBE_MS = 10 * 1000,  /* so long after the last call connecting is tried without one */
    EJECTION_LAST_MS = 60 * 1000,
    CONNECT_ARENA_MAX = 64 * 1024,
};

/* --- waiting ------------------------------------------------------------------------------------- */

error rpc_wait_among(struct call *call, struct link *waiters)
{
    struct waiter waiter = { 0 };

    list_append(waiters, &waiter.link);
    error failed = call_wait(call, &waiter.wait);

    list_remove(&waiter.link);
    return failed;
}

void rpc_wake_all(struct link *waiters)
{
    struct link *link;

    while ((link = list_take(waiters)))
        wait_done(&LIST_ELEMENT(link, struct waiter, link)->wait);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct endpoint *rpc_endpoint_new(struct tcp_client *client, str address,
                                  const struct origin *origin)
{
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (!endpoint)
        return NULL;
    endpoint->client = client;
    endpoint->port = origin->port;
    endpoint->host = origin->name;
    snprintf(endpoint->address, sizeof endpoint->address, "%.*s", STR_ARG(address));
    list_init(&endpoint->waiters);
    return endpoint;
}

void rpc_endpoint_free(struct endpoint *endpoint)
{
    timer_stop(&endpoint->pause);
    free(endpoint);
}

/* Half of the time and up to as much again, so that clients do not come back all at once. */
static uint64_t jittered(uint64_t ms)
{
    return ms / 2 + random_below(ms) + 1;
}

static uint64_t doubled(uint64_t first, unsigned times, uint64_t last)
{
    uint64_t ms = times < 16 ? first << times : last;

    return ms < last ? ms : last;
}

/* --- connecting ---------------------------------------------------------------------------------- */

/* The peer was here a moment ago and is perhaps being restarted. */
static bool may_return(const struct endpoint *endpoint)
{
    return endpoint->lost_ms && clock_ms() < endpoint->lost_ms + RPC_RESTART_GRACE_MS;
}

static void start_connecting(struct endpoint *endpoint);

/* While the client is in use a dead address is tried without a call having to risk it. */
static void pause_is_over(struct timer *timer)
{
    struct endpoint *endpoint = LIST_ELEMENT(timer, struct endpoint, pause);

    endpoint->state = ENDPOINT_COLD;
    if (clock_ms() < endpoint->client->used_ms + PROBE_MS)
        start_connecting(endpoint);
    rpc_wake_all(&endpoint->waiters);
}

static void connect_failed(struct endpoint *endpoint, error e)
{
    uint64_t pause_ms = doubled(PAUSE_FIRST_MS, endpoint->refusals,
                                may_return(endpoint) ? PAUSE_RETURN_MS : PAUSE_LAST_MS);

    if (e == &ERROR_DEADLINE)
        snprintf(endpoint->trouble, sizeof endpoint->trouble, "connect ETIMEDOUT %s:%u",
                 endpoint->address, endpoint->port);
    else
        snprintf(endpoint->trouble, sizeof endpoint->trouble, "%s", e->message);
    if (endpoint->refusals++ == 0)
        log_warn("Client", "%s", endpoint->trouble);
    endpoint->state = ENDPOINT_DOWN;
    if (!endpoint->client->closing)
        timer_start(&endpoint->pause, jittered(pause_ms), pause_is_over);
}

static void connected(struct endpoint *endpoint, struct stream *stream)
{
    struct tcp_client *client = endpoint->client;

    if (client->closing) {
        stream_abort(stream);
        return;
    }
    if (client->tls && stream_start_tls(stream, client->tls, endpoint->host)) {
        stream_abort(stream);
        connect_failed(endpoint, &ERROR_OUT_OF_MEMORY);
        return;
    }
    endpoint->line = rpc_line_new(endpoint, stream);
    if (!endpoint->line) {
        connect_failed(endpoint, &ERROR_OUT_OF_MEMORY);
        return;
    }
    endpoint->state = ENDPOINT_UP;
    endpoint->refusals = 0;
}

/* Runs on a fiber of its own: the call that wanted the connection may give up, others come. */
static void connect_fiber(void *argument)
{
    struct endpoint *endpoint = argument;
    struct tcp_client *client = endpoint->client;
    struct arena *arena = arena_new(CONNECT_ARENA_MAX);
    struct call call = call_new(arena, RPC_CONNECT_TIMEOUT_MS);
    struct stream *stream;

    endpoint->connecting = &call;
    error failed = arena ? stream_connect(&call, endpoint->address, endpoint->port, &stream)
                         : &ERROR_OUT_OF_MEMORY;

    endpoint->connecting = NULL;
    if (failed)
        connect_failed(endpoint, failed);
    else
        connected(endpoint, stream);
    rpc_wake_all(&endpoint->waiters);
    arena_free(arena);
    rpc_tcp_release(client);
}

static void start_connecting(struct endpoint *endpoint)
{
    endpoint->state = ENDPOINT_CONNECTING;
    endpoint->client->references++;
    error failed = fiber_start(connect_fiber, endpoint);

    if (!failed)
        return;
    connect_failed(endpoint, failed);
    rpc_tcp_release(endpoint->client);
}

/* --- using --------------------------------------------------------------------------------------- */

static bool is_silent(const struct endpoint *endpoint)
{
    return endpoint->line && !list_empty(&endpoint->line->entries) &&
           clock_ms() > endpoint->heard_ms + RPC_SILENCE_MS;
}

void rpc_endpoint_probe(struct endpoint *endpoint)
{
    if (endpoint->state == ENDPOINT_COLD && endpoint->refusals && !endpoint->stale)
        start_connecting(endpoint);
}

bool rpc_endpoint_is_good(const struct endpoint *endpoint)
{
    bool on_trial = endpoint->ejections || endpoint->failures >= RPC_FAILURES_MAX;

    if (endpoint->stale || endpoint->state == ENDPOINT_DOWN ||
        clock_ms() < endpoint->ejected_until_ms)
        return false;
    if (endpoint->state != ENDPOINT_UP && endpoint->refusals)
        return false;
    return !(on_trial && endpoint->calls) && !is_silent(endpoint);
}

bool rpc_endpoint_is_possible(const struct endpoint *endpoint)
{
    return !endpoint->stale && (endpoint->state != ENDPOINT_DOWN || may_return(endpoint));
}

static error trouble(struct call *call, const struct endpoint *endpoint)
{
    return error_new(call->arena, 503, "%s", endpoint->trouble);
}

error rpc_endpoint_ready(struct call *call, struct endpoint *endpoint)
{
    bool tried = false;

    while (!endpoint->line || stream_congested(endpoint->line->stream)) {
        if (endpoint->client->closing)
            return &RPC_CONNECTION_CLOSED;
        if (endpoint->state == ENDPOINT_DOWN && tried)
            return trouble(call, endpoint);
        tried = tried || endpoint->state == ENDPOINT_COLD || endpoint->state == ENDPOINT_CONNECTING;
        if (endpoint->state == ENDPOINT_COLD)
            start_connecting(endpoint);
        else
            TRY(rpc_wait_among(call, &endpoint->waiters));
    }
    return NULL;
}

void rpc_endpoint_answered(struct endpoint *endpoint)
{
    endpoint->failures = endpoint->ejections = 0;
    endpoint->ejected_until_ms = 0;
}

/* Several failures in a row, and the address is left out for a while. */
static void note_failure(struct endpoint *endpoint)
{
    if (++endpoint->failures < RPC_FAILURES_MAX || clock_ms() < endpoint->ejected_until_ms)
        return;
    uint64_t ms = doubled(RPC_EJECTION_MS, endpoint->ejections++, EJECTION_LAST_MS);

    log_warn("Client", "%s:%u does not answer and is left out for %llu ms", endpoint->address,
             endpoint->port, (unsigned long long)ms);
    endpoint->ejected_until_ms = clock_ms() + jittered(ms);
}

void rpc_endpoint_was_silent(struct endpoint *endpoint, uint64_t since_ms)
{
    if (endpoint->heard_ms > since_ms || clock_ms() < since_ms + RPC_SILENCE_MS)
        return;
    note_failure(endpoint);
    if (clock_ms() < endpoint->ejected_until_ms && endpoint->line)
        rpc_endpoint_retire_line(endpoint);
}

/* The kernel closes the sockets of a process that died one by one: whoever comes back at once may still be
 * let in, and would lose calls a second time. */
void rpc_endpoint_lost_line(struct endpoint *endpoint)
{
    if (!list_empty(&endpoint->line->entries))
        note_failure(endpoint);
    rpc_endpoint_retire_line(endpoint);
    if (endpoint->client->closing)
        return;
    endpoint->state = ENDPOINT_DOWN;
    snprintf(endpoint->trouble, sizeof endpoint->trouble, "%s", RPC_CONNECTION_CLOSED.message);
    timer_start(&endpoint->pause, jittered(PAUSE_FIRST_MS), pause_is_over);
}

void rpc_endpoint_retire_line(struct endpoint *endpoint)
{
    struct line *line = endpoint->line;

    endpoint->line = NULL;
    endpoint->state = ENDPOINT_COLD;
    endpoint->lost_ms = clock_ms();
    line->endpoint = NULL;
    rpc_wake_all(&endpoint->waiters);
    rpc_line_close_when_done(line);
}
