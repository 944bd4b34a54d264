/* Both sides over a Redis server of the test's own. */
#include "events/redis_stream.h"
#include "testing/directory.h"
#include "testing/fiber_test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { NUMBERS_MAX = 1000, CLAIM_MS = 60 };

#define KEY STR("cuib:events:user")

/* --- the server ----------------------------------------------------------------------------------- */

static struct {
    unsigned port;
    pid_t pid;
    struct testing_directory directory;
} server;

static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* It ends with this process, however that ends. */
static void start_server(void)
{
    char port[16];

    snprintf(port, sizeof port, "%u", server.port);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
           "--appendonly", "no", "--dir", server.directory.path, "--logfile", "redis.log", NULL);
    _exit(127);
}

static void kill_server(void)
{
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
}

static int start_group(void **state)
{
    (void)state;
    server.directory = testing_directory_new();
    server.port = free_port();
    start_server();
    return 0;
}

static int end_group(void **state)
{
    (void)state;
    kill_server();
    testing_directory_remove(&server.directory);
    return 0;
}

static struct redis *connect_redis(struct call *call)
{
    const struct redis_options options = { .host = STR("127.0.0.1"), .port = server.port };
    struct redis *redis;

    assert_null(redis_new(&options, &redis));
    while (redis_check(call, redis))
        assert_null(call_sleep(call, 5));
    return redis;
}

/* --- what is asked of it by hand -------------------------------------------------------------------- */

static struct redis_reply ask(struct call *call, struct redis *redis, strs words)
{
    struct redis_reply reply;
    error failed = redis_command(call, redis, words, &reply);

    if (failed)
        fail_msg("%s", failed->message);
    return reply;
}

#define ASK(...) ask(call, side.redis, REDIS_WORDS(__VA_ARGS__))

static int64_t length(struct call *call, struct redis *redis)
{
    return ask(call, redis, REDIS_WORDS(STR("XLEN"), KEY)).integer;
}

static int64_t pending(struct call *call, struct redis *redis)
{
    return ask(call, redis, REDIS_WORDS(STR("XPENDING"), KEY, STR("user"))).at[0].integer;
}

static size_t members(struct call *call, struct redis *redis)
{
    return ask(call, redis, REDIS_WORDS(STR("XINFO"), STR("CONSUMERS"), KEY, STR("user"))).count;
}

static void assert_nothing_left(struct call *call, struct redis *redis)
{
    assert_int_equal(length(call, redis), 0);
    assert_int_equal(pending(call, redis), 0);
}

static void wait_for_nothing_left(struct call *call, struct redis *redis)
{
    while (length(call, redis) || pending(call, redis))
        assert_null(call_sleep(call, 5));
}

/* --- two sides ------------------------------------------------------------------------------------ */

static const struct error REFUSED = ERROR(409, "The number is refused");

/* What the handlers have seen. */
static struct {
    int of[NUMBERS_MAX]; /* by number */
    int running;
    bool gate; /* they wait until it is open */
} seen;

static int64_t member_value(const struct json *data, const char *name)
{
    const struct json *member = json_member(data, str_of(name));
    int64_t value = 0;

    if (member)
        assert_true(json_integer(member, &value));
    return value;
}

/* {"data":{"number":7,"delay":20,"refuse":1}}; the cookie counts. */
static error handle(struct call *call, const struct rpc_packet *packet, void *cookie)
{
    int64_t delay = member_value(packet->data, "delay");
    error failed = NULL;

    seen.of[member_value(packet->data, "number")]++;
    if (cookie)
        ++*(int *)cookie;
    seen.running++;
    while (seen.gate && !failed)
        failed = call_sleep(call, 5);
    if (delay)
        failed = call_sleep(call, (uint64_t)delay);
    seen.running--;
    if (!failed && member_value(packet->data, "refuse"))
        failed = &REFUSED;
    return failed;
}

static void count_presence(void *cookie)
{
    ++*(int *)cookie;
}

struct side {
    struct redis *redis;
    struct events_stream *stream;
    int present;
};

/* The producer, at an empty Redis. */
static void produce(struct call *call, struct side *side)
{
    *side = (struct side){ .redis = connect_redis(call) };
    memset(&seen, 0, sizeof seen);
    ask(call, side->redis, REDIS_WORDS(STR("FLUSHALL")));
    const struct events_stream_options options = { .redis = side->redis,
                                                   .consumer = STR("user"),
                                                   .present = count_presence,
                                                   .cookie = &side->present };

    assert_null(events_stream_new(&options, &side->stream));
}

static void stop_producing(struct side *side)
{
    events_stream_free(side->stream);
    redis_free(side->redis);
}

struct replica {
    struct redis *redis;
    struct events_reader *reader;
    int handled;
};

static void open_reader(struct redis *redis, struct replica *replica, uint64_t claim_ms)
{
    *replica = (struct replica){ .redis = redis };
    const struct events_reader_options options = { .redis = replica->redis,
                                                   .consumer = STR("user"),
                                                   .title = "Test",
                                                   .handle = handle,
                                                   .cookie = &replica->handled,
                                                   .claim_ms = claim_ms };

    assert_null(events_reader_new(&options, &replica->reader));
}

static void wait_for_members(struct call *call, struct redis *redis, size_t count)
{
    while (members(call, redis) != count)
        assert_null(call_sleep(call, 5));
}

static void consume(struct call *call, struct replica *replica, uint64_t claim_ms)
{
    open_reader(connect_redis(call), replica, claim_ms);
}

static void drained(void *wait)
{
    wait_done(wait);
}

static void drain(struct call *call, struct replica *replica, uint64_t timeout_ms)
{
    struct wait wait = { 0 };

    events_reader_drain(replica->reader, timeout_ms, drained, &wait);
    call_wait_done(call, &wait);
}

static void stop_consuming(struct call *call, struct replica *replica)
{
    drain(call, replica, 5000);
    events_reader_free(replica->reader);
    redis_free(replica->redis);
}

/* Waits until the side was told of a replica. */
static void wait_for_presence(struct call *call, const struct side *side, int more_than)
{
    while (side->present <= more_than)
        assert_null(call_sleep(call, 5));
}

static void start_both(struct call *call, struct side *side, struct replica *replica)
{
    produce(call, side);
    wait_for_presence(call, side, 0);
    consume(call, replica, 0);
    wait_for_presence(call, side, 1);
}

static void stop_both(struct call *call, struct side *side, struct replica *replica)
{
    stop_consuming(call, replica);
    stop_producing(side);
}

/* Who only listens keeps deliveries from being refused, and counts. */
static int listened;

static void note_wake(void *cookie, str channel, str payload)
{
    (void)cookie;
    (void)channel;
    (void)payload;
    listened++;
}

static struct redis_subscription *listen_only(struct call *call, struct redis *redis)
{
    struct redis_subscription *made;

    listened = 0;
    assert_null(redis_subscribe(redis, &(struct redis_channel){ .name = KEY, .message = note_wake },
                                &made));
    assert_null(redis_subscribed(call, made));
    return made;
}

/* --- deliveries on fibers of their own --------------------------------------------------------------- */

struct deliverer {
    struct events_stream *stream;
    const char *packet;
    uint64_t timeout_ms;
    int status; /* of the error; 0: none */
    bool answered;
    struct call *call;
    struct wait wait;
};

static void deliver_on_fiber(void *argument)
{
    struct deliverer *deliverer = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct call call = call_new(arena, deliverer->timeout_ms);

    deliverer->call = &call;
    error failed = events_stream_deliver(&call, deliverer->stream, str_of(deliverer->packet),
                                         &deliverer->answered);

    deliverer->status = failed ? failed->status : 0;
    arena_free(arena);
    wait_done(&deliverer->wait);
}

static void begin_delivery(struct deliverer *deliverer, struct events_stream *stream,
                           const char *packet, uint64_t timeout_ms)
{
    *deliverer = (struct deliverer){ .stream = stream, .packet = packet, .timeout_ms = timeout_ms };
    assert_null(fiber_start(deliver_on_fiber, deliverer));
}

static error deliver(struct call *call, struct side *side, const char *packet, bool *answered)
{
    return events_stream_deliver(call, side->stream, str_of(packet), answered);
}

/* The numbers below `end`, each once, by so many fibers. */
struct flood {
    struct events_stream *stream;
    int next, end, delay_ms, fibers;
    struct wait wait;
};

static void flood_on_fiber(void *argument)
{
    struct flood *flood = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    bool answered;

    while (flood->next < flood->end) {
        struct call call = call_new(arena, TEST_TIMEOUT_MS);
        str packet = arena_printf(arena, "{\"data\":{\"number\":%d,\"delay\":%d}}", flood->next++,
                                  flood->delay_ms);

        assert_null(events_stream_deliver(&call, flood->stream, packet, &answered));
        assert_true(answered);
        arena_reset(arena);
    }
    arena_free(arena);
    if (--flood->fibers == 0)
        wait_done(&flood->wait);
}

static void begin_flood(struct flood *flood)
{
    for (int left = flood->fibers; left; left--)
        assert_null(fiber_start(flood_on_fiber, flood));
}

static void end_flood(struct call *call, struct flood *flood)
{
    call_wait_done(call, &flood->wait);
    for (int i = 0; i < flood->end; i++)
        assert_int_equal(seen.of[i], 1);
}

/* --- answers -------------------------------------------------------------------------------------- */

TEST(what_is_delivered_is_handled_and_answered)
{
    struct side side;
    struct replica replica;
    bool answered = false;

    start_both(call, &side, &replica);
    assert_null(deliver(call, &side, "{\"data\":{\"number\":7}}", &answered));
    assert_true(answered);
    assert_int_equal(seen.of[7], 1);
    assert_nothing_left(call, side.redis);
    assert_int_equal(events_reader_counts(replica.reader).handled, 1);
    stop_both(call, &side, &replica);
}

TEST(a_handlers_error_comes_back_with_its_status)
{
    struct side side;
    struct replica replica;
    bool answered = false;

    start_both(call, &side, &replica);
    error failed = deliver(call, &side, "{\"data\":{\"refuse\":1}}", &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 409);
    assert_string_equal(failed->message, "The number is refused");
    assert_true(answered);
    assert_nothing_left(call, side.redis);
    assert_int_equal(events_reader_counts(replica.reader).failed, 1);
    stop_both(call, &side, &replica);
}

TEST(the_handler_has_the_time_that_the_packet_gives_it)
{
    struct side side;
    struct replica replica;
    bool answered = false;

    start_both(call, &side, &replica);
    error failed = deliver(
        call, &side, "{\"data\":{\"delay\":5000},\"metadata\":{\"timeLeftMs\":50}}", &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 504);
    assert_true(answered);
    stop_both(call, &side, &replica);
}

TEST(a_packet_that_is_no_json_is_a_400)
{
    struct side side;
    struct replica replica;
    bool answered = false;

    start_both(call, &side, &replica);
    error failed = deliver(call, &side, "no packet", &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 400);
    assert_true(answered);
    assert_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(a_packet_that_is_too_long_is_not_sent)
{
    str packet = { arena_zalloc(call->arena, 1, EVENTS_STREAM_PACKET_MAX + 1),
                   EVENTS_STREAM_PACKET_MAX + 1 };
    struct side side;
    bool answered = false;

    produce(call, &side);
    error failed = events_stream_deliver(call, side.stream, packet, &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 413);
    assert_true(answered);
    assert_int_equal(length(call, side.redis), 0);
    stop_producing(&side);
}

static char last_answer[512];

static void note_answer(void *cookie, str channel, str payload)
{
    (void)cookie;
    (void)channel;
    snprintf(last_answer, sizeof last_answer, "%.*s", STR_ARG(payload));
}

TEST(what_strangers_put_into_the_stream_is_answered_and_removed)
{
    str packet = { arena_zalloc(call->arena, 1, EVENTS_STREAM_PACKET_MAX + 1),
                   EVENTS_STREAM_PACKET_MAX + 1 };
    struct side side;
    struct replica replica;
    struct redis_subscription *answers;

    start_both(call, &side, &replica);
    assert_null(redis_subscribe(
        side.redis,
        &(struct redis_channel){ .name = STR("cuib:events:user:answers"), .message = note_answer },
        &answers));
    ASK(STR("XADD"), KEY, STR("*"), STR("a"), STR("b"));
    ASK(STR("XADD"), KEY, STR("*"), STR("token"), STR("1\"2"), STR("packet"), packet);
    ASK(STR("PUBLISH"), KEY, STR(""));
    while (length(call, side.redis))
        assert_null(call_sleep(call, 5));
    assert_null(call_sleep(call, 20));
    assert_string_equal(last_answer,
                        "{\"err\":{\"statusCode\":400,\"message\":\"The packet is too long\","
                        "\"error\":\"Bad Request\"},\"isDisposed\":true,\"id\":\"1\\\"2\"}");
    assert_nothing_left(call, side.redis);
    assert_int_equal(events_reader_counts(replica.reader).failed, 2);
    redis_unsubscribe(answers);
    stop_both(call, &side, &replica);
}

/* --- nobody there --------------------------------------------------------------------------------- */

TEST(a_consumer_that_is_away_is_noticed_at_once)
{
    struct side side;
    struct replica replica;
    bool answered = true;

    produce(call, &side);
    error failed = deliver(call, &side, "{}", &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 503);
    assert_string_equal(failed->message, "user is not listening");
    assert_false(answered);
    assert_int_equal(length(call, side.redis), 0);

    consume(call, &replica, 0);
    wait_for_presence(call, &side, 1);
    stop_consuming(call, &replica);
    assert_non_null(deliver(call, &side, "{}", &answered));
    assert_false(answered);
    stop_producing(&side);
}

TEST(an_entry_whose_time_is_up_is_taken_back)
{
    struct side side;
    struct call hasty;
    bool answered = true;

    produce(call, &side);
    struct redis_subscription *ears = listen_only(call, side.redis);

    hasty = call_new(call->arena, 100);
    assert_ptr_equal(deliver(&hasty, &side, "{}", &answered), &ERROR_DEADLINE);
    assert_false(answered);
    assert_int_equal(listened, 1);
    assert_int_equal(length(call, side.redis), 0);
    redis_unsubscribe(ears);
    stop_producing(&side);
}

TEST(an_entry_whose_call_is_cancelled_is_taken_back)
{
    struct side side;
    struct deliverer deliverer;

    produce(call, &side);
    struct redis_subscription *ears = listen_only(call, side.redis);

    begin_delivery(&deliverer, side.stream, "{}", 10 * 1000);
    while (!listened)
        assert_null(call_sleep(call, 5));
    assert_int_equal(length(call, side.redis), 1);
    call_cancel(deliverer.call);
    assert_null(call_wait(call, &deliverer.wait));
    assert_int_equal(deliverer.status, ERROR_CANCELLED.status);
    assert_false(deliverer.answered);
    assert_int_equal(length(call, side.redis), 0);
    redis_unsubscribe(ears);
    stop_producing(&side);
}

/* --- a Redis that forgets -------------------------------------------------------------------------- */

TEST(what_redis_forgets_before_it_is_read_is_not_answered_and_then_all_works_again)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;
    bool answered = false;

    start_both(call, &side, &replica);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1}}", 10 * 1000);
    assert_null(redis_post(side.redis, REDIS_WORDS(STR("FLUSHALL")))); /* in the same packet */
    assert_null(call_wait(call, &deliverer.wait));
    assert_false(deliverer.answered);
    assert_int_equal(deliverer.status, 503); /* at once: the reader has found its group gone */
    assert_int_equal(seen.of[1], 0);

    assert_null(deliver(call, &side, "{\"data\":{\"number\":2}}", &answered));
    assert_int_equal(seen.of[2], 1);
    ASK(STR("FLUSHALL"));
    while (deliver(call, &side, "{\"data\":{\"number\":3}}", &answered))
        assert_false(answered); /* the reader's hello fails it, too */
    assert_true(seen.of[3] >= 1);
    wait_for_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(what_redis_forgets_while_it_is_handled_is_answered)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    start_both(call, &side, &replica);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1,\"delay\":100}}", 5000);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    ASK(STR("FLUSHALL"));
    assert_null(call_wait(call, &deliverer.wait));
    assert_true(deliverer.answered);
    assert_int_equal(deliverer.status, 0);
    stop_both(call, &side, &replica);
}

TEST(a_redis_that_is_killed_fails_what_is_under_way_and_serves_again_when_it_is_back)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;
    bool answered = true;

    start_both(call, &side, &replica);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1,\"delay\":500}}", 5000);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    int present = side.present;

    kill_server();
    assert_null(call_wait(call, &deliverer.wait));
    assert_false(deliverer.answered);
    assert_int_equal(deliverer.status, 503);
    error failed = deliver(call, &side, "{\"data\":{\"number\":2}}", &answered);

    assert_non_null(failed);
    assert_int_equal(failed->status, 503);
    assert_false(answered);
    start_server();
    do /* first its own return or the replica's, in whatever order; after both it is heard */
        wait_for_presence(call, &side, present++);
    while (deliver(call, &side, "{\"data\":{\"number\":3}}", &answered));
    assert_true(answered);
    assert_int_equal(seen.of[2], 0);
    assert_true(seen.of[3] >= 1);
    wait_for_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(a_lost_connection_that_returns_at_once_costs_no_answer)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    start_both(call, &side, &replica);
    seen.gate = true;
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1}}", 5000);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    ASK(STR("CLIENT"), STR("KILL"), STR("TYPE"), STR("normal")); /* all but this one */
    while (redis_counts(replica.redis).up && !redis_counts(replica.redis).reconnections)
        assert_null(call_sleep(call, 1));
    seen.gate = false;
    assert_null(call_wait(call, &deliverer.wait));
    assert_true(deliverer.answered);
    assert_int_equal(deliverer.status, 0);
    assert_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

/* --- replicas ------------------------------------------------------------------------------------- */

/* The event itself is sent again when the new replica says hello, so its entry's producer has given up. */
TEST(what_a_dead_replica_had_is_handled_by_another_and_its_name_goes)
{
    struct side side;
    struct replica replica;

    produce(call, &side);
    ASK(STR("XGROUP"), STR("CREATE"), KEY, STR("user"), STR("0"), STR("MKSTREAM"));
    ASK(STR("XADD"), KEY, STR("*"), STR("packet"), STR("{\"data\":{\"number\":1}}"));
    ASK(STR("XREADGROUP"), STR("GROUP"), STR("user"), STR("dead"), STR("STREAMS"), KEY, STR(">"));
    assert_int_equal(pending(call, side.redis), 1);

    consume(call, &replica, CLAIM_MS);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    assert_int_equal(events_reader_counts(replica.reader).claimed, 1);
    assert_nothing_left(call, side.redis);
    assert_int_equal(seen.of[1], 1);
    wait_for_members(call, side.redis, 1);
    stop_both(call, &side, &replica);
}

TEST(what_is_under_way_is_given_back_when_a_replica_starts)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    produce(call, &side);
    struct redis_subscription *ears = listen_only(call, side.redis);

    ASK(STR("XGROUP"), STR("CREATE"), KEY, STR("user"), STR("0"), STR("MKSTREAM"));
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1}}", 10 * 1000);
    while (!length(call, side.redis))
        assert_null(call_sleep(call, 5));
    ASK(STR("XREADGROUP"), STR("GROUP"), STR("user"), STR("dead"), STR("STREAMS"), KEY, STR(">"));

    consume(call, &replica, CLAIM_MS);
    assert_null(call_wait(call, &deliverer.wait));
    assert_false(deliverer.answered);
    assert_int_equal(deliverer.status, 503);
    wait_for_nothing_left(call, side.redis);
    assert_int_equal(seen.of[1], 0);
    redis_unsubscribe(ears);
    stop_both(call, &side, &replica);
}

TEST(what_was_removed_while_a_dead_replica_had_it_is_forgotten)
{
    struct side side;
    struct replica replica;
    bool answered = false;

    produce(call, &side);
    ASK(STR("XGROUP"), STR("CREATE"), KEY, STR("user"), STR("0"), STR("MKSTREAM"));
    str id = ASK(STR("XADD"), KEY, STR("*"), STR("packet"), STR("{}")).text;

    ASK(STR("XREADGROUP"), STR("GROUP"), STR("user"), STR("dead"), STR("STREAMS"), KEY, STR(">"));
    ASK(STR("XDEL"), KEY, id);
    assert_int_equal(pending(call, side.redis), 1);
    wait_for_presence(call, &side, 0);
    consume(call, &replica, CLAIM_MS);
    while (pending(call, side.redis))
        assert_null(call_sleep(call, 5));
    assert_int_equal(events_reader_counts(replica.reader).claimed, 0);
    assert_null(deliver(call, &side, "{\"data\":{\"number\":1}}", &answered));
    stop_both(call, &side, &replica);
}

TEST(more_than_a_reply_of_what_was_left_is_claimed)
{
    struct side side;
    struct replica replica;

    produce(call, &side);
    ASK(STR("XGROUP"), STR("CREATE"), KEY, STR("user"), STR("0"), STR("MKSTREAM"));
    for (int i = 0; i < 100; i++)
        ASK(STR("XADD"), KEY, STR("*"), STR("packet"),
            arena_printf(call->arena, "{\"data\":{\"number\":%d,\"delay\":300}}", i));
    ASK(STR("XREADGROUP"), STR("GROUP"), STR("user"), STR("dead"), STR("STREAMS"), KEY, STR(">"));
    assert_null(call_sleep(call, 2 * CLAIM_MS));
    consume(call, &replica, CLAIM_MS);
    while (events_reader_counts(replica.reader).handled < 100)
        assert_null(call_sleep(call, 5));
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen.of[i], 1);
    assert_int_equal(events_reader_counts(replica.reader).claimed, 100);
    assert_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(what_still_runs_is_not_handled_twice)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    produce(call, &side);
    wait_for_presence(call, &side, 0);
    consume(call, &replica, CLAIM_MS);
    wait_for_presence(call, &side, 1);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1,\"delay\":500}}", 5000);
    assert_null(call_wait(call, &deliverer.wait));
    assert_int_equal(deliverer.status, 0);
    assert_int_equal(seen.of[1], 1);
    assert_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(an_entry_nobody_was_woken_for_is_found)
{
    struct side side;
    struct replica replica;

    produce(call, &side);
    wait_for_presence(call, &side, 0);
    consume(call, &replica, CLAIM_MS);
    wait_for_presence(call, &side, 1);
    assert_null(call_sleep(call, 20));
    ASK(STR("XADD"), KEY, STR("*"), STR("packet"), STR("{\"data\":{\"number\":1}}"));
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    stop_both(call, &side, &replica);
}

TEST(two_replicas_share_the_work_and_each_entry_is_handled_once)
{
    struct side side;
    struct replica one, two;

    start_both(call, &side, &one);
    consume(call, &two, 0);
    wait_for_presence(call, &side, 2);
    struct flood flood = { .stream = side.stream, .end = 500, .fibers = 64, .delay_ms = 2 };

    begin_flood(&flood);
    end_flood(call, &flood);
    assert_true(one.handled > 0);
    assert_true(two.handled > 0);
    assert_int_equal(one.handled + two.handled, 500);
    assert_nothing_left(call, side.redis);
    assert_int_equal(members(call, side.redis), 2);
    stop_consuming(call, &two);
    assert_int_equal(members(call, side.redis), 1);
    stop_both(call, &side, &one);
}

TEST(two_producers_have_their_own_answers)
{
    struct side side;
    struct replica replica;
    struct events_stream *other;
    struct deliverer one, two;

    start_both(call, &side, &replica);
    assert_null(events_stream_new(
        &(struct events_stream_options){ .redis = side.redis, .consumer = STR("user") }, &other));
    begin_delivery(&one, side.stream, "{\"data\":{\"delay\":60}}", 5000);
    begin_delivery(&two, other, "{\"data\":{\"refuse\":1}}", 5000);
    assert_null(call_wait(call, &one.wait));
    assert_null(call_wait(call, &two.wait));
    assert_int_equal(one.status, 0);
    assert_int_equal(two.status, 409);
    events_stream_free(other);
    stop_both(call, &side, &replica);
}

/* --- much ----------------------------------------------------------------------------------------- */

TEST(of_many_entries_so_many_run_at_the_same_time)
{
    struct side side;
    struct replica replica;

    start_both(call, &side, &replica);
    struct flood flood = { .stream = side.stream,
                           .end = 2 * EVENTS_STREAM_RUNNING_MAX,
                           .fibers = 2 * EVENTS_STREAM_RUNNING_MAX };

    seen.gate = true;
    begin_flood(&flood);
    while (seen.running < EVENTS_STREAM_RUNNING_MAX)
        assert_null(call_sleep(call, 5));
    assert_null(call_sleep(call, 50));
    assert_int_equal(seen.running, EVENTS_STREAM_RUNNING_MAX);
    assert_int_equal(events_reader_counts(replica.reader).running, EVENTS_STREAM_RUNNING_MAX);
    assert_int_equal(length(call, side.redis), 2 * EVENTS_STREAM_RUNNING_MAX);
    assert_int_equal(pending(call, side.redis), EVENTS_STREAM_RUNNING_MAX);
    seen.gate = false;
    end_flood(call, &flood);
    assert_nothing_left(call, side.redis);
    stop_both(call, &side, &replica);
}

TEST(after_many_deliveries_nothing_is_left)
{
    struct side side;
    struct replica replica;

    start_both(call, &side, &replica);
    struct flood flood = { .stream = side.stream, .end = NUMBERS_MAX, .fibers = 64 };

    begin_flood(&flood);
    end_flood(call, &flood);
    assert_nothing_left(call, side.redis);
    assert_int_equal(events_reader_counts(replica.reader).handled, NUMBERS_MAX);
    stop_both(call, &side, &replica);
}

/* --- the end -------------------------------------------------------------------------------------- */

TEST(a_drain_waits_for_the_handler_that_runs_and_its_answer_arrives)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    start_both(call, &side, &replica);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1,\"delay\":150}}", 5000);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    stop_consuming(call, &replica);
    assert_int_equal(seen.running, 0);
    assert_null(call_wait(call, &deliverer.wait));
    assert_true(deliverer.answered);
    assert_int_equal(deliverer.status, 0);
    assert_nothing_left(call, side.redis);
    assert_int_equal(members(call, side.redis), 0);
    stop_producing(&side);
}

TEST(a_handler_that_a_drain_cannot_wait_for_is_cancelled)
{
    struct side side;
    struct replica replica;
    struct deliverer deliverer;

    start_both(call, &side, &replica);
    begin_delivery(&deliverer, side.stream, "{\"data\":{\"number\":1,\"delay\":9000}}", 5000);
    while (!seen.of[1])
        assert_null(call_sleep(call, 5));
    drain(call, &replica, 50);
    assert_null(call_wait(call, &deliverer.wait));
    assert_true(deliverer.answered);
    assert_int_equal(deliverer.status, 503);
    events_reader_free(replica.reader);
    redis_free(replica.redis);
    stop_producing(&side);
}

TEST(both_sides_end_also_while_redis_is_away)
{
    struct side side;
    struct replica replica, late;
    const struct redis_options nowhere = { .host = STR("127.0.0.1"), .port = free_port() };
    struct redis *redis;
    bool answered = true;

    start_both(call, &side, &replica);
    kill_server();
    assert_null(call_sleep(call, 50));
    stop_both(call, &side, &replica);
    start_server();

    assert_null(redis_new(&nowhere, &redis));
    open_reader(redis, &late, 0);
    assert_null(events_stream_new(
        &(struct events_stream_options){ .redis = redis, .consumer = STR("user") }, &side.stream));
    assert_int_equal(deliver(call, &side, "{}", &answered)->status, 503);
    assert_false(answered);
    events_stream_free(side.stream);
    stop_consuming(call, &late);
}

TEST(a_reader_may_end_at_once)
{
    struct replica replica;

    consume(call, &replica, 0);
    stop_consuming(call, &replica);
}

TEST(a_name_that_is_too_long_is_an_error)
{
    const struct redis_options nowhere = { .host = STR("127.0.0.1"), .port = free_port() };
    str name = { arena_zalloc(call->arena, 1, 1000), 1000 };
    struct events_reader *reader;
    struct events_stream *stream;
    struct redis *redis;

    assert_null(redis_new(&nowhere, &redis));
    assert_non_null(events_stream_new(
        &(struct events_stream_options){ .redis = redis, .consumer = name }, &stream));
    assert_non_null(events_reader_new(
        &(struct events_reader_options){ .redis = redis, .consumer = name, .handle = handle },
        &reader));
    events_stream_free(NULL);
    events_reader_free(NULL);
    redis_free(redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_delivered_is_handled_and_answered),
        cmocka_unit_test(a_handlers_error_comes_back_with_its_status),
        cmocka_unit_test(the_handler_has_the_time_that_the_packet_gives_it),
        cmocka_unit_test(a_packet_that_is_no_json_is_a_400),
        cmocka_unit_test(a_packet_that_is_too_long_is_not_sent),
        cmocka_unit_test(what_strangers_put_into_the_stream_is_answered_and_removed),
        cmocka_unit_test(a_consumer_that_is_away_is_noticed_at_once),
        cmocka_unit_test(an_entry_whose_time_is_up_is_taken_back),
        cmocka_unit_test(an_entry_whose_call_is_cancelled_is_taken_back),
        cmocka_unit_test(
            what_redis_forgets_before_it_is_read_is_not_answered_and_then_all_works_again),
        cmocka_unit_test(what_redis_forgets_while_it_is_handled_is_answered),
        cmocka_unit_test(
            a_redis_that_is_killed_fails_what_is_under_way_and_serves_again_when_it_is_back),
        cmocka_unit_test(a_lost_connection_that_returns_at_once_costs_no_answer),
        cmocka_unit_test(what_a_dead_replica_had_is_handled_by_another_and_its_name_goes),
        cmocka_unit_test(what_is_under_way_is_given_back_when_a_replica_starts),
        cmocka_unit_test(what_was_removed_while_a_dead_replica_had_it_is_forgotten),
        cmocka_unit_test(more_than_a_reply_of_what_was_left_is_claimed),
        cmocka_unit_test(what_still_runs_is_not_handled_twice),
        cmocka_unit_test(an_entry_nobody_was_woken_for_is_found),
        cmocka_unit_test(two_replicas_share_the_work_and_each_entry_is_handled_once),
        cmocka_unit_test(two_producers_have_their_own_answers),
        cmocka_unit_test(of_many_entries_so_many_run_at_the_same_time),
        cmocka_unit_test(after_many_deliveries_nothing_is_left),
        cmocka_unit_test(a_drain_waits_for_the_handler_that_runs_and_its_answer_arrives),
        cmocka_unit_test(a_handler_that_a_drain_cannot_wait_for_is_cancelled),
        cmocka_unit_test(both_sides_end_also_while_redis_is_away),
        cmocka_unit_test(a_reader_may_end_at_once),
        cmocka_unit_test(a_name_that_is_too_long_is_an_error),
    };

    return cmocka_run_group_tests(tests, start_group, end_group);
}
