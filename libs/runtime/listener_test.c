#include "runtime/stream.h"
#include "runtime/fiber_switch.h"
#include "testing/client.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

enum { STREAMS_MAX = 256 };

/* All connections that a listener has accepted, in their order. */
struct house {
    struct listener *listener;
    struct stream *streams[STREAMS_MAX];
    int accepted, closed;
    bool abort_all, free_at_first;
};

static void swallow(struct stream *stream, void *owner)
{
    (void)owner;
    stream_consume(stream, stream_input(stream).len);
}

static void closed(struct stream *stream, void *owner)
{
    struct house *house = owner;

    for (int i = 0; i < house->accepted; i++)
        if (house->streams[i] == stream)
            house->streams[i] = NULL;
    house->closed++;
}

static const struct stream_owner CALLBACKS = { swallow, NULL, NULL, closed };

static void accepted(struct stream *stream, void *cookie)
{
    struct house *house = cookie;

    house->streams[house->accepted++] = stream;
    if (house->free_at_first && house->accepted == 1)
        listener_free(house->listener);
    if (house->abort_all)
        stream_abort(stream);
    else
        stream_adopt(stream, &CALLBACKS, house);
}

static struct listen_options options_of(struct house *house, unsigned connections_max)
{
    return (struct listen_options){ .address = "127.0.0.1",
                                    .connections_max = connections_max,
                                    .accepted = accepted,
                                    .cookie = house };
}

static void open_house(struct call *call, struct house *house, unsigned connections_max)
{
    struct listen_options options = options_of(house, connections_max);

    assert_null(listener_new(call->arena, &options, &house->listener));
}

static void wait_for(struct call *call, const int *counter, int value)
{
    while (*counter < value)
        assert_null(call_sleep(call, 1));
}

static void close_house(struct call *call, struct house *house)
{
    int open = house->accepted;

    for (int i = 0; i < open; i++)
        if (house->streams[i])
            stream_abort(house->streams[i]);
    wait_for(call, &house->closed, open);
    testing_turns(2);
}

TEST(a_free_port_is_chosen_and_told)
{
    struct house house = { 0 };

    open_house(call, &house, 10);
    assert_in_range(listener_port(house.listener), 1, 65535);
    close(testing_connect(listener_port(house.listener)));
    wait_for(call, &house.closed, 1);
    listener_free(house.listener);
    testing_turns(2);
}

TEST(addresses_of_both_families_are_listened_on)
{
    static const char *const addresses[] = { "127.0.0.1", "0.0.0.0", "::1", "::" };

    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct house house = { 0 };
        struct listen_options options = options_of(&house, 10);

        options.address = addresses[i];
        assert_null(listener_new(call->arena, &options, &house.listener));
        assert_true(listener_port(house.listener) > 0);
        listener_free(house.listener);
    }
    listener_free(NULL);
}

TEST(what_cannot_be_listened_on_is_explained)
{
    struct house house = { 0 };
    static const struct {
        const char *address;
        unsigned port;
        const char *reason;
    } rows[] = {
        { "localhost", 0, "localhost is not an IP address" },
        { "", 0, " is not an IP address" },
        { "127.0.0.1", 65536, "65536 is not a port" },
        { "192.0.2.1", 0, "cannot listen on 192.0.2.1:0: Cannot assign requested address" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct listen_options options = options_of(&house, 10);

        options.address = rows[i].address;
        options.port = rows[i].port;
        error e = listener_new(call->arena, &options, &house.listener);

        assert_non_null(e);
        assert_non_null(strstr(e->message, rows[i].reason));
        assert_null(house.listener);
    }
}

TEST(a_port_is_taken_once_unless_it_is_shared)
{
    struct house first = { 0 }, second = { 0 };
    struct listen_options options = options_of(&first, 10);

    for (int shared = 0; shared < 2; shared++) {
        options.port = 0;
        options.share_port = shared;
        assert_null(listener_new(call->arena, &options, &first.listener));
        options.port = listener_port(first.listener);
        error e = listener_new(call->arena, &options, &second.listener);

        if (shared) {
            assert_null(e);
            listener_free(second.listener);
        } else {
            assert_non_null(strstr(e->message, "is in use by another process"));
        }
        listener_free(first.listener);
        testing_turns(2);
    }
}

TEST(at_the_cap_the_next_connection_waits_for_a_place)
{
    struct house house = { 0 };
    int clients[5];

    open_house(call, &house, 3);
    for (int i = 0; i < 5; i++)
        clients[i] = testing_connect(listener_port(house.listener));
    assert_null(call_sleep(call, 20));
    assert_int_equal(house.accepted, 3);
    close(clients[0]);
    wait_for(call, &house.accepted, 4);
    assert_null(call_sleep(call, 10));
    assert_int_equal(house.accepted, 4);
    stream_abort(house.streams[1]);
    wait_for(call, &house.accepted, 5);
    close_house(call, &house);
    for (int i = 1; i < 5; i++)
        close(clients[i]);
    listener_free(house.listener);
    testing_turns(2);
}

TEST(more_peers_than_are_accepted_in_a_turn_are_all_accepted)
{
    enum { COUNT = 200 };
    struct house house = { 0 };
    int clients[COUNT];

    open_house(call, &house, 1000);
    for (int i = 0; i < COUNT; i++)
        clients[i] = testing_connect(listener_port(house.listener));
    wait_for(call, &house.accepted, COUNT);
    close_house(call, &house);
    for (int i = 0; i < COUNT; i++)
        close(clients[i]);
    listener_free(house.listener);
    testing_turns(2);
}

TEST(a_listener_out_of_descriptors_pauses_and_goes_on)
{
    struct house house = { 0 };
    struct rlimit limit, low;
    int clients[4], spare, turned_away;

    open_house(call, &house, 100);
    for (int i = 0; i < 4; i++)
        clients[i] = testing_connect(listener_port(house.listener));
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    spare = dup(0);
    close(spare);
    low.rlim_cur = (rlim_t)spare + 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_null(call_sleep(call, 150));
    turned_away = house.accepted;
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(turned_away, 2);
    wait_for(call, &house.accepted, 4);
    close_house(call, &house);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    listener_free(house.listener);
    testing_turns(2);
}

TEST(connections_outlive_their_listener)
{
    struct house house = { 0 };
    int client;
    char text[10];

    open_house(call, &house, 1);
    client = testing_connect(listener_port(house.listener));
    wait_for(call, &house.accepted, 1);
    listener_free(house.listener);
    testing_turns(3);
    stream_write(house.streams[0], STR("still"));
    assert_int_equal(testing_receive(call, client, text, sizeof text), 5);
    close(client);
    wait_for(call, &house.closed, 1);
    testing_turns(2);
}

TEST(a_listener_may_be_freed_while_it_accepts)
{
    struct house house = { .free_at_first = true };
    int clients[3];

    open_house(call, &house, 10);
    for (int i = 0; i < 3; i++)
        clients[i] = testing_connect(listener_port(house.listener));
    assert_null(call_sleep(call, 10));
    assert_int_equal(house.accepted, 1);
    close_house(call, &house);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}

TEST(a_connection_may_be_turned_away_unadopted)
{
    struct house house = { .abort_all = true };

    open_house(call, &house, 1);
    for (int i = 0; i < 5; i++) {
        int client = testing_connect(listener_port(house.listener));

        assert_text(testing_receive_all(call, client, 10), "");
        close(client);
    }
    assert_int_equal(house.accepted, 5);
    listener_free(house.listener);
    testing_turns(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_port_is_chosen_and_told),
        cmocka_unit_test(addresses_of_both_families_are_listened_on),
        cmocka_unit_test(what_cannot_be_listened_on_is_explained),
        cmocka_unit_test(a_port_is_taken_once_unless_it_is_shared),
        cmocka_unit_test(at_the_cap_the_next_connection_waits_for_a_place),
        cmocka_unit_test(more_peers_than_are_accepted_in_a_turn_are_all_accepted),
        cmocka_unit_test(connections_outlive_their_listener),
        cmocka_unit_test(a_listener_may_be_freed_while_it_accepts),
        cmocka_unit_test(a_connection_may_be_turned_away_unadopted),
        /* At the limit valgrind takes connections from the kernel's queue and closes them. */
        cmocka_unit_test(a_listener_out_of_descriptors_pauses_and_goes_on),
    };
    size_t count = COUNT_OF(tests) - (switch_on_valgrind() ? 1 : 0);

    return _cmocka_run_group_tests("listener", tests, count, NULL, NULL);
}
