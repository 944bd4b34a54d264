#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BODY_MAX = 1000 };

struct outcome {
    int status; /* 0: the body ended; -1: it goes on; else the error's */
    size_t used;
    char data[BODY_MAX + 1];
    size_t len;
};

/* Decodes `in` in two pieces, or three when `second` is behind `first`. */
static struct outcome decode(str in, size_t first, size_t second)
{
    const size_t ends[] = { first, second, in.len };
    struct http_chunked decoder = { 0 };
    struct buf out = buf_new(BODY_MAX);
    struct outcome outcome = { .status = -1 };
    size_t start = 0;

    for (int i = 0; i < 3 && outcome.status == -1; i++) {
        size_t used = 0;
        /* A piece of its own, so that reading past it shows. */
        char *copy = malloc(ends[i] - start + 1);

        memcpy(copy, in.at + start, ends[i] - start);
        error failed = http_chunked_read(&decoder, (str){ copy, ends[i] - start }, &out, &used);

        free(copy);
        if (failed)
            outcome.status = failed->status;
        else if (decoder.state == HTTP_CHUNKED_DONE)
            outcome.status = 0;
        else
            assert_int_equal(used, ends[i] - start);
        outcome.used = failed ? 0 : outcome.used + used;
        start = ends[i];
    }
    outcome.len = out.len;
    if (out.len)
        memcpy(outcome.data, out.at, out.len);
    buf_free(&out);
    return outcome;
}

static const struct {
    int status;
    const char *in;
    const char *data; /* when it is accepted */
} rows[] = {
    { 0, "0\r\n\r\n", "" },
    { 0, "5\r\nhello\r\n0\r\n\r\n", "hello" },
    { 0, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello world" },
    { 0, "a\r\n0123456789\r\n00000000\r\n\r\n", "0123456789" },
    { 0, "A;x=y;\"z\"\r\n0123456789\r\n0;\xe9\r\n\r\n", "0123456789" },
    { 0, "1 ; a\r\nx\r\n0\t;b\r\n\r\n", "x" },
    { 0, "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n" },
    { 0, "1\r\nx\r\n0\r\nA: b\r\nContent-Length:5\r\n\r\n", "x" },
    { -1, "", NULL },
    { -1, "5", NULL },
    { -1, "5\r\nhello\r\n", NULL },
    { -1, "5\r\nhello\r\n0\r\n", NULL },
    { -1, "0\r\nA: b\r\n", NULL },
    { 400, "\r\n", NULL },
    { 400, "x\r\n", NULL },
    { 400, "0x5\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "+5\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "-1\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, " 5\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5 \r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5_0\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5\r\rhello\r\n0\r\n\r\n", NULL },
    { 400, "5;a\nb\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5;a\rb\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5;a\x01\r\nhello\r\n0\r\n\r\n", NULL },
    { 400, "5\r\nhello0\r\n\r\n", NULL },
    { 400, "5\r\nhelloX\r\n0\r\n\r\n", NULL },
    { 400, "5\r\nhello\n0\r\n\r\n", NULL },
    { 400, "5\r\nhello\rX0\r\n\r\n", NULL },
    { 400, "0\r\n\n", NULL },
    { 400, "0\r\n\rX", NULL },
    { 400, "0\r\nA : b\r\n\r\n", NULL },
    { 400, "0\r\n A: b\r\n\r\n", NULL },
    { 400, "0\r\nA: b\n\r\n", NULL },
    { 400, "0\r\nA\r\n\r\n", NULL },
    { 400, "00000000000000000\r\n\r\n", NULL },
    { 413, "3e9\r\n", NULL },
    { 413, "ffffffffffffffff\r\n", NULL },
    { 413, "8000000000000000\r\n", NULL },
    { 413, "1\r\nx\r\n3e8\r\n", NULL },
};

static void check(size_t row, struct outcome outcome)
{
    if (outcome.status != rows[row].status)
        fail_msg("%d instead of %d for: %s", outcome.status, rows[row].status, rows[row].in);
    if (rows[row].data) {
        assert_int_equal(outcome.len, strlen(rows[row].data));
        assert_memory_equal(outcome.data, rows[row].data, outcome.len);
    }
}

static void bodies_are_decoded_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str in = str_of(rows[i].in);

        check(i, decode(in, in.len, in.len));
    }
}

static void where_the_bytes_are_split_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str in = str_of(rows[i].in);
        size_t used = decode(in, in.len, in.len).used;

        for (size_t first = 0; first <= in.len; first++)
            for (size_t second = first; second <= in.len; second++) {
                struct outcome outcome = decode(in, first, second);

                check(i, outcome);
                assert_int_equal(outcome.used, used);
            }
    }
}

static void what_follows_the_body_is_left_alone(void **state)
{
    str in = STR("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n");

    (void)state;
    assert_int_equal(decode(in, in.len, in.len).used, strlen("1\r\nx\r\n0\r\n\r\n"));
}

/* `before`, that many times `piece`, `after`. */
static int status_of_many(const char *before, const char *piece, size_t count, const char *after)
{
    struct buf in = buf_new(1024 * 1024);

    buf_add(&in, str_of(before));
    while (count--)
        buf_add(&in, str_of(piece));
    buf_add(&in, str_of(after));
    int status = decode(buf_text(&in), in.len, in.len).status;

    buf_free(&in);
    return status;
}

static void what_is_dropped_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(status_of_many("1;", "e", 4000, "\r\nx\r\n0\r\n\r\n"), 0);
    assert_int_equal(status_of_many("1;", "e", 5000, "\r\nx\r\n0\r\n\r\n"), 431);
    assert_int_equal(status_of_many("", "1;0123456789\r\nx\r\n", 300, "0\r\n\r\n"), 0);
    assert_int_equal(status_of_many("", "1;0123456789\r\nx\r\n", 400, "0\r\n\r\n"), 431);
    assert_int_equal(status_of_many("1", " ", 5000, ";\r\nx\r\n0\r\n\r\n"), 431);
    assert_int_equal(status_of_many("0\r\n", "A: 0123456789\r\n", 200, "\r\n"), 0);
    assert_int_equal(status_of_many("0\r\n", "A: 0123456789\r\n", 300, "\r\n"), 431);
}

static void a_body_of_exactly_the_limit_fits(void **state)
{
    (void)state;
    assert_int_equal(status_of_many("3e8\r\n", "0123456789", 100, "\r\n0\r\n\r\n"), 0);
    assert_int_equal(status_of_many("", "1\r\nx\r\n", 1000, "0\r\n\r\n"), 0);
    assert_int_equal(status_of_many("", "1\r\nx\r\n", 1001, "0\r\n\r\n"), 413);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_decoded_strictly),
        cmocka_unit_test(where_the_bytes_are_split_does_not_matter),
        cmocka_unit_test(what_follows_the_body_is_left_alone),
        cmocka_unit_test(what_is_dropped_is_bounded),
        cmocka_unit_test(a_body_of_exactly_the_limit_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
