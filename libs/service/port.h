/* One port, two languages. The first byte of a connection tells: a letter begins an HTTP request, everything
 * else one of NestJS's frames (a digit, or what parseInt skips before it; or garbage, which is refused there). */
#pragma once

#include "http/server.h"
#include "rpc/server.h"
#include "runtime/tls.h"

enum {
    SERVICE_CONNECTIONS_MAX = 10 * 1000,
    SERVICE_SILENT_MAX =
        1024, /* connections that have said nothing; of more, the oldest is closed */
    SERVICE_SILENT_DRAIN_MS =
        250, /* one that is silent when the port closes may have a request on its way */
};

struct service_port;

struct service_port_options {
    const char *address;
    unsigned port;
    struct http_server *http; /* both without ports of their own; they outlive this one */
    struct rpc_server *rpc;
    struct tls_context
        *tls; /* NULL: plain; else both languages within TLS, and nothing beside it */
};

/* Listens. A connection may be silent for ever: NestJS's clients connect long before they send. */
error service_port_new(struct arena *arena, const struct service_port_options *options,
                       struct service_port **out);

unsigned service_port_number(const struct service_port *port);

/* Stops accepting, waits a moment for connections that have said nothing yet and closes them; then calls
 * `drained(cookie)`: the servers get no more connections, and can be drained themselves. */
void service_port_drain(struct service_port *port, void (*drained)(void *cookie), void *cookie);

/* After `drained`, or when nobody has connected. NULL is fine. */
void service_port_free(struct service_port *port);
