#include "rpc/server_internal.h"

#include <assert.h>
#include <stdlib.h>

/* --- works --------------------------------------------------------------------------------------- */

struct work *rpc_work_take(struct rpc_server *server)
{
    struct work *work = server->free_works;

    if (work) {
        server->free_works = work->next_free;
        server->free_work_count--;
        return work;
    }
    work = calloc(1, sizeof *work);
    if (!work)
        return NULL;
    work->server = server;
    work->arena = arena_new(ARENA_CALL_MAX);
    if (!work->arena) {
        free(work);
        return NULL;
    }
    return work;
}

static void free_work(struct work *work)
{
    arena_free(work->arena);
    free(work);
}

void rpc_work_give_back(struct work *work)
{
    struct rpc_server *server = work->server;

    if (server->free_work_count >= WORK_POOL_MAX) {
        free_work(work);
        return;
    }
    arena_reset(work->arena);
    work->connection = NULL;
    work->next_free = server->free_works;
    server->free_works = work;
    server->free_work_count++;
}

/* --- life ---------------------------------------------------------------------------------------- */

static void call_drained(struct loop_hook *hook)
{
    struct rpc_server *server = LIST_ELEMENT(hook, struct rpc_server, drain_hook);

    timer_stop(&server->drain_timer);
    server->drained(server->drained_cookie);
}

error rpc_server_new(const struct rpc_server_options *options, struct rpc_server **out)
{
    struct rpc_server *server = calloc(1, sizeof *server);

    if (!server)
        return &ERROR_OUT_OF_MEMORY;
    server->options = *options;
    if (!options->frame_max)
        server->options.frame_max = RPC_FRAME_MAX;
    if (!options->request_timeout_ms)
        server->options.request_timeout_ms = CALL_TIMEOUT_MS;
    if (!options->incomplete_timeout_ms)
        server->options.incomplete_timeout_ms = RPC_INCOMPLETE_TIMEOUT_MS;
    server->scratch = buf_new(ARENA_CALL_MAX);
    server->drain_hook.run = call_drained;
    list_init(&server->connections);
    *out = server;
    return NULL;
}

void rpc_server_take(struct rpc_server *server, struct stream *stream)
{
    rpc_connection_new(server, stream);
}

void rpc_server_note_end(struct rpc_server *server)
{
    if (server->draining && !server->connection_count && !server->active)
        loop_at_turn_end(&server->drain_hook);
}

static void cut_off(struct timer *timer)
{
    rpc_connections_abort(LIST_ELEMENT(timer, struct rpc_server, drain_timer));
}

void rpc_server_drain(struct rpc_server *server, uint64_t timeout_ms, void (*drained)(void *cookie),
                      void *cookie)
{
    assert(!server->draining);
    server->draining = true;
    server->drained = drained;
    server->drained_cookie = cookie;
    timer_start(&server->drain_timer, timeout_ms, cut_off);
    rpc_connections_drain(server);
    rpc_server_note_end(server);
}

void rpc_server_free(struct rpc_server *server)
{
    if (!server)
        return;
    assert(!server->connection_count && !server->active);
    timer_stop(&server->drain_timer);
    loop_hook_cancel(&server->drain_hook);
    while (server->free_works) {
        struct work *work = server->free_works;

        server->free_works = work->next_free;
        free_work(work);
    }
    buf_free(&server->scratch);
    free(server);
}

size_t rpc_server_active(const struct rpc_server *server)
{
    return server->active;
}

size_t rpc_server_connections(const struct rpc_server *server)
{
    return server->connection_count;
}
