#include "runtime/stream.h"
#include "runtime/clock.h"
#include "testing/client.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The server's side of the connection under test, and what has happened to it. */
struct side {
    struct listener *listener;
    struct stream *stream; /* NULL before it is accepted and once it is gone */
    struct buf got;
    int received, ended, drained, closed;
    bool keep_input;                        /* do not consume */
    void (*on_received)(struct side *side); /* after the bookkeeping */
};

static void received(struct stream *stream, void *owner)
{
    struct side *side = owner;
    str input = stream_input(stream);

    assert_null(fiber_current());
    side->received++;
    if (!side->keep_input) {
        buf_add(&side->got, input);
        stream_consume(stream, input.len);
    }
    if (side->on_received)
        side->on_received(side);
}

static void ended(struct stream *stream, void *owner)
{
    (void)stream;
    ((struct side *)owner)->ended++;
}

static void drained(struct stream *stream, void *owner)
{
    assert_false(stream_congested(stream));
    ((struct side *)owner)->drained++;
}

static void closed(struct stream *stream, void *owner)
{
    struct side *side = owner;

    stream_write(stream, STR("nobody hears this"));
    BUF_ADD(stream_output(stream), "nor this");
    side->closed++;
    side->stream = NULL;
}

static const struct stream_owner CALLBACKS = { received, ended, drained, closed };
static const struct stream_owner WITHOUT_END = { received, NULL, NULL, closed };

static void accepted(struct stream *stream, void *cookie)
{
    struct side *side = cookie;

    side->stream = stream;
    stream_adopt(stream, &CALLBACKS, side);
}

static void listen_with(struct call *call, struct side *side,
                        void (*accept)(struct stream *stream, void *cookie))
{
    struct listen_options options = {
        .address = "127.0.0.1", .connections_max = 10000, .accepted = accept, .cookie = side
    };

    side->got = buf_new(64 * 1024 * 1024);
    assert_null(listener_new(call->arena, &options, &side->listener));
}

/* A client's socket, once the server has accepted it. */
static int connect_to(struct call *call, struct side *side)
{
    int client;

    listen_with(call, side, accepted);
    client = testing_connect(listener_port(side->listener));
    while (!side->stream)
        assert_null(call_sleep(call, 1));
    return client;
}

static void wait_until_closed(struct call *call, struct side *side)
{
    while (!side->closed)
        assert_null(call_sleep(call, 1));
    testing_turns(2);
    assert_int_equal(side->closed, 1);
}

static void finish(struct call *call, struct side *side, int client)
{
    if (side->stream)
        stream_abort(side->stream);
    wait_until_closed(call, side);
    listener_free(side->listener);
    buf_free(&side->got);
    if (client >= 0)
        close(client);
    testing_turns(2);
}

TEST(what_a_peer_sends_is_received)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    assert_int_equal(strncmp(stream_peer(side.stream), "127.0.0.1:", 10), 0);
    testing_send(call, client, STR("hello"));
    while (side.got.len < 5)
        assert_null(call_sleep(call, 1));
    assert_text(buf_text(&side.got), "hello");
    assert_text(stream_input(side.stream), "");
    finish(call, &side, client);
}

TEST(unconsumed_input_stays_and_grows)
{
    struct side side = { .keep_input = true };
    int client = connect_to(call, &side);
    static const char *const pieces[] = { "GET", " / HT", "T", "P/1.1\r\n" };

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        int before = side.received;

        testing_send(call, client, str_of(pieces[i]));
        while (side.received == before)
            assert_null(call_sleep(call, 1));
    }
    assert_text(stream_input(side.stream), "GET / HTTP/1.1\r\n");
    stream_consume(side.stream, 4);
    assert_text(stream_input(side.stream), "/ HTTP/1.1\r\n");
    testing_send(call, client, STR("Host"));
    while (stream_input(side.stream).len < 16)
        assert_null(call_sleep(call, 1));
    assert_text(stream_input(side.stream), "/ HTTP/1.1\r\nHost");
    stream_consume(side.stream, 16);
    assert_text(stream_input(side.stream), "");
    finish(call, &side, client);
}

static char *pattern(struct call *call, size_t len)
{
    char *at = arena_alloc(call->arena, len);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)(i * 31 + i / 251);
    return at;
}

TEST(a_long_message_arrives_whole_through_many_reads)
{
    enum { LEN = 3 * 1024 * 1024 + 7 };
    struct side side = { 0 };
    int client = connect_to(call, &side);
    const char *sent = pattern(call, LEN);

    testing_send(call, client, (str){ sent, LEN });
    while (side.got.len < LEN)
        assert_null(call_sleep(call, 1));
    assert_int_equal(side.got.len, LEN);
    assert_memory_equal(side.got.at, sent, LEN);
    finish(call, &side, client);
}

static void consume_a_third(struct side *side)
{
    str input = stream_input(side->stream);
    size_t some = input.len > 3 ? input.len / 3 : input.len;

    buf_add(&side->got, str_slice(input, 0, some));
    stream_consume(side->stream, some);
}

TEST(input_consumed_bit_by_bit_keeps_its_order)
{
    enum { LEN = 500 * 1024 };
    struct side side = { .keep_input = true, .on_received = consume_a_third };
    int client = connect_to(call, &side);
    const char *sent = pattern(call, LEN);

    testing_send(call, client, (str){ sent, LEN });
    while (side.got.len < LEN) {
        assert_null(call_sleep(call, 1));
        consume_a_third(&side);
    }
    assert_memory_equal(side.got.at, sent, LEN);
    finish(call, &side, client);
}

TEST(reading_pauses_at_the_input_limit)
{
    enum { LEN = 8 * 1024 * 1024 };
    struct side side = { .keep_input = true };
    int client = connect_to(call, &side);
    const char *sent = pattern(call, LEN);
    size_t put = 0, got = 0;

    /* As much as goes without the server reading on. */
    for (int idle = 0; idle < 20; idle++) {
        ssize_t n = send(client, sent + put, LEN - put, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            put += (size_t)n;
            idle = 0;
        }
        assert_null(call_sleep(call, 2));
    }
    assert_true(put < LEN);
    assert_in_range(stream_input(side.stream).len, STREAM_INPUT_MAX, 2 * STREAM_INPUT_MAX);
    while (got < put) {
        str input = stream_input(side.stream);

        assert_memory_equal(input.at, sent + got, input.len);
        got += input.len;
        stream_consume(side.stream, input.len);
        assert_null(call_sleep(call, 1));
    }
    finish(call, &side, client);
}

TEST(a_paused_stream_receives_nothing_until_it_resumes)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    for (int round = 0; round < 3; round++) {
        stream_pause(side.stream);
        buf_clear(&side.got);
        testing_send(call, client, STR("ping"));
        assert_null(call_sleep(call, 10));
        assert_int_equal(side.got.len, 0);
        stream_resume(side.stream);
        while (side.got.len < 4)
            assert_null(call_sleep(call, 1));
    }
    finish(call, &side, client);
}

TEST(writes_of_one_turn_leave_in_one_piece)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);
    char text[100];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++)
            stream_write(side.stream, STR("abc"));
        buf_printf(stream_output(side.stream), "%d", 42);
        assert_int_equal(recv(client, text, sizeof text, MSG_DONTWAIT), -1);
        assert_int_equal(testing_receive(call, client, text, sizeof text), 32);
        assert_text(((str){ text, 32 }), "abcabcabcabcabcabcabcabcabcabc42");
    }
    finish(call, &side, client);
}

TEST(a_slow_reader_congests_and_drains_without_loss)
{
    enum { LEN = 20 * 1024 * 1024 };
    struct side side = { 0 };
    int client = connect_to(call, &side);
    const char *sent = pattern(call, LEN);
    char *got = malloc(LEN);
    size_t len = 0;

    assert_false(stream_congested(side.stream));
    stream_write(side.stream, (str){ sent, LEN });
    assert_true(stream_congested(side.stream));
    testing_turns(5);
    assert_true(stream_congested(side.stream));
    assert_int_equal(side.drained, 0);
    while (len < LEN)
        len += (size_t)testing_receive(call, client, got + len, LEN - len);
    assert_memory_equal(got, sent, LEN);
    testing_turns(2);
    assert_int_equal(side.drained, 1);
    assert_false(stream_congested(side.stream));
    free(got);
    finish(call, &side, client);
}

/* More goes through than STREAM_OUTPUT_MAX, while never all of it has left: the kernel's buffers hold less than
 * what the reader is behind. */
TEST(a_reader_that_never_catches_up_is_served_for_ever)
{
    enum { BEHIND = 24 * 1024 * 1024 };
    static char piece[128 * 1024], sink[256 * 1024];
    struct side side = { 0 };
    int client = connect_to(call, &side);
    size_t written = 0, read = 0;

    while (read < (size_t)STREAM_OUTPUT_MAX * 3 / 2) {
        while (written - read < BEHIND) {
            stream_write(side.stream, (str){ piece, sizeof piece });
            written += sizeof piece;
        }
        read += (size_t)testing_receive(call, client, sink, sizeof sink);
        assert_non_null(side.stream);
        assert_true(stream_congested(side.stream));
    }
    assert_int_equal(side.drained, 0);
    finish(call, &side, client);
}

TEST(too_much_output_closes_the_stream)
{
    static char piece[1024 * 1024];
    struct side side = { 0 };
    int client = connect_to(call, &side);

    for (int i = 0; i <= STREAM_OUTPUT_MAX / (1024 * 1024); i++)
        stream_write(side.stream, (str){ piece, sizeof piece });
    wait_until_closed(call, &side);
    finish(call, &side, client);
}

TEST(a_peer_that_has_ended_can_still_be_answered)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    testing_send(call, client, STR("request"));
    shutdown(client, SHUT_WR);
    while (!side.ended)
        assert_null(call_sleep(call, 1));
    assert_text(buf_text(&side.got), "request");
    assert_null(call_sleep(call, 10));
    assert_int_equal(side.ended, 1);
    assert_int_equal(side.closed, 0);
    stream_write(side.stream, STR("answer"));
    stream_close(side.stream);
    stream_write(side.stream, STR("too late"));
    assert_text(testing_receive_all(call, client, 100), "answer");
    finish(call, &side, client);
}

static void accepted_without_end(struct stream *stream, void *cookie)
{
    struct side *side = cookie;

    side->stream = stream;
    stream_adopt(stream, &WITHOUT_END, side);
}

TEST(without_a_callback_the_peers_end_closes_after_the_output)
{
    struct side side = { 0 };

    listen_with(call, &side, accepted_without_end);
    int client = testing_connect(listener_port(side.listener));

    while (!side.stream)
        assert_null(call_sleep(call, 1));
    stream_write(side.stream, STR("bye"));
    shutdown(client, SHUT_WR);
    assert_text(testing_receive_all(call, client, 100), "bye");
    wait_until_closed(call, &side);
    finish(call, &side, client);
}

TEST(a_reset_closes_the_stream)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    testing_send(call, client, STR("x"));
    testing_reset(client);
    wait_until_closed(call, &side);
    assert_int_equal(side.ended, 0);
    finish(call, &side, -1);
}

TEST(a_reset_closes_a_stream_that_has_output_waiting)
{
    enum { LEN = 20 * 1024 * 1024 };
    struct side side = { 0 };
    int client = connect_to(call, &side);

    stream_write(side.stream, (str){ pattern(call, LEN), LEN });
    testing_turns(3);
    stream_pause(side.stream);
    testing_reset(client);
    wait_until_closed(call, &side);
    finish(call, &side, -1);
}

TEST(writing_to_a_peer_that_is_gone_closes_the_stream)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    stream_pause(side.stream);
    close(client);
    assert_null(call_sleep(call, 5));
    for (int i = 0; i < 1000 && side.stream; i++) {
        stream_write(side.stream, STR("anybody?"));
        assert_null(call_sleep(call, 1));
    }
    assert_int_equal(side.closed, 1);
    finish(call, &side, -1);
}

TEST(close_sends_what_is_queued_first)
{
    enum { LEN = 5 * 1024 * 1024 };
    struct side side = { 0 };
    int client = connect_to(call, &side);
    const char *sent = pattern(call, LEN);

    stream_write(side.stream, (str){ sent, LEN });
    stream_close(side.stream);
    stream_close(side.stream);
    str got = testing_receive_all(call, client, LEN + 1);

    assert_int_equal(got.len, LEN);
    assert_memory_equal(got.at, sent, LEN);
    finish(call, &side, client);
}

TEST(abort_drops_what_is_queued)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);

    stream_write(side.stream, STR("never sent"));
    stream_abort(side.stream);
    stream_abort(side.stream);
    stream_close(side.stream);
    assert_int_equal(side.closed, 0);
    assert_text(testing_receive_all(call, client, 100), "");
    finish(call, &side, client);
}

static void refuse_lingering(struct side *side)
{
    stream_write(side->stream, STR("413"));
    stream_close_lingering(side->stream);
}

/* A plain close would answer the unread bytes with a reset, which can overtake the answer. */
TEST(a_lingering_close_delivers_the_last_answer_to_a_peer_that_still_sends)
{
    enum { LEN = 900 * 1024 };
    struct side side = { .on_received = refuse_lingering };
    int client = connect_to(call, &side);

    testing_send(call, client, (str){ pattern(call, LEN), LEN });
    assert_null(call_sleep(call, 20));
    assert_int_equal(side.received, 1);
    assert_text(testing_receive_all(call, client, 100), "413");
    assert_int_equal(side.closed, 0);
    close(client);
    wait_until_closed(call, &side);
    finish(call, &side, -1);
}

TEST(a_lingering_close_ends_when_the_peer_sends_for_ever)
{
    static char piece[64 * 1024];
    struct side side = { .on_received = refuse_lingering };
    int client = connect_to(call, &side);

    while (!side.closed) {
        send(client, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_null(call_check(call));
        fiber_yield();
    }
    finish(call, &side, client);
}

TEST(a_lingering_close_ends_when_the_peer_does_nothing)
{
    struct side side = { 0 };
    int client = connect_to(call, &side);
    uint64_t start = call_left_ms(call);

    stream_write(side.stream, STR("bye"));
    stream_close_lingering(side.stream);
    wait_until_closed(call, &side);
    assert_in_range(start - call_left_ms(call), 1900, 4000);
    finish(call, &side, client);
}

static void abort_now(struct side *side)
{
    stream_abort(side->stream);
}

TEST(a_stream_may_be_aborted_by_its_own_callback)
{
    struct side side = { .on_received = abort_now };
    int client = connect_to(call, &side);

    testing_send(call, client, STR("x"));
    wait_until_closed(call, &side);
    finish(call, &side, client);
}

static void answer_on_fiber(void *argument)
{
    struct side *side = argument;

    fiber_yield();
    if (side->stream)
        stream_write(side->stream, STR("answer"));
}

static void start_answer(struct side *side)
{
    assert_null(fiber_start(answer_on_fiber, side));
}

TEST(fibers_answer_what_callbacks_receive)
{
    struct side side = { .on_received = start_answer };
    int client = connect_to(call, &side);
    char text[10];

    for (int i = 0; i < 50; i++) {
        testing_send(call, client, STR("question"));
        assert_int_equal(testing_receive(call, client, text, sizeof text), 6);
    }
    finish(call, &side, client);
}

static int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static int served;

static void echo(struct stream *stream, void *owner)
{
    (void)owner;
    stream_write(stream, stream_input(stream));
    stream_consume(stream, stream_input(stream).len);
    stream_close(stream);
}

static void count_served(struct stream *stream, void *owner)
{
    (void)stream;
    (void)owner;
    served++;
}

static void accept_echo(struct stream *stream, void *cookie)
{
    static const struct stream_owner ECHOING = { echo, NULL, NULL, count_served };

    stream_adopt(stream, &ECHOING, cookie);
}

TEST(thousands_of_short_connections_leave_nothing_open)
{
    enum { COUNT = 3000 };
    struct side side = { 0 };
    int before;

    served = 0;
    listen_with(call, &side, accept_echo);
    before = open_descriptors();
    for (int i = 0; i < COUNT; i++) {
        int client = testing_connect(listener_port(side.listener));

        call->deadline_ms = clock_ms() + TEST_TIMEOUT_MS;
        testing_send(call, client, STR("hi"));
        assert_text(testing_receive_all(call, client, 10), "hi");
        arena_reset(call->arena);
        close(client);
    }
    while (served < COUNT)
        assert_null(call_sleep(call, 1));
    testing_turns(2);
    assert_int_equal(open_descriptors(), before);
    listener_free(side.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_peer_sends_is_received),
        cmocka_unit_test(unconsumed_input_stays_and_grows),
        cmocka_unit_test(a_long_message_arrives_whole_through_many_reads),
        cmocka_unit_test(input_consumed_bit_by_bit_keeps_its_order),
        cmocka_unit_test(reading_pauses_at_the_input_limit),
        cmocka_unit_test(a_paused_stream_receives_nothing_until_it_resumes),
        cmocka_unit_test(writes_of_one_turn_leave_in_one_piece),
        cmocka_unit_test(a_slow_reader_congests_and_drains_without_loss),
        cmocka_unit_test(a_reader_that_never_catches_up_is_served_for_ever),
        cmocka_unit_test(too_much_output_closes_the_stream),
        cmocka_unit_test(a_peer_that_has_ended_can_still_be_answered),
        cmocka_unit_test(without_a_callback_the_peers_end_closes_after_the_output),
        cmocka_unit_test(a_reset_closes_the_stream),
        cmocka_unit_test(a_reset_closes_a_stream_that_has_output_waiting),
        cmocka_unit_test(writing_to_a_peer_that_is_gone_closes_the_stream),
        cmocka_unit_test(close_sends_what_is_queued_first),
        cmocka_unit_test(abort_drops_what_is_queued),
        cmocka_unit_test(a_lingering_close_delivers_the_last_answer_to_a_peer_that_still_sends),
        cmocka_unit_test(a_lingering_close_ends_when_the_peer_sends_for_ever),
        cmocka_unit_test(a_lingering_close_ends_when_the_peer_does_nothing),
        cmocka_unit_test(a_stream_may_be_aborted_by_its_own_callback),
        cmocka_unit_test(fibers_answer_what_callbacks_receive),
        cmocka_unit_test(thousands_of_short_connections_leave_nothing_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
