/* The engine over real sockets: the server runs on a thread of its own, the tests are blocking clients. */
#include "http/server.h"
#include "runtime/loop.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PHASE_TIMEOUT_MS = 300,
    IDLE_MS = 100,
    BIG_BODY = 1024 * 1024,
    RECEIVED_MAX = 64 * 1024 * 1024,
    TOLD_MAX = 16,
};

/* Shared with the server's thread; what both touch while it runs is atomic. */
static struct {
    pthread_t thread;
    sem_t started, cancelled;
    struct arena *arena;
    struct http_server *server;
    struct http_server_options options;
    unsigned port;
    error failed;
    struct loop_message stop, drain;
    atomic_uint handled;
    unsigned looked_at;
    atomic_uint told;             /* answers that `answered` was told of */
    atomic_int answers[TOLD_MAX]; /* their statuses; negative: it did not run */
    char *big;
} shared;

/* --- the server ---------------------------------------------------------------------------------- */

static void handle(struct call *call, struct http_request *request, struct http_response *response,
                   void *cookie)
{
    (void)cookie;
    shared.handled++;
    if (str_eq(request->path, STR("/sleep"))) {
        if (call_sleep(call, 150) == &ERROR_CANCELLED) {
            sem_post(&shared.cancelled);
            return;
        }
    } else if (str_eq(request->path, STR("/yield"))) {
        fiber_yield();
    } else if (str_eq(request->path, STR("/big"))) {
        http_respond(response, 200, "text/plain", (str){ shared.big, BIG_BODY });
        return;
    } else if (str_eq(request->path, STR("/echo"))) {
        http_respond(response, 201, "text/plain", request->body);
        return;
    }
    http_respond(response, 200, "text/plain", request->target);
}

/* A test that waits for an answer's end may look at it only when it has been counted. */
static void note_answer(const struct http_answered *answered, void *cookie)
{
    unsigned at = shared.told;

    assert_ptr_equal(cookie, &shared);
    assert_true(at < TOLD_MAX);
    assert_true(answered->request || !answered->duration_ns);
    shared.answers[at] = answered->duration_ns ? answered->status : -answered->status;
    shared.told++;
}

static void *run_server(void *argument)
{
    (void)argument;
    shared.failed = loop_init();
    if (!shared.failed)
        shared.failed = http_server_new(shared.arena, &shared.options, &shared.server);
    if (!shared.failed)
        shared.port = http_server_port(shared.server);
    sem_post(&shared.started);
    if (!shared.failed)
        loop_run();
    loop_close();
    return NULL;
}

static void all_done(void *cookie)
{
    (void)cookie;
    assert_int_equal(http_server_connections(shared.server), 0);
    assert_int_equal(http_server_active(shared.server), 0);
    http_server_free(shared.server);
    loop_stop();
}

static void stop_now(struct loop_message *message)
{
    (void)message;
    http_server_drain(shared.server, 0, all_done, NULL);
}

static void drain(struct loop_message *message)
{
    (void)message;
    http_server_drain(shared.server, 5000, all_done, NULL);
}

static int start_with(struct http_server_options options)
{
    shared.options = options;
    shared.options.address = "127.0.0.1";
    shared.options.handle = handle;
    shared.arena = arena_new(1024 * 1024);
    shared.big = malloc(BIG_BODY);
    memset(shared.big, 'x', BIG_BODY);
    shared.handled = shared.told = shared.looked_at = 0;
    sem_init(&shared.started, 0, 0);
    sem_init(&shared.cancelled, 0, 0);
    pthread_create(&shared.thread, NULL, run_server, NULL);
    sem_wait(&shared.started);
    return shared.failed ? -1 : 0;
}

static int begin(void **state)
{
    (void)state;
    return start_with((struct http_server_options){ 0 });
}

static int begin_impatient(void **state)
{
    (void)state;
    return start_with((struct http_server_options){
        .head_timeout_ms = PHASE_TIMEOUT_MS,
        .body_timeout_ms = PHASE_TIMEOUT_MS,
        .idle_timeout_ms = IDLE_MS,
    });
}

static int begin_with_cors(void **state)
{
    (void)state;
    return start_with((struct http_server_options){ .cors_origin = "http://localhost:5173" });
}

static int begin_counted(void **state)
{
    (void)state;
    return start_with((struct http_server_options){
        .cors_origin = "http://localhost:5173",
        .answered = note_answer,
        .cookie = &shared,
    });
}

static int join(void **state)
{
    (void)state;
    pthread_join(shared.thread, NULL);
    arena_free(shared.arena);
    free(shared.big);
    sem_destroy(&shared.started);
    sem_destroy(&shared.cancelled);
    return 0;
}

static int end(void **state)
{
    shared.stop.run = stop_now;
    loop_post(&shared.stop);
    return join(state);
}

/* --- clients ------------------------------------------------------------------------------------- */

static int try_to_connect(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)shared.port) };
    struct timeval patience = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connected(void)
{
    int fd = try_to_connect();

    assert_true(fd >= 0);
    return fd;
}

/* False when the server has closed already. */
static bool send_text(int fd, str text)
{
    while (text.len) {
        ssize_t put = send(fd, text.at, text.len, MSG_NOSIGNAL);

        if (put <= 0)
            return false;
        text = str_slice(text, (size_t)put, text.len);
    }
    return true;
}

#define SEND(fd, literal) assert_true(send_text((fd), STR(literal)))

static char *received;

static int make_room(void **state)
{
    (void)state;
    received = malloc(RECEIVED_MAX + 1);
    return received ? 0 : -1;
}

static int free_room(void **state)
{
    (void)state;
    free(received);
    return 0;
}

/* What arrives until the server closes, or until the text ends with `last` where that is given. */
static const char *receive(int fd, const char *last)
{
    size_t len = 0;

    for (;;) {
        ssize_t got = recv(fd, received + len, RECEIVED_MAX - len, 0);

        if (got < 0)
            fail_msg("nothing more after: %.*s", len > 2000 ? 2000 : (int)len, received);
        len += (size_t)got;
        received[len] = '\0';
        if (got == 0 || (last && str_ends_with((str){ received, len }, str_of(last))))
            return received;
    }
}

/* Sends it all and returns all that comes back. */
static const char *exchange_text(str text)
{
    int fd = connected();

    send_text(fd, text);
    const char *answer = receive(fd, NULL);

    close(fd);
    return answer;
}

#define EXCHANGE(literal) exchange_text(STR(literal))

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in: %.2000s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' in: %.2000s", part, text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (text = strstr(text, part); text; text = strstr(text + 1, part))
        count++;
    return count;
}

/* --- tests --------------------------------------------------------------------------------------- */

static void a_connection_serves_several_requests(void **state)
{
    int fd = connected();

    (void)state;
    for (int i = 0; i < 3; i++) {
        SEND(fd, "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n");
        const char *answer = receive(fd, "/a?b");

        assert_has(answer, "HTTP/1.1 200 OK\r\n");
        assert_has(answer, "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n/a?b");
    }
    SEND(fd, "GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_has(receive(fd, NULL), "\r\nConnection: close\r\n\r\n/c");
    close(fd);
}

static void assert_pipelined(const char *path, unsigned count)
{
    struct buf requests = buf_new(1024 * 1024);

    for (unsigned i = 0; i < count; i++)
        buf_printf(&requests, "GET %s?%u HTTP/1.1\r\nHost: x\r\n%s\r\n", path, i,
                   i == count - 1 ? "Connection: close\r\n" : "");
    const char *at = exchange_text(buf_text(&requests));

    buf_free(&requests);
    for (unsigned i = 0; i < count; i++) {
        char expected[64];

        snprintf(expected, sizeof expected, "\r\n\r\n%s?%u", path, i);
        at = strstr(at, expected);
        if (!at)
            fail_msg("answer %u is missing or not in its place", i);
    }
    assert_int_equal(shared.handled, count);
}

static void a_thousand_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    assert_pipelined("/n", 1000);
}

static void pipelined_requests_wait_for_a_handler_that_suspends(void **state)
{
    (void)state;
    assert_pipelined("/yield", 1000);
}

static void it_does_not_matter_how_the_bytes_arrive(void **state)
{
    str text = STR("\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5;a=b\r\nhello\r\n4\r\n you\r\n0\r\nA: b\r\n\r\n"
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbyes"
                   "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    int fd = connected();

    (void)state;
    for (size_t i = 0; i < text.len; i++) {
        assert_true(send_text(fd, str_slice(text, i, 1)));
        if (i % 8 == 0)
            usleep(200);
    }
    const char *answer = receive(fd, NULL);

    assert_has(answer, "\r\n\r\nhello you");
    assert_has(answer, "\r\n\r\nbyes");
    assert_has(answer, "\r\n\r\n/last");
    close(fd);
}

static void a_slow_head_is_a_408(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 4; i++) {
        usleep(PHASE_TIMEOUT_MS * 1000 / 5);
        SEND(fd, "A: b\r\n");
    }
    const char *answer = receive(fd, NULL);

    assert_has(answer, "HTTP/1.1 408 Request Timeout\r\n");
    assert_has(answer, "\r\nConnection: close\r\n");
    assert_int_equal(shared.handled, 0);
    close(fd);
}

static void a_slow_body_is_a_408(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        usleep(PHASE_TIMEOUT_MS * 1000 / 5);
        SEND(fd, "x");
    }
    assert_has(receive(fd, NULL), "HTTP/1.1 408 Request Timeout\r\n");
    assert_int_equal(shared.handled, 0);
    close(fd);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
    int silent = connected(), used = connected();

    (void)state;
    SEND(used, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *answer = receive(used, NULL);

    assert_int_equal(count_of(answer, "HTTP/1.1"), 1);
    assert_has(answer, "Keep-Alive: timeout=0\r\n");
    assert_string_equal(receive(silent, NULL), "");
    close(silent);
    close(used);
}

static void an_expected_100_comes_before_the_body(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_string_equal(receive(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    SEND(fd, "hi");
    assert_has(receive(fd, "hi"), "HTTP/1.1 201 Created\r\n");
    close(fd);
}

static void an_unwanted_body_is_refused_instead_of_a_100(void **state)
{
    (void)state;
    const char *answer = EXCHANGE("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 102401\r\n"
                                  "Expect: 100-continue\r\n\r\n");

    assert_has(answer, "HTTP/1.1 413 Payload Too Large\r\n");
    assert_has_not(answer, "100 Continue");
    assert_has(answer, "{\"statusCode\":413,\"message\":\"request entity too large\"}");
    assert_has(EXCHANGE("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: x\r\n\r\n"),
               "HTTP/1.1 417 Expectation Failed\r\n");
}

static void head_answers_like_get_without_the_body(void **state)
{
    (void)state;
    const char *answer = EXCHANGE("HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    assert_has(answer, "\r\nContent-Length: 4\r\n");
    assert_true(str_ends_with(str_of(answer), STR("\r\n\r\n")));
}

static void http_1_0_is_answered_and_closed(void **state)
{
    (void)state;
    const char *answer = EXCHANGE("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    assert_has(answer, "HTTP/1.1 200 OK\r\n");
    assert_has(answer, "\r\nConnection: close\r\n\r\n/old");
}

#define NEXT "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

static void what_is_malformed_is_answered_and_nothing_after_it(void **state)
{
    static const struct {
        const char *status;
        str text;
    } rows[] = {
        { "400 Bad Request", STR_INIT("GET / HTTP/1.1\r\n\r\n" NEXT) },
        { "400 Bad Request", STR_INIT("GET / HTTP/1.1\nHost: x\n\n" NEXT) },
        { "400 Bad Request", STR_INIT("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT) },
        { "400 Bad Request", STR_INIT("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                      "\r\n0\n\n" NEXT) },
        { "501 Not Implemented",
          STR_INIT("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" NEXT) },
        { "505 HTTP Version Not Supported", STR_INIT("GET / HTTP/1.9\r\nHost: x\r\n\r\n" NEXT) },
        { "413 Payload Too Large", STR_INIT("POST / HTTP/1.1\r\nHost: x\r\n"
                                            "Transfer-Encoding: chunked\r\n\r\n19001\r\n" NEXT) },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *answer = exchange_text(rows[i].text);

        assert_has(answer, rows[i].status);
        assert_has(answer, "\r\nConnection: close\r\n");
        assert_int_equal(count_of(answer, "HTTP/1.1 "), 1);
    }
    assert_int_equal(shared.handled, 0);
}

static void the_refusal_of_a_large_body_arrives_while_it_is_sent(void **state)
{
    struct buf text = buf_new(1024 * 1024);

    (void)state;
    buf_printf(&text, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n%*s", 600000,
               "");
    assert_has(exchange_text(buf_text(&text)), "HTTP/1.1 413 Payload Too Large\r\n");
    buf_free(&text);
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    struct buf text = buf_new(1024 * 1024);

    (void)state;
    buf_printf(
        &text,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%*s",
        HTTP_BODY_MAX, HTTP_BODY_MAX, "");
    assert_has(exchange_text(buf_text(&text)), "\r\nContent-Length: 102400\r\n");
    buf_clear(&text);
    BUF_ADD(&text, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                   "Connection: close\r\n\r\n");
    for (int i = 0; i < HTTP_BODY_MAX; i++)
        BUF_ADD(&text, "1\r\nx\r\n");
    BUF_ADD(&text, "0\r\n\r\n");
    assert_has(exchange_text(buf_text(&text)), "\r\nContent-Length: 102400\r\n");
    buf_free(&text);
}

static void a_client_that_ends_its_side_still_gets_its_answer(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\nGET /more HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    const char *answer = receive(fd, NULL);

    assert_has(answer, "\r\n\r\n/sleep");
    assert_has(answer, "\r\n\r\n/more");
    close(fd);
}

static void a_request_that_is_cut_short_is_not_handled(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nshort");
    shutdown(fd, SHUT_WR);
    assert_string_equal(receive(fd, NULL), "");
    assert_int_equal(shared.handled, 0);
    close(fd);
}

static void a_handler_hears_that_its_client_is_gone(void **state)
{
    struct linger abruptly = { .l_onoff = 1 };
    struct timespec deadline;
    int fd = connected();

    (void)state;
    SEND(fd, "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!shared.handled)
        usleep(1000);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly);
    close(fd);
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 5;
    assert_int_equal(sem_timedwait(&shared.cancelled, &deadline), 0);
}

/* The next one that was told of. */
static void assert_told(int status)
{
    unsigned at = shared.looked_at++;

    for (int i = 0; i < 1000 && shared.told <= at; i++)
        usleep(1000);
    assert_true(shared.told > at);
    assert_int_equal(shared.answers[at], status);
}

static void every_answer_is_told_of_with_the_status_that_was_sent(void **state)
{
    (void)state;
    EXCHANGE("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
             "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
             "GET /yield HTTP/1.1\r\nHost: x\r\n\r\n"
             "GET /a HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n"
             "OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n"
             "nonsense\r\n\r\n");
    assert_told(200);
    assert_told(201);
    assert_told(200);
    assert_told(304);
    assert_told(204);
    assert_told(-400);
    EXCHANGE("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n");
    assert_told(-413);
    assert_int_equal(shared.told, 7);
}

static void an_answer_that_nobody_waits_for_is_told_of_too(void **state)
{
    struct linger at_once = { .l_onoff = 1 };
    int fd = connected();

    (void)state;
    SEND(fd, "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!shared.handled)
        usleep(1000);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    sem_wait(&shared.cancelled);
    assert_told(200);
    assert_int_equal(shared.told, 1);
}

static void a_client_that_does_not_read_is_not_served_on(void **state)
{
    enum { COUNT = 30 };
    int fd = connected();

    (void)state;
    for (int i = 0; i < COUNT - 1; i++)
        SEND(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    SEND(fd, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    usleep(200 * 1000);
    assert_in_range(shared.handled, 1, COUNT / 2);
    assert_int_equal(count_of(receive(fd, NULL), "HTTP/1.1 200 OK"), COUNT);
    assert_int_equal(shared.handled, COUNT);
    close(fd);
}

static void more_is_not_read_while_a_handler_runs(void **state)
{
    enum { REQUESTS = 2000, PADDING = 4000 };
    struct buf text = buf_new(16 * 1024 * 1024);

    (void)state;
    BUF_ADD(&text, "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < REQUESTS; i++)
        buf_printf(&text, "GET /n HTTP/1.1\r\nHost: x\r\nA: %*s\r\n\r\n", PADDING, "b");
    BUF_ADD(&text, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *answer = exchange_text(buf_text(&text));

    assert_int_equal(count_of(answer, "HTTP/1.1 200 OK"), REQUESTS + 2);
    assert_has(answer, "\r\n\r\n/last");
    buf_free(&text);
}

static void every_options_request_is_a_preflight(void **state)
{
    (void)state;
    const char *answer = EXCHANGE("OPTIONS /any HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    assert_has(answer, "HTTP/1.1 204 No Content\r\n");
    assert_has(answer, "\r\nAccess-Control-Allow-Methods: GET,POST,PUT,DELETE\r\n");
    assert_int_equal(shared.handled, 0);
    answer = EXCHANGE("GET / HTTP/9.9\r\n\r\n");
    assert_has(answer, "\r\nAccess-Control-Allow-Origin: http://localhost:5173\r\n");
}

static void without_cors_options_is_a_method_like_others(void **state)
{
    (void)state;
    assert_has(EXCHANGE("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "\r\n\r\n*");
}

/* Answers what runs with `Connection: close`, closes the idle, accepts nobody. The server frees itself. */
static void a_drain_lets_requests_finish(void **state)
{
    int idle = connected(), busy = connected(), late = connected();

    (void)state;
    SEND(idle, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(idle, "/a");
    SEND(late, "GET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /late");
    receive(late, "/b");
    SEND(busy, "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n");
    while (shared.handled < 3)
        usleep(1000);
    shared.drain.run = drain;
    loop_post(&shared.drain);
    const char *answer = receive(busy, NULL);

    assert_has(answer, "\r\nConnection: close\r\n\r\n/sleep");
    SEND(late, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(receive(late, NULL), "\r\nConnection: close\r\n\r\n/late");
    assert_string_equal(receive(idle, NULL), "");
    assert_int_equal(try_to_connect(), -1);
    close(idle);
    close(busy);
    close(late);
}

/* A connection that was used just now may have its next request on the way. */
static void a_request_that_crosses_the_drain_is_answered(void **state)
{
    int fd = connected();

    (void)state;
    SEND(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, "/a");
    shared.drain.run = drain;
    loop_post(&shared.drain);
    usleep(50 * 1000);
    SEND(fd, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(receive(fd, NULL), "\r\nConnection: close\r\n\r\n/b");
    close(fd);
}

/* A protocol that hands its connections over when the first bytes have come. */
static void hand_over(struct stream *stream, void *owner)
{
    (void)owner;
    http_server_take(shared.server, stream);
}

static void accept_to_hand_over(struct stream *stream, void *cookie)
{
    static const struct stream_owner until_handed_over = { .received = hand_over };

    (void)cookie;
    stream_adopt(stream, &until_handed_over, NULL);
}

static struct listener *front;

static void listen_in_front(struct loop_message *message)
{
    (void)message;
    shared.failed = listener_new(shared.arena,
                                 &(struct listen_options){
                                     .address = "127.0.0.1",
                                     .connections_max = 10,
                                     .accepted = accept_to_hand_over,
                                 },
                                 &front);
    shared.port = shared.failed ? 0 : listener_port(front);
    sem_post(&shared.started);
}

static void free_front(struct loop_message *message)
{
    listener_free(front);
    stop_now(message);
}

static void a_connection_can_be_taken_over_with_what_has_come(void **state)
{
    struct loop_message message = { .run = listen_in_front };

    (void)state;
    loop_post(&message);
    sem_wait(&shared.started);
    assert_null(shared.failed);
    const char *answer = EXCHANGE("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    assert_has(answer, "\r\n\r\n/a");
    assert_has(answer, "\r\n\r\n/b");
}

static int end_front(void **state)
{
    shared.stop.run = free_front;
    loop_post(&shared.stop);
    return join(state);
}

static void an_address_that_is_none_is_named(void **state)
{
    struct http_server *server;
    struct http_server_options options = { .address = "not an address", .handle = handle };

    (void)state;
    error failed = http_server_new(shared.arena, &options, &server);

    assert_non_null(failed);
    assert_has(failed->message, "not an address");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_serves_several_requests),
        TEST(a_thousand_pipelined_requests_are_answered_in_order),
        TEST(pipelined_requests_wait_for_a_handler_that_suspends),
        TEST(it_does_not_matter_how_the_bytes_arrive),
        cmocka_unit_test_setup_teardown(a_slow_head_is_a_408, begin_impatient, end),
        cmocka_unit_test_setup_teardown(a_slow_body_is_a_408, begin_impatient, end),
        cmocka_unit_test_setup_teardown(idle_connections_are_closed_without_a_word, begin_impatient,
                                        end),
        TEST(an_expected_100_comes_before_the_body),
        TEST(an_unwanted_body_is_refused_instead_of_a_100),
        TEST(head_answers_like_get_without_the_body),
        TEST(http_1_0_is_answered_and_closed),
        TEST(what_is_malformed_is_answered_and_nothing_after_it),
        TEST(the_refusal_of_a_large_body_arrives_while_it_is_sent),
        TEST(a_body_of_exactly_the_limit_is_taken),
        TEST(a_client_that_ends_its_side_still_gets_its_answer),
        TEST(a_request_that_is_cut_short_is_not_handled),
        TEST(a_handler_hears_that_its_client_is_gone),
        cmocka_unit_test_setup_teardown(every_answer_is_told_of_with_the_status_that_was_sent,
                                        begin_counted, end),
        cmocka_unit_test_setup_teardown(an_answer_that_nobody_waits_for_is_told_of_too,
                                        begin_counted, end),
        TEST(a_client_that_does_not_read_is_not_served_on),
        TEST(more_is_not_read_while_a_handler_runs),
        cmocka_unit_test_setup_teardown(every_options_request_is_a_preflight, begin_with_cors, end),
        TEST(without_cors_options_is_a_method_like_others),
        cmocka_unit_test_setup_teardown(a_drain_lets_requests_finish, begin, join),
        cmocka_unit_test_setup_teardown(a_request_that_crosses_the_drain_is_answered, begin, join),
        cmocka_unit_test_setup_teardown(a_connection_can_be_taken_over_with_what_has_come, begin,
                                        end_front),
        TEST(an_address_that_is_none_is_named),
    };

    return cmocka_run_group_tests(tests, make_room, free_room);
}
