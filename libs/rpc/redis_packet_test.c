#include "rpc/redis_packet.h"
#include "testing/test.h"

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(ARENA_CALL_MAX);
    return arena ? 0 : -1;
}

static int drop_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static str printed(const struct json *value)
{
    struct buf out = buf_new(1024);

    if (value)
        json_write(&out, value);
    else
        BUF_ADD(&out, "undefined");
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

/* What NestJS makes of payloads, measured with its own server. */
static void a_payload_is_a_packet_or_an_event_of_its_own(void **state)
{
    static const struct {
        const char *payload, *data, *id;
    } rows[] = {
        { "{\"pattern\":\"p\",\"data\":{\"a\":1},\"id\":\"x\"}", "{\"a\":1}", "\"x\"" },
        { "{\"orderId\":1}", "{\"orderId\":1}", "undefined" },
        { "{\"data\":1}", "1", "undefined" },
        { "{\"data\":null,\"id\":null}", "null", "null" },
        { "{\"pattern\":\"zzz\"}", "undefined", "undefined" },
        { "{\"pattern\":\"zzz\",\"id\":5}", "undefined", "5" },
        { "{\"id\":\"x\",\"orderId\":3}", "{\"id\":\"x\",\"orderId\":3}", "undefined" },
        { "hello", "\"hello\"", "undefined" },
        { "say \"hi\"\n", "\"say \\\"hi\\\"\\n\"", "undefined" },
        { "{\"pattern", "\"{\\\"pattern\"", "undefined" },
        { "", "\"\"", "undefined" },
        { "5", "5", "undefined" },
        { "0", "0", "undefined" },
        { "null", "null", "undefined" },
        { "\"\"", "\"\"", "undefined" },
        { "[1,2]", "[1,2]", "undefined" },
        { "{}", "{}", "undefined" },
        { "\"\xff\"", "\"\xef\xbf\xbd\"", "undefined" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rpc_packet packet;

        assert_null(rpc_redis_packet_read(arena, str_of(rows[i].payload), &packet));
        assert_text(printed(packet.data), rows[i].data);
        assert_text(printed(packet.id), rows[i].id);
    }
}

static void data_that_is_a_text_has_its_source_too(void **state)
{
    struct rpc_packet packet;

    (void)state;
    assert_null(rpc_redis_packet_read(arena, STR("a\tb"), &packet));
    assert_int_equal(packet.data->type, JSON_STRING);
    assert_text(packet.data->text, "a\tb");
    assert_text(packet.data->source, "\"a\\tb\"");
}

static void the_pattern_of_an_event_is_raw(void **state)
{
    static const struct {
        const char *route, *pattern;
    } rows[] = {
        { "order.created", "\"order.created\"" },
        { "{\"e\":\"obj\"}", "{\"e\":\"obj\"}" },
        { "{not json", "\"{not json\"" },
        { "7", "\"7\"" },
        { "", "\"\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(rpc_redis_pattern(arena, str_of(rows[i].route)), rows[i].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_is_a_packet_or_an_event_of_its_own),
        cmocka_unit_test(data_that_is_a_text_has_its_source_too),
        cmocka_unit_test(the_pattern_of_an_event_is_raw),
    };

    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
