#include "runtime/connect.h"
#include "testing/fiber_test.h"

#include "runtime/clock.h"

static struct stream *taken;

static void closed(struct stream *stream, void *owner)
{
    (void)stream;
    wait_done(owner);
}

static void received(struct stream *stream, void *owner)
{
    (void)owner;
    stream_consume(stream, stream_input(stream).len);
}

static void accepted(struct stream *stream, void *cookie)
{
    static const struct stream_owner callbacks = { received, NULL, NULL, closed };

    taken = stream;
    stream_adopt(stream, &callbacks, cookie);
}

static struct listener *listen_here(struct call *call, struct wait *end)
{
    const struct listen_options options = {
        .address = "127.0.0.1", .connections_max = 10, .accepted = accepted, .cookie = end
    };
    struct listener *listener = NULL;

    assert_null(listener_new(call->arena, &options, &listener));
    return listener;
}

TEST(a_stream_connects_and_says_whom_it_talks_to)
{
    static const struct stream_owner callbacks = { received, NULL, NULL, closed };
    struct wait server_end = { 0 }, client_end = { 0 };
    struct listener *listener = listen_here(call, &server_end);
    unsigned port = listener_port(listener);
    struct stream *stream;

    assert_null(stream_connect(call, "127.0.0.1", port, &stream));
    stream_adopt(stream, &callbacks, &client_end);
    assert_string_equal(stream_peer(stream), arena_printf(call->arena, "127.0.0.1:%u", port).at);
    stream_write(stream, STR("hello"));
    stream_close(stream);
    assert_null(call_wait(call, &client_end));
    assert_null(call_wait(call, &server_end));
    listener_free(listener);
    testing_turns(2);
}

TEST(a_refusal_reads_as_node_s)
{
    struct wait end = { 0 };
    struct listener *listener = listen_here(call, &end);
    unsigned port = listener_port(listener);
    struct stream *stream;

    listener_free(listener);
    testing_turns(2);
    error failed = stream_connect(call, "127.0.0.1", port, &stream);

    assert_int_equal(failed->status, 503);
    assert_string_equal(failed->message,
                        arena_printf(call->arena, "connect ECONNREFUSED 127.0.0.1:%u", port).at);
}

TEST(what_is_no_address_is_refused)
{
    struct stream *stream;

    assert_string_equal(stream_connect(call, "localhost", 80, &stream)->message,
                        "connect EINVAL localhost:80");
    assert_string_equal(stream_connect(call, "::1::", 80, &stream)->message,
                        "connect EINVAL ::1:::80");
    assert_string_equal(stream_connect(call, "127.0.0.1", 65536, &stream)->message,
                        "connect EINVAL 127.0.0.1:65536");
}

TEST(an_address_is_its_own)
{
    static const char *const ADDRESSES[] = { "127.0.0.1", "::1", "10.0.0.7" };
    strs found;

    for (size_t i = 0; i < COUNT_OF(ADDRESSES); i++) {
        assert_null(connect_resolve(call, str_of(ADDRESSES[i]), &found));
        assert_int_equal(found.len, 1);
        assert_text(found.at[0], ADDRESSES[i]);
    }
}

TEST(a_name_has_each_of_its_addresses_once)
{
    strs found;

    assert_null(connect_resolve(call, STR("localhost"), &found));
    assert_in_range(found.len, 1, 2);
    for (size_t i = 0; i < found.len; i++)
        assert_true(str_is(found.at[i], "127.0.0.1") || str_is(found.at[i], "::1"));
    if (found.len == 2)
        assert_false(str_eq(found.at[0], found.at[1]));
}

TEST(a_text_that_cannot_be_a_name_is_not_found)
{
    char long_name[300] = { 0 };
    strs found;

    for (size_t i = 0; i < sizeof long_name - 1; i++)
        long_name[i] = 'a';
    assert_string_equal(connect_resolve(call, STR(""), &found)->message, "getaddrinfo ENOTFOUND ");
    assert_int_equal(connect_resolve(call, str_of(long_name), &found)->status, 503);
    assert_int_equal(connect_resolve(call, (str){ "a\0b", 3 }, &found)->status, 503);
}

TEST(a_lookup_ends_with_the_call)
{
    uint64_t start = clock_ms();
    strs found;

    call->deadline_ms = clock_ms();
    assert_ptr_equal(connect_resolve(call, STR("localhost"), &found), &ERROR_DEADLINE);
    assert_true(clock_ms() - start < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_connects_and_says_whom_it_talks_to),
        cmocka_unit_test(a_refusal_reads_as_node_s),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(an_address_is_its_own),
        cmocka_unit_test(a_name_has_each_of_its_addresses_once),
        cmocka_unit_test(a_text_that_cannot_be_a_name_is_not_found),
        cmocka_unit_test(a_lookup_ends_with_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
