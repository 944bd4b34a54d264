#include "rpc/packet.h"
#include "rpc/frame.h"
#include "testing/test.h"

#include <string.h>

struct note {
    str text;
    int64_t number;
};

static SCHEMA(note, FIELD(text), FIELD(number));

/* What a test works with. */
struct bench {
    struct arena *arena;
    struct buf out;
};

static int set_up(void **state)
{
    static struct bench bench;

    bench = (struct bench){ arena_new(1 << 22), buf_new(1 << 20) };
    *state = &bench;
    return bench.arena ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    arena_free(bench->arena);
    buf_free(&bench->out);
    return 0;
}

static const struct json *parse(struct bench *bench, const char *text)
{
    const struct json *value;

    assert_null(json_parse(bench->arena, str_of(text), &value));
    return value;
}

static void add_part(struct buf *out, const char *name, const struct json *value)
{
    buf_printf(out, "%s", name);
    if (value)
        json_write(out, value);
    else
        buf_add_char(out, '-');
}

static const struct {
    const char *text, *expected; /* pattern, data, id */
} PACKETS[] = {
    { "{\"pattern\":\"a\",\"data\":1,\"id\":\"x\"}", "p\"a\"d1i\"x\"" },
    { "{\"id\":5,\"data\":null,\"pattern\":{\"cmd\":\"sum\"}}", "p{\"cmd\":\"sum\"}dnulli5" },
    { "{\"pattern\":\"a\",\"data\":1}", "p\"a\"d1i-" },
    { "{\"data\":1,\"id\":\"q\"}", "p-d1i\"q\"" },
    { "{\"id\":\"q\"}", "p-d-i-" },
    { "{\"pattern\":\"a\",\"id\":null}", "p\"a\"d-inull" },
    { "{\"pattern\":\"a\",\"id\":{\"a\":[1]}}", "p\"a\"d-i{\"a\":[1]}" },
    { "{\"pattern\":\"a\",\"pattern\":\"b\",\"id\":\"\"}", "p\"b\"d-i\"\"" },
    { "{\"pattern\":\"a\",\"__proto__\":{\"id\":1}}", "p\"a\"d-i-" },
    { "{}", "p-d-i-" },
    { "null", "p-d-i-" },
    { "0", "p-d-i-" },
    { "\"x\"", "p-d-i-" },
    { "[1,2]", "p-d-i-" },
};

static void packets_are_read_as_nestjs_reads_them(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(PACKETS); i++) {
        struct rpc_packet packet;

        assert_null(rpc_packet_read(bench->arena, str_of(PACKETS[i].text), &packet));
        buf_clear(&bench->out);
        add_part(&bench->out, "p", packet.pattern);
        add_part(&bench->out, "d", packet.data);
        add_part(&bench->out, "i", packet.id);
        assert_text(buf_text(&bench->out), PACKETS[i].expected);
    }
}

static void what_is_not_json_is_no_packet(void **state)
{
    struct bench *bench = *state;
    struct rpc_packet packet;
    struct rpc_reply reply;

    assert_ptr_equal(rpc_packet_read(bench->arena, STR("{"), &packet), &RPC_NOT_JSON);
    assert_ptr_equal(rpc_reply_read(bench->arena, STR("x"), &reply), &RPC_NOT_JSON);
}

static void packets_are_written_key_by_key_as_nestjs_writes_them(void **state)
{
    struct bench *bench = *state;
    const struct json *id = parse(bench, "\"r1\"");
    const struct note short_note = { STR("a"), 1 };
    struct note note = { STR("\xC4\x83\xF0\x9F\x98\x80\n\"\\/\x7F"), 7 };
    static const struct error MISSING = ERROR(404, "User not found");
    struct buf *out = &bench->out;

    buf_clear(out);
    rpc_write_value(out, id, true, IN(note, &note));
    assert_text(buf_text(out),
                "{\"response\":{\"text\":\"\xC4\x83\xF0\x9F\x98\x80\\n\\\"\\\\/\x7F\","
                "\"number\":7},\"isDisposed\":true,\"id\":\"r1\"}");
    buf_clear(out);
    rpc_write_value(out, id, false, IN(note, &short_note));
    assert_text(buf_text(out), "{\"response\":{\"text\":\"a\",\"number\":1},\"id\":\"r1\"}");
    buf_clear(out);
    rpc_write_end(out, id);
    assert_text(buf_text(out), "{\"isDisposed\":true,\"id\":\"r1\"}");
    buf_clear(out);
    rpc_write_unknown_pattern(out, id);
    assert_text(buf_text(out),
                "{\"id\":\"r1\",\"status\":\"error\",\"err\":\"There is no matching message "
                "handler defined in the remote service.\"}");
    assert_int_equal(out->len, 104);
    buf_clear(out);
    rpc_write_error(out, id, &MISSING);
    assert_text(buf_text(out),
                "{\"err\":{\"statusCode\":404,\"message\":\"User not found\",\"error\":"
                "\"Not Found\"},\"isDisposed\":true,\"id\":\"r1\"}");
}

static void outgoing_packets_leave_out_what_is_not_there(void **state)
{
    struct bench *bench = *state;
    struct buf *out = &bench->out;

    buf_clear(out);
    rpc_write_outgoing(out, &(struct rpc_outgoing){ .pattern = STR("\"a\""),
                                                    .data = STR("1"),
                                                    .id = STR("r1"),
                                                    .metadata = STR("{}") });
    assert_text(buf_text(out), "{\"pattern\":\"a\",\"data\":1,\"id\":\"r1\",\"metadata\":{}}");
    buf_clear(out);
    rpc_write_outgoing(out, &(struct rpc_outgoing){ .pattern = STR("\"a\"") });
    assert_text(buf_text(out), "{\"pattern\":\"a\"}");
}

static void an_id_is_echoed_as_it_came(void **state)
{
    struct bench *bench = *state;
    static const char *const IDS[] = { "null", "\"\"", "5", "{\"a\":[1]}", "true", "\"\\u0007\"" };

    for (size_t i = 0; i < COUNT_OF(IDS); i++) {
        buf_clear(&bench->out);
        rpc_write_end(&bench->out, parse(bench, IDS[i]));
        str found = str_slice(buf_text(&bench->out), strlen("{\"isDisposed\":true,\"id\":"),
                              strlen(IDS[i]));
        assert_text(found, IDS[i]);
    }
}

static const struct {
    const char *text;
    bool ended, failed;
    const char *response;
} REPLIES[] = {
    { "{\"response\":1,\"id\":\"x\"}", false, false, "1" },
    { "{\"response\":2,\"isDisposed\":true,\"id\":\"x\"}", true, false, "2" },
    { "{\"isDisposed\":true,\"id\":\"x\"}", true, false, "-" },
    { "{\"response\":null,\"isDisposed\":true,\"id\":\"x\"}", true, false, "null" },
    { "{\"err\":\"boom\",\"id\":\"x\"}", true, true, "-" },
    { "{\"err\":{},\"id\":\"x\"}", true, true, "-" },
    { "{\"err\":null,\"response\":5,\"id\":\"x\"}", false, false, "5" },
    { "{\"err\":false,\"id\":\"x\"}", false, false, "-" },
    { "{\"err\":0,\"isDisposed\":1,\"id\":\"x\"}", true, false, "-" },
    { "{\"err\":\"\",\"isDisposed\":\"true\",\"id\":\"x\"}", true, false, "-" },
};

static void replies_are_read_as_nestjs_s_clients_do(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(REPLIES); i++) {
        struct rpc_reply reply;

        assert_null(rpc_reply_read(bench->arena, str_of(REPLIES[i].text), &reply));
        assert_int_equal(reply.ended, REPLIES[i].ended);
        assert_int_equal(reply.err != NULL, REPLIES[i].failed);
        buf_clear(&bench->out);
        add_part(&bench->out, "", reply.response);
        assert_text(buf_text(&bench->out), REPLIES[i].response);
    }
}

static const struct {
    const char *err;
    int status;
    enum error_form form;
    const char *message;
} ERRORS[] = {
    /* NestJS's */
    { "{\"statusCode\":404,\"message\":\"User not found\"}", 404, ERROR_BRIEF, "User not found" },
    { "{\"message\":\"User not found\",\"error\":\"Not Found\",\"statusCode\":404}", 404,
      ERROR_BRIEF, "User not found" },
    { "{\"statusCode\":418,\"message\":\"x\",\"extra\":1}", 418, ERROR_BRIEF, "x" },
    { "{\"status\":\"error\",\"message\":\"boom\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"status\":404,\"message\":\"x\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":\"404\",\"message\":\"x\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":404.5,\"message\":\"x\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":399,\"message\":\"x\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":600,\"message\":\"x\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":404,\"message\":\"\"}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"statusCode\":404}", 500, ERROR_BRIEF, "Internal server error" },
    { "{\"message\":[\"a\"],\"error\":\"Bad Request\",\"statusCode\":400}", 500, ERROR_BRIEF,
      "Internal server error" },
    { "{\"statusCode\":400,\"message\":[\"a\",1],\"error\":\"Bad Request\"}", 500, ERROR_BRIEF,
      "Internal server error" },
    { "{}", 500, ERROR_BRIEF, "Internal server error" },
    { "\"a string\"", 500, ERROR_BRIEF, "Internal server error" },
    { "[404]", 500, ERROR_BRIEF, "Internal server error" },
    { "true", 500, ERROR_BRIEF, "Internal server error" },
    /* ours */
    { "{\"statusCode\":409,\"message\":\"Taken\",\"error\":\"Conflict\"}", 409, ERROR_NAMED,
      "Taken" },
    { "{\"statusCode\":500,\"message\":\"Internal server error\"}", 500, ERROR_BRIEF,
      "Internal server error" },
};

static void a_peer_s_error_becomes_what_a_nestjs_gateway_makes_of_it(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(ERRORS); i++) {
        error e = rpc_error_of(bench->arena, parse(bench, ERRORS[i].err));

        assert_int_equal(e->status, ERRORS[i].status);
        assert_int_equal(e->form, ERRORS[i].form);
        assert_text(str_of(e->message), ERRORS[i].message);
    }
}

static void that_a_peer_has_no_handler_is_told_from_other_failures(void **state)
{
    struct bench *bench = *state;
    const char *text = "\"There is no matching message handler defined in the remote service.\"";

    assert_ptr_equal(rpc_error_of(bench->arena, parse(bench, text)), &RPC_UNKNOWN_PATTERN);
}

static void an_error_of_ours_arrives_as_it_left(void **state)
{
    struct bench *bench = *state;
    static const str TEXTS[] = { STR_INIT("name must be a string"), STR_INIT("\xC8\x99") };
    struct error sent[] = {
        ERROR(404, "User not found"),
        { .status = 429, .message = "Too many", .retry_after_s = 30 },
        { .status = 500, .form = ERROR_BRIEF, .message = "Internal server error" },
        { .status = 400, .message = "Bad Request", .messages = &(strs){ TEXTS, 2 } },
    };

    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        buf_clear(&bench->out);
        rpc_write_err(&bench->out, &sent[i]);
        buf_add_char(&bench->out, '\0');
        error got = rpc_error_of(bench->arena, parse(bench, bench->out.at));

        assert_int_equal(got->status, sent[i].status);
        assert_int_equal(got->form, sent[i].form);
        assert_int_equal(got->retry_after_s, sent[i].retry_after_s);
        assert_text(str_of(got->message), sent[i].message);
        assert_int_equal(got->messages ? got->messages->len : 0,
                         sent[i].messages ? sent[i].messages->len : 0);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(packets_are_read_as_nestjs_reads_them),
        CASE(what_is_not_json_is_no_packet),
        CASE(packets_are_written_key_by_key_as_nestjs_writes_them),
        CASE(outgoing_packets_leave_out_what_is_not_there),
        CASE(an_id_is_echoed_as_it_came),
        CASE(replies_are_read_as_nestjs_s_clients_do),
        CASE(a_peer_s_error_becomes_what_a_nestjs_gateway_makes_of_it),
        CASE(that_a_peer_has_no_handler_is_told_from_other_failures),
        CASE(an_error_of_ours_arrives_as_it_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
