#include "rpc/tcp_internal.h"
#include "rpc/server.h"
#include "runtime/clock.h"
#include "runtime/log.h"

#include <stdlib.h>

/* No more is sent or expected here. */
static void leave_endpoint(struct line *line)
{
    if (line->endpoint)
        rpc_endpoint_retire_line(line->endpoint);
}

void rpc_line_close_when_done(struct line *line)
{
    if (line->endpoint || !list_empty(&line->entries) || line->closing)
        return;
    line->closing = true;
    stream_close(line->stream);
}

static void fail_entries(struct line *line)
{
    struct link *link;

    while ((link = list_take(&line->entries)))
        rpc_pending_fail(LIST_ELEMENT(link, struct rpc_entry, in_group), &RPC_CONNECTION_CLOSED);
}

static void lose(struct line *line)
{
    if (line->endpoint)
        rpc_endpoint_lost_line(line->endpoint);
    line->closing = true;
    fail_entries(line);
}

static void take_reply(struct line *line, struct rpc_entry *entry)
{
    if (line->endpoint)
        rpc_endpoint_answered(line->endpoint);
    if (entry->ended)
        list_remove(&entry->in_group);
}

static error take_text(struct line *line, str text)
{
    struct rpc_entry *entry;

    if (str_eq(text, RPC_GOODBYE)) {
        leave_endpoint(line);
        return NULL;
    }
    TRY(rpc_pending_deliver(&line->client->common.pending, text, &entry));
    if (entry)
        take_reply(line, entry);
    return NULL;
}

/* Takes all whole frames; false when the peer sends nonsense. */
static error read_frames(struct line *line)
{
    str text;

    do {
        size_t used;

        TRY(rpc_frame_read(&line->reader, stream_input(line->stream), &used, &text));
        if (text.at)
            TRY(take_text(line, text));
        stream_consume(line->stream, used);
    } while (text.at);
    return NULL;
}

static void received(struct stream *stream, void *owner)
{
    struct line *line = owner;

    if (line->endpoint)
        line->endpoint->heard_ms = clock_ms();
    error failed = read_frames(line);

    if (failed) {
        log_error("Client", "%s sends what is no reply: %s", stream_peer(stream), failed->message);
        lose(line);
        stream_abort(stream);
        return;
    }
    rpc_line_close_when_done(line);
}

/* A server that ends its side answers nothing more. */
static void ended(struct stream *stream, void *owner)
{
    struct line *line = owner;

    lose(line);
    stream_close(stream);
}

static void drained(struct stream *stream, void *owner)
{
    struct line *line = owner;

    (void)stream;
    if (line->endpoint)
        rpc_wake_all(&line->endpoint->waiters);
}

static void closed(struct stream *stream, void *owner)
{
    struct line *line = owner;
    struct tcp_client *client = line->client;

    (void)stream;
    lose(line);
    list_remove(&line->link);
    rpc_frame_reader_free(&line->reader);
    free(line);
    rpc_tcp_release(client);
}

static const struct stream_owner callbacks = { received, ended, drained, closed };

struct line *rpc_line_new(struct endpoint *endpoint, struct stream *stream)
{
    struct line *line = calloc(1, sizeof *line);

    if (!line) {
        stream_abort(stream);
        return NULL;
    }
    line->client = endpoint->client;
    line->endpoint = endpoint;
    line->stream = stream;
    line->reader = rpc_frame_reader_new(line->client->frame_max);
    list_init(&line->entries);
    list_append(&line->client->lines, &line->link);
    line->client->references++;
    stream_adopt(stream, &callbacks, line);
    return line;
}

void rpc_line_send(struct line *line, str packet)
{
    rpc_frame_write(stream_output(line->stream), packet);
}

void rpc_line_expect(struct line *line, struct rpc_entry *entry)
{
    if (list_empty(&line->entries) && line->endpoint)
        line->endpoint->heard_ms = clock_ms();
    list_append(&line->entries, &entry->in_group);
}
