#include "rpc/peer.h"
#include "rpc/server.h"
#include "rpc/tcp_client.h"
#include "runtime/clock.h"
#include "testing/client.h"

#include <stdio.h>

enum { RECEIVED_MAX = 1024 * 1024 };

struct number {
    int64_t n;
};

struct text {
    str text;
};

static SCHEMA(number, FIELD(n));
static BARE(text, FIELD(text));

/* --- a service of the tests ------------------------------------------------------------------------ */

/* What its handlers have seen. */
struct seen {
    int calls, events;
    uint64_t left_ms;
    error end;
};

static struct seen *seen(struct call *call)
{
    return call->service;
}

struct named_number {
    int64_t n;
    str name;
};

static SCHEMA(named_number, FIELD(n), FIELD(name));

#define MESSAGES(ON)                                 \
    ON("double", twice, number, number)              \
    ON("describe", describe, number, named_number)   \
    ON("describe", describe_briefly, number, number) \
    ON("sleep", nap, number, number)                 \
    ON("echo", echo, text, text)                     \
    ON("fail", break_off, number, nothing)           \
    ON("left", left, number, number)

#define STREAMS(ON) ON("count", count_up, number, number)

#define EVENTS(ON)                        \
    ON("happened", happened, number)      \
    ON("twice.heard", happened_1, number) \
    ON("twice.heard", happened_2, number)

MESSAGE_TABLE(messages, MESSAGES);
STREAM_TABLE(streams, STREAMS);
EVENT_TABLE(events, EVENTS);

static error twice(struct call *call, const struct number *in, struct number *out)
{
    seen(call)->calls++;
    out->n = 2 * in->n;
    return NULL;
}

static error describe(struct call *call, const struct number *in, struct named_number *out)
{
    seen(call)->calls++;
    *out = (struct named_number){ in->n, STR("full") };
    return NULL;
}

static error describe_briefly(struct call *call, const struct number *in, struct number *out)
{
    (void)call;
    out->n = in->n;
    return NULL;
}

static error nap(struct call *call, const struct number *in, struct number *out)
{
    seen(call)->calls++;
    error failed = call_sleep(call, (uint64_t)in->n);

    seen(call)->end = failed;
    out->n = in->n;
    return failed;
}

static error echo(struct call *call, const struct text *in, struct text *out)
{
    seen(call)->calls++;
    out->text = in->text;
    return NULL;
}

static error break_off(struct call *call, const struct number *in, struct nothing *out)
{
    (void)out;
    return in->n ? error_new(call->arena, (int)in->n, "Failed with %d", (int)in->n) : NULL;
}

static error left(struct call *call, const struct number *in, struct number *out)
{
    (void)in;
    out->n = (int64_t)call_left_ms(call);
    return NULL;
}

static error count_up(struct call *call, const struct number *in, struct rpc_items *items)
{
    for (int64_t i = 1; i <= in->n; i++) {
        const struct number item = { i };

        TRY(rpc_item(call, items, IN(number, &item)));
    }
    return in->n == 13 ? error_new(call->arena, 418, "late") : NULL;
}

static error happened(struct call *call, const struct number *in)
{
    TRY(call_sleep(call, (uint64_t)in->n));
    seen(call)->events++;
    return NULL;
}

static error happened_1(struct call *call, const struct number *in)
{
    return happened(call, in);
}

static error happened_2(struct call *call, const struct number *in)
{
    return happened(call, in);
}

/* --- the two ends ---------------------------------------------------------------------------------- */

struct house {
    struct rpc_server *server;
    struct listener *listener;
    struct seen seen;
    struct wait drained;
};

static void accepted(struct stream *stream, void *cookie)
{
    rpc_server_take(((struct house *)cookie)->server, stream);
}

static void listen_on(struct call *call, struct house *house, unsigned port)
{
    const struct listen_options listening = { .address = "127.0.0.1",
                                              .port = port,
                                              .connections_max = 100,
                                              .accepted = accepted,
                                              .cookie = house };

    assert_null(listener_new(call->arena, &listening, &house->listener));
}

static void open_house(struct call *call, struct house *house, unsigned port)
{
    const struct rpc_server_options options = {
        .handlers = { messages, streams, events, &house->seen, "Test", NULL },
        .incomplete_timeout_ms = 100,
    };

    *house = (struct house){ 0 };
    assert_null(rpc_server_new(&options, &house->server));
    listen_on(call, house, port);
}

static void is_drained(void *cookie)
{
    wait_done(cookie);
}

static void close_house(struct call *call, struct house *house)
{
    listener_free(house->listener);
    house->listener = NULL;
    rpc_server_drain(house->server, 1000, is_drained, &house->drained);
    call_wait_done(call, &house->drained);
    rpc_server_free(house->server);
}

static struct rpc_client *client_of(struct call *call, const char *addresses)
{
    const struct rpc_tcp_options options = {
        .common = { .name = STR("test"), .timeout_ms = 400 },
        .addresses = str_of(addresses),
        .port = 1,
    };
    struct rpc_client *client = NULL;

    assert_null(rpc_tcp_client_new(call->arena, &options, &client));
    return client;
}

static const char *address_of(struct call *call, const struct house *house)
{
    return arena_printf(call->arena, "127.0.0.1:%u", listener_port(house->listener)).at;
}

static error ask(struct call *call, struct rpc_client *client, const char *pattern, int64_t n,
                 int64_t *out)
{
    const struct rpc_peer peer = { .name = STR("test"), .client = client };
    const struct number in = { n };
    struct number got = { 0 };

    TRY(rpc_send(call, &peer, pattern, IN(number, &in), OUT(number, &got)));
    *out = got.n;
    return NULL;
}

/* --- raw sockets ----------------------------------------------------------------------------------- */

static str exchange_frames(struct call *call, struct house *house, str bytes)
{
    int client = testing_connect(listener_port(house->listener));

    testing_send(call, client, bytes);
    shutdown(client, SHUT_WR);
    str got = testing_receive_all(call, client, RECEIVED_MAX);

    close(client);
    return got;
}

static const struct {
    const char *sent, *expected;
} WIRE[] = {
    { "45#{\"pattern\":\"double\",\"data\":{\"n\":4},\"id\":\"r1\"}",
      "48#{\"response\":{\"n\":8},\"isDisposed\":true,\"id\":\"r1\"}" },
    { "44#{\"pattern\":\"count\",\"data\":{\"n\":3},\"id\":\"r1\"}",
      "30#{\"response\":{\"n\":1},\"id\":\"r1\"}30#{\"response\":{\"n\":2},\"id\":\"r1\"}"
      "30#{\"response\":{\"n\":3},\"id\":\"r1\"}29#{\"isDisposed\":true,\"id\":\"r1\"}" },
    { "38#{\"pattern\":\"echo\",\"data\":\"\xC4\x83\xF0\x9F\x98\x80\",\"id\":5}",
      "43#{\"response\":\"\xC4\x83\xF0\x9F\x98\x80\",\"isDisposed\":true,\"id\":5}" },
    { "43#{\"pattern\":\"fail\",\"data\":{\"n\":0},\"id\":null}",
      "29#{\"isDisposed\":true,\"id\":null}" },
    { "45#{\"pattern\":\"fail\",\"data\":{\"n\":409},\"id\":\"r1\"}",
      "101#{\"err\":{\"statusCode\":409,\"message\":\"Failed with 409\",\"error\":\"Conflict\"},"
      "\"isDisposed\":true,\"id\":\"r1\"}" },
    { "20#{\"data\":1,\"id\":\"r1\"}", "104#{\"id\":\"r1\",\"status\":\"error\",\"err\":\"There is "
                                       "no matching message handler defined in "
                                       "the remote service.\"}" },
    { "47#{\"pattern\":\"happened\",\"data\":{\"n\":0},\"id\":\"r1\"}",
      "29#{\"isDisposed\":true,\"id\":\"r1\"}" },
    { "50#{\"pattern\":\"twice.heard\",\"data\":{\"n\":0},\"id\":\"r1\"}",
      "43#{\"response\":{},\"isDisposed\":true,\"id\":\"r1\"}" },
    { "10#{\"id\":\"q\"}", "" },
    { "2#{}4#null1#05#[1,2]", "" },
    { "35#{\"pattern\":\"double\",\"data\":{\"n\":4}}", "" },
    { "33#{\"pattern\":\"nope\",\"data\":{\"n\":4}}", "" },
    { "3#{}}", "" },
    { "zz#", "" },
};

TEST(what_is_said_on_the_wire_is_what_nestjs_says)
{
    struct house house;

    open_house(call, &house, 0);
    for (size_t i = 0; i < COUNT_OF(WIRE); i++)
        assert_text(exchange_frames(call, &house, str_of(WIRE[i].sent)), WIRE[i].expected);
    close_house(call, &house);
}

TEST(replies_come_in_the_order_in_which_they_are_ready)
{
    struct house house;
    struct buf sent = buf_new(10000);

    open_house(call, &house, 0);
    rpc_frame_write(&sent, STR("{\"pattern\":\"sleep\",\"data\":{\"n\":40},\"id\":\"slow\"}"));
    rpc_frame_write(&sent, STR("{\"pattern\":\"double\",\"data\":{\"n\":1},\"id\":\"fast\"}"));
    str got = exchange_frames(call, &house, buf_text(&sent));

    assert_text(got, "50#{\"response\":{\"n\":2},\"isDisposed\":true,\"id\":\"fast\"}"
                     "51#{\"response\":{\"n\":40},\"isDisposed\":true,\"id\":\"slow\"}");
    buf_free(&sent);
    close_house(call, &house);
}

TEST(a_frame_that_stands_still_ends_its_connection)
{
    struct house house;
    char byte;

    open_house(call, &house, 0);
    int client = testing_connect(listener_port(house.listener));
    int idle = testing_connect(listener_port(house.listener));
    uint64_t start = clock_ms();

    testing_send(call, client, STR("100#{"));
    assert_true(testing_receive(call, client, &byte, 1) <= 0);
    assert_in_range(clock_ms() - start, 90, 1000);
    assert_int_equal(rpc_server_connections(house.server), 1);
    close(client);
    close(idle);
    close_house(call, &house);
}

TEST(an_event_outlives_its_connection_and_a_request_does_not)
{
    struct house house;

    open_house(call, &house, 0);
    int client = testing_connect(listener_port(house.listener));
    struct buf sent = buf_new(10000);

    rpc_frame_write(&sent, STR("{\"pattern\":\"happened\",\"data\":{\"n\":60}}"));
    rpc_frame_write(&sent, STR("{\"pattern\":\"sleep\",\"data\":{\"n\":5000},\"id\":\"x\"}"));
    testing_send(call, client, buf_text(&sent));
    while (rpc_server_active(house.server) < 2)
        fiber_yield();
    testing_reset(client);
    assert_null(call_sleep(call, 120));
    assert_int_equal(house.seen.events, 1);
    assert_ptr_equal(house.seen.end, &ERROR_CANCELLED);
    buf_free(&sent);
    close_house(call, &house);
}

TEST(more_requests_than_may_run_wait_for_room)
{
    struct house house;
    struct buf sent = buf_new(1 << 20);
    enum { COUNT = 3 * RPC_RUNNING_MAX };

    open_house(call, &house, 0);
    for (int i = 0; i < COUNT; i++)
        rpc_frame_write(&sent, STR("{\"pattern\":\"sleep\",\"data\":{\"n\":30},\"id\":\"x\"}"));
    int client = testing_connect(listener_port(house.listener));

    testing_send(call, client, buf_text(&sent));
    while (!rpc_server_active(house.server))
        fiber_yield();
    assert_int_equal(rpc_server_active(house.server), RPC_RUNNING_MAX);
    shutdown(client, SHUT_WR);
    str got = testing_receive_all(call, client, RECEIVED_MAX);

    assert_int_equal(
        got.len,
        COUNT * (sizeof "47#{\"response\":{\"n\":30},\"isDisposed\":true,\"id\":\"x\"}" - 1));
    close(client);
    buf_free(&sent);
    close_house(call, &house);
}

/* --- client and server ----------------------------------------------------------------------------- */

TEST(a_call_comes_back_with_its_reply)
{
    struct house house;
    int64_t n;

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));

    assert_null(ask(call, client, "double", 21, &n));
    assert_int_equal(n, 42);
    assert_int_equal(rpc_tcp_client_counts(client).connected, 1);
    rpc_client_free(client);
    close_house(call, &house);
}

TEST(a_bare_payload_travels_bare)
{
    struct house house;
    struct rpc_peer peer = { .name = STR("test") };
    const struct text in = { STR("\xC8\x99i \xF0\x9F\x98\x80") };
    struct text out;

    open_house(call, &house, 0);
    peer.client = client_of(call, address_of(call, &house));
    assert_null(rpc_send(call, &peer, "echo", IN(text, &in), OUT(text, &out)));
    assert_text(out.text, "\xC8\x99i \xF0\x9F\x98\x80");
    rpc_client_free(peer.client);
    close_house(call, &house);
}

/* Asks for both answers. How often the full one was made. */
static int describe_twice(struct call *call, const struct rpc_peer *peer, const struct seen *seen)
{
    int before = seen->calls;
    const struct number in = { 7 };
    struct named_number named;
    struct number number;

    assert_null(rpc_send(call, peer, "describe", IN(number, &in), OUT(named_number, &named)));
    assert_null(rpc_send(call, peer, "describe", IN(number, &in), OUT(number, &number)));
    assert_int_equal(named.n, 7);
    assert_text(named.name, "full");
    assert_int_equal(number.n, 7);
    return seen->calls - before;
}

TEST(who_reads_less_is_answered_by_the_row_that_gives_less_and_on_the_wire_by_the_first)
{
    struct seen here = { 0 };
    struct house house;
    struct rpc_peer peer = { .name = STR("test"), .messages = messages, .service = &here };

    assert_int_equal(describe_twice(call, &peer, &here), 1);
    open_house(call, &house, 0);
    peer.messages = NULL;
    peer.client = client_of(call, address_of(call, &house));
    assert_int_equal(describe_twice(call, &peer, &house.seen), 2);
    rpc_client_free(peer.client);
    close_house(call, &house);
}

TEST(an_error_keeps_its_status_and_text)
{
    struct house house;
    int64_t n;

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));
    struct rpc_peer peer = { .name = STR("test"), .client = client };
    const struct number in = { 404 };
    struct nothing out;
    error failed = rpc_send(call, &peer, "fail", IN(number, &in), OUT(nothing, &out));

    assert_int_equal(failed->status, 404);
    assert_string_equal(failed->message, "Failed with 404");
    assert_null(
        rpc_send(call, &peer, "fail", IN(number, &(const struct number){ 0 }), OUT(nothing, &out)));
    assert_int_equal(ask(call, client, "no.such", 1, &n)->status, 500);
    assert_int_equal(ask(call, client, "fail", 0, &n)->status, 500);
    rpc_client_free(client);
    close_house(call, &house);
}

struct sum {
    int64_t total, items;
};

static error add(void *cookie, const void *item)
{
    struct sum *sum = cookie;

    sum->total += ((const struct number *)item)->n;
    sum->items++;
    return NULL;
}

TEST(a_stream_brings_every_item_then_its_end)
{
    struct house house;
    struct sum sum = { 0 };
    struct number in = { 5000 };

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));
    struct rpc_stream_request request = { "count", IN(number, &in), number_schema(), add, &sum };

    assert_null(rpc_send_stream(call, client, &request));
    assert_int_equal(sum.items, 5000);
    assert_int_equal(sum.total, 5000 * 5001 / 2);
    in.n = 13;
    error failed = rpc_send_stream(call, client, &request);

    assert_int_equal(failed->status, 418);
    assert_int_equal(sum.items, 5013);
    rpc_client_free(client);
    close_house(call, &house);
}

TEST(an_event_is_sent_and_not_answered)
{
    struct house house;
    const struct number in = { 0 };

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));

    assert_null(rpc_emit(call, client, "twice.heard", IN(number, &in)));
    while (house.seen.events < 2)
        fiber_yield();
    rpc_client_free(client);
    close_house(call, &house);
}

TEST(the_time_that_is_left_goes_with_the_call)
{
    struct house house;
    uint64_t deadline = call->deadline_ms;
    int64_t n;

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));

    assert_null(ask(call, client, "left", 0, &n));
    assert_in_range(n, 1, 400);
    call->deadline_ms = clock_ms() + 50;
    assert_null(ask(call, client, "left", 0, &n));
    assert_in_range(n, 1, 50);
    call->deadline_ms = deadline;
    rpc_client_free(client);
    close_house(call, &house);
}

TEST(a_call_that_takes_too_long_is_a_504)
{
    struct house house;
    int64_t n;
    uint64_t deadline = call->deadline_ms, start = clock_ms();

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));
    error failed = ask(call, client, "sleep", 3000, &n);

    assert_int_equal(failed->status, 504);
    assert_string_equal(failed->message, "The test service did not answer within 400 ms");
    assert_in_range(clock_ms() - start, 390, 1500);
    assert_int_equal(call->deadline_ms, deadline);
    rpc_client_free(client);
    close_house(call, &house);
}

TEST(a_refused_connection_is_a_503_that_names_the_reason_in_its_cause)
{
    struct house house;
    int64_t n;

    open_house(call, &house, 0);
    const char *address = address_of(call, &house);
    struct rpc_client *client = client_of(call, address);
    const char *reason = arena_printf(call->arena, "connect ECONNREFUSED %s", address).at;

    close_house(call, &house);
    error failed = ask(call, client, "double", 1, &n);

    assert_int_equal(failed->status, 503);
    assert_string_equal(failed->message, "The test service is not available");
    assert_string_equal(failed->cause->message, reason);
    rpc_client_free(client);
}

TEST(a_name_that_leads_nowhere_is_a_503)
{
    struct rpc_client *client = client_of(call, "no-such-host.invalid:3001");
    int64_t n;
    error failed = ask(call, client, "double", 1, &n);

    /* The resolver may take longer than the call. */
    assert_true(failed->status == 503 || failed->status == 504);
    rpc_client_free(client);
}

TEST(addresses_are_understood_in_all_their_forms)
{
    static const struct {
        const char *text;
        bool good;
    } FORMS[] = {
        { "127.0.0.1", true },  { "127.0.0.1:3001", true },
        { "a, b:3 ,c", true },  { "::1", true },
        { "[::1]", true },      { "[::1]:3001", true },
        { "", false },          { "a:", false },
        { "a:0", false },       { "a:65536", false },
        { "a:x", false },       { ":3001", false },
        { "[::1]3001", false }, { "[]", false },
    };

    for (size_t i = 0; i < COUNT_OF(FORMS); i++) {
        const struct rpc_tcp_options options = { .addresses = str_of(FORMS[i].text), .port = 1 };
        struct rpc_client *client = NULL;
        error failed = rpc_tcp_client_new(call->arena, &options, &client);

        assert_int_equal(!failed, FORMS[i].good);
        rpc_client_free(client);
    }
}

/* --- many calls, many peers -------------------------------------------------------------------------- */

struct caller {
    struct rpc_client *client;
    const char *pattern;
    int64_t n;
    bool idempotent;
    error failed;
    int64_t got;
    unsigned *running;
    struct arena *arena;
};

static void one_call(void *argument)
{
    struct caller *caller = argument;
    static const char *const idempotent[] = { "double", "sleep", NULL };
    struct call call = call_new(caller->arena, TEST_TIMEOUT_MS);
    const struct rpc_peer peer = { .name = STR("test"),
                                   .client = caller->client,
                                   .idempotent = caller->idempotent ? idempotent : NULL };
    const struct number in = { caller->n };
    struct number out = { 0 };

    caller->failed = rpc_send(&call, &peer, caller->pattern, IN(number, &in), OUT(number, &out));
    caller->got = out.n;
    --*caller->running;
}

/* Starts `count` calls like `model`; finish_calls waits for them and counts the failures. */
static struct caller *start_calls(struct call *call, const struct caller *model, unsigned count,
                                  unsigned *running)
{
    struct caller *callers = ARENA_ARRAY(call->arena, struct caller, count);

    *running = count;
    for (unsigned i = 0; i < count; i++) {
        callers[i] = *model;
        callers[i].running = running;
        callers[i].arena = arena_new(1 << 20);
        assert_null(fiber_start(one_call, &callers[i]));
    }
    return callers;
}

static unsigned finish_calls(struct caller *callers, unsigned count, unsigned *running)
{
    unsigned failures = 0;

    while (*running)
        fiber_yield();
    for (unsigned i = 0; i < count; i++) {
        failures += callers[i].failed != NULL;
        arena_free(callers[i].arena);
    }
    return failures;
}

TEST(a_thousand_calls_share_one_connection)
{
    struct house house;
    unsigned running;

    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, address_of(call, &house));
    struct caller *callers = start_calls(
        call, &(struct caller){ .client = client, .pattern = "double", .n = 4 }, 1000, &running);

    assert_int_equal(finish_calls(callers, 1000, &running), 0);
    assert_int_equal(house.seen.calls, 1000);
    assert_int_equal(rpc_server_connections(house.server), 1);
    rpc_client_free(client);
    close_house(call, &house);
}

static struct rpc_client *client_of_two(struct call *call, const struct house *a,
                                        const struct house *b)
{
    return client_of(
        call, arena_printf(call->arena, "%s,%s", address_of(call, a), address_of(call, b)).at);
}

TEST(calls_spread_over_the_addresses)
{
    struct house a, b;
    unsigned running;

    open_house(call, &a, 0);
    open_house(call, &b, 0);
    struct rpc_client *client = client_of_two(call, &a, &b);
    struct caller *callers = start_calls(
        call, &(struct caller){ .client = client, .pattern = "sleep", .n = 20 }, 200, &running);

    assert_int_equal(finish_calls(callers, 200, &running), 0);
    assert_in_range(a.seen.calls, 80, 120);
    assert_int_equal(a.seen.calls + b.seen.calls, 200);
    rpc_client_free(client);
    close_house(call, &a);
    close_house(call, &b);
}

TEST(a_dead_address_costs_nobody_a_call_and_comes_back)
{
    struct house a, b;
    int64_t n;

    open_house(call, &a, 0);
    open_house(call, &b, 0);
    unsigned port = listener_port(b.listener);
    struct rpc_client *client = client_of_two(call, &a, &b);

    close_house(call, &b);
    for (int i = 0; i < 100; i++)
        assert_null(ask(call, client, "double", i, &n));
    assert_int_equal(a.seen.calls, 100);
    open_house(call, &b, port);
    for (int i = 0; i < 200 && !b.seen.calls; i++) {
        assert_null(ask(call, client, "double", i, &n));
        assert_null(call_sleep(call, 20));
    }
    assert_true(b.seen.calls > 0);
    rpc_client_free(client);
    close_house(call, &a);
    close_house(call, &b);
}

/* A peer that accepts, reads what comes and closes, or says nothing at all. */
struct mute {
    struct listener *listener;
    bool closes;
    int requests;
};

static void mute_received(struct stream *stream, void *owner)
{
    struct mute *mute = owner;

    mute->requests++;
    if (mute->closes)
        stream_abort(stream);
    else
        stream_consume(stream, stream_input(stream).len);
}

static void mute_closed(struct stream *stream, void *owner)
{
    (void)stream;
    (void)owner;
}

static void mute_accepted(struct stream *stream, void *cookie)
{
    static const struct stream_owner callbacks = { mute_received, NULL, NULL, mute_closed };

    stream_adopt(stream, &callbacks, cookie);
}

static void open_mute(struct call *call, struct mute *mute, bool closes)
{
    const struct listen_options listening = {
        .address = "127.0.0.1", .connections_max = 100, .accepted = mute_accepted, .cookie = mute
    };

    *mute = (struct mute){ .closes = closes };
    assert_null(listener_new(call->arena, &listening, &mute->listener));
}

static const char *mute_and(struct call *call, const struct mute *mute, const struct house *house)
{
    return arena_printf(call->arena, "127.0.0.1:%u,%s", listener_port(mute->listener),
                        address_of(call, house))
        .at;
}

TEST(a_connection_lost_under_a_call_is_a_502_and_the_call_is_not_sent_again)
{
    struct mute mute;
    int64_t n;

    open_mute(call, &mute, true);
    struct rpc_client *client =
        client_of(call, arena_printf(call->arena, "127.0.0.1:%u", listener_port(mute.listener)).at);
    error failed = ask(call, client, "double", 1, &n);

    assert_int_equal(failed->status, 502);
    assert_string_equal(failed->message, "The connection to the test service was lost");
    assert_string_equal(failed->cause->message, "Connection closed");
    assert_int_equal(mute.requests, 1);
    rpc_client_free(client);
    listener_free(mute.listener);
    testing_turns(3);
}

TEST(an_idempotent_call_is_sent_again_elsewhere)
{
    struct mute mute;
    struct house house;
    unsigned running;

    open_mute(call, &mute, true);
    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, mute_and(call, &mute, &house));
    const struct caller model = {
        .client = client, .pattern = "double", .n = 4, .idempotent = true
    };

    for (int i = 0; i < 20; i++) {
        struct caller *callers = start_calls(call, &model, 1, &running);

        assert_int_equal(finish_calls(callers, 1, &running), 0);
    }
    assert_int_equal(house.seen.calls, 20);
    rpc_client_free(client);
    listener_free(mute.listener);
    close_house(call, &house);
}

TEST(retries_end_with_their_budget)
{
    struct mute mute;
    unsigned running;

    open_mute(call, &mute, true);
    struct rpc_client *client =
        client_of(call, arena_printf(call->arena, "127.0.0.1:%u", listener_port(mute.listener)).at);
    const struct caller model = { .client = client, .pattern = "double", .idempotent = true };

    for (int i = 0; i < 100; i++) {
        struct caller *callers = start_calls(call, &model, 1, &running);

        assert_int_equal(finish_calls(callers, 1, &running), 1);
    }
    assert_in_range(mute.requests, 101, 125);
    rpc_client_free(client);
    listener_free(mute.listener);
    testing_turns(3);
}

TEST(an_address_that_never_answers_is_left_out)
{
    struct mute mute;
    struct house house;
    unsigned running, failures = 0;

    open_mute(call, &mute, false);
    open_house(call, &house, 0);
    struct rpc_client *client = client_of(call, mute_and(call, &mute, &house));
    const struct caller model = { .client = client, .pattern = "sleep", .n = 1 };

    client->options.timeout_ms = 700;
    for (int i = 0; i < 20; i++) {
        struct caller *callers = start_calls(call, &model, 20, &running);

        while (running > 15)
            fiber_yield();
        failures += finish_calls(callers, 20, &running);
    }
    assert_in_range(failures, 1, 30);
    assert_in_range(mute.requests, 1, 30);
    rpc_client_free(client);
    listener_free(mute.listener);
    close_house(call, &house);
}

TEST(a_server_that_stops_says_goodbye_and_loses_nothing)
{
    struct house a, b;
    unsigned running, more_running;

    open_house(call, &a, 0);
    open_house(call, &b, 0);
    struct rpc_client *client = client_of_two(call, &a, &b);
    const struct caller model = { .client = client, .pattern = "sleep", .n = 100 };
    struct caller *callers = start_calls(call, &model, 100, &running);

    while (a.seen.calls + b.seen.calls < 100)
        fiber_yield();
    int before = a.seen.calls;

    listener_free(a.listener);
    a.listener = NULL;
    rpc_server_drain(a.server, 1000, is_drained, &a.drained);
    assert_null(call_sleep(call, 20));
    struct caller *more = start_calls(call, &model, 100, &more_running);

    assert_int_equal(finish_calls(callers, 100, &running), 0);
    assert_int_equal(finish_calls(more, 100, &more_running), 0);
    assert_int_equal(a.seen.calls, before);
    call_wait_done(call, &a.drained);
    rpc_server_free(a.server);
    rpc_client_free(client);
    close_house(call, &b);
}

TEST(calls_wait_for_a_peer_that_is_being_restarted)
{
    struct house house;
    unsigned running;
    int64_t n;

    open_house(call, &house, 0);
    unsigned port = listener_port(house.listener);
    struct rpc_client *client = client_of(call, address_of(call, &house));
    const struct caller model = { .client = client, .pattern = "double", .n = 1 };

    assert_null(ask(call, client, "double", 1, &n));
    close_house(call, &house);
    struct caller *callers = start_calls(call, &model, 50, &running);

    assert_null(call_sleep(call, 150));
    assert_int_equal(running, 50);
    open_house(call, &house, port);
    assert_int_equal(finish_calls(callers, 50, &running), 0);
    rpc_client_free(client);
    close_house(call, &house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_on_the_wire_is_what_nestjs_says),
        cmocka_unit_test(replies_come_in_the_order_in_which_they_are_ready),
        cmocka_unit_test(a_frame_that_stands_still_ends_its_connection),
        cmocka_unit_test(an_event_outlives_its_connection_and_a_request_does_not),
        cmocka_unit_test(more_requests_than_may_run_wait_for_room),
        cmocka_unit_test(a_call_comes_back_with_its_reply),
        cmocka_unit_test(a_bare_payload_travels_bare),
        cmocka_unit_test(
            who_reads_less_is_answered_by_the_row_that_gives_less_and_on_the_wire_by_the_first),
        cmocka_unit_test(an_error_keeps_its_status_and_text),
        cmocka_unit_test(a_stream_brings_every_item_then_its_end),
        cmocka_unit_test(an_event_is_sent_and_not_answered),
        cmocka_unit_test(the_time_that_is_left_goes_with_the_call),
        cmocka_unit_test(a_call_that_takes_too_long_is_a_504),
        cmocka_unit_test(a_refused_connection_is_a_503_that_names_the_reason_in_its_cause),
        cmocka_unit_test(a_name_that_leads_nowhere_is_a_503),
        cmocka_unit_test(addresses_are_understood_in_all_their_forms),
        cmocka_unit_test(a_thousand_calls_share_one_connection),
        cmocka_unit_test(calls_spread_over_the_addresses),
        cmocka_unit_test(a_dead_address_costs_nobody_a_call_and_comes_back),
        cmocka_unit_test(a_connection_lost_under_a_call_is_a_502_and_the_call_is_not_sent_again),
        cmocka_unit_test(an_idempotent_call_is_sent_again_elsewhere),
        cmocka_unit_test(retries_end_with_their_budget),
        cmocka_unit_test(an_address_that_never_answers_is_left_out),
        cmocka_unit_test(a_server_that_stops_says_goodbye_and_loses_nothing),
        cmocka_unit_test(calls_wait_for_a_peer_that_is_being_restarted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
