#include "redis/redis_internal.h"
#include "runtime/clock.h"
#include "runtime/connect.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_ARENA_MAX = 256 * 1024,
    DATABASE_TEXT = 12,
    DOUBLINGS_MAX = 16,
};

const struct error REDIS_LOST = ERROR(503, "The connection to Redis was lost");
const struct error REDIS_BUSY = ERROR(503, "Redis answers more slowly than it is asked");

/* --- what is expected ----------------------------------------------------------------------------- */

static struct expected *expect(struct connection *connection)
{
    struct expected *expected = connection->free;

    if (connection->expected_count >= REDIS_UNANSWERED_MAX)
        return NULL;
    if (expected)
        connection->free = expected->cookie;
    else
        expected = malloc(sizeof *expected);
    if (!expected)
        return NULL;
    *expected = (struct expected){ 0 };
    list_append(&connection->expected, &expected->link);
    connection->expected_count++;
    return expected;
}

bool redis_connection_reserve(struct connection *connection, size_t count)
{
    size_t spare = 0;

    if (!connection->stream || connection->expected_count + count > REDIS_UNANSWERED_MAX)
        return false;
    for (struct expected *one = connection->free; one && spare < count; one = one->cookie)
        spare++;
    for (; spare < count; spare++) {
        struct expected *one = calloc(1, sizeof *one);

        if (!one)
            return false;
        one->cookie = connection->free;
        connection->free = one;
    }
    return true;
}

/* Takes the oldest off and tells whoever waits for it. */
static void settle_oldest(struct connection *connection, error failed,
                          const struct redis_reply *reply)
{
    struct expected *expected =
        LIST_ELEMENT(list_take(&connection->expected), struct expected, link);
    const struct expected copy = *expected;

    connection->expected_count--;
    expected->cookie = connection->free;
    connection->free = expected;
    if (copy.arrived)
        copy.arrived(copy.cookie, failed, reply);
}

struct expected *redis_connection_send(struct connection *connection, strs words,
                                       void (*arrived)(void *cookie, error failed,
                                                       const struct redis_reply *reply),
                                       void *cookie)
{
    struct expected *expected = connection->stream ? expect(connection) : NULL;

    if (!expected)
        return NULL;
    expected->arrived = arrived;
    expected->cookie = cookie;
    redis_write_command(stream_output(connection->stream), words.at, words.len);
    return expected;
}

/* --- asking --------------------------------------------------------------------------------------- */

struct question {
    struct wait wait;
    struct arena *arena;
    struct redis_reply reply;
    error failed;
};

static void answered(void *cookie, error failed, const struct redis_reply *reply)
{
    struct question *question = cookie;

    if (!failed)
        failed = redis_reply_copy(question->arena, reply, &question->reply);
    question->failed = failed;
    wait_done(&question->wait);
}

error redis_connection_ask(struct call *call, struct connection *connection, strs words,
                           struct redis_reply *out)
{
    struct question question = { .arena = call->arena };
    struct expected *expected = redis_connection_send(connection, words, answered, &question);

    if (!expected)
        return connection->stream ? &REDIS_BUSY : &REDIS_LOST;
    error failed = call_wait(call, &question.wait);

    if (failed)
        expected->arrived = NULL;
    else
        failed = question.failed;
    if (!failed && question.reply.type == REDIS_ERROR)
        return error_new(call->arena, 502, "%.*s", STR_ARG(question.reply.text));
    if (!failed && out)
        *out = question.reply;
    return failed;
}

/* --- up and down ---------------------------------------------------------------------------------- */

static void look_after(struct timer *timer);
static void connect_again(struct timer *timer);

static void note_trouble(struct connection *connection, const char *text)
{
    snprintf(connection->trouble, sizeof connection->trouble, "%s", text);
}

/* Half of the time and up to as much again, so that many do not come back all at once. */
static uint64_t next_pause(const struct connection *connection)
{
    unsigned doublings =
        connection->failures < DOUBLINGS_MAX ? connection->failures : DOUBLINGS_MAX;
    uint64_t ms = (uint64_t)REDIS_PAUSE_FIRST_MS << doublings;

    if (ms > REDIS_PAUSE_LAST_MS)
        ms = REDIS_PAUSE_LAST_MS;
    return ms / 2 + random_below(ms) + 1;
}

static void wait_and_retry(struct connection *connection)
{
    connection->state = REDIS_PAUSING;
    if (!connection->redis->closing)
        timer_start(&connection->timer, next_pause(connection), connect_again);
    redis_wake_all(&connection->waiters);
}

static void came_up(struct connection *connection)
{
    connection->state = REDIS_UP;
    connection->failures = 0;
    if (connection->ups++)
        log_info("Redis", "connected again for %s", connection->purpose);
    timer_start(&connection->timer, REDIS_WATCH_MS, look_after);
    if (connection->came_up)
        connection->came_up(connection);
    redis_wake_all(&connection->waiters);
}

/* The first failure of a row is logged, and a later one that is another. */
static void connect_failed(struct connection *connection, error e)
{
    char before[REDIS_TROUBLE];

    snprintf(before, sizeof before, "%s", connection->trouble);
    note_trouble(connection, e == &ERROR_DEADLINE ? "Redis does not answer" : e->message);
    if (!connection->redis->closing &&
        (connection->failures == 0 || !str_is(str_of(before), connection->trouble)))
        log_error("Redis", "%s; trying again", connection->trouble);
    connection->failures++;
    wait_and_retry(connection);
}

static void went_down(struct connection *connection)
{
    connection->lost_ms = clock_ms();
    note_trouble(connection, REDIS_LOST.message);
    timer_stop(&connection->timer);
    if (!connection->redis->closing)
        log_warn("Redis", "the connection for %s was lost; reconnecting", connection->purpose);
    if (connection->went_down)
        connection->went_down(connection);
    wait_and_retry(connection);
}

/* --- what the stream reports ---------------------------------------------------------------------- */

static void take_reply(struct connection *connection, const struct redis_reply *reply)
{
    if (connection->pushed && connection->pushed(connection, reply))
        return;
    if (list_empty(&connection->expected))
        log_warn("Redis", "a reply came that nobody has asked for");
    else
        settle_oldest(connection, NULL, reply);
}

static error take_bytes(struct connection *connection, struct stream *stream)
{
    str input = stream_input(stream);
    const struct redis_reply *reply;

    TRY(redis_reader_feed(&connection->reader, input));
    stream_consume(stream, input.len);
    do {
        TRY(redis_reader_next(&connection->reader, &reply));
        if (reply)
            take_reply(connection, reply);
    } while (reply);
    return NULL;
}

static void received(struct stream *stream, void *owner)
{
    struct connection *connection = owner;

    connection->heard_ms = clock_ms();
    error failed = take_bytes(connection, stream);

    if (!failed)
        return;
    log_error("Redis", "%s", failed->message);
    stream_abort(stream);
}

static void drained(struct stream *stream, void *owner)
{
    (void)stream;
    redis_wake_all(&((struct connection *)owner)->waiters);
}

static void closed(struct stream *stream, void *owner)
{
    struct connection *connection = owner;
    struct redis *redis = connection->redis;

    (void)stream;
    connection->stream = NULL;
    while (!list_empty(&connection->expected))
        settle_oldest(connection, &REDIS_LOST, NULL);
    redis_reader_free(&connection->reader);
    if (connection->state == REDIS_UP)
        went_down(connection);
    redis_release(redis);
}

static const struct stream_owner callbacks = { received, NULL, drained, closed };

/* --- connecting ----------------------------------------------------------------------------------- */

static error reach(struct call *call, const struct redis_options *options, struct stream **out)
{
    strs addresses;
    error failed = NULL;

    TRY(connect_resolve(call, options->host, &addresses));
    for (size_t i = 0; i < addresses.len; i++) {
        failed = stream_connect(call, addresses.at[i].at, options->port, out);
        if (!failed)
            return NULL;
    }
    return failed ? failed : error_new(call->arena, 503, "the host has no address");
}

static error adopt(struct connection *connection, struct stream *stream)
{
    error failed = redis_reader_init(&connection->reader);

    if (failed) {
        stream_abort(stream);
        return failed;
    }
    connection->stream = stream;
    connection->heard_ms = clock_ms();
    connection->redis->references++;
    stream_adopt(stream, &callbacks, connection);
    return NULL;
}

static error log_in(struct call *call, struct connection *connection)
{
    const struct redis_options *options = &connection->redis->options;

    if (!options->password.at)
        return NULL;
    if (options->user.len)
        return redis_connection_ask(
            call, connection, REDIS_WORDS(STR("AUTH"), options->user, options->password), NULL);
    return redis_connection_ask(call, connection, REDIS_WORDS(STR("AUTH"), options->password),
                                NULL);
}

static error choose_database(struct call *call, struct connection *connection)
{
    char text[DATABASE_TEXT];

    if (!connection->redis->options.database)
        return NULL;
    snprintf(text, sizeof text, "%u", connection->redis->options.database);
    return redis_connection_ask(call, connection, REDIS_WORDS(STR("SELECT"), str_of(text)), NULL);
}

/* PING is answered by an error when a password is wanted, or while the server still loads its data. */
static error greet(struct call *call, struct connection *connection)
{
    TRY(log_in(call, connection));
    TRY(choose_database(call, connection));
    return redis_connection_ask(call, connection, REDIS_WORDS(STR("PING")), NULL);
}

static error open_connection(struct call *call, struct connection *connection)
{
    struct stream *stream;

    TRY(reach(call, &connection->redis->options, &stream));
    TRY(adopt(connection, stream));
    error failed = greet(call, connection);

    if (!failed && connection->stream)
        return NULL;
    if (connection->stream)
        stream_abort(connection->stream);
    return failed ? failed : &REDIS_LOST;
}

static void connect_fiber(void *argument)
{
    struct connection *connection = argument;
    struct arena *arena = arena_new(CONNECT_ARENA_MAX);
    struct call call = call_new(arena, REDIS_CONNECT_TIMEOUT_MS);

    connection->connecting = &call;
    error failed = arena ? open_connection(&call, connection) : &ERROR_OUT_OF_MEMORY;

    connection->connecting = NULL;
    if (failed)
        connect_failed(connection, failed);
    else
        came_up(connection);
    arena_free(arena);
    redis_release(connection->redis);
}

void redis_connection_start(struct connection *connection)
{
    connection->state = REDIS_CONNECTING;
    connection->redis->references++;
    error failed = fiber_start(connect_fiber, connection);

    if (!failed)
        return;
    connect_failed(connection, failed);
    redis_release(connection->redis);
}

/* A stream that was given up may not have been freed yet. */
static void connect_again(struct timer *timer)
{
    struct connection *connection = LIST_ELEMENT(timer, struct connection, timer);

    if (connection->stream)
        timer_start(timer, REDIS_PAUSE_FIRST_MS, connect_again);
    else
        redis_connection_start(connection);
}

/* --- while it is up ------------------------------------------------------------------------------- */

/* Nothing at all for two rounds, though it was asked in the first: the peer is gone without a word. */
static void look_after(struct timer *timer)
{
    struct connection *connection = LIST_ELEMENT(timer, struct connection, timer);
    uint64_t quiet_ms = clock_ms() - connection->heard_ms;

    if (!connection->stream)
        return;
    timer_start(timer, REDIS_WATCH_MS, look_after);
    if (quiet_ms >= 2 * REDIS_WATCH_MS && connection->expected_count)
        stream_abort(connection->stream);
    else if (quiet_ms >= REDIS_WATCH_MS)
        redis_connection_send(connection, REDIS_WORDS(STR("PING")), NULL, NULL);
}

static bool in_grace(const struct connection *connection)
{
    return connection->failures == 0 || clock_ms() < connection->lost_ms + REDIS_GRACE_MS;
}

error redis_connection_ready(struct call *call, struct connection *connection)
{
    while (connection->state != REDIS_UP || stream_congested(connection->stream)) {
        if (connection->redis->closing)
            return &REDIS_LOST;
        if (connection->state != REDIS_UP && !in_grace(connection))
            return error_new(call->arena, 503, "%s", connection->trouble);
        TRY(redis_wait_among(call, &connection->waiters));
    }
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------- */

void redis_connection_init(struct connection *connection, struct redis *redis)
{
    connection->redis = redis;
    connection->lost_ms = clock_ms();
    list_init(&connection->expected);
    list_init(&connection->waiters);
}

void redis_connection_close(struct connection *connection)
{
    timer_stop(&connection->timer);
    if (connection->connecting)
        call_cancel(connection->connecting);
    if (connection->stream)
        stream_close(connection->stream);
    redis_wake_all(&connection->waiters);
}

void redis_connection_clear(struct connection *connection)
{
    while (connection->free) {
        struct expected *next = connection->free->cookie;

        free(connection->free);
        connection->free = next;
    }
}
