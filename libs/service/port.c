#include "service/port.h"
#include "runtime/loop.h"

#include <assert.h>
#include <stdlib.h>

struct service_port {
    struct service_port_options options;
    struct listener *listener; /* NULL when draining */
    struct link silent;        /* oldest first */
    size_t silent_count;
    struct timer timer;
    struct loop_hook drain_hook;
    void (*drained)(void *cookie);
    void *cookie;
};

/* A connection that has said nothing yet. */
struct newcomer {
    struct link link;
    struct service_port *port;
    struct stream *stream;
};

static void forget(struct newcomer *newcomer)
{
    struct service_port *port = newcomer->port;

    list_remove(&newcomer->link);
    free(newcomer);
    port->silent_count--;
    if (port->drained && !port->silent_count)
        loop_at_turn_end(&port->drain_hook);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The servers look at what has arrived themselves. */
static void received(struct stream *stream, void *owner)
{
    struct newcomer *newcomer = owner;
    const struct service_port_options options = newcomer->port->options;
    bool http = is_letter(stream_input(stream).at[0]);

    forget(newcomer);
    if (http)
        http_server_take(options.http, stream);
    else
        rpc_server_take(options.rpc, stream);
}

static void ended(struct stream *stream, void *owner)
{
    (void)owner;
    stream_close(stream);
}

static void closed(struct stream *stream, void *owner)
{
    (void)stream;
    forget(owner);
}

static const struct stream_owner callbacks = { received, ended, NULL, closed };

static void close_oldest(struct service_port *port)
{
    struct newcomer *oldest = LIST_ELEMENT(port->silent.next, struct newcomer, link);

    stream_close(oldest->stream);
}

static void accepted(struct stream *stream, void *cookie)
{
    struct service_port *port = cookie;
    struct newcomer *newcomer = calloc(1, sizeof *newcomer);
    struct tls_context *tls = port->options.tls;

    if (!newcomer || (tls && stream_start_tls(stream, tls, NULL))) {
        free(newcomer);
        stream_abort(stream);
        return;
    }
    newcomer->port = port;
    newcomer->stream = stream;
    if (port->silent_count >= SERVICE_SILENT_MAX)
        close_oldest(port);
    list_append(&port->silent, &newcomer->link);
    port->silent_count++;
    stream_adopt(stream, &callbacks, newcomer);
}

static void close_silent(struct timer *timer)
{
    struct service_port *port = LIST_ELEMENT(timer, struct service_port, timer);

    for (struct link *link = port->silent.next; link != &port->silent; link = link->next)
        stream_abort(LIST_ELEMENT(link, struct newcomer, link)->stream);
}

static void call_drained(struct loop_hook *hook)
{
    struct service_port *port = LIST_ELEMENT(hook, struct service_port, drain_hook);

    timer_stop(&port->timer);
    port->drained(port->cookie);
}

error service_port_new(struct arena *arena, const struct service_port_options *options,
                       struct service_port **out)
{
    struct service_port *port = calloc(1, sizeof *port);

    if (!port)
        return &ERROR_OUT_OF_MEMORY;
    port->options = *options;
    port->drain_hook.run = call_drained;
    list_init(&port->silent);
    error failed = listener_new(arena,
                                &(struct listen_options){
                                    .address = options->address,
                                    .port = options->port,
                                    .connections_max = SERVICE_CONNECTIONS_MAX,
                                    .accepted = accepted,
                                    .cookie = port,
                                },
                                &port->listener);

    if (failed) {
        free(port);
        return failed;
    }
    *out = port;
    return NULL;
}

unsigned service_port_number(const struct service_port *port)
{
    return listener_port(port->listener);
}

void service_port_drain(struct service_port *port, void (*drained)(void *cookie), void *cookie)
{
    port->drained = drained;
    port->cookie = cookie;
    listener_free(port->listener);
    port->listener = NULL;
    if (port->silent_count)
        timer_start(&port->timer, SERVICE_SILENT_DRAIN_MS, close_silent);
    else
        loop_at_turn_end(&port->drain_hook);
}

void service_port_free(struct service_port *port)
{
    if (!port)
        return;
    assert(!port->silent_count);
    timer_stop(&port->timer);
    loop_hook_cancel(&port->drain_hook);
    listener_free(port->listener);
    free(port);
}
