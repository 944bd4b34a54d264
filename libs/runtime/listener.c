/* Accepts up to ACCEPTS_MAX connections a turn. At the cap, and for a moment when the process is out of
 * descriptors, the socket is not watched: connections wait in the kernel's queue instead of spinning the loop. */
#include "runtime/log.h"
#include "runtime/loop_internal.h"
#include "runtime/stream_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_MAX = 64,
    BACKLOG = 4096,
    STARVED_PAUSE_MS = 100,
};

struct listener {
    uv_poll_t poll;
    int fd;
    struct listen_options options;
    unsigned port;
    unsigned open; /* connections */
    bool freed;    /* kept until the last connection has told that it is gone */
    bool handle_closed;
    struct timer starved;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_address(const char *text, unsigned port, union address *out, socklen_t *len)
{
    *out = (union address){ 0 };
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        *len = sizeof out->v4;
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        *len = sizeof out->v6;
        return true;
    }
    return false;
}

static void print_address(const union address *address, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof text);
        snprintf(out, size, "[%s]:%u", text, ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof text);
        snprintf(out, size, "%s:%u", text, ntohs(address->v4.sin_port));
    }
}

static void on_readable(uv_poll_t *poll, int status, int events);

/* `accepted` may free the listener, hence the first question. */
static bool may_accept(const struct listener *listener)
{
    return !listener->freed && listener->open < listener->options.connections_max;
}

static void watch(struct listener *listener)
{
    if (listener->freed)
        return;
    if (may_accept(listener))
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    else
        uv_poll_stop(&listener->poll);
}

static void free_when_unused(struct listener *listener)
{
    if (listener->handle_closed && listener->open == 0)
        free(listener);
}

static void connection_gone(void *cookie)
{
    struct listener *listener = cookie;

    listener->open--;
    if (listener->freed)
        free_when_unused(listener);
    else if (!timer_running(&listener->starved))
        watch(listener);
}

static void starved_is_over(struct timer *timer)
{
    watch(LIST_ELEMENT(timer, struct listener, starved));
}

static void serve(struct listener *listener, int fd, const union address *peer)
{
    char text[STREAM_PEER_TEXT];
    int yes = 1;

    print_address(peer, text, sizeof text);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct stream *stream = stream_new(fd, text, connection_gone, listener);

    if (!stream) {
        close(fd);
        return;
    }
    listener->open++;
    listener->options.accepted(stream, listener->options.cookie);
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *listener)
{
    union address peer;
    socklen_t len = sizeof peer;
    int fd = accept4(listener->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        serve(listener, fd, &peer);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR)
        return true;
    if (errno != EAGAIN) {
        log_warn("Listener", "port %u accepts nothing for %d ms: %s", listener->port,
                 STARVED_PAUSE_MS, strerror(errno));
        uv_poll_stop(&listener->poll);
        timer_start(&listener->starved, STARVED_PAUSE_MS, starved_is_over);
    }
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = LIST_ELEMENT(poll, struct listener, poll);

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_MAX && may_accept(listener); i++)
        if (!accept_one(listener))
            return;
    if (!may_accept(listener))
        watch(listener);
}

static error refuse(struct arena *arena, const struct listen_options *options, int fd)
{
    int reason = errno;

    if (fd >= 0)
        close(fd);
    if (reason == EADDRINUSE)
        return error_new(arena, 500, "%s:%u is in use by another process", options->address,
                         options->port);
    return error_new(arena, 500, "cannot listen on %s:%u: %s", options->address, options->port,
                     strerror(reason));
}

static error open_socket(struct arena *arena, const struct listen_options *options, int *out)
{
    union address address;
    socklen_t len;
    int yes = 1;

    if (options->port > UINT16_MAX)
        return error_new(arena, 500, "%u is not a port to listen on", options->port);
    if (!parse_address(options->address, options->port, &address, &len))
        return error_new(arena, 500, "%s is not an IP address to listen on", options->address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return refuse(arena, options, fd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (options->share_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (bind(fd, &address.any, len) || listen(fd, BACKLOG))
        return refuse(arena, options, fd);
    *out = fd;
    return NULL;
}

static unsigned bound_port(int fd)
{
    union address address = { 0 };
    socklen_t len = sizeof address;

    getsockname(fd, &address.any, &len);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

error listener_new(struct arena *arena, const struct listen_options *options, struct listener **out)
{
    struct listener *listener = calloc(1, sizeof *listener);
    int fd = -1;

    if (!listener)
        return &ERROR_OUT_OF_MEMORY;
    error failed = open_socket(arena, options, &fd);

    if (!failed && uv_poll_init(&the_loop.uv, &listener->poll, fd)) {
        close(fd);
        failed = &ERROR_OUT_OF_MEMORY;
    }
    if (failed) {
        free(listener);
        return failed;
    }
    listener->fd = fd;
    listener->options = *options;
    listener->port = bound_port(fd);
    watch(listener);
    *out = listener;
    return NULL;
}

unsigned listener_port(const struct listener *listener)
{
    return listener->port;
}

static void listener_gone(uv_handle_t *handle)
{
    struct listener *listener = LIST_ELEMENT(handle, struct listener, poll);

    close(listener->fd);
    listener->handle_closed = true;
    free_when_unused(listener);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    listener->freed = true;
    timer_stop(&listener->starved);
    uv_poll_stop(&listener->poll);
    uv_close((uv_handle_t *)&listener->poll, listener_gone);
}
