/* Client and server over a Redis that is played on the same loop. */
#include "rpc/peer.h"
#include "rpc/redis_client.h"
#include "rpc/redis_server.h"
#include "testing/redis.h"

struct number {
    int64_t value;
};
static SCHEMA(number, FIELD(value));

static const struct error NOBODY = ERROR(404, "Nobody is here");

static struct {
    int doubled, noted, noted_all, noted_once;
} seen;

#define MESSAGES(ON)                        \
    ON("double", double_it, number, number) \
    ON("refuse", refuse, number, number)    \
    ON("math.*", give_back, number, number) \
    ON("slow", slow, number, number)

#define EVENTS(ON)                    \
    ON("order.created", note, number) \
    ON("order.*", note_all, number)

MESSAGE_TABLE(messages, MESSAGES);
EVENT_TABLE(events, EVENTS);

static error double_it(struct call *call, const struct number *in, struct number *out)
{
    (void)call;
    seen.doubled++;
    out->value = 2 * in->value;
    return NULL;
}

static error refuse(struct call *call, const struct number *in, struct number *out)
{
    (void)call;
    (void)in;
    (void)out;
    return &NOBODY;
}

static error give_back(struct call *call, const struct number *in, struct number *out)
{
    (void)call;
    *out = *in;
    return NULL;
}

static error slow(struct call *call, const struct number *in, struct number *out)
{
    *out = *in;
    return call_sleep(call, (uint64_t)in->value);
}

static error note(struct call *call, const struct number *in)
{
    (void)call;
    (void)in;
    seen.noted++;
    return NULL;
}

static error note_all(struct call *call, const struct number *in)
{
    (void)call;
    (void)in;
    seen.noted_all++;
    return NULL;
}

/* An event of which one replica is enough, unless its data is no number. */
static error note_once(struct call *call, const void *in, const struct rpc_packet *packet,
                       const void *cookie)
{
    (void)call, (void)in, (void)packet, (void)cookie;
    seen.noted_once++;
    return NULL;
}

static str claim_by_value(struct arena *arena, const struct rpc_packet *packet, const void *cookie)
{
    const struct json *value = json_member(packet->data, STR("value"));

    (void)cookie;
    if (!value || json_number(value) < 0)
        return (str){ NULL, 0 };
    return arena_copy(arena, value->source);
}

static const struct event once[] = {
    { .pattern = "once", .in = number_schema, .receive = note_once, .claim = claim_by_value },
    { .pattern = "mixed", .in = number_schema, .receive = note_once, .claim = claim_by_value },
    { .pattern = "mixed", .in = number_schema, .receive = note_once },
    { 0 },
};

/* --- what a test has ------------------------------------------------------------------------------ */

struct side {
    struct redis *redis;
    struct rpc_redis_server *server;
};

static struct side serve(struct call *call, struct rpc_redis_server_options options)
{
    struct side side = { 0 };

    side.redis = played_connect((struct redis_options){ 0 });
    options.redis = side.redis;
    if (!options.handlers.title)
        options.handlers = (struct rpc_handlers){ messages, NULL, events, NULL, "Test", NULL };
    assert_null(rpc_redis_server_new(&options, &side.server));
    while (redis_check(call, side.redis))
        assert_null(call_sleep(call, 5));
    return side;
}

static void drained(void *wait)
{
    wait_done(wait);
}

static void stop(struct call *call, struct side *side)
{
    struct wait wait = { 0 };

    rpc_redis_server_drain(side->server, 1000, drained, &wait);
    call_wait_done(call, &wait);
    rpc_redis_server_free(side->server);
    redis_free(side->redis);
    *side = (struct side){ 0 };
}

struct asker {
    struct redis *redis;
    struct rpc_peer peer;
};

static struct asker ask_over_redis(void)
{
    struct redis *redis = played_connect((struct redis_options){ 0 });
    struct asker asker = { .redis = redis, .peer.name = STR("test") };
    const struct rpc_redis_options options = {
        .common = { .name = STR("test"), .timeout_ms = 300 },
        .redis = redis,
    };

    assert_null(rpc_redis_client_new(&options, &asker.peer.client));
    return asker;
}

static void stop_asking(struct asker *asker)
{
    rpc_client_free(asker->peer.client);
    redis_free(asker->redis);
}

static error ask(struct call *call, struct asker *asker, const char *pattern, int64_t in,
                 int64_t *out)
{
    struct number answer = { 0 };
    error failed = rpc_send(call, &asker->peer, pattern, IN(number, &(struct number){ in }),
                            OUT(number, &answer));

    *out = answer.value;
    return failed;
}

static struct rpc_redis_server_counts counts_after(struct call *call, const struct side *side,
                                                   uint64_t ms)
{
    assert_null(call_sleep(call, ms));
    return rpc_redis_server_counts(side->server);
}

/* --- tests ---------------------------------------------------------------------------------------- */

TEST(a_request_is_answered_on_its_reply_channel)
{
    int64_t out;

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    assert_null(ask(call, &asker, "double", 21, &out));
    assert_int_equal(out, 42);
    assert_true(strstr(played.asked, "SUBSCRIBE double.reply\n") <
                strstr(played.asked, "PUBLISH double {"));
    assert_int_equal(played_count("PUBLISH double.reply {\"response\":{\"value\":42},"
                                  "\"isDisposed\":true,\"id\":\""),
                     1);
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

TEST(an_error_is_the_peers_own)
{
    int64_t out;

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();
    error failed = ask(call, &asker, "refuse", 1, &out);

    assert_int_equal(failed->status, 404);
    assert_string_equal(failed->message, "Nobody is here");
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

TEST(the_reply_channel_is_left_a_while_after_the_last_call)
{
    int64_t out;

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    for (int i = 0; i < 3; i++)
        assert_null(ask(call, &asker, "double", i, &out));
    assert_int_equal(played_count("UNSUBSCRIBE"), 0);
    assert_null(call_sleep(call, RPC_REDIS_LINGER_MS + 50));
    assert_int_equal(played_count("\nSUBSCRIBE double.reply\n"), 1);
    assert_int_equal(played_count("\nUNSUBSCRIBE double.reply\n"), 1);
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

TEST(nobody_who_listens_is_a_503_and_no_reply_a_504)
{
    int64_t out;

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    assert_int_equal(ask(call, &asker, "unheard", 1, &out)->status, 503);
    assert_int_equal(ask(call, &asker, "slow", 400, &out)->status, 504);
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

static void cut_off(struct timer *timer)
{
    (void)timer;
    played_lose_all();
}

TEST(a_lost_connection_fails_the_call_and_the_next_one_works)
{
    struct timer timer = { 0 };
    int64_t out;

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    timer_start(&timer, 50, cut_off);
    assert_int_equal(ask(call, &asker, "slow", 200, &out)->status, 502);
    while (redis_check(call, side.redis))
        assert_null(call_sleep(call, 5));
    assert_null(ask(call, &asker, "double", 2, &out));
    assert_int_equal(out, 4);
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

TEST(of_two_replicas_one_answers_and_an_event_reaches_both)
{
    int64_t out;

    played_start(call);
    seen.doubled = seen.noted = 0;
    struct side one = serve(call, (struct rpc_redis_server_options){ 0 });
    struct side two = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    assert_null(ask(call, &asker, "double", 1, &out));
    assert_null(
        rpc_emit(call, asker.peer.client, "order.created", IN(number, &(struct number){ 1 })));
    struct rpc_redis_server_counts first = counts_after(call, &one, 20);
    struct rpc_redis_server_counts second = counts_after(call, &two, 0);

    assert_int_equal(seen.doubled, 1);
    assert_int_equal(first.suppressed + second.suppressed, 1);
    assert_int_equal(seen.noted, 2);
    stop_asking(&asker);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

static struct rpc_redis_server_options hearing_once(const char *title)
{
    return (struct rpc_redis_server_options){ .handlers = { .events = once, .title = title } };
}

TEST(of_two_replicas_one_handles_an_event_that_is_claimed)
{
    played_start(call);
    seen.noted_once = 0;
    struct side one = serve(call, hearing_once("Test"));
    struct side two = serve(call, hearing_once("Test"));

    played_publish("once", STR("{\"data\":{\"value\":1}}"));
    played_publish("once", STR("{\"data\":{\"value\":2}}"));
    struct rpc_redis_server_counts first = counts_after(call, &one, 50);
    struct rpc_redis_server_counts second = counts_after(call, &two, 0);

    assert_int_equal(seen.noted_once, 2);
    assert_int_equal(first.suppressed + second.suppressed, 2);
    assert_int_equal(first.handled + second.handled, 2);
    assert_int_equal(played_count("SET cuib:claim:Test:1 "), 2);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

TEST(each_service_handles_an_event_that_is_claimed)
{
    played_start(call);
    seen.noted_once = 0;
    struct side one = serve(call, hearing_once("Users"));
    struct side two = serve(call, hearing_once("Mails"));

    played_publish("once", STR("{\"data\":{\"value\":1}}"));
    assert_null(call_sleep(call, 50));
    assert_int_equal(seen.noted_once, 2);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

TEST(an_event_that_names_no_claim_or_has_a_row_for_all_reaches_every_replica)
{
    played_start(call);
    seen.noted_once = 0;
    struct side one = serve(call, hearing_once("Test"));
    struct side two = serve(call, hearing_once("Test"));

    played_publish("once", STR("{\"data\":{\"value\":-1}}"));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.noted_once, 2);
    played_publish("mixed", STR("{\"data\":{\"value\":1}}"));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.noted_once, 6);
    assert_int_equal(played_count("SET "), 0);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

TEST(what_cannot_be_claimed_is_handled_by_all)
{
    int64_t out;

    played_start(call);
    played.read_only = true;
    seen.noted_once = seen.doubled = 0;
    struct side one = serve(call, hearing_once("Test"));
    struct side two = serve(call, hearing_once("Test"));
    struct side other = serve(call, (struct rpc_redis_server_options){ 0 });
    struct asker asker = ask_over_redis();

    played_publish("once", STR("{\"data\":{\"value\":1}}"));
    assert_null(ask(call, &asker, "double", 1, &out));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.noted_once, 2);
    assert_int_equal(seen.doubled, 1);
    assert_int_equal(played_count("SET "), 3);
    stop_asking(&asker);
    stop(call, &one);
    stop(call, &two);
    stop(call, &other);
    played_stop(call);
}

TEST(without_claims_every_replica_handles_every_event)
{
    struct rpc_redis_server_options options = hearing_once("Test");

    options.every_replica_answers = true;
    played_start(call);
    seen.noted_once = 0;
    struct side one = serve(call, options), two = serve(call, options);

    played_publish("once", STR("{\"data\":{\"value\":1}}"));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.noted_once, 2);
    assert_int_equal(played_count("SET "), 0);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

TEST(without_claims_all_answer)
{
    int64_t out;

    played_start(call);
    seen.doubled = 0;
    struct side one =
        serve(call, (struct rpc_redis_server_options){ .every_replica_answers = true });
    struct side two =
        serve(call, (struct rpc_redis_server_options){ .every_replica_answers = true });
    struct asker asker = ask_over_redis();

    assert_null(ask(call, &asker, "double", 1, &out));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.doubled, 2);
    assert_int_equal(played_count("SET "), 0);
    stop_asking(&asker);
    stop(call, &one);
    stop(call, &two);
    played_stop(call);
}

TEST(an_id_that_is_published_again_is_answered_again)
{
    played_start(call);
    seen.doubled = 0;
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });

    for (int i = 0; i < 3; i++) {
        played_publish("double", STR("{\"data\":{\"value\":1},\"id\":\"same\"}"));
        assert_null(call_sleep(call, 20));
    }
    assert_int_equal(seen.doubled, 3);
    stop(call, &side);
    played_stop(call);
}

TEST(wildcards_run_every_handler_that_matches_and_reply_on_the_channel_itself)
{
    int64_t out;

    played_start(call);
    seen.noted = seen.noted_all = 0;
    struct side side = serve(call, (struct rpc_redis_server_options){ .wildcards = true });
    struct asker asker = ask_over_redis();

    assert_null(ask(call, &asker, "math.same", 5, &out));
    assert_int_equal(out, 5);
    played_publish("order.created", STR("{\"value\":1}"));
    played_publish("order.paid", STR("{\"value\":1}"));
    assert_null(call_sleep(call, 20));
    assert_int_equal(seen.noted, 1);
    assert_int_equal(seen.noted_all, 2);
    stop_asking(&asker);
    stop(call, &side);
    played_stop(call);
}

TEST(a_message_that_is_too_long_is_dropped)
{
    str text = { arena_zalloc(call->arena, 1, RPC_REDIS_PAYLOAD_MAX + 1),
                 RPC_REDIS_PAYLOAD_MAX + 1 };

    played_start(call);
    seen.noted = 0;
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });

    assert_non_null(text.at);
    played_publish("order.created", text);
    played_publish("order.created", STR("{\"value\":1}"));
    struct rpc_redis_server_counts counts = counts_after(call, &side, 100);

    assert_int_equal(counts.dropped, 1);
    assert_int_equal(seen.noted, 1);
    stop(call, &side);
    played_stop(call);
}

TEST(a_drain_finishes_what_runs_and_what_is_under_way)
{
    struct wait wait = { 0 };

    played_start(call);
    struct side side = serve(call, (struct rpc_redis_server_options){ 0 });

    played_publish("slow", STR("{\"data\":{\"value\":250},\"id\":\"a\"}"));
    assert_null(call_sleep(call, 20));
    played_publish("slow", STR("{\"data\":{\"value\":1},\"id\":\"b\"}"));
    rpc_redis_server_drain(side.server, 1000, drained, &wait);
    call_wait_done(call, &wait);
    rpc_redis_server_free(side.server);
    redis_free(side.redis);
    played_stop(call);
    assert_int_equal(played_count("\"id\":\"a\"}\n"), 1);
    assert_int_equal(played_count("\"id\":\"b\"}\n"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_on_its_reply_channel),
        cmocka_unit_test(an_error_is_the_peers_own),
        cmocka_unit_test(the_reply_channel_is_left_a_while_after_the_last_call),
        cmocka_unit_test(nobody_who_listens_is_a_503_and_no_reply_a_504),
        cmocka_unit_test(a_lost_connection_fails_the_call_and_the_next_one_works),
        cmocka_unit_test(of_two_replicas_one_answers_and_an_event_reaches_both),
        cmocka_unit_test(of_two_replicas_one_handles_an_event_that_is_claimed),
        cmocka_unit_test(each_service_handles_an_event_that_is_claimed),
        cmocka_unit_test(an_event_that_names_no_claim_or_has_a_row_for_all_reaches_every_replica),
        cmocka_unit_test(what_cannot_be_claimed_is_handled_by_all),
        cmocka_unit_test(without_claims_every_replica_handles_every_event),
        cmocka_unit_test(without_claims_all_answer),
        cmocka_unit_test(an_id_that_is_published_again_is_answered_again),
        cmocka_unit_test(wildcards_run_every_handler_that_matches_and_reply_on_the_channel_itself),
        cmocka_unit_test(a_message_that_is_too_long_is_dropped),
        cmocka_unit_test(a_drain_finishes_what_runs_and_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
