#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: a\r\n"

/* The status that the head is refused with, 0 when it is accepted, -1 when it is not complete. */
static int status_of(str text, struct http_head *head)
{
    size_t scanned = 0, len = 0;
    error failed = http_head_find(text, &scanned, &len);

    if (!failed && !len)
        return -1;
    if (!failed)
        failed = http_head_parse(str_slice(text, 0, len), head);
    return failed ? failed->status : 0;
}

struct row {
    int status;
    const char *text;
};

static void check_rows(const struct row *rows, size_t count)
{
    static struct http_head head;

    for (size_t i = 0; i < count; i++) {
        int status = status_of(str_of(rows[i].text), &head);

        if (status != rows[i].status)
            fail_msg("%d instead of %d for: %s", status, rows[i].status, rows[i].text);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void request_lines_are_read_strictly(void **state)
{
    static const struct row rows[] = {
        { 0, "GET / HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "M-SEARCH /x?y=z HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "GET http://a/b HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "GET HTTPS://a:443 HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "GET http://[::1]:80/ HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "GET /a|b^c{d}\"<>\\` HTTP/1.1\r\n" HOST "\r\n" },
        { 0, "GET / HTTP/1.0\r\n\r\n" },
        { 400, "get / HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "G(T / HTTP/1.1\r\n" HOST "\r\n" },
        { 400, " GET / HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "/ HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET  / HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET /  HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1 \r\n" HOST "\r\n" },
        { 400, "GET /\r\n\r\n" },
        { 400, "GET / http/1.1\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/11\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1.1\r\n" HOST "\r\n" },
        { 505, "GET / HTTP/1.2\r\n" HOST "\r\n" },
        { 505, "GET / HTTP/2.0\r\n" HOST "\r\n" },
        { 505, "PRI * HTTP/2.0\r\n\r\n" },
        { 505, "GET / HTTP/0.9\r\n" HOST "\r\n" },
        { 400, "GET * HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET a HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET a:80 HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET /#a HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET /\xc8\x99 HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET http:///a HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n" },
        { 501, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n" },
    };

    (void)state;
    CHECK(rows);
}

static void lines_end_in_cr_lf_alone(void **state)
{
    static const struct row rows[] = {
        { 400, "GET / HTTP/1.1\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "\n" },
        { 400, "\nGET / HTTP/1.1\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1\r\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "\rA: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n" },
        { 400, "GET / HTTP/1.1\rHost: a\r\n\r\n" },
        { -1, "GET / HTTP/1.1\r\n" HOST "\r" },
        { -1, "G" },
    };

    (void)state;
    CHECK(rows);
}

static void fields_are_read_strictly(void **state)
{
    static const struct row rows[] = {
        { 0, "GET / HTTP/1.1\r\n" HOST "A:\r\nB:   \r\nC: \t d e \t\r\n\r\n" },
        { 0, "GET / HTTP/1.1\r\n" HOST "A_b!#$%&'*+-.^`|~: \xe9\xff\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A\t: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST " A: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A(: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A\xc8: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n" HOST "A: 0123456789\x0b\r\n\r\n" },
    };

    (void)state;
    CHECK(rows);
}

static void there_is_exactly_one_host(void **state)
{
    static const struct row rows[] = {
        { 0, "GET / HTTP/1.1\r\nhOST: a.example:8080\r\n\r\n" },
        { 0, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n" },
        { 0, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
        { 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n" },
    };

    (void)state;
    CHECK(rows);
}

#define POST "POST / HTTP/1.1\r\n" HOST

static void a_body_is_framed_in_one_way(void **state)
{
    static const struct row rows[] = {
        { 0, POST "Content-Length: 0\r\n\r\n" },
        { 0, POST "Content-Length: 007\r\n\r\n" },
        { 0, POST "content-length:5 \r\n\r\n" },
        { 0, POST "Transfer-Encoding: chunked\r\n\r\n" },
        { 0, POST "transfer-encoding:\tCHUNKED\r\n\r\n" },
        { 400, POST "Content-Length:\r\n\r\n" },
        { 400, POST "Content-Length: +5\r\n\r\n" },
        { 400, POST "Content-Length: -5\r\n\r\n" },
        { 400, POST "Content-Length: 0x5\r\n\r\n" },
        { 400, POST "Content-Length: 5 5\r\n\r\n" },
        { 400, POST "Content-Length: 5,5\r\n\r\n" },
        { 400, POST "Content-Length: 5.0\r\n\r\n" },
        { 400, POST "Content-Length: 18446744073709551621\r\n\r\n" },
        { 400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" },
        { 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" },
        { 400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { 400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" },
        { 400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" },
        { 400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n" },
        { 400, POST "Transfer-Encoding: chunked, identity\r\n\r\n" },
        { 501, POST "Transfer-Encoding: chunked;q=1\r\n\r\n" },
        { 501, POST "Transfer-Encoding: xchunked\r\n\r\n" },
        { 501, POST "Transfer-Encoding: identity\r\n\r\n" },
        { 501, POST "Transfer-Encoding:\r\n\r\n" },
        { 400, POST "Transfer-Encoding : chunked\r\n\r\n" },
        { 400, POST "Transfer-Encoding: chunked\x0b\r\n\r\n" },
        { 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { 0, POST "Expect: 100-Continue\r\n\r\n" },
        { 417, POST "Expect: cake\r\n\r\n" },
        { 0, "POST / HTTP/1.0\r\nExpect: cake\r\n\r\n" },
    };

    (void)state;
    CHECK(rows);
}

/* A head with that much of one byte in its target or in a field. */
static int status_of_long(const char *before, size_t len, const char *after)
{
    static struct http_head head;
    static char text[64 * 1024];
    size_t n = strlen(before);

    memcpy(text, before, n);
    memset(text + n, 'x', len);
    memcpy(text + n + len, after, strlen(after) + 1);
    return status_of(str_of(text), &head);
}

static void long_heads_are_refused_as_soon_as_they_show(void **state)
{
    const char *end = " HTTP/1.1\r\n" HOST "\r\n", *field = "GET / HTTP/1.1\r\n" HOST "A: ";

    (void)state;
    assert_int_equal(status_of_long("GET /", HTTP_TARGET_MAX - 1, end), 0);
    assert_int_equal(status_of_long("GET /", HTTP_TARGET_MAX, end), 414);
    assert_int_equal(status_of_long("GET /", HTTP_HEAD_MAX, end), 414);
    assert_int_equal(status_of_long("GET /", HTTP_TARGET_MAX, ""), -1);
    assert_int_equal(status_of_long("GET /", HTTP_TARGET_MAX + 100, ""), 414);
    assert_int_equal(status_of_long(field, HTTP_HEAD_MAX - 100, "\r\n\r\n"), 0);
    assert_int_equal(status_of_long(field, HTTP_HEAD_MAX, "\r\n\r\n"), 431);
    assert_int_equal(status_of_long(field, HTTP_HEAD_MAX, ""), 431);
}

static void there_are_at_most_a_hundred_fields(void **state)
{
    static struct http_head head;
    struct buf text = buf_new(4096);

    (void)state;
    BUF_ADD(&text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        BUF_ADD(&text, "A: b\r\n");
    size_t len = text.len;

    BUF_ADD(&text, "\r\n");
    assert_int_equal(status_of(buf_text(&text), &head), 0);
    assert_int_equal(head.request.header_count, HTTP_HEADERS_MAX);
    text.len = len;
    BUF_ADD(&text, "A: b\r\n\r\n");
    assert_int_equal(status_of(buf_text(&text), &head), 431);
    buf_free(&text);
}

static void assert_text(str actual, const char *expected)
{
    if (!str_is(actual, expected))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(actual), expected);
}

static void a_head_becomes_a_request(void **state)
{
    static struct http_head head;
    const char *text = "PATCH /a/b?c=d?e HTTP/1.1\r\nhost: x\r\nA:  b c\t\r\nEmpty:\r\n"
                       "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n";

    (void)state;
    assert_int_equal(status_of(str_of(text), &head), 0);
    assert_int_equal(head.request.method, HTTP_PATCH);
    assert_text(head.request.method_name, "PATCH");
    assert_text(head.request.target, "/a/b?c=d?e");
    assert_text(head.request.path, "/a/b");
    assert_text(head.request.query, "c=d?e");
    assert_int_equal(head.request.header_count, 5);
    assert_text(http_header(&head.request, STR("a")), "b c");
    assert_text(http_header(&head.request, STR("EMPTY")), "");
    assert_null(http_header(&head.request, STR("B")).at);
    assert_true(head.keep_alive && head.has_length && head.expects_continue && !head.chunked);
    assert_int_equal(head.content_length, 12);
}

static void the_absolute_form_is_reduced_to_its_path(void **state)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {
        { "http://a/b/c?d", "/b/c", "d" }, { "http://a", "/", NULL }, { "http://a:1?q", "/", "q" },
        { "https://a/", "/", NULL },       { "/?", "/", "" },
    };
    static struct http_head head;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];

        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", rows[i].target);
        assert_int_equal(status_of(str_of(text), &head), 0);
        assert_text(head.request.target, rows[i].target);
        assert_text(head.request.path, rows[i].path);
        assert_int_equal(!head.request.query.at, !rows[i].query);
        assert_text(head.request.query, rows[i].query ? rows[i].query : "");
    }
}

static void the_connection_lives_on_unless_somebody_says_no(void **state)
{
    static const struct {
        bool keep_alive;
        const char *text;
    } rows[] = {
        { true, "GET / HTTP/1.1\r\n" HOST "\r\n" },
        { true, "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, closed\r\n\r\n" },
        { false, "GET / HTTP/1.1\r\n" HOST "Connection: CLOSE\r\n\r\n" },
        { false,
          "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: x, close\r\n\r\n" },
        { false, "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n" },
    };
    static struct http_head head;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(status_of(str_of(rows[i].text), &head), 0);
        assert_int_equal(head.keep_alive, rows[i].keep_alive);
    }
}

static void a_head_is_found_however_it_arrives(void **state)
{
    str text = STR("GET / HTTP/1.1\r\n" HOST "A: b\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    size_t expected = sizeof("GET / HTTP/1.1\r\n" HOST "A: b\r\n\r\n") - 1;

    (void)state;
    for (size_t step = 1; step <= text.len; step++) {
        size_t scanned = 0, len = 0, arrived = 0;

        while (!len) {
            arrived += step;
            assert_null(http_head_find(str_slice(text, 0, arrived), &scanned, &len));
        }
        assert_int_equal(len, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines_are_read_strictly),
        cmocka_unit_test(lines_end_in_cr_lf_alone),
        cmocka_unit_test(fields_are_read_strictly),
        cmocka_unit_test(there_is_exactly_one_host),
        cmocka_unit_test(a_body_is_framed_in_one_way),
        cmocka_unit_test(long_heads_are_refused_as_soon_as_they_show),
        cmocka_unit_test(there_are_at_most_a_hundred_fields),
        cmocka_unit_test(a_head_becomes_a_request),
        cmocka_unit_test(the_absolute_form_is_reduced_to_its_path),
        cmocka_unit_test(the_connection_lives_on_unless_somebody_says_no),
        cmocka_unit_test(a_head_is_found_however_it_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
