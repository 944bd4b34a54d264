#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECT_ETAG "W/\"8-YL6hXietq65t+sKTsNvHco+h710\""

static struct arena *arena;
static struct http_printer printer;
static struct buf out;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(1024 * 1024);
    out = buf_new(64 * 1024);
    return http_printer_init(&printer, arena, NULL, 5000) ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    http_printer_free(&printer);
    buf_free(&out);
    arena_free(arena);
    return 0;
}

static void use_origin(const char *origin)
{
    assert_null(http_cors_new(arena, origin, &printer.cors));
}

static const struct http_request get = { .method = HTTP_GET };

static struct http_response object_response(void)
{
    return (struct http_response){
        .status = 200,
        .content_type = HTTP_JSON,
        .body = STR("{\"q\":{}}"),
        .headers = buf_new(4096),
    };
}

/* What is printed, with the date, which must look like one, replaced by `D`; valid until the next call. */
static const char *printed(const struct http_request *request, const struct http_response *response,
                           bool keep_alive)
{
    buf_clear(&out);
    http_print(&printer, &(struct http_answer){ request, response, keep_alive }, &out);
    buf_add_char(&out, '\0');
    char *date = strstr(out.at, "Date: ");

    assert_non_null(date);
    assert_memory_equal(date + 6 + 25, " GMT\r\n", 6);
    date[6] = 'D';
    memmove(date + 7, date + 6 + HTTP_DATE_TEXT, strlen(date + 6 + HTTP_DATE_TEXT) + 1);
    return out.at;
}

static void headers_come_in_the_order_of_nestjs(void **state)
{
    struct http_response response = object_response();

    (void)state;
    use_origin("http://localhost:5173");
    http_add_header(&response, STR("X-Own"), STR("1"));
    assert_string_equal(printed(&get, &response, true),
                        "HTTP/1.1 200 OK\r\n"
                        "Access-Control-Allow-Origin: http://localhost:5173\r\n"
                        "Vary: Origin\r\n"
                        "Access-Control-Allow-Credentials: true\r\n"
                        "X-Own: 1\r\n"
                        "Content-Type: application/json; charset=utf-8\r\n"
                        "Content-Length: 8\r\n"
                        "ETag: " OBJECT_ETAG "\r\n"
                        "Date: D\r\n"
                        "Connection: keep-alive\r\n"
                        "Keep-Alive: timeout=5\r\n\r\n"
                        "{\"q\":{}}");
    buf_free(&response.headers);
}

static void a_head_request_gets_the_length_but_no_body(void **state)
{
    struct http_request head = { .method = HTTP_HEAD };
    struct http_response response = object_response();
    const char *text = printed(&head, &response, false);

    (void)state;
    assert_non_null(strstr(text, "Content-Length: 8\r\nETag: " OBJECT_ETAG "\r\n"));
    assert_string_equal(strstr(text, "Date: "), "Date: D\r\nConnection: close\r\n\r\n");
}

static void an_answer_without_content_has_no_content_headers(void **state)
{
    struct http_response response = { .status = 204,
                                      .body = STR("dropped"),
                                      .content_type = HTTP_JSON };

    (void)state;
    assert_string_equal(printed(&get, &response, false),
                        "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: close\r\n\r\n");
    response = (struct http_response){ .status = 201 };
    assert_string_equal(
        printed(&get, &response, false),
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nDate: D\r\nConnection: close\r\n\r\n");
}

static void an_etag_can_be_left_out(void **state)
{
    struct http_response response = object_response();

    (void)state;
    response.no_etag = true;
    assert_null(strstr(printed(&get, &response, true), "ETag"));
}

static void a_known_answer_is_a_304(void **state)
{
    static const struct {
        int status; /* expected */
        enum http_method method;
        int answered;
        const char *if_none_match, *cache_control;
    } rows[] = {
        { 304, HTTP_GET, 200, OBJECT_ETAG, "" },
        { 304, HTTP_HEAD, 200, OBJECT_ETAG, "max-age=0" },
        { 304, HTTP_GET, 200, "\"8-YL6hXietq65t+sKTsNvHco+h710\"", "" },
        { 304, HTTP_GET, 200, "\"x\" , " OBJECT_ETAG, "" },
        { 304, HTTP_GET, 200, "*", "" },
        { 200, HTTP_GET, 200, "", "" },
        { 200, HTTP_GET, 200, "\"x\"", "" },
        { 200, HTTP_GET, 200, "8-YL6hXietq65t+sKTsNvHco+h710", "" },
        { 200, HTTP_GET, 200, OBJECT_ETAG, "max-age=0, No-Cache" },
        { 200, HTTP_POST, 200, OBJECT_ETAG, "" },
        { 404, HTTP_GET, 404, OBJECT_ETAG, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_header headers[] = {
            { STR("if-none-match"), str_of(rows[i].if_none_match) },
            { STR("cache-control"), str_of(rows[i].cache_control) },
        };
        struct http_request request = { .method = rows[i].method,
                                        .headers = headers,
                                        .header_count = 2 };
        struct http_response response = object_response();

        response.status = rows[i].answered;
        char expected[16];

        snprintf(expected, sizeof expected, "HTTP/1.1 %d ", rows[i].status);
        if (!str_starts_with(str_of(printed(&request, &response, true)), str_of(expected)))
            fail_msg("row %zu: %s", i, out.at);
    }
}

static void a_304_keeps_the_etag_alone(void **state)
{
    struct http_header header = { STR("If-None-Match"), STR("*") };
    struct http_request request = { .method = HTTP_GET, .headers = &header, .header_count = 1 };
    struct http_response response = object_response();

    (void)state;
    assert_string_equal(printed(&request, &response, false),
                        "HTTP/1.1 304 Not Modified\r\nETag: " OBJECT_ETAG
                        "\r\nDate: D\r\nConnection: close\r\n\r\n");
}

static void etags_are_those_of_express(void **state)
{
    static const struct {
        const char *body, *etag;
    } rows[] = {
        { "{}", "W/\"2-vyGp6PvFo4RvsFtPoIWeCReyIC8\"" },
        { "{\"q\":{}}", OBJECT_ETAG },
        { "", "W/\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"" },
    };
    char etag[HTTP_ETAG_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        etag[http_etag(printer.etags, str_of(rows[i].body), etag)] = '\0';
        assert_string_equal(etag, rows[i].etag);
    }
    char long_body[0x1234] = { 0 };

    assert_int_equal(http_etag(printer.etags, (str){ long_body, sizeof long_body }, etag), 36);
    assert_memory_equal(etag, "W/\"1234-", 8);
}

static const char *preflight(const char *asked)
{
    struct http_header header = { STR("Access-Control-Request-Headers"), str_of(asked) };
    struct http_request request = { .method = HTTP_OPTIONS,
                                    .headers = &header,
                                    .header_count = asked ? 1 : 0 };
    struct http_response response = { .headers = buf_new(4096) };

    assert_true(http_cors_is_preflight(&printer.cors, &request));
    http_cors_respond(&request, &response);
    const char *text = printed(&request, &response, false);

    buf_free(&response.headers);
    return text;
}

static void a_preflight_allows_what_is_asked_for(void **state)
{
    (void)state;
    use_origin("http://localhost:5173");
    assert_string_equal(preflight("authorization, x-y"),
                        "HTTP/1.1 204 No Content\r\n"
                        "Access-Control-Allow-Origin: http://localhost:5173\r\n"
                        "Vary: Origin, Access-Control-Request-Headers\r\n"
                        "Access-Control-Allow-Credentials: true\r\n"
                        "Access-Control-Allow-Methods: GET,POST,PUT,DELETE\r\n"
                        "Access-Control-Allow-Headers: authorization, x-y\r\n"
                        "Content-Length: 0\r\n"
                        "Date: D\r\nConnection: close\r\n\r\n");
    assert_null(strstr(preflight(NULL), "Access-Control-Allow-Headers"));
}

static void any_origin_may_be_allowed(void **state)
{
    struct http_response response = object_response();

    (void)state;
    use_origin("*");
    const char *text = printed(&get, &response, true);

    assert_non_null(strstr(text, "\r\nAccess-Control-Allow-Origin: *\r\n"
                                 "Access-Control-Allow-Credentials: true\r\nContent-Type"));
    text = preflight("a");
    assert_non_null(strstr(text, "\r\nVary: Access-Control-Request-Headers\r\n"));
}

static void without_an_origin_there_is_no_cors(void **state)
{
    struct http_request options = { .method = HTTP_OPTIONS };
    struct http_response response = object_response();

    (void)state;
    use_origin("");
    assert_false(http_cors_is_preflight(&printer.cors, &options));
    assert_null(strstr(printed(&get, &response, true), "Access-Control"));
    assert_null(strstr(printed(&get, &response, true), "Vary"));
}

static void an_origin_with_a_line_break_is_refused(void **state)
{
    (void)state;
    assert_non_null(http_cors_new(arena, "http://a\r\nX: y", &printer.cors));
}

static void assert_error_body(const struct error *e, const char *body)
{
    struct http_response response = { .headers = buf_new(4096) };

    http_respond_error(arena, &response, e);
    assert_int_equal(response.status, e->status);
    assert_string_equal(response.content_type, HTTP_JSON);
    if (!str_is(response.body, body))
        fail_msg("%.*s instead of %s", STR_ARG(response.body), body);
    if (e->retry_after_s)
        assert_true(str_is(buf_text(&response.headers), "Retry-After: 120\r\n"));
    else
        assert_int_equal(response.headers.len, 0);
    buf_free(&response.headers);
}

static void errors_have_the_bodies_of_nestjs(void **state)
{
    static const str texts[] = { STR_INIT("x"), STR_INIT("y \"z\"\n\x01") };
    static const strs messages = { texts, 2 };

    (void)state;
    assert_error_body(
        &(struct error)ERROR(404, "Cannot GET /<a>"),
        "{\"message\":\"Cannot GET /<a>\",\"error\":\"Not Found\",\"statusCode\":404}");
    assert_error_body(&(struct error){ .status = 401, .form = ERROR_UNNAMED, .message = "No" },
                      "{\"message\":\"No\",\"statusCode\":401}");
    assert_error_body(&ERROR_INTERNAL,
                      "{\"statusCode\":500,\"message\":\"Internal server error\"}");
    assert_error_body(&(struct error){ .status = 400, .message = "", .messages = &messages },
                      "{\"message\":[\"x\",\"y \\\"z\\\"\\n\\u0001\"],\"error\":\"Bad Request\","
                      "\"statusCode\":400}");
    assert_error_body(
        &(struct error){ .status = 429, .message = "Slow down", .retry_after_s = 120 },
        "{\"message\":\"Slow down\",\"error\":\"Too Many Requests\",\"statusCode\":429}");
    assert_error_body(&(struct error)ERROR(431, "x"),
                      "{\"message\":\"x\",\"error\":\"Request Header Fields Too Large\","
                      "\"statusCode\":431}");
}

static void an_error_without_memory_still_has_a_body(void **state)
{
    struct arena *tiny = arena_new(ARENA_BLOCK_SIZE);
    struct http_response response = { 0 };

    (void)state;
    while (arena_alloc(tiny, 64))
        ;
    http_respond_error(tiny, &response, &ERROR_INTERNAL);
    assert_int_equal(response.status, 503);
    assert_true(response.body.len > 0);
    arena_free(tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(headers_come_in_the_order_of_nestjs, begin, end),
        cmocka_unit_test_setup_teardown(a_head_request_gets_the_length_but_no_body, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_without_content_has_no_content_headers, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_etag_can_be_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_known_answer_is_a_304, begin, end),
        cmocka_unit_test_setup_teardown(a_304_keeps_the_etag_alone, begin, end),
        cmocka_unit_test_setup_teardown(etags_are_those_of_express, begin, end),
        cmocka_unit_test_setup_teardown(a_preflight_allows_what_is_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(any_origin_may_be_allowed, begin, end),
        cmocka_unit_test_setup_teardown(without_an_origin_there_is_no_cors, begin, end),
        cmocka_unit_test_setup_teardown(an_origin_with_a_line_break_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(errors_have_the_bodies_of_nestjs, begin, end),
        cmocka_unit_test_setup_teardown(an_error_without_memory_still_has_a_body, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
