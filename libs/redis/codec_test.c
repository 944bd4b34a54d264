#include "redis/codec.h"
#include "testing/test.h"

static struct redis_reader reader;

static int open_reader(void **state)
{
    (void)state;
    assert_null(redis_reader_init(&reader));
    return 0;
}

static int close_reader(void **state)
{
    (void)state;
    redis_reader_free(&reader);
    return 0;
}

/* The next reply of bytes that hold one. */
static const struct redis_reply *only(str bytes)
{
    const struct redis_reply *reply = NULL;

    assert_null(redis_reader_feed(&reader, bytes));
    assert_null(redis_reader_next(&reader, &reply));
    assert_non_null(reply);
    return reply;
}

static void assert_none(void)
{
    const struct redis_reply *reply = NULL;

    assert_null(redis_reader_next(&reader, &reply));
    assert_null(reply);
}

static void a_command_is_an_array_of_its_words(void **state)
{
    const str words[] = { STR("SET"), STR(""), STR("a\r\n\0b") };
    struct buf out = buf_new(1024);

    (void)state;
    redis_write_command(&out, words, COUNT_OF(words));
    str expected = STR("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\n\0b\r\n");

    assert_true(str_eq(buf_text(&out), expected));
    buf_free(&out);
}

static void a_command_beyond_the_buffer_is_a_failure_of_the_buffer(void **state)
{
    struct buf out = buf_new(8);

    (void)state;
    redis_write_command(&out, (str[]){ STR("PING") }, 1);
    assert_true(buf_failed(&out));
    buf_free(&out);
}

static void every_kind_of_reply_is_read(void **state)
{
    (void)state;
    assert_int_equal(only(STR("+OK\r\n"))->type, REDIS_STATUS);
    assert_text(only(STR("+OK\r\n"))->text, "OK");
    assert_int_equal(only(STR("-NOAUTH x\r\n"))->type, REDIS_ERROR);
    assert_text(only(STR("-NOAUTH x\r\n"))->text, "NOAUTH x");
    assert_int_equal(only(STR(":-12\r\n"))->integer, -12);
    assert_int_equal(only(STR("$-1\r\n"))->type, REDIS_NIL);
    assert_int_equal(only(STR("*-1\r\n"))->type, REDIS_NIL);
    assert_int_equal(only(STR("$3\r\na\0b\r\n"))->text.len, 3);
    assert_int_equal(only(STR("*0\r\n"))->count, 0);
    assert_none();
}

static void elements_lie_side_by_side(void **state)
{
    const struct redis_reply *reply =
        only(STR("*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n$-1\r\n$2\r\nhi\r\n"));

    (void)state;
    assert_int_equal(reply->count, 3);
    assert_text(reply->at[0].text, "message");
    assert_int_equal(reply->at[1].at[0].integer, 1);
    assert_int_equal(reply->at[1].at[1].type, REDIS_NIL);
    assert_text(reply->at[2].text, "hi");
}

static void a_reply_may_come_byte_by_byte(void **state)
{
    str bytes = STR("*2\r\n$5\r\nhello\r\n:7\r\n");
    const struct redis_reply *reply = NULL;

    (void)state;
    for (size_t i = 0; i + 1 < bytes.len; i++) {
        assert_null(redis_reader_feed(&reader, str_slice(bytes, i, 1)));
        assert_none();
    }
    reply = only(str_slice(bytes, bytes.len - 1, 1));
    assert_text(reply->at[0].text, "hello");
    assert_int_equal(reply->at[1].integer, 7);
}

static void several_replies_come_one_after_the_other(void **state)
{
    const struct redis_reply *reply;

    (void)state;
    assert_int_equal(only(STR(":1\r\n:2\r\n:3\r"))->integer, 1);
    assert_null(redis_reader_next(&reader, &reply));
    assert_int_equal(reply->integer, 2);
    assert_none();
    assert_int_equal(only(STR("\n"))->integer, 3);
}

static void a_copy_outlives_the_reply(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct redis_reply copy;

    (void)state;
    assert_null(redis_reply_copy(arena, only(STR("*2\r\n*1\r\n+a\r\n$1\r\nb\r\n")), &copy));
    only(STR("*2\r\n*1\r\n+x\r\n$1\r\ny\r\n"));
    assert_text(copy.at[0].at[0].text, "a");
    assert_text(copy.at[1].text, "b");
    arena_free(arena);
}

static void nonsense_is_refused(void **state)
{
    static const char *const rows[] = {
        "hello\r\n",        "?1\r\n",
        "*99999999999\r\n", "$99999999999999999999\r\n",
        "$-2\r\n",          "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    };
    const struct redis_reply *reply;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_null(redis_reader_feed(&reader, str_of(rows[i])));
        if (redis_reader_next(&reader, &reply) != &REDIS_NOT_A_REPLY)
            fail_msg("row %zu was taken", i);
        redis_reader_free(&reader);
        assert_null(redis_reader_init(&reader));
    }
}

static void many_announced_elements_are_refused_before_they_come(void **state)
{
    const struct redis_reply *reply;

    (void)state;
    assert_null(redis_reader_feed(&reader, STR("*2147483647\r\n")));
    assert_ptr_equal(redis_reader_next(&reader, &reply), &REDIS_REPLY_TOO_LONG);
}

static void a_reply_that_is_too_long_is_refused(void **state)
{
    static char bytes[1024 * 1024];
    error failed = redis_reader_feed(&reader, STR("$536870912\r\n"));

    (void)state;
    for (int i = 0; i < 17 && !failed; i++) {
        assert_none();
        failed = redis_reader_feed(&reader, (str){ bytes, sizeof bytes });
    }
    assert_ptr_equal(failed, &REDIS_REPLY_TOO_LONG);
}

#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, open_reader, close_reader)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_an_array_of_its_words),
        cmocka_unit_test(a_command_beyond_the_buffer_is_a_failure_of_the_buffer),
        READER_TEST(every_kind_of_reply_is_read),
        READER_TEST(elements_lie_side_by_side),
        READER_TEST(a_reply_may_come_byte_by_byte),
        READER_TEST(several_replies_come_one_after_the_other),
        READER_TEST(a_copy_outlives_the_reply),
        READER_TEST(nonsense_is_refused),
        READER_TEST(many_announced_elements_are_refused_before_they_come),
        READER_TEST(a_reply_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
