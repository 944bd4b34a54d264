/* One connection of a server. `advance` takes frames off the input, as many as there are, in a loop:
 *
 *     bytes ──rpc_frame_read──▶ text ──rpc_packet_read──▶ packet ──fiber_start──▶ handler
 *       ▲                                                                            │
 *       └── pauses while RPC_RUNNING_MAX run, or the peer does not read ◀──reply─────┘
 *
 * A handler that does not suspend has answered before fiber_start returns; one that does answers later, and
 * its end calls `advance` again, since there is room for another. So thousands of frames in one read take no
 * more stack than one.
 *
 * A peer that has sent its end still gets the replies to what it asked; when the last is out we close. A peer
 * that sends garbage is told by our own end, as NestJS does it: nothing is written after that, so requests that
 * run are cancelled. */
#include "rpc/pattern.h"
#include "rpc/server_internal.h"

#include <stdlib.h>

const str RPC_GOODBYE = STR_INIT("{\"isDisposed\":true,\"id\":\"cuib:goodbye\"}");

struct connection {
    struct link link;
    struct rpc_server *server;
    struct stream *stream;
    struct rpc_frame_reader reader;
    struct link works;
    size_t running;
    struct timer timer;  /* of an unfinished frame; when draining, of being idle */
    struct link writers; /* streams of replies that wait for the peer to read */
    bool ended;          /* the peer sends nothing more */
    bool closing;        /* so do we */
    bool advancing;
    bool paused;
};

struct writer {
    struct link link;
    struct wait wait;
};

static void advance(struct connection *connection);

/* --- closing ------------------------------------------------------------------------------------- */

static void cancel_requests(struct connection *connection)
{
    struct link *link = connection->works.next;

    for (; link != &connection->works; link = link->next) {
        struct work *work = LIST_ELEMENT(link, struct work, link);

        if (work->packet.id)
            call_cancel(&work->call);
    }
}

static void close_connection(struct connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    timer_stop(&connection->timer);
    stream_close_lingering(connection->stream);
}

static void refuse(struct connection *connection, error e, str bytes)
{
    char hex[RPC_HEX_TEXT];

    rpc_print_hex(bytes, hex);
    rpc_complain(&connection->server->complaints, stream_peer(connection->stream),
                 "%s; it began with %s", e->message, hex);
    close_connection(connection);
    cancel_requests(connection);
}

/* --- replies ------------------------------------------------------------------------------------- */

static void put_reply(struct rpc_sink *sink, str packet)
{
    struct work *work = LIST_ELEMENT(sink, struct work, sink);

    if (work->connection && !work->connection->closing)
        rpc_frame_write(stream_output(work->connection->stream), packet);
}

static error wait_for_peer(struct call *call, struct rpc_sink *sink)
{
    struct work *work = LIST_ELEMENT(sink, struct work, sink);
    error failed = NULL;

    while (!failed && work->connection && stream_congested(work->connection->stream)) {
        struct writer writer = { 0 };

        list_append(&work->connection->writers, &writer.link);
        failed = call_wait(call, &writer.wait);
        list_remove(&writer.link);
    }
    return failed ? failed : call_check(call);
}

static void wake_writers(struct connection *connection)
{
    struct link *link;

    while ((link = list_take(&connection->writers)))
        wait_done(&LIST_ELEMENT(link, struct writer, link)->wait);
}

/* --- running ------------------------------------------------------------------------------------- */

static void finish(struct work *work)
{
    struct rpc_server *server = work->server;
    struct connection *connection = work->connection;

    server->active--;
    if (server->scratch.capacity > SCRATCH_KEEP_MAX)
        buf_free(&server->scratch);
    list_remove(&work->link);
    rpc_work_give_back(work);
    if (connection) {
        connection->running--;
        advance(connection);
    }
    rpc_server_note_end(server);
}

static void complain_about_event(struct work *work)
{
    const char *peer =
        work->connection ? stream_peer(work->connection->stream) : "a peer that is gone";

    rpc_complain(
        &work->server->complaints, peer,
        "There is no matching event handler defined in the remote service. Event pattern: %.*s",
        STR_ARG(work->route.at ? work->route : STR("undefined")));
}

static void run(void *argument)
{
    struct work *work = argument;

    if (!rpc_dispatch(&work->call, &work->server->options.handlers, work->route, &work->packet,
                      &work->sink) &&
        !work->packet.id)
        complain_about_event(work);
    finish(work);
}

/* There is no fiber to run it on. */
static void turn_away(struct work *work, error e)
{
    struct buf *scratch = &work->server->scratch;

    if (work->packet.id) {
        rpc_write_error(scratch, work->packet.id, e);
        put_reply(&work->sink, buf_text(scratch));
        buf_clear(scratch);
    }
    finish(work);
}

static void start(struct connection *connection, struct work *work)
{
    struct rpc_server *server = connection->server;

    work->call = call_new(work->arena, server->options.request_timeout_ms);
    work->sink = (struct rpc_sink){ put_reply, wait_for_peer, &server->scratch };
    rpc_call_inherit(&work->call, &work->packet);
    list_append(&connection->works, &work->link);
    connection->running++;
    server->active++;
    error failed = fiber_start(run, work);

    if (failed)
        turn_away(work, failed);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* The frame's text moves into the memory of its work: the input goes. */
static error read_packet(struct work *work, str text)
{
    str copy = arena_copy(work->arena, text);

    if (copy.at)
        copy = json_repair_utf8(work->arena, copy);
    return copy.at ? rpc_packet_read(work->arena, copy, &work->packet) : &ERROR_OUT_OF_MEMORY;
}

static void take_frame(struct connection *connection, str text)
{
    struct work *work = rpc_work_take(connection->server);
    error failed = work ? read_packet(work, text) : &ERROR_OUT_OF_MEMORY;

    if (failed) {
        refuse(connection, failed, text);
        if (work)
            rpc_work_give_back(work);
        return;
    }
    work->connection = connection;
    work->route = rpc_route(work->arena, work->packet.pattern);
    if (work->route.at || work->packet.id) {
        start(connection, work);
    } else {
        complain_about_event(work);
        rpc_work_give_back(work);
    }
}

static bool read_bytes(struct connection *connection, str input, size_t *used, str *text)
{
    struct rpc_server *server = connection->server;

    server->partial -= rpc_frame_held(&connection->reader);
    error failed = rpc_frame_read(&connection->reader, input, used, text);

    server->partial += rpc_frame_held(&connection->reader);
    if (!failed && server->partial > RPC_PARTIAL_MAX)
        failed = &ERROR_OUT_OF_MEMORY;
    if (failed)
        refuse(connection, failed, input);
    return !failed;
}

/* One frame, or what there is of it. False when there is nothing more to do now. */
static bool step(struct connection *connection)
{
    str input = stream_input(connection->stream), text;
    size_t used;

    if (connection->closing || connection->running >= RPC_RUNNING_MAX ||
        stream_congested(connection->stream))
        return false;
    if (!read_bytes(connection, input, &used, &text))
        return false;
    if (text.at)
        take_frame(connection, text);
    if (connection->closing)
        return false;
    stream_consume(connection->stream, used);
    return text.at;
}

/* --- between frames ------------------------------------------------------------------------------ */

static void timed_out(struct timer *timer)
{
    struct connection *connection = LIST_ELEMENT(timer, struct connection, timer);

    if (!rpc_frame_is_partial(&connection->reader)) {
        close_connection(connection);
        return;
    }
    rpc_complain(&connection->server->complaints, stream_peer(connection->stream),
                 "a packet stood still for %llu ms and was given up",
                 (unsigned long long)connection->server->options.incomplete_timeout_ms);
    connection->closing = true;
    stream_abort(connection->stream);
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

/* The clock of an unfinished frame starts anew with each piece of it, so that a slow transfer that gets on
 * is never cut; while we do not read it does not run. */
static void start_timer(struct connection *connection)
{
    const struct rpc_server *server = connection->server;

    if (!connection->paused && rpc_frame_is_partial(&connection->reader))
        timer_start(&connection->timer, server->options.incomplete_timeout_ms, timed_out);
    else if (server->draining && !connection->running)
        timer_start(&connection->timer, DRAIN_IDLE_MS, timed_out);
    else
        timer_stop(&connection->timer);
}

static void settle(struct connection *connection)
{
    bool congested = stream_congested(connection->stream);

    if (connection->closing)
        return;
    if (connection->ended && !connection->running && !congested) {
        close_connection(connection);
        return;
    }
    set_paused(connection, congested || connection->running >= RPC_RUNNING_MAX);
    start_timer(connection);
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
    wake_writers(owner);
    advance(owner);
}

/* The connection is gone. What runs for it gives its memory back when it returns. */
static void closed(struct stream *stream, void *owner)
{
    struct connection *connection = owner;
    struct rpc_server *server = connection->server;
    struct link *link;

    (void)stream;
    cancel_requests(connection);
    wake_writers(connection);
    while ((link = list_take(&connection->works)))
        LIST_ELEMENT(link, struct work, link)->connection = NULL;
    timer_stop(&connection->timer);
    list_remove(&connection->link);
    server->partial -= rpc_frame_held(&connection->reader);
    rpc_frame_reader_free(&connection->reader);
    free(connection);
    server->connection_count--;
    rpc_server_note_end(server);
}

static const struct stream_owner callbacks = { received, ended, drained, closed };

static void say_goodbye(struct connection *connection)
{
    rpc_frame_write(stream_output(connection->stream), RPC_GOODBYE);
    advance(connection);
}

void rpc_connection_new(struct rpc_server *server, struct stream *stream)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection) {
        stream_abort(stream);
        return;
    }
    connection->server = server;
    connection->stream = stream;
    connection->reader = rpc_frame_reader_new(server->options.frame_max);
    list_init(&connection->works);
    list_init(&connection->writers);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    stream_adopt(stream, &callbacks, connection);
    if (server->draining)
        say_goodbye(connection);
    else
        advance(connection);
}

void rpc_connections_abort(struct rpc_server *server)
{
    struct link *link = server->connections.next;

    for (; link != &server->connections; link = link->next)
        stream_abort(LIST_ELEMENT(link, struct connection, link)->stream);
}

void rpc_connections_drain(struct rpc_server *server)
{
    struct link *link = server->connections.next;

    for (; link != &server->connections; link = link->next)
        say_goodbye(LIST_ELEMENT(link, struct connection, link));
}
