/* The other end of a connection, on the loopback interface, for tests of whatever listens. It is used from a fiber
 * of the same loop: a wait lets the loop go on. */
#pragma once

#include "testing/fiber_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connected socket. */
static inline int testing_connect(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

/* Sends all of it, waiting for room as long as the call may. */
static inline void testing_send(struct call *call, int client, str bytes)
{
    while (bytes.len) {
        ssize_t put = send(client, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (put < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_null(call_check(call));
            fiber_yield();
            continue;
        }
        bytes = str_slice(bytes, (size_t)put, bytes.len);
    }
}

/* What has arrived, at most `len` bytes, waiting for the first; 0 at the end, -1 after a reset. */
static inline ssize_t testing_receive(struct call *call, int client, char *out, size_t len)
{
    for (;;) {
        ssize_t got = recv(client, out, len, MSG_DONTWAIT);

        if (got >= 0)
            return got;
        if (errno == ECONNRESET)
            return -1;
        assert_int_equal(errno, EAGAIN);
        assert_null(call_check(call));
        fiber_yield();
    }
}

/* All that comes until the end, at most `max` bytes, in the call's arena. Fails the test on a reset. */
static inline str testing_receive_all(struct call *call, int client, size_t max)
{
    char *at = arena_alloc(call->arena, max);
    size_t len = 0;
    ssize_t got;

    assert_non_null(at);
    while ((got = testing_receive(call, client, at + len, max - len)) > 0)
        len += (size_t)got;
    assert_int_equal(got, 0);
    return (str){ at, len };
}

/* Closes so that the peer is told by a reset, not by an end. */
static inline void testing_reset(int client)
{
    struct linger now = { .l_onoff = 1 };

    setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(client);
}
