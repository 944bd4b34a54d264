#include "testing/fiber_test.h"

#include "events/relay.h"
#include "testing/account.h"

/* The service that listens. */
struct listener {
    struct recorded heard[8];
    int64_t amounts[8];
    size_t count;
};

#define LISTENERS(ON) ON("account.moved", note_moved, testing_moved)
SUBSCRIPTIONS(listeners, LISTENERS);

static error note_moved(struct call *call, const struct recorded *event,
                        const struct testing_moved *data)
{
    struct listener *listener = call->service;

    listener->heard[listener->count] = *event;
    listener->amounts[listener->count++] = data->amount;
    return NULL;
}

#define OWN                                                                               \
    "\"metadata\":{\"event\":{\"id\":\"01a214b7-2007-7519-b445-2a8b331f8e40\","           \
    "\"streamId\":\"01a214b7-2009-732e-9700-322a74a00b4d\",\"version\":3,\"position\":7," \
    "\"recordedAt\":\"2026-11-25T12:00:00.000Z\"}}"
#define MOVED "{\"pattern\":\"account.moved\",\"data\":{\"amount\":5}"

/* Hands a packet over as the wire does: by the event handlers of the service. */
static error by_wire(struct call *call, const char *text)
{
    const struct event *handlers;
    struct rpc_packet packet;
    struct testing_moved data = { 0 };

    assert_null(events_handlers(call->arena, listeners, NULL, &handlers));
    assert_string_equal(handlers[0].pattern, "account.moved");
    assert_null(handlers[1].pattern);
    assert_null(rpc_packet_read(call->arena, str_of(text), &packet));
    TRY(schema_read(handlers[0].in(), call->arena, packet.data, SCHEMA_IGNORE, &data));
    return handlers[0].receive(call, &data, &packet, handlers[0].cookie);
}

static error by_stream(struct call *call, const char *text)
{
    struct rpc_packet packet;

    assert_null(rpc_packet_read(call->arena, str_of(text), &packet));
    return events_receive(call, &packet, listeners);
}

TEST(an_event_over_a_stream_is_the_one_that_was_recorded)
{
    struct listener listener = { 0 };

    call->service = &listener;
    assert_null(by_stream(call, MOVED "," OWN "}"));
    assert_int_equal(listener.count, 1);
    assert_int_equal(listener.amounts[0], 5);
    assert_int_equal(listener.heard[0].version, 3);
    assert_int_equal(listener.heard[0].position, 7);
    assert_int_equal(listener.heard[0].stream_id.bytes[0], 0x01);
    assert_int_equal(listener.heard[0].id.bytes[15], 0x40);
    assert_text(listener.heard[0].type, "account.moved");
    assert_text(listener.heard[0].data, "{\"amount\":5}");
}

TEST(a_type_that_nobody_listens_to_is_no_error)
{
    struct listener listener = { 0 };

    call->service = &listener;
    assert_null(by_stream(call, "{\"pattern\":\"account.closed\",\"data\":{}," OWN "}"));
    assert_null(by_stream(call, "{\"data\":{}," OWN "}"));
    assert_int_equal(listener.count, 0);
}

TEST(data_that_cannot_be_read_are_refused)
{
    struct listener listener = { 0 };
    error refused = by_stream(call, "{\"pattern\":\"account.moved\",\"data\":{}," OWN "}");

    call->service = &listener;
    assert_int_equal(refused->status, 400);
    refused = by_stream(call, MOVED ",\"metadata\":{\"event\":{\"id\":7}}}");
    assert_int_equal(refused->status, 400);
    assert_int_equal(listener.count, 0);
}

TEST(a_request_over_the_wire_is_handled_and_its_published_copy_is_not)
{
    struct listener listener = { 0 };

    call->service = &listener;
    assert_null(by_wire(call, MOVED ",\"id\":\"1\"," OWN "}"));
    assert_int_equal(listener.count, 1);
    assert_null(by_wire(call, MOVED "," OWN "}"));
    assert_int_equal(listener.count, 1);
}

TEST(an_event_of_a_nestjs_service_has_an_id_made_of_its_content)
{
    struct listener listener = { 0 };

    call->service = &listener;
    assert_null(by_wire(call, MOVED "}"));
    assert_null(by_wire(call, MOVED "}"));
    assert_null(by_wire(call, "{\"pattern\":\"account.moved\",\"data\":{\"amount\":6}}"));
    assert_int_equal(listener.count, 3);
    assert_true(uuid_eq(listener.heard[0].id, listener.heard[1].id));
    assert_false(uuid_eq(listener.heard[0].id, listener.heard[2].id));
    assert_int_equal(listener.heard[0].id.bytes[6] >> 4, 8);
    assert_true(listener.heard[0].recorded_at.ms > 0);
}

/* By what the replicas of the service claim the packet. */
static str claim_of(struct call *call, const char *text)
{
    const struct event *handlers;
    struct rpc_packet packet;

    assert_null(events_handlers(call->arena, listeners, NULL, &handlers));
    assert_null(rpc_packet_read(call->arena, str_of(text), &packet));
    return handlers[0].claim(call->arena, &packet, handlers[0].cookie);
}

TEST(an_event_of_a_nestjs_service_is_claimed_by_its_id)
{
    struct listener listener = { 0 };
    char id[UUID_TEXT];

    call->service = &listener;
    assert_null(by_wire(call, MOVED "}"));
    uuid_print(listener.heard[0].id, id);
    assert_true(str_eq(claim_of(call, MOVED "}"), (str){ id, sizeof id }));
    assert_false(str_eq(claim_of(call, "{\"pattern\":\"account.moved\",\"data\":{\"amount\":6}}"),
                        (str){ id, sizeof id }));
    assert_int_equal(claim_of(call, "{\"pattern\":\"account.moved\"}").len, UUID_TEXT);
}

TEST(the_published_copy_of_an_event_of_ours_is_not_claimed)
{
    assert_null(claim_of(call, MOVED "," OWN "}").at);
}

static error plain(struct call *call, const void *in)
{
    (void)call, (void)in;
    return NULL;
}

TEST(the_rows_of_a_service_follow_its_other_events)
{
    const struct event others[] = {
        { "user.renamed", testing_opened_schema, plain, NULL, NULL, NULL }, { 0 }
    };
    const struct event *handlers;

    assert_null(events_handlers(call->arena, listeners, others, &handlers));
    assert_string_equal(handlers[0].pattern, "user.renamed");
    assert_string_equal(handlers[1].pattern, "account.moved");
    assert_null(handlers[2].pattern);
    assert_null(events_handlers(call->arena, NULL, NULL, &handlers));
    assert_null(handlers[0].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_over_a_stream_is_the_one_that_was_recorded),
        cmocka_unit_test(a_type_that_nobody_listens_to_is_no_error),
        cmocka_unit_test(data_that_cannot_be_read_are_refused),
        cmocka_unit_test(a_request_over_the_wire_is_handled_and_its_published_copy_is_not),
        cmocka_unit_test(an_event_of_a_nestjs_service_has_an_id_made_of_its_content),
        cmocka_unit_test(an_event_of_a_nestjs_service_is_claimed_by_its_id),
        cmocka_unit_test(the_published_copy_of_an_event_of_ours_is_not_claimed),
        cmocka_unit_test(the_rows_of_a_service_follow_its_other_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
