/* Both waits here are for something that cannot be taken back at once: a lookup on libuv's pool, a poll handle
 * that libuv closes later. So each lies on the heap, and whoever is last frees it: the callback that ends it, or
 * the fiber that waits. */
#include "runtime/connect.h"
#include "runtime/loop_internal.h"
#include "runtime/stream_internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 253 }; /* bytes of a name (RFC 1035 section 2.3.4) */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_address(const char *text, unsigned port, union address *out, socklen_t *len)
{
    *out = (union address){ 0 };
    *len = strchr(text, ':') ? sizeof out->v6 : sizeof out->v4;
    return port <= UINT16_MAX && (strchr(text, ':') ? uv_ip6_addr(text, (int)port, &out->v6)
                                                    : uv_ip4_addr(text, (int)port, &out->v4)) == 0;
}

/* --- names --------------------------------------------------------------------------------------- */

struct lookup {
    uv_getaddrinfo_t request;
    struct wait wait;
    bool abandoned;
    int status;
    struct addrinfo *found;
};

static void free_lookup(struct lookup *lookup)
{
    uv_freeaddrinfo(lookup->found);
    free(lookup);
}

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = LIST_ELEMENT(request, struct lookup, request);

    lookup->status = status;
    lookup->found = found;
    if (lookup->abandoned)
        free_lookup(lookup);
    else
        wait_done(&lookup->wait);
}

/* Node's name for what getaddrinfo says. */
static const char *lookup_trouble(int status)
{
    return status == UV_EAI_NONAME || status == UV_EAI_NODATA ? "ENOTFOUND" : uv_err_name(status);
}

static bool holds(const str *texts, size_t count, str text)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(texts[i], text))
            return true;
    return false;
}

static error copy_addresses(struct arena *arena, const struct addrinfo *found, strs *out)
{
    str *texts = ARENA_ARRAY(arena, str, CONNECT_ADDRESSES_MAX);
    size_t count = 0;

    if (!texts)
        return &ERROR_OUT_OF_MEMORY;
    for (; found && count < CONNECT_ADDRESSES_MAX; found = found->ai_next) {
        char text[INET6_ADDRSTRLEN];

        if (uv_ip_name(found->ai_addr, text, sizeof text) || holds(texts, count, str_of(text)))
            continue;
        texts[count] = arena_copy(arena, str_of(text));
        if (!texts[count++].at)
            return &ERROR_OUT_OF_MEMORY;
    }
    *out = (strs){ texts, count };
    return NULL;
}

static error look_up(struct call *call, const char *host, strs *out)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (!lookup)
        return &ERROR_OUT_OF_MEMORY;
    int refused = uv_getaddrinfo(&the_loop.uv, &lookup->request, looked_up, host, NULL, &hints);

    if (refused) {
        free(lookup);
        return error_new(call->arena, 503, "getaddrinfo %s %s", uv_err_name(refused), host);
    }
    error failed = call_wait(call, &lookup->wait);

    if (failed) {
        lookup->abandoned = true;
        uv_cancel((uv_req_t *)&lookup->request);
        return failed;
    }
    if (lookup->status)
        failed =
            error_new(call->arena, 503, "getaddrinfo %s %s", lookup_trouble(lookup->status), host);
    else
        failed = copy_addresses(call->arena, lookup->found, out);
    free_lookup(lookup);
    return failed;
}

error connect_resolve(struct call *call, str host, strs *out)
{
    str name = arena_copy(call->arena, host);
    str *texts = ARENA_NEW(call->arena, str);
    union address address;
    socklen_t len;

    if (!name.at || !texts)
        return &ERROR_OUT_OF_MEMORY;
    if (host.len == 0 || host.len > HOST_MAX || strlen(name.at) != host.len)
        return error_new(call->arena, 503, "getaddrinfo ENOTFOUND %s", name.at);
    if (!parse_address(name.at, 0, &address, &len))
        return look_up(call, name.at, out);
    *texts = name;
    *out = (strs){ texts, 1 };
    return NULL;
}

/* --- connections --------------------------------------------------------------------------------- */

struct attempt {
    uv_poll_t poll;
    struct wait wait;
};

static void writable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    wait_done(&LIST_ELEMENT(poll, struct attempt, poll)->wait);
}

static void attempt_closed(uv_handle_t *poll)
{
    free(LIST_ELEMENT(poll, struct attempt, poll));
}

/* Waits for the socket to have connected or failed. Closing the handle stops it at once, so that a stream may
 * watch the descriptor afterwards. */
static error wait_until_writable(struct call *call, int fd)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);

    if (!attempt || uv_poll_init(&the_loop.uv, &attempt->poll, fd)) {
        free(attempt);
        return &ERROR_OUT_OF_MEMORY;
    }
    uv_poll_start(&attempt->poll, UV_WRITABLE, writable);
    error failed = call_wait(call, &attempt->wait);

    uv_close((uv_handle_t *)&attempt->poll, attempt_closed);
    return failed;
}

static int socket_error(int fd)
{
    int reason = 0;
    socklen_t len = sizeof reason;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) ? errno : reason;
}

static error connect_failed(struct call *call, int reason, const char *address, unsigned port)
{
    return error_new(call->arena, 503, "connect %s %s:%u",
                     uv_err_name(uv_translate_sys_error(reason)), address, port);
}

static error connect_socket(struct call *call, int fd, const char *text, unsigned port)
{
    union address address;
    socklen_t len;

    if (!parse_address(text, port, &address, &len))
        return connect_failed(call, EINVAL, text, port);
    if (connect(fd, &address.any, len) == 0)
        return NULL;
    if (errno != EINPROGRESS)
        return connect_failed(call, errno, text, port);
    TRY(wait_until_writable(call, fd));
    int reason = socket_error(fd);

    return reason ? connect_failed(call, reason, text, port) : NULL;
}

static error make_stream(int fd, const char *address, unsigned port, struct stream **out)
{
    char peer[STREAM_PEER_TEXT];
    int yes = 1;

    snprintf(peer, sizeof peer, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    *out = stream_new(fd, peer, NULL, NULL);
    return *out ? NULL : &ERROR_OUT_OF_MEMORY;
}

error stream_connect(struct call *call, const char *address, unsigned port, struct stream **out)
{
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return connect_failed(call, errno, address, port);
    error failed = connect_socket(call, fd, address, port);

    if (!failed)
        failed = make_stream(fd, address, port, out);
    if (failed)
        close(fd);
    return failed;
}
