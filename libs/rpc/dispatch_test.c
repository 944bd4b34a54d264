/* What is told of each message that has been handled; what is answered is in client_test.c. */
#include "rpc/dispatch.h"
#include "testing/test.h"

struct number {
    int64_t n;
};
static SCHEMA(number, FIELD(n));

#define MESSAGES(ON) ON("answer", answer, number, nothing)
#define STREAMS(ON) ON("count", count, number, number)
#define EVENTS(ON)               \
    ON("other", heard, number)   \
    ON("twice", heard_1, number) \
    ON("twice", heard_2, number)

MESSAGE_TABLE(messages, MESSAGES);
STREAM_TABLE(streams, STREAMS);
EVENT_TABLE(events, EVENTS);

/* Fails with the status that it is sent. */
static error answer(struct call *call, const struct number *in, struct nothing *out)
{
    (void)out;
    return in->n ? error_new(call->arena, (int)in->n, "refused") : NULL;
}

static error count(struct call *call, const struct number *in, struct rpc_items *items)
{
    TRY(rpc_item(call, items, IN(number, in)));
    return answer(call, in, NULL);
}

static error heard(struct call *call, const struct number *in)
{
    return answer(call, in, NULL);
}

static error heard_1(struct call *call, const struct number *in)
{
    return answer(call, in, NULL);
}

static error heard_2(struct call *call, const struct number *in)
{
    (void)call;
    (void)in;
    return NULL;
}

static struct {
    int times;
    struct rpc_handled last;
} told;

static void note(const struct rpc_handled *handled, void *service)
{
    assert_ptr_equal(service, &told);
    told.times++;
    told.last = *handled;
}

static void drop(struct rpc_sink *sink, str packet)
{
    (void)sink;
    (void)packet;
}

static void dispatch(const char *route, const char *packet)
{
    const struct rpc_handlers handlers = { messages, streams, events, &told, "Test", note };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct call call = call_new(arena, 1000);
    struct buf scratch = buf_new(1024);
    struct rpc_sink sink = { .put = drop, .scratch = &scratch };
    struct rpc_packet read;

    assert_null(rpc_packet_read(arena, str_of(packet), &read));
    told.times = 0;
    rpc_dispatch(&call, &handlers, str_of(route), &read, &sink);
    assert_int_equal(told.times, 1);
    buf_free(&scratch);
    arena_free(arena);
}

static const struct {
    const char *route, *packet;
    const struct message *message;
    const struct event *event;
    int status;
} ROWS[] = {
    { "answer", "{\"data\":{\"n\":0},\"id\":1}", &messages[0], NULL, 200 },
    { "answer", "{\"data\":{\"n\":409},\"id\":1}", &messages[0], NULL, 409 },
    { "answer", "{\"data\":{\"n\":503},\"id\":1}", &messages[0], NULL, 503 },
    { "answer", "{\"data\":{\"n\":\"x\"},\"id\":1}", &messages[0], NULL, 400 },
    { "answer", "{\"data\":{\"n\":0}}", &messages[0], NULL, 200 },
    { "count", "{\"data\":{\"n\":0},\"id\":1}", &streams[0], NULL, 200 },
    { "count", "{\"data\":{\"n\":418},\"id\":1}", &streams[0], NULL, 418 },
    { "other", "{\"data\":{\"n\":0}}", NULL, &events[0], 200 },
    { "twice", "{\"data\":{\"n\":0}}", NULL, &events[1], 200 },
    { "twice", "{\"data\":{\"n\":500}}", NULL, &events[1], 500 },
    { "twice", "{\"data\":{\"n\":0},\"id\":1}", NULL, &events[1], 200 },
    { "nope", "{\"data\":1}", NULL, NULL, 404 },
    { "nope", "{\"data\":1,\"id\":1}", NULL, NULL, 404 },
    { NULL, "{\"data\":1,\"id\":1}", NULL, NULL, 404 },
};

static void each_message_is_told_of_once_with_its_row_and_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        dispatch(ROWS[i].route, ROWS[i].packet);
        assert_ptr_equal(told.last.message, ROWS[i].message);
        assert_ptr_equal(told.last.event, ROWS[i].event);
        assert_int_equal(told.last.status, ROWS[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_is_told_of_once_with_its_row_and_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
