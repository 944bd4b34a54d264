#include "http/form.h"
#include "http/route.h"
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(8 * 1024 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The body's JSON as text, the error's message, or "none". */
static const char *read_body(const char *type, const char *coding, str body, int *status)
{
    struct http_header headers[] = {
        { STR("Content-Length"), STR("1") },
        { STR("Content-Type"), str_of(type) },
        { STR("Content-Encoding"), str_of(coding) },
    };
    struct http_request request = { .headers = headers, .header_count = 3, .body = body };
    const struct json *value = NULL;
    error failed = http_body(arena, &request, &value);
    struct buf text = buf_new(1024 * 1024);

    *status = failed ? failed->status : 0;
    if (failed)
        return failed->message;
    if (!value)
        return "none";
    json_write(&text, value);
    str copy = arena_copy(arena, buf_text(&text));

    buf_free(&text);
    return copy.at;
}

struct row {
    const char *type, *coding, *body;
    int status;
    const char *result;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status;
        const char *result = read_body(rows[i].type, rows[i].coding, str_of(rows[i].body), &status);

        if (status != rows[i].status || strcmp(result, rows[i].result) != 0)
            fail_msg("%d %s for %s", status, result, rows[i].body);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])
#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static void only_json_and_forms_are_read(void **state)
{
    static const struct row rows[] = {
        { JSON, "", "{\"a\":1}", 0, "{\"a\":1}" },
        { "Application/JSON; charset=UTF-8", "", "[1]", 0, "[1]" },
        { "application/json;charset=\"utf-8\"", "identity", "{}", 0, "{}" },
        { "application/json ;", "", "{}", 0, "{}" },
        { "text/json", "", "{}", 0, "none" },
        { "application/vnd.api+json", "", "{}", 0, "none" },
        { "application/jsonx", "", "{}", 0, "none" },
        { "", "", "{}", 0, "none" },
        { FORM, "", "a=1", 0, "{\"a\":\"1\"}" },
    };

    (void)state;
    CHECK(rows);
}

static void json_bodies_follow_the_body_parser(void **state)
{
    static const struct row rows[] = {
        { JSON, "", "", 0, "{}" },
        { JSON, "", " ", 400, "Unexpected end of JSON input" },
        { JSON, "", "\xef\xbb\xbf{}", 0, "{}" },
        { JSON, "", "{\"a\":\"\xff\"}", 0, "{\"a\":\"\xef\xbf\xbd\"}" },
        { JSON, "", "{\"a\":1,}", 400,
          "Expected double-quoted property name in JSON at position 7" },
        { JSON, "", "5", 400, "Unexpected token '5', \"5\" is not valid JSON" },
        { JSON, "", "{\"a\":1,\"a\":2}", 0, "{\"a\":2}" },
    };

    (void)state;
    CHECK(rows);
}

static void other_charsets_and_codings_are_a_415(void **state)
{
    static const struct row rows[] = {
        { "application/json; charset=latin1", "", "{}", 415, "unsupported charset \"LATIN1\"" },
        { "application/json; x=y; charset=\"Foo\"", "foo", "{}", 415,
          "unsupported charset \"FOO\"" },
        { JSON, "Foo", "{}", 415, "unsupported content encoding \"foo\"" },
        { JSON, "br", "{}", 415, "unsupported content encoding \"br\"" },
        { JSON, "gzip, gzip", "{}", 415, "unsupported content encoding \"gzip, gzip\"" },
        { JSON, "gzip", "garbage", 400, "incorrect header check" },
        { JSON, "deflate", "garbage", 400, "incorrect header check" },
    };

    (void)state;
    CHECK(rows);
}

static void a_body_that_nobody_announced_is_none(void **state)
{
    struct http_header header = { STR("Content-Type"), STR(JSON) };
    struct http_request request = { .headers = &header, .header_count = 1 };
    const struct json *value = (const struct json *)&request;

    (void)state;
    assert_null(http_body(arena, &request, &value));
    assert_null(value);
}

static void forms_become_objects(void **state)
{
    static const struct row rows[] = {
        { FORM, "", "", 0, "{}" },
        { FORM, "", "a=1&b[c]=2", 0, "{\"a\":\"1\",\"b\":{\"c\":\"2\"}}" },
        { FORM, "", "a=1&a=2&a=3", 0, "{\"a\":[\"1\",\"2\",\"3\"]}" },
        { FORM, "", "a[]=1&a[]=2", 0, "{\"a\":[\"1\",\"2\"]}" },
        { FORM, "", "a[0][b]=1&a[0][c]=2&a[1][b]=3", 0,
          "{\"a\":[{\"b\":\"1\",\"c\":\"2\"},{\"b\":\"3\"}]}" },
        { FORM, "", "a%5Bb%5D=%22+%C8%99", 0, "{\"a\":{\"b\":\"\\\" \xc8\x99\"}}" },
        { FORM, "", "a&b=&=c&&", 0, "{\"a\":\"\",\"b\":\"\"}" },
        { FORM, "", "a[=1&b]=2", 0, "{\"a[\":\"1\",\"b]\":\"2\"}" },
        { FORM, "", "[a]=1", 0, "{\"a\":\"1\"}" },
        { FORM, "", "a=1&a[b]=2", 0, "{\"a\":{\"0\":\"1\",\"b\":\"2\"}}" },
        { FORM, "", "a[b]=1&a[]=2", 0, "{\"a\":{\"1\":\"2\",\"b\":\"1\"}}" },
        { FORM, "", "__proto__=1&__proto__[a]=1&__proto__x=1&a[__proto__][b]=1&c=2", 0,
          "{\"__proto__x\":\"1\",\"a\":{},\"c\":\"2\"}" },
        { FORM, "", "a[b][c][d]=%zz", 0, "{\"a\":{\"b\":{\"c\":{\"d\":\"%zz\"}}}}" },
    };

    (void)state;
    CHECK(rows);
}

static str repeated(const char *before, const char *piece, size_t count, const char *after)
{
    struct buf text = buf_new(1024 * 1024);

    buf_add(&text, str_of(before));
    while (count--)
        buf_add(&text, str_of(piece));
    buf_add(&text, str_of(after));
    str copy = arena_copy(arena, buf_text(&text));

    buf_free(&text);
    return copy;
}

static void forms_are_bounded(void **state)
{
    int status;

    (void)state;
    read_body(FORM, "", repeated("", "a=1&", 999, "b=2"), &status);
    assert_int_equal(status, 0);
    assert_string_equal(read_body(FORM, "", repeated("", "a=1&", 1000, "b=2"), &status),
                        "too many parameters");
    assert_int_equal(status, 413);
    read_body(FORM, "", repeated("a", "[b]", HTTP_FORM_DEPTH_MAX, "=1"), &status);
    assert_int_equal(status, 0);
    assert_string_equal(
        read_body(FORM, "", repeated("a", "[b]", HTTP_FORM_DEPTH_MAX + 1, "=1"), &status),
        "The input exceeded the depth");
    assert_int_equal(status, 400);
}

static str deflated(str text, int window_bits)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text.at, .avail_in = (uInt)text.len };
    size_t room = text.len + 1024;
    char *out = arena_alloc(arena, room);

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return (str){ out, room - z.avail_out };
}

enum { ZLIB = 15, GZIP = 15 + 16 };

static void compressed_bodies_are_inflated(void **state)
{
    str text = STR("{\"a\":\"compressed\"}");
    int status;

    (void)state;
    assert_string_equal(read_body(JSON, "gzip", deflated(text, GZIP), &status), text.at);
    assert_string_equal(read_body(JSON, "GZIP", deflated(text, GZIP), &status), text.at);
    assert_string_equal(read_body(JSON, "deflate", deflated(text, ZLIB), &status), text.at);
    str whole = deflated(text, GZIP);

    assert_string_equal(read_body(JSON, "gzip", str_slice(whole, 0, whole.len - 9), &status),
                        "unexpected end of file");
    assert_int_equal(status, 400);
    read_body(JSON, "gzip", STR(""), &status);
    assert_int_equal(status, 400);
}

static void several_gzip_members_are_one_body(void **state)
{
    str first = deflated(STR("{\"a\":"), GZIP), second = deflated(STR("1}"), GZIP);
    str both = arena_printf(arena, "%*s", (int)(first.len + second.len), "");
    int status;

    (void)state;
    memcpy((char *)(uintptr_t)both.at, first.at, first.len);
    memcpy((char *)(uintptr_t)both.at + first.len, second.at, second.len);
    assert_string_equal(read_body(JSON, "gzip", both, &status), "{\"a\":1}");
}

static void the_limit_counts_after_inflation(void **state)
{
    size_t rest = HTTP_BODY_MAX - strlen("{\"a\":\"\"}");
    str fits = repeated("{\"a\":\"", "x", rest, "\"}");
    str too_long = repeated("{\"a\":\"", "x", rest + 1, "\"}");
    int status;

    (void)state;
    assert_int_equal(fits.len, HTTP_BODY_MAX);
    read_body(JSON, "gzip", deflated(fits, GZIP), &status);
    assert_int_equal(status, 0);
    assert_string_equal(read_body(JSON, "gzip", deflated(too_long, GZIP), &status),
                        "request entity too large");
    assert_int_equal(status, 413);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_json_and_forms_are_read, begin, end),
        cmocka_unit_test_setup_teardown(json_bodies_follow_the_body_parser, begin, end),
        cmocka_unit_test_setup_teardown(other_charsets_and_codings_are_a_415, begin, end),
        cmocka_unit_test_setup_teardown(a_body_that_nobody_announced_is_none, begin, end),
        cmocka_unit_test_setup_teardown(forms_become_objects, begin, end),
        cmocka_unit_test_setup_teardown(forms_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(compressed_bodies_are_inflated, begin, end),
        cmocka_unit_test_setup_teardown(several_gzip_members_are_one_body, begin, end),
        cmocka_unit_test_setup_teardown(the_limit_counts_after_inflation, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
