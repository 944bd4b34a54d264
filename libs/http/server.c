#include "http/http_internal.h"

#include <assert.h>
#include <stdlib.h>

static void accepted(struct stream *stream, void *cookie)
{
    http_connection_new(cookie, stream);
}

static void call_drained(struct loop_hook *hook)
{
    struct http_server *server = LIST_ELEMENT(hook, struct http_server, drain_hook);

    timer_stop(&server->drain_timer);
    server->drained(server->drained_cookie);
}

static error start(struct http_server *server, struct arena *arena)
{
    const struct http_server_options *options = &server->options;

    TRY(http_printer_init(&server->printer, server->arena, options->cors_origin,
                          options->idle_timeout_ms));
    if (!options->address)
        return NULL;
    return listener_new(arena,
                        &(struct listen_options){
                            .address = options->address,
                            .port = options->port,
                            .share_port = options->share_port,
                            .connections_max = options->connections_max,
                            .accepted = accepted,
                            .cookie = server,
                        },
                        &server->listener);
}

static struct http_server_options with_defaults(struct http_server_options options)
{
    if (!options.connections_max)
        options.connections_max = HTTP_CONNECTIONS_MAX;
    if (!options.request_timeout_ms)
        options.request_timeout_ms = CALL_TIMEOUT_MS;
    if (!options.head_timeout_ms)
        options.head_timeout_ms = HTTP_HEAD_TIMEOUT_MS;
    if (!options.body_timeout_ms)
        options.body_timeout_ms = HTTP_BODY_TIMEOUT_MS;
    if (!options.idle_timeout_ms)
        options.idle_timeout_ms = HTTP_IDLE_TIMEOUT_MS;
    return options;
}

error http_server_new(struct arena *arena, const struct http_server_options *options,
                      struct http_server **out)
{
    struct http_server *server = calloc(1, sizeof *server);

    if (!server)
        return &ERROR_OUT_OF_MEMORY;
    server->arena = arena_new(ARENA_CALL_MAX);
    server->options = with_defaults(*options);
    server->drain_hook.run = call_drained;
    list_init(&server->connections);
    error failed = server->arena ? start(server, arena) : &ERROR_OUT_OF_MEMORY;

    if (failed) {
        http_server_free(server);
        return failed;
    }
    *out = server;
    return NULL;
}

void http_server_take(struct http_server *server, struct stream *stream)
{
    http_connection_new(server, stream);
}

unsigned http_server_port(const struct http_server *server)
{
    return listener_port(server->listener);
}

void http_server_note_end(struct http_server *server)
{
    if (server->draining && !server->connection_count && !server->active)
        loop_at_turn_end(&server->drain_hook);
}

static void cut_off(struct timer *timer)
{
    http_connections_abort(LIST_ELEMENT(timer, struct http_server, drain_timer));
}

void http_server_drain(struct http_server *server, uint64_t timeout_ms,
                       void (*drained)(void *cookie), void *cookie)
{
    assert(!server->draining);
    server->draining = true;
    server->drained = drained;
    server->drained_cookie = cookie;
    listener_free(server->listener);
    server->listener = NULL;
    timer_start(&server->drain_timer, timeout_ms, cut_off);
    http_connections_drain(server);
    http_server_note_end(server);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    assert(!server->connection_count && !server->active);
    timer_stop(&server->drain_timer);
    loop_hook_cancel(&server->drain_hook);
    listener_free(server->listener);
    http_work_pool_free(server);
    http_printer_free(&server->printer);
    arena_free(server->arena);
    free(server);
}

size_t http_server_active(const struct http_server *server)
{
    return server->active;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connection_count;
}
