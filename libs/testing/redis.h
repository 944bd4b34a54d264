/* A Redis that is played on the test's own loop: it knows the commands that Cuib sends, and fails when a test
 * wants it to. One at a time. */
#pragma once

#include "redis/redis.h"
#include "runtime/stream.h"
#include "testing/fiber_test.h"

#include <fnmatch.h>
#include <string.h>

enum { PLAYED_ASKED_MAX = 64 * 1024, PLAYED_PEERS_MAX = 16, PLAYED_NAMES_MAX = 16 };

/* One connection that was accepted. */
struct played_peer {
    struct stream *stream;
    struct redis_reader reader;
    struct played_channel {
        char name[64];
        bool pattern;
    } channels[PLAYED_NAMES_MAX];
    int channel_count;
};

static struct played {
    struct listener *listener;
    struct played_peer peers[PLAYED_PEERS_MAX];
    char asked[PLAYED_ASKED_MAX]; /* the words of all commands, a line each */
    int reads;
    bool silent;         /* takes commands without a word */
    const char *refusal; /* of AUTH */
    bool read_only;      /* refuses SET */
    struct played_key {
        char name[128], value[64];
    } keys[PLAYED_NAMES_MAX];
    int key_count;
} played;

static inline void played_send_bulk(struct played_peer *peer, str text)
{
    buf_printf(stream_output(peer->stream), "$%zu\r\n", text.len);
    stream_write(peer->stream, text);
    stream_write(peer->stream, STR("\r\n"));
}

static inline void played_send_message(struct played_peer *peer, const struct played_channel *heard,
                                       str channel, str payload)
{
    buf_printf(stream_output(peer->stream), heard->pattern ? "*4\r\n" : "*3\r\n");
    played_send_bulk(peer, heard->pattern ? STR("pmessage") : STR("message"));
    if (heard->pattern)
        played_send_bulk(peer, str_of(heard->name));
    played_send_bulk(peer, channel);
    played_send_bulk(peer, payload);
}

static inline bool played_hears(const struct played_channel *heard, const char *channel)
{
    return heard->pattern ? fnmatch(heard->name, channel, 0) == 0
                          : strcmp(heard->name, channel) == 0;
}

/* Publishes; how many hear it. */
static inline int played_publish(const char *channel, str payload)
{
    int heard = 0;

    for (int i = 0; i < PLAYED_PEERS_MAX; i++) {
        struct played_peer *peer = &played.peers[i];

        for (int k = 0; peer->stream && k < peer->channel_count; k++) {
            if (!played_hears(&peer->channels[k], channel))
                continue;
            heard++;
            played_send_message(peer, &peer->channels[k], str_of(channel), payload);
        }
    }
    return heard;
}

static inline void played_confirm(struct played_peer *peer, const struct redis_reply *command)
{
    buf_printf(stream_output(peer->stream), "*3\r\n");
    played_send_bulk(peer, command->at[0].text);
    played_send_bulk(peer, command->at[1].text);
    buf_printf(stream_output(peer->stream), ":1\r\n");
}

static inline void played_subscribe(struct played_peer *peer, const struct redis_reply *command)
{
    struct played_channel *channel = &peer->channels[peer->channel_count++];

    assert_true(peer->channel_count <= PLAYED_NAMES_MAX);
    snprintf(channel->name, sizeof channel->name, "%s", command->at[1].text.at);
    channel->pattern = str_is(command->at[0].text, "PSUBSCRIBE");
    played_confirm(peer, command);
}

static inline void played_unsubscribe(struct played_peer *peer, const struct redis_reply *command)
{
    for (int k = 0; k < peer->channel_count; k++)
        if (str_is(command->at[1].text, peer->channels[k].name))
            peer->channels[k--] = peer->channels[--peer->channel_count];
    played_confirm(peer, command);
}

static inline struct played_key *played_find_key(str name)
{
    for (int i = 0; i < played.key_count; i++)
        if (str_is(name, played.keys[i].name))
            return &played.keys[i];
    return NULL;
}

/* SET name value NX …: nil when it is there. */
static inline void played_set(struct played_peer *peer, const struct redis_reply *command)
{
    if (played.read_only) {
        stream_write(peer->stream,
                     STR("-READONLY You can't write against a read only replica.\r\n"));
        return;
    }
    if (played_find_key(command->at[1].text)) {
        stream_write(peer->stream, STR("$-1\r\n"));
        return;
    }
    struct played_key *key = &played.keys[played.key_count++];

    assert_true(played.key_count <= PLAYED_NAMES_MAX);
    snprintf(key->name, sizeof key->name, "%s", command->at[1].text.at);
    snprintf(key->value, sizeof key->value, "%s", command->at[2].text.at);
    stream_write(peer->stream, STR("+OK\r\n"));
}

static inline void played_get(struct played_peer *peer, const struct redis_reply *command)
{
    const struct played_key *key = played_find_key(command->at[1].text);

    if (key)
        played_send_bulk(peer, str_of(key->value));
    else
        stream_write(peer->stream, STR("$-1\r\n"));
}

static inline void played_obey(struct played_peer *peer, const struct redis_reply *command)
{
    str verb = command->at[0].text;
    struct buf *out = stream_output(peer->stream);

    if (str_is(verb, "AUTH") && played.refusal)
        buf_printf(out, "-%s\r\n", played.refusal);
    else if (str_is(verb, "SUBSCRIBE") || str_is(verb, "PSUBSCRIBE"))
        played_subscribe(peer, command);
    else if (str_is(verb, "UNSUBSCRIBE") || str_is(verb, "PUNSUBSCRIBE"))
        played_unsubscribe(peer, command);
    else if (str_is(verb, "PUBLISH"))
        buf_printf(out, ":%d\r\n", played_publish(command->at[1].text.at, command->at[2].text));
    else if (str_is(verb, "ECHO"))
        played_send_bulk(peer, command->at[1].text);
    else if (str_is(verb, "SET"))
        played_set(peer, command);
    else if (str_is(verb, "GET"))
        played_get(peer, command);
    else
        buf_printf(out, "+OK\r\n");
}

static inline void played_note(const struct redis_reply *command)
{
    for (size_t i = 0; i < command->count; i++) {
        size_t used = strlen(played.asked);

        snprintf(played.asked + used, sizeof played.asked - used, "%.*s%c",
                 STR_ARG(command->at[i].text), i + 1 < command->count ? ' ' : '\n');
    }
}

static inline void played_received(struct stream *stream, void *owner)
{
    struct played_peer *peer = owner;
    str input = stream_input(stream);
    const struct redis_reply *command;

    played.reads++;
    assert_null(redis_reader_feed(&peer->reader, input));
    stream_consume(stream, input.len);
    while (!redis_reader_next(&peer->reader, &command) && command) {
        played_note(command);
        if (!played.silent)
            played_obey(peer, command);
    }
}

static inline void played_closed(struct stream *stream, void *owner)
{
    struct played_peer *peer = owner;

    (void)stream;
    redis_reader_free(&peer->reader);
    *peer = (struct played_peer){ 0 };
}

static inline void played_accepted(struct stream *stream, void *cookie)
{
    static const struct stream_owner callbacks = { played_received, NULL, NULL, played_closed };
    struct played_peer *peer = played.peers;

    (void)cookie;
    while (peer->stream)
        peer++;
    peer->stream = stream;
    assert_null(redis_reader_init(&peer->reader));
    stream_adopt(stream, &callbacks, peer);
}

/* Listens; 0: on any port. */
static inline void played_listen(struct arena *arena, unsigned port)
{
    const struct listen_options options = {
        .address = "127.0.0.1",
        .port = port,
        .connections_max = PLAYED_PEERS_MAX,
        .accepted = played_accepted,
    };

    assert_null(listener_new(arena, &options, &played.listener));
}

/* Cuts every connection. */
static inline void played_lose_all(void)
{
    for (int i = 0; i < PLAYED_PEERS_MAX; i++)
        if (played.peers[i].stream)
            stream_abort(played.peers[i].stream);
}

static inline void played_wait_for_peers(struct call *call, int count)
{
    for (;;) {
        int found = 0;

        for (int i = 0; i < PLAYED_PEERS_MAX; i++)
            found += played.peers[i].stream != NULL;
        if (found == count)
            return;
        assert_null(call_sleep(call, 5));
    }
}

/* How often that text stands among the commands. */
static inline int played_count(const char *text)
{
    int count = 0;

    for (const char *at = played.asked; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* A client of the played server. */
static inline struct redis *played_connect(struct redis_options options)
{
    struct redis *redis;

    options.host = STR("127.0.0.1");
    options.port = listener_port(played.listener);
    assert_null(redis_new(&options, &redis));
    return redis;
}

static inline void played_start(struct call *call)
{
    played = (struct played){ 0 };
    played_listen(call->arena, 0);
}

/* When all clients are freed. */
static inline void played_stop(struct call *call)
{
    played_wait_for_peers(call, 0);
    listener_free(played.listener);
}
