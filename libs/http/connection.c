/* One connection. It goes round through its phases:
 *
 *              a byte            the head's end            the body's end
 *     IDLE ──────────────▶ HEAD ────────────────▶ BODY ────────────────▶ RUNNING ──▶ IDLE, or CLOSING
 *                                  └─────────── no body ───────────────────▲
 *
 * `advance` takes as many of these steps as the bytes that have arrived allow, in a loop: a request whose handler
 * does not suspend is answered before fiber_start returns, and the loop goes on with the next pipelined one, so a
 * thousand of them take no more stack than one. When a handler does suspend, the fiber that answers it calls
 * `advance` again at its end. `settle` then sees to what depends on where it stopped: the deadline of the
 * phase, pausing, closing.
 *
 * Head and body are copied out of the stream's input into the request's arena when they are complete; until
 * then they stay in the input (a chunked body in a buffer), so a client whose head is slow holds no arena. There
 * is one timer. It is started when a phase begins and not touched by what arrives meanwhile, so trickling bytes
 * extends nothing; `timed` says for which phase it runs, and a request that runs leaves it alone and has none. */
#include "http/http_internal.h"
#include "http/syntax.h"
#include "runtime/clock.h"

#include <stdlib.h>

static const struct error HEAD_TIMED_OUT = ERROR(408, "The request's headers took too long");
static const struct error BODY_TIMED_OUT = ERROR(408, "The request's body took too long");

enum phase { IDLE, HEAD, BODY, RUNNING, CLOSING };

struct connection {
    struct link link;
    struct http_server *server;
    struct stream *stream;
    struct timer timer;
    enum phase phase;
    enum phase timed; /* what the timer was started for; RUNNING: nothing */
    uint64_t idle_since_ms;
    size_t scanned;    /* of a head that has not ended yet */
    struct work *work; /* from the head's end to the answer */
    bool used;         /* has had a request */
    bool ended;        /* the peer sends nothing more */
    bool paused;
    bool advancing;
};

static void advance(struct connection *connection);

/* --- answering ----------------------------------------------------------------------------------- */

static void forget_work(struct connection *connection)
{
    http_work_give_back(connection->work);
    connection->work = NULL;
}

static void note_answer(const struct work *work, const struct http_request *request, int status)
{
    const struct http_server_options *options = &work->server->options;

    if (!options->answered)
        return;
    options->answered(
        &(struct http_answered){
            .request = request,
            .status = status,
            .duration_ns = work->start_ns ? clock_ns() - work->start_ns : 0,
        },
        options->cookie);
}

static void print(struct connection *connection, const struct http_request *request,
                  bool keep_alive)
{
    int status = http_print(&connection->server->printer,
                            &(struct http_answer){
                                .request = request,
                                .response = &connection->work->response,
                                .keep_alive = keep_alive,
                            },
                            stream_output(connection->stream));

    note_answer(connection->work, request, status);
}

/* Answers what is not to be handled and gives the connection up. `request` may be NULL. The peer may still be
 * sending, and would lose the answer to a reset if we did not linger. */
static void refuse(struct connection *connection, const struct http_request *request, error e)
{
    if (!connection->work)
        connection->work = http_work_take(connection->server);
    connection->phase = CLOSING;
    if (!connection->work) {
        stream_abort(connection->stream);
        return;
    }
    http_respond_error(connection->work->arena, &connection->work->response, e);
    print(connection, request, false);
    forget_work(connection);
    stream_close_lingering(connection->stream);
}

/* A client that has asked for the end may be sending all the same: a blank line, the next request. */
static void answer(struct connection *connection)
{
    const struct http_head *head = &connection->work->head;
    bool at_end = connection->ended && !stream_input(connection->stream).len;
    bool keep_alive = head->keep_alive && !connection->server->draining && !at_end;

    print(connection, &head->request, keep_alive);
    connection->phase = keep_alive ? IDLE : CLOSING;
    if (!keep_alive)
        stream_close_lingering(connection->stream);
}

/* --- running ------------------------------------------------------------------------------------- */

static void finish(struct work *work)
{
    struct connection *connection = work->connection;
    struct http_server *server = work->server;

    server->active--;
    if (!connection) {
        note_answer(work, &work->head.request, work->response.status);
        http_work_give_back(work);
        http_server_note_end(server);
        return;
    }
    answer(connection);
    forget_work(connection);
    advance(connection);
}

static void run(void *argument)
{
    struct work *work = argument;
    const struct http_server_options *options = &work->server->options;

    options->handle(&work->call, &work->head.request, &work->response, options->cookie);
    finish(work);
}

static void start(struct connection *connection)
{
    struct work *work = connection->work;
    struct http_server *server = connection->server;

    connection->phase = connection->timed = RUNNING;
    connection->used = true;
    server->active++;
    work->connection = connection;
    work->start_ns = server->options.answered ? clock_turn_ns() : 0;
    work->call = call_new(work->arena, server->options.request_timeout_ms);
    if (http_cors_is_preflight(&server->printer.cors, &work->head.request)) {
        http_cors_respond(&work->head.request, &work->response);
        finish(work);
        return;
    }
    error failed = fiber_start(run, work);

    if (failed) {
        http_respond_error(work->arena, &work->response, failed);
        finish(work);
    }
}

/* --- reading ------------------------------------------------------------------------------------- */

/* Blank lines before a request are left over from clumsy clients (RFC 9112 section 2.2). */
static str skip_blank_lines(struct connection *connection)
{
    str input = stream_input(connection->stream);

    while (str_starts_with(input, STR("\r\n"))) {
        connection->phase = HEAD;
        connection->scanned = 0;
        stream_consume(connection->stream, 2);
        input = stream_input(connection->stream);
    }
    return input;
}

static error take_head(struct connection *connection, str bytes)
{
    struct work *work = connection->work;
    str text = arena_copy(work->arena, bytes);

    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    stream_consume(connection->stream, bytes.len);
    return http_head_parse(text, &work->head);
}

static bool has_body(const struct http_head *head)
{
    return head->chunked || head->content_length;
}

/* The head has been understood: what comes next? */
static void after_head(struct connection *connection)
{
    const struct http_head *head = &connection->work->head;

    if (head->content_length > HTTP_BODY_MAX) {
        refuse(connection, &head->request, &HTTP_BODY_TOO_LARGE);
    } else if (!has_body(head)) {
        start(connection);
    } else {
        connection->phase = BODY;
        if (head->expects_continue && !stream_input(connection->stream).len)
            stream_write(connection->stream, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
}

static bool read_head(struct connection *connection)
{
    str input = skip_blank_lines(connection);
    size_t len;

    if (!input.len)
        return false;
    connection->phase = HEAD;
    error failed = http_head_find(input, &connection->scanned, &len);

    if (!failed && !len)
        return false;
    connection->scanned = 0;
    if (!failed)
        connection->work = http_work_take(connection->server);
    if (!failed)
        failed = connection->work ? take_head(connection, str_slice(input, 0, len))
                                  : &ERROR_OUT_OF_MEMORY;
    if (failed)
        refuse(connection, NULL, failed);
    else
        after_head(connection);
    return true;
}

static error read_length(struct connection *connection, bool *complete)
{
    struct work *work = connection->work;
    str input = stream_input(connection->stream);

    if (input.len < work->head.content_length)
        return NULL;
    str body = arena_copy(work->arena, str_slice(input, 0, work->head.content_length));

    if (!body.at)
        return &ERROR_OUT_OF_MEMORY;
    stream_consume(connection->stream, body.len);
    work->head.request.body = body;
    *complete = true;
    return NULL;
}

static error read_chunks(struct connection *connection, bool *complete)
{
    struct work *work = connection->work;
    str input = stream_input(connection->stream);
    size_t used;

    TRY(http_chunked_read(&work->chunked, input, &work->body, &used));
    stream_consume(connection->stream, used);
    work->head.request.body = buf_text(&work->body);
    *complete = work->chunked.state == HTTP_CHUNKED_DONE;
    return NULL;
}

static bool read_body(struct connection *connection)
{
    const struct http_head *head = &connection->work->head;
    bool complete = false;
    error failed =
        head->chunked ? read_chunks(connection, &complete) : read_length(connection, &complete);

    if (failed)
        refuse(connection, &head->request, failed);
    else if (complete)
        start(connection);
    return failed || complete;
}

/* --- moving on ----------------------------------------------------------------------------------- */

/* One step; false when there is none to take now. */
static bool step(struct connection *connection)
{
    switch (connection->phase) {
    case IDLE:
    case HEAD: return !stream_congested(connection->stream) && read_head(connection);
    case BODY: return read_body(connection);
    default: return false;
    }
}

static void timed_out(struct timer *timer)
{
    struct connection *connection = LIST_ELEMENT(timer, struct connection, timer);

    if (connection->timed != connection->phase)
        return;
    if (connection->phase == HEAD)
        refuse(connection, NULL, &HEAD_TIMED_OUT);
    else if (connection->phase == BODY)
        refuse(connection, &connection->work->head.request, &BODY_TIMED_OUT);
    else if (connection->phase == IDLE) {
        connection->phase = CLOSING;
        stream_close(connection->stream);
    }
}

static uint64_t time_for(const struct connection *connection)
{
    const struct http_server_options *options = &connection->server->options;

    switch (connection->phase) {
    case HEAD: return options->head_timeout_ms;
    case BODY: return options->body_timeout_ms;
    default:
        if (connection->server->draining)
            return DRAIN_IDLE_MS;
        return connection->used ? options->idle_timeout_ms + IDLE_GRACE_MS
                                : options->head_timeout_ms;
    }
}

static void start_timer(struct connection *connection)
{
    if (connection->timed == connection->phase)
        return;
    connection->timed = connection->phase;
    if (connection->phase == IDLE)
        connection->idle_since_ms = clock_ms();
    timer_start(&connection->timer, time_for(connection), timed_out);
}

static void set_paused(struct connection *connection, bool paused)
{
    if (connection->paused == paused)
        return;
    connection->paused = paused;
    if (paused)
        stream_pause(connection->stream);
    else
        stream_resume(connection->stream);
}

/* While the peer does not take its answers it gets no deadline from us: the stream has one for that. */
static void settle(struct connection *connection)
{
    if (connection->phase == CLOSING)
        return;
    if (connection->phase == RUNNING) {
        set_paused(connection, stream_input(connection->stream).len > PIPELINE_MAX);
        return;
    }
    set_paused(connection, false);
    if (connection->phase != BODY && stream_congested(connection->stream)) {
        connection->timed = RUNNING;
    } else if (connection->ended) {
        connection->phase = CLOSING;
        stream_close(connection->stream);
    } else {
        start_timer(connection);
    }
}

static void advance(struct connection *connection)
{
    if (connection->advancing)
        return;
    connection->advancing = true;
    while (step(connection))
        ;
    connection->advancing = false;
    settle(connection);
}

/* --- what the stream reports --------------------------------------------------------------------- */

static void received(struct stream *stream, void *owner)
{
    (void)stream;
    advance(owner);
}

/* A client may end its side right after its request and still wants the answer. */
static void ended(struct stream *stream, void *owner)
{
    struct connection *connection = owner;

    (void)stream;
    connection->ended = true;
    advance(connection);
}

static void drained(struct stream *stream, void *owner)
{
    (void)stream;
    advance(owner);
}

/* The connection is gone. A handler that runs hears of it and gives its memory back when it returns. */
static void closed(struct stream *stream, void *owner)
{
    struct connection *connection = owner;
    struct http_server *server = connection->server;

    (void)stream;
    if (connection->phase == RUNNING) {
        connection->work->connection = NULL;
        call_cancel(&connection->work->call);
    } else if (connection->work) {
        forget_work(connection);
    }
    timer_stop(&connection->timer);
    list_remove(&connection->link);
    free(connection);
    server->connection_count--;
    http_server_note_end(server);
}

static const struct stream_owner callbacks = { received, ended, drained, closed };

void http_connection_new(struct http_server *server, struct stream *stream)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection) {
        stream_abort(stream);
        return;
    }
    connection->server = server;
    connection->stream = stream;
    connection->timed = RUNNING;
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    stream_adopt(stream, &callbacks, connection);
    advance(connection);
}

void http_connections_abort(struct http_server *server)
{
    struct link *link = server->connections.next;

    for (; link != &server->connections; link = link->next)
        stream_abort(LIST_ELEMENT(link, struct connection, link)->stream);
}

void http_connections_drain(struct http_server *server)
{
    struct link *link = server->connections.next;

    for (; link != &server->connections; link = link->next) {
        struct connection *connection = LIST_ELEMENT(link, struct connection, link);

        if (connection->phase == IDLE && connection->timed == IDLE)
            timer_start_at(&connection->timer, connection->idle_since_ms + DRAIN_IDLE_MS,
                           timed_out);
    }
}
