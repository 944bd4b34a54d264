/* What a call over NestJS's TCP wire costs: CPU time of both processes for each of CALLS calls, 64 under way at any
 * time, on one connection; beside it a bare epoll ping-pong of frames of the same length, once with 64 under
 * way on one connection and once with one on each of 64. Client and server are pinned to a CPU each. */
#include "rpc/peer.h"
#include "rpc/server.h"
#include "rpc/tcp_client.h"
#include "runtime/loop.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CALLS = 400 * 1000,
    UNDER_WAY = 64,
    FRAME =
        160, /* bytes of a request and of a reply of the bare exchange, about those of the wire */
};

struct text {
    str text;
};
static BARE(text, FIELD(text));

#define MESSAGES(ON) ON("echo", echo, text, text)
MESSAGE_TABLE(messages, MESSAGES);

static error echo(struct call *call, const struct text *in, struct text *out)
{
    (void)call;
    out->text = in->text;
    return NULL;
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static double seconds(int who)
{
    struct rusage used;

    getrusage(who, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void check(bool fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    exit(1);
}

/* Runs `serve` in a child, `ask` here, and prints what both took. */
static void compare(const char *name, void (*serve)(int pipe_end), void (*ask)(unsigned port))
{
    int ends[2];
    unsigned port = 0;
    double client = seconds(RUSAGE_SELF), server = seconds(RUSAGE_CHILDREN);

    check(pipe(ends) == 0, "pipe");
    pid_t child = fork();

    check(child >= 0, "fork");
    if (child == 0) {
        pin(0);
        serve(ends[1]);
        exit(0);
    }
    pin(1);
    check(read(ends[0], &port, sizeof port) == sizeof port, "read");
    ask(port);
    waitpid(child, NULL, 0);
    client = (seconds(RUSAGE_SELF) - client) / CALLS * 1e6;
    server = (seconds(RUSAGE_CHILDREN) - server) / CALLS * 1e6;
    printf("%-42s client %5.2f us, server %5.2f us, both %5.2f us a call\n", name, client, server,
           client + server);
    fflush(stdout);
}

/* --- the wire -------------------------------------------------------------------------------------- */

static struct rpc_server *server;
static int told_port_to;

static void stop(void *cookie)
{
    (void)cookie;
    loop_stop();
}

static void accepted(struct stream *stream, void *cookie)
{
    (void)cookie;
    rpc_server_take(server, stream);
}

static struct listener *listener;
static struct timer until_idle;

/* The server ends when its client has gone. */
static void look_for_an_end(struct timer *timer)
{
    static bool seen;

    if (rpc_server_connections(server))
        seen = true;
    else if (seen) {
        listener_free(listener);
        rpc_server_drain(server, 0, stop, NULL);
        return;
    }
    timer_start(timer, 20, look_for_an_end);
}

static void serve_on_fiber(void *arena)
{
    const struct rpc_server_options options = { .handlers = { .messages = messages } };
    const struct listen_options listening = { .address = "127.0.0.1",
                                              .connections_max = 100,
                                              .accepted = accepted };
    unsigned port;

    check(!rpc_server_new(&options, &server), "server");
    check(!listener_new(arena, &listening, &listener), "listener");
    port = listener_port(listener);
    check(write(told_port_to, &port, sizeof port) == sizeof port, "write");
    timer_start(&until_idle, 20, look_for_an_end);
}

static void serve_wire(int pipe_end)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    told_port_to = pipe_end;
    check(arena && !loop_init() && !fiber_start(serve_on_fiber, arena), "loop");
    loop_run();
}

static struct rpc_peer peer = { .name = { "bench", 5 } };
static int calls_left, callers;

static void call_again_and_again(void *argument)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    const struct text in = { STR(
        "ana@example.com, and enough text to make a message of some length") };
    struct text out;

    (void)argument;
    while (calls_left-- > 0) {
        struct call call = call_new(arena, 10 * 1000);

        check(!rpc_send(&call, &peer, "echo", IN(text, &in), OUT(text, &out)), "call");
        arena_reset(arena);
    }
    arena_free(arena);
    if (--callers == 0) {
        rpc_client_free(peer.client);
        loop_stop();
    }
}

static void ask_wire(unsigned port)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    const struct rpc_tcp_options options = { .addresses = STR("127.0.0.1"), .port = port };

    check(arena && !loop_init() && !rpc_tcp_client_new(arena, &options, &peer.client), "client");
    calls_left = CALLS;
    callers = UNDER_WAY;
    for (int i = 0; i < UNDER_WAY; i++)
        check(!fiber_start(call_again_and_again, NULL), "fiber");
    loop_run();
    loop_close();
    arena_free(arena);
}

/* --- bare ------------------------------------------------------------------------------------------ */

static char bytes[UNDER_WAY * FRAME];

static int bare_listener(int pipe_end)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    check(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 100) == 0, "listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    unsigned port = ntohs(address.sin_port);

    check(write(pipe_end, &port, sizeof port) == sizeof port, "write");
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* Sends back what comes, on `connections` connections, until all have ended. */
static void echo_bare(int pipe_end, int connections)
{
    int fd = bare_listener(pipe_end), epoll = epoll_create1(0);
    struct epoll_event events[UNDER_WAY];

    for (int i = 0; i < connections; i++)
        watch(epoll, accept(fd, NULL, NULL));
    while (connections) {
        int ready = epoll_wait(epoll, events, UNDER_WAY, -1);

        for (int i = 0; i < ready; i++) {
            ssize_t got = recv(events[i].data.fd, bytes, sizeof bytes, 0);

            if (got > 0)
                check(send(events[i].data.fd, bytes, (size_t)got, 0) == got, "send");
            else if (connections-- && close(events[i].data.fd))
                check(false, "close");
        }
    }
}

/* Keeps UNDER_WAY frames going round on `connections` connections. */
static void ask_bare(unsigned port, int connections)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int epoll = epoll_create1(0), fds[UNDER_WAY];
    size_t first = FRAME * (UNDER_WAY / (size_t)connections);
    struct epoll_event events[UNDER_WAY];

    for (int i = 0; i < connections; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        check(connect(fds[i], (struct sockaddr *)&address, sizeof address) == 0, "connect");
        watch(epoll, fds[i]);
        check(send(fds[i], bytes, first, 0) == (ssize_t)first, "send");
    }
    for (int64_t left = (int64_t)CALLS * FRAME; left > 0;) {
        int ready = epoll_wait(epoll, events, UNDER_WAY, -1);

        for (int i = 0; i < ready; i++) {
            ssize_t got = recv(events[i].data.fd, bytes, sizeof bytes, 0);

            check(got > 0 && send(events[i].data.fd, bytes, (size_t)got, 0) == got, "exchange");
            left -= got;
        }
    }
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    close(epoll);
}

static void echo_on_one(int pipe_end)
{
    echo_bare(pipe_end, 1);
}

static void ask_on_one(unsigned port)
{
    ask_bare(port, 1);
}

static void echo_on_each(int pipe_end)
{
    echo_bare(pipe_end, UNDER_WAY);
}

static void ask_on_each(unsigned port)
{
    ask_bare(port, UNDER_WAY);
}

int main(void)
{
    compare("bare, 64 under way on one connection", echo_on_one, ask_on_one);
    compare("bare, one under way on each of 64", echo_on_each, ask_on_each);
    compare("NestJS's wire, 64 under way on one", serve_wire, ask_wire);
    return 0;
}
