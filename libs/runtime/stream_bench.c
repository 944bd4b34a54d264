/* An echo of 64-byte messages over stream.h, and the same over raw epoll, with 64 connections. Each server is a process
 * of its own on the first processor, the client runs on the second; what counts is the server's time per message.
 *
 * usage: stream_bench [SECONDS [CONNECTIONS]] */
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { MESSAGE = 64, EVENTS = 256 };

static void must(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    exit(1);
}

static void run_on(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* --- the two servers ------------------------------------------------------------------------------ */

static void echo(struct stream *stream, void *owner)
{
    str input = stream_input(stream);

    (void)owner;
    stream_write(stream, input);
    stream_consume(stream, input.len);
}

static void closed(struct stream *stream, void *owner)
{
    (void)stream;
    (void)owner;
}

static void accepted(struct stream *stream, void *cookie)
{
    static const struct stream_owner ECHOING = { echo, NULL, NULL, closed };

    stream_adopt(stream, &ECHOING, cookie);
}

static void serve_by_stream(int report)
{
    struct listen_options options = { .address = "127.0.0.1",
                                      .connections_max = 10000,
                                      .accepted = accepted };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct listener *listener;

    must(!loop_init() && !listener_new(arena, &options, &listener), "listen");
    unsigned port = listener_port(listener);

    must(write(report, &port, sizeof port) == sizeof port, "write");
    loop_run();
}

static int listen_raw(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(!bind(fd, (struct sockaddr *)&address, len) && !listen(fd, 1024), "listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    *port = ntohs(address.sin_port);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_raw(int epoll, int listening)
{
    int fd, yes = 1;

    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(epoll, fd);
    }
}

static void echo_raw(int fd)
{
    char text[16 * 1024];
    ssize_t got = recv(fd, text, sizeof text, 0);

    if (got > 0)
        send(fd, text, (size_t)got, MSG_NOSIGNAL);
    else if (got == 0)
        close(fd);
}

static void serve_by_epoll(int report)
{
    struct epoll_event events[EVENTS];
    unsigned port;
    int listening = listen_raw(&port), epoll = epoll_create1(0);

    watch(epoll, listening);
    must(write(report, &port, sizeof port) == sizeof port, "write");
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listening)
                accept_raw(epoll, listening);
            else
                echo_raw(events[i].data.fd);
        }
    }
}

/* --- the client ------------------------------------------------------------------------------------ */

static int connect_to(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

/* Each connection has one message under way. Returns how many came back. */
static size_t exchange(unsigned port, int connections, double seconds)
{
    static const char message[MESSAGE];
    struct epoll_event events[EVENTS];
    char text[MESSAGE];
    int epoll = epoll_create1(0);
    uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);
    size_t count = 0;

    for (int i = 0; i < connections; i++) {
        int fd = connect_to(port);

        watch(epoll, fd);
        must(send(fd, message, MESSAGE, 0) == MESSAGE, "send");
    }
    while (clock_ns() < end) {
        int n = epoll_wait(epoll, events, EVENTS, 1000);

        for (int i = 0; i < n; i++) {
            must(recv(events[i].data.fd, text, MESSAGE, 0) == MESSAGE, "recv");
            must(send(events[i].data.fd, text, MESSAGE, 0) == MESSAGE, "send");
            count++;
        }
    }
    return count;
}

static double micros(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void measure(const char *name, void (*serve)(int report), int connections, double seconds)
{
    int report[2];
    unsigned port;
    struct rusage used;

    must(pipe(report) == 0, "pipe");
    fflush(stdout);
    pid_t server = fork();

    if (server == 0) {
        run_on(0);
        serve(report[1]);
        exit(0);
    }
    must(read(report[0], &port, sizeof port) == sizeof port, "read");
    pid_t client = fork();

    if (client == 0) {
        run_on(1);
        size_t count = exchange(port, connections, seconds);

        must(write(report[1], &count, sizeof count) == sizeof count, "write");
        exit(0);
    }
    size_t count;

    must(read(report[0], &count, sizeof count) == sizeof count, "read");
    waitpid(client, NULL, 0);
    kill(server, SIGKILL);
    wait4(server, NULL, 0, &used);
    printf("%-7s %4d connections %8.0f messages/s; server %5.2f us a message (user %.2f, system "
           "%.2f)\n",
           name, connections, (double)count / seconds,
           (micros(used.ru_utime) + micros(used.ru_stime)) / (double)count,
           micros(used.ru_utime) / (double)count, micros(used.ru_stime) / (double)count);
    close(report[0]);
    close(report[1]);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    int connections = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 64;

    for (int round = 0; round < 2; round++) {
        measure("epoll", serve_by_epoll, connections, seconds);
        measure("stream", serve_by_stream, connections, seconds);
    }
    return 0;
}
