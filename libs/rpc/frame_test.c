#include "rpc/frame.h"
#include "testing/test.h"

enum { MAX = 1000, PIECE_WHOLE = 1 << 20 };

/* Reads `bytes` in pieces of `piece` bytes; texts are joined by "|", an error ends them with its status. */
static str read_all(str bytes, size_t piece, struct buf *out)
{
    struct rpc_frame_reader reader = rpc_frame_reader_new(MAX);
    error failed = NULL;

    buf_clear(out);
    while (bytes.len && !failed) {
        str input = str_slice(bytes, 0, piece), text = { NULL, 0 };
        size_t used = 0;

        do {
            failed = rpc_frame_read(&reader, input, &used, &text);
            if (failed)
                break;
            if (text.at)
                buf_printf(out, "%.*s|", STR_ARG(text));
            input = str_slice(input, used, SIZE_MAX);
        } while (text.at);
        if (!failed)
            assert_int_equal(input.len, 0);
        bytes = str_slice(bytes, piece, SIZE_MAX);
    }
    if (failed)
        buf_printf(out, "%d", failed->status);
    else if (rpc_frame_is_partial(&reader))
        BUF_ADD(out, "...");
    else
        rpc_frame_read(&reader, STR(""), &(size_t){ 0 }, &(str){ NULL, 0 });
    if (!failed && !rpc_frame_is_partial(&reader))
        assert_int_equal(rpc_frame_held(&reader), 0);
    rpc_frame_reader_free(&reader);
    return buf_text(out);
}

#define ECHO "{\"pattern\":\"echo\",\"data\":\"D\",\"id\":\"r1\"}"
#define WIDE "{\"pattern\":\"echo\",\"data\":\"\xC4\x83\xF0\x9F\x98\x80\",\"id\":\"r1\"}"
#define BAD_BYTES "{\"pattern\":\"echo\",\"data\":\"\xff\xfe\",\"id\":\"iv\"}"

static const struct row {
    const char *bytes, *expected;
} ROWS_OF_FRAMES[] = {
    { "39#" ECHO, ECHO "|" },
    { "39#" ECHO "2#{}2#{}", ECHO "|{}|{}|" },
    { "41#" WIDE, WIDE "|" },
    { "40#" BAD_BYTES, BAD_BYTES "|" },
    { "0002#{}", "{}|" },
    { " 2#{}", "{}|" },
    { "\n2#{}", "{}|" },
    { "\t\r\v\f2#{}", "{}|" },
    { "+2#{}", "{}|" },
    { "\xEF\xBB\xBF"
      "2#{}",
      "{}|" },
    { "\xC2\xA0\xE2\x80\xA8\xE3\x80\x80"
      "2#{}",
      "{}|" },
    { "2x#{}", "{}|" },
    { "2.9#{}", "{}|" },
    { "2 #{}", "{}|" },
    { "1e1#{}", "{|..." },
    { "abc#", "400" },
    { "#", "400" },
    { "GET / HTTP/1.1\r\n#", "400" },
    { "+-1#{}", "400" },
    { "- 1#{}", "400" },
    { "\xff"
      "2#{}",
      "400" },
    { "\xE2\x82"
      "2#{}",
      "400" },
    { "0#", "400" },
    { "-1#", "400" },
    { "0x1#", "400" },
    { "1001#", "413" },
    { "99999999999999999999999999#", "413" },
    { "40", "..." },
    { " ", "..." },
    { "2#{", "..." },
    { "2#", "..." },
    /* the end would lie within a pair of surrogates */
    { "3#\"\xF0\x9F\x98\x80\"", "\"\xF0\x9F\x98\x80|..." },
    { "2#\"\xF0\x9F\x98\x80\"", "400" },
    /* sequences that break off, each one unit up to the byte that breaks it */
    { "4#\"\xE2\x82\xF0\x9F\"", "\"\xE2\x82\xF0\x9F\"|" },
    { "5#\"\xED\xA0\x80\"", "\"\xED\xA0\x80\"|" },
    { "3#\"\xC0\"", "\"\xC0\"|" },
    { "", "" },
};

static void frames_are_read_as_nestjs_reads_them(void **state)
{
    struct buf out = buf_new(1 << 16);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS_OF_FRAMES); i++)
        assert_text(read_all(str_of(ROWS_OF_FRAMES[i].bytes), PIECE_WHOLE, &out),
                    ROWS_OF_FRAMES[i].expected);
    buf_free(&out);
}

static void frames_are_the_same_in_pieces_of_any_size(void **state)
{
    struct buf out = buf_new(1 << 16);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS_OF_FRAMES); i++)
        for (size_t piece = 1; piece < 12; piece++)
            assert_text(read_all(str_of(ROWS_OF_FRAMES[i].bytes), piece, &out),
                        ROWS_OF_FRAMES[i].expected);
    buf_free(&out);
}

static void a_length_without_an_end_is_refused_at_the_bound(void **state)
{
    struct rpc_frame_reader reader = rpc_frame_reader_new(MAX);
    str text;
    size_t used;

    (void)state;
    for (int i = 0; i < MAX; i++)
        assert_null(rpc_frame_read(&reader, STR("1"), &used, &text));
    assert_int_equal(rpc_frame_held(&reader), 0);
    assert_ptr_equal(rpc_frame_read(&reader, STR("1"), &used, &text), &RPC_FRAME_TOO_LONG);
    rpc_frame_reader_free(&reader);
}

static void a_promised_length_takes_no_memory(void **state)
{
    struct rpc_frame_reader reader = rpc_frame_reader_new(RPC_FRAME_MAX);
    str text;
    size_t used;

    (void)state;
    assert_null(rpc_frame_read(&reader, STR("1000000#{\"a\":"), &used, &text));
    assert_true(rpc_frame_is_partial(&reader));
    assert_in_range(rpc_frame_held(&reader), 1, 4096);
    rpc_frame_reader_free(&reader);
}

static const struct {
    const char *text;
    size_t units;
} TEXTS[] = {
    { "", 0 },
    { "abcdefghi", 9 },
    { "\xC4\x83", 1 },
    { "\xE2\x82\xAC", 1 },
    { "\xF0\x9F\x98\x80", 2 },
    { "abcdefgh\xF0\x9F\x98\x80ijklmnop\xC8\x99", 19 },
    { "\xFF\xFE", 2 },
    { "\xE2\x82", 1 },
    { "a\xE2\x82z", 3 },
    { "\xF0\x9F\x98", 1 },
    { "\xED\xA0\x80", 3 },
};

static void units_are_javascript_s_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_int_equal(rpc_utf16_units(str_of(TEXTS[i].text)), TEXTS[i].units);
}

static void a_written_frame_counts_units(void **state)
{
    struct buf out = buf_new(1000);

    (void)state;
    rpc_frame_write(&out, STR(WIDE));
    rpc_frame_write(&out, STR("{}"));
    assert_text(buf_text(&out), "41#" WIDE "2#{}");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read_as_nestjs_reads_them),
        cmocka_unit_test(frames_are_the_same_in_pieces_of_any_size),
        cmocka_unit_test(a_length_without_an_end_is_refused_at_the_bound),
        cmocka_unit_test(a_promised_length_takes_no_memory),
        cmocka_unit_test(units_are_javascript_s_length),
        cmocka_unit_test(a_written_frame_counts_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
