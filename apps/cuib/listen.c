/* `cuib listen`: prints what is sent to an address, one packet a line, until it is told to stop. Over TCP it
 * is the server: requests are answered by an error, events by nothing. On Redis it only overhears. */
#include "apps/cuib/wire.h"
#include "rpc/frame.h"
#include "rpc/packet.h"
#include "rpc/pattern.h"
#include "rpc/redis_packet.h"
#include "runtime/signals.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 * 1024 * 1024, CONNECTIONS_MAX = 256 };

static const struct error ONLY_LISTENS = ERROR(501, "cuib listen only prints what it hears");

struct ears {
    struct wire_arguments *arguments;
    struct wait stop;
    struct arena *arena; /* of one packet */
    struct buf line;

    struct tls_context *tls;
    struct listener *listener;
    struct link peers;

    struct redis *redis;
    struct redis_subscription *subscriptions[WIRE_WORDS_MAX];
};

/* A connection over TCP. */
struct peer {
    struct link link;
    struct ears *ears;
    struct stream *stream;
    struct rpc_frame_reader reader;
    bool closing;
};

/* --- printing ------------------------------------------------------------------------------------- */

static void add_member(struct buf *line, const char *name, const struct json *value)
{
    if (!value)
        return;
    if (line->len > 1)
        buf_add_char(line, ',');
    json_write_string(line, str_of(name));
    buf_add_char(line, ':');
    json_write(line, value);
}

/* A reader that is gone ends the listening. */
static void print(struct ears *ears, const struct rpc_packet *packet)
{
    struct buf *line = &ears->line;

    buf_clear(line);
    buf_add_char(line, '{');
    add_member(line, "pattern", packet->pattern);
    add_member(line, "data", packet->data);
    add_member(line, "id", packet->id);
    add_member(line, "metadata", packet->metadata);
    BUF_ADD(line, "}\n");
    fwrite(line->at, 1, line->len, stdout);
    if (fflush(stdout))
        wait_done(&ears->stop);
}

static bool is_object(str word)
{
    return str_starts_with(word, STR("{"));
}

/* Whether the command line asks for that route: by name, by a glob, or by naming none. */
static bool is_wanted(const struct ears *ears, str route)
{
    const struct wire_arguments *arguments = ears->arguments;
    str text = route.at ? arena_copy(ears->arena, route) : STR("");

    for (size_t i = 0; text.at && i < arguments->count; i++) {
        str word = arguments->words[i], wanted = wire_route(ears->arena, word);

        if (str_eq(wanted, text) || (!is_object(word) && fnmatch(word.at, text.at, 0) == 0))
            return true;
    }
    return !arguments->count;
}

/* --- TCP ------------------------------------------------------------------------------------------ */

static void refuse_request(struct peer *peer, const struct rpc_packet *packet)
{
    struct buf text = buf_new(LINE_MAX_BYTES);

    rpc_write_error(&text, packet->id, &ONLY_LISTENS);
    if (!buf_failed(&text))
        rpc_frame_write(stream_output(peer->stream), buf_text(&text));
    buf_free(&text);
}

static error take_text(struct peer *peer, str text)
{
    struct ears *ears = peer->ears;
    struct rpc_packet packet;

    arena_reset(ears->arena);
    str copy = arena_copy(ears->arena, text);

    if (copy.at)
        copy = json_repair_utf8(ears->arena, copy);
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(rpc_packet_read(ears->arena, copy, &packet));
    if (is_wanted(ears, rpc_route(ears->arena, packet.pattern)))
        print(ears, &packet);
    if (packet.id)
        refuse_request(peer, &packet);
    return NULL;
}

static error read_frames(struct peer *peer)
{
    str text;

    do {
        size_t used;

        TRY(rpc_frame_read(&peer->reader, stream_input(peer->stream), &used, &text));
        if (text.at)
            TRY(take_text(peer, text));
        stream_consume(peer->stream, used);
    } while (text.at);
    return NULL;
}

static void received(struct stream *stream, void *owner)
{
    struct peer *peer = owner;
    error failed = peer->closing ? NULL : read_frames(peer);

    if (!failed)
        return;
    fprintf(stderr, "cuib listen: %s: %s\n", stream_peer(stream), failed->message);
    peer->closing = true;
    stream_close_lingering(stream);
}

static void closed(struct stream *stream, void *owner)
{
    struct peer *peer = owner;

    (void)stream;
    list_remove(&peer->link);
    rpc_frame_reader_free(&peer->reader);
    free(peer);
}

static const struct stream_owner callbacks = { received, NULL, NULL, closed };

static void accepted(struct stream *stream, void *cookie)
{
    struct ears *ears = cookie;
    struct peer *peer = calloc(1, sizeof *peer);

    if (!peer || (ears->tls && stream_start_tls(stream, ears->tls, NULL))) {
        free(peer);
        stream_abort(stream);
        return;
    }
    peer->ears = ears;
    peer->stream = stream;
    peer->reader = rpc_frame_reader_new(RPC_FRAME_MAX);
    list_append(&ears->peers, &peer->link);
    stream_adopt(stream, &callbacks, peer);
}

static error listen_tcp(struct ears *ears)
{
    const struct wire_address *address = &ears->arguments->address;
    bool local = str_is(address->host, "localhost");
    str host = arena_copy(ears->arguments->arena, local ? STR("127.0.0.1") : address->host);
    const struct listen_options options = {
        .address = host.at,
        .port = address->port,
        .connections_max = CONNECTIONS_MAX,
        .accepted = accepted,
        .cookie = ears,
    };

    if (!host.at)
        return &ERROR_OUT_OF_MEMORY;
    if (address->kind == WIRE_TLS)
        TRY(wire_tls(ears->arguments->arena, true, &ears->tls));
    TRY(listener_new(ears->arguments->arena, &options, &ears->listener));
    fprintf(stderr, "listening on %s://%s:%u\n", ears->tls ? "tls" : "tcp", host.at,
            listener_port(ears->listener));
    return NULL;
}

/* --- Redis ---------------------------------------------------------------------------------------- */

/* The channel stands for a pattern that the message does not have. */
static void heard(void *cookie, str channel, str payload)
{
    struct ears *ears = cookie;
    struct rpc_packet packet;

    arena_reset(ears->arena);
    struct json name = { .type = JSON_STRING, .text = json_repair_utf8(ears->arena, channel) };
    str copy = arena_copy(ears->arena, payload);

    if (!copy.at || !name.text.at || rpc_redis_packet_read(ears->arena, copy, &packet)) {
        fprintf(stderr, "cuib listen: a message is too long\n");
        return;
    }
    if (!packet.pattern)
        packet.pattern = &name;
    print(ears, &packet);
}

static bool is_glob(str word)
{
    return !is_object(word) && strpbrk(word.at, "*?[");
}

static error subscribe(struct call *call, struct ears *ears, size_t index, str word)
{
    struct redis_channel channel = { .message = heard, .cookie = ears, .pattern = is_glob(word) };

    channel.name = channel.pattern ? word : wire_route(call->arena, word);
    if (!channel.name.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(redis_subscribe(ears->redis, &channel, &ears->subscriptions[index]));
    return redis_subscribed(call, ears->subscriptions[index]);
}

static error listen_redis(struct call *call, struct ears *ears)
{
    const struct wire_arguments *arguments = ears->arguments;

    TRY(wire_redis(&arguments->address, &ears->redis));
    if (!arguments->count)
        TRY(subscribe(call, ears, 0, STR("*")));
    for (size_t i = 0; i < arguments->count; i++)
        TRY(subscribe(call, ears, i, arguments->words[i]));
    fprintf(stderr, "listening on redis://%.*s:%u\n", STR_ARG(arguments->address.host),
            arguments->address.port);
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------- */

static void stop_wanted(void *cookie)
{
    wait_done(&((struct ears *)cookie)->stop);
}

static error start(struct call *call, struct ears *ears)
{
    ears->arena = arena_new(ARENA_CALL_MAX);
    if (!ears->arena)
        return &ERROR_OUT_OF_MEMORY;
    TRY(signals_on_stop(stop_wanted, ears));
    return ears->arguments->address.kind == WIRE_REDIS ? listen_redis(call, ears)
                                                       : listen_tcp(ears);
}

static void close_all(struct ears *ears)
{
    for (struct link *link = ears->peers.next; link != &ears->peers; link = link->next)
        stream_close(LIST_ELEMENT(link, struct peer, link)->stream);
    listener_free(ears->listener);
    redis_free(ears->redis);
    tls_context_free(ears->tls);
    signals_close();
}

/* Peers are freed by the loop when their streams have closed. */
static void listen_until_stopped(struct ears *ears)
{
    struct wire_arguments *arguments = ears->arguments;
    struct call call = call_new(arguments->arena, arguments->timeout_ms);
    error failed = start(&call, ears);

    if (failed)
        wire_fail(arguments, wire_status_of(failed), failed);
    else
        call_wait_done(&call, &ears->stop);
    close_all(ears);
}

static void run(void *cookie)
{
    struct wire_arguments *arguments = cookie;
    struct ears *ears = ARENA_NEW(arguments->arena, struct ears);

    if (!ears) {
        wire_fail(arguments, WIRE_EXIT_UNAVAILABLE, &ERROR_OUT_OF_MEMORY);
        return;
    }
    ears->arguments = arguments;
    ears->line = buf_new(LINE_MAX_BYTES);
    list_init(&ears->peers);
    listen_until_stopped(ears);
    buf_free(&ears->line);
    arena_free(ears->arena);
}

int wire_listen(int argc, char **argv)
{
    static const struct wire_command command = { "listen", "ADDRESS [PATTERN...]", 0,
                                                 WIRE_WORDS_MAX, run };

    return wire_run(&command, argc, argv);
}
