#include "openapi/openapi_internal.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct route *const no_tables[] = { NULL };

static int make(void **state)
{
    static struct openapi openapi;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    openapi = (struct openapi){ 0 };
    *state = &openapi;
    error e = arena ? openapi_new(arena, &(struct openapi_info){ "A <b> & c", "", "1", no_tables },
                                  &openapi)
                    : &ERROR_OUT_OF_MEMORY;

    arena_free(arena);
    return e ? -1 : 0;
}

static int drop(void **state)
{
    openapi_free(*state);
    return 0;
}

/* An answer as the server starts one. Headers are the caller's to free. */
struct answer {
    bool served;
    struct http_response response;
};

static struct answer ask(void **state, enum http_method method, const char *path)
{
    struct http_request request = { .method = method,
                                    .path = str_of(path),
                                    .target = str_of(path) };
    struct answer answer = { .response = { .status = 200, .headers = buf_new(4096) } };

    answer.served = openapi_serve(*state, &request, &answer.response);
    return answer;
}

static bool contains(str text, const char *needle)
{
    return memmem(text.at, text.len, needle, strlen(needle)) != NULL;
}

static const struct embedded_file *file(const char *name)
{
    for (const struct embedded_file *f = swagger_ui_files; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static void each_document_has_its_address_and_type(void **state)
{
    const struct openapi *openapi = *state;
    const struct {
        const char *path;
        const struct buf *content;
        const char *type;
    } rows[] = {
        { "/api/docs", &openapi->page, "text/html; charset=utf-8" },
        { "/api/docs/", &openapi->page_below, "text/html; charset=utf-8" },
        { "/api/docs/index.html", &openapi->page_below, "text/html; charset=utf-8" },
        { "/API/Docs", &openapi->page, "text/html; charset=utf-8" },
        { "/api/docs/swagger-ui-init.js", &openapi->init_js,
          "application/javascript; charset=utf-8" },
        { "/api/docs-json", &openapi->json, "application/json; charset=utf-8" },
        { "/api/docs-json/", &openapi->json, "application/json; charset=utf-8" },
        { "/api/docs-yaml", &openapi->yaml, "text/yaml; charset=utf-8" },
        { "/api/DOCS-YAML/", &openapi->yaml, "text/yaml; charset=utf-8" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = ask(state, i % 2 ? HTTP_HEAD : HTTP_GET, rows[i].path);

        assert_true(answer.served);
        assert_int_equal(answer.response.status, 200);
        assert_string_equal(answer.response.content_type, rows[i].type);
        assert_true(str_eq(answer.response.body, buf_text(rows[i].content)));
        assert_int_equal(answer.response.headers.len, 0);
    }
}

static void files_of_swagger_ui_are_served_with_their_types(void **state)
{
    static const struct {
        const char *path, *name, *type;
    } rows[] = {
        { "/api/docs/swagger-ui.css", "swagger-ui.css", "text/css; charset=utf-8" },
        { "/api/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js",
          "text/javascript; charset=utf-8" },
        { "/Api/Docs/Swagger-UI-Standalone-Preset.js", "swagger-ui-standalone-preset.js",
          "text/javascript; charset=utf-8" },
        { "/api/docs/favicon-16x16.png", "favicon-16x16.png", "image/png" },
        { "/api/docs/favicon-32x32.png", "favicon-32x32.png", "image/png" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = ask(state, HTTP_GET, rows[i].path);
        const struct embedded_file *expected = file(rows[i].name);

        assert_true(answer.served);
        assert_non_null(expected);
        assert_string_equal(answer.response.content_type, rows[i].type);
        assert_true(expected->len > 0);
        assert_ptr_equal(answer.response.body.at, expected->at);
        assert_int_equal(answer.response.body.len, expected->len);
        assert_true(str_eq(buf_text(&answer.response.headers),
                           STR("Cache-Control: public, max-age=0\r\n")));
        buf_free(&answer.response.headers);
    }
}

static void anything_else_is_left_to_others(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
    } rows[] = {
        { HTTP_GET, "/" },
        { HTTP_GET, "/api" },
        { HTTP_GET, "/api/docs-jso" },
        { HTTP_GET, "/api/docs-json/x" },
        { HTTP_GET, "/api/docsx" },
        { HTTP_GET, "/api/docs//" },
        { HTTP_GET, "/api/docs/swagger-ui.js" },
        { HTTP_GET, "/api/docs/swagger-ui.css/" },
        { HTTP_GET, "/api/docs/../docs/swagger-ui.css" },
        { HTTP_GET, "/x/api/docs" },
        { HTTP_POST, "/api/docs" },
        { HTTP_OPTIONS, "/api/docs-json" },
        { HTTP_DELETE, "/api/docs/swagger-ui.css" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = ask(state, rows[i].method, rows[i].path);

        assert_false(answer.served);
        assert_null(answer.response.content_type);
        assert_int_equal(answer.response.body.len, 0);
        assert_int_equal(answer.response.headers.len, 0);
    }
}

static void links_of_the_page_fit_its_address(void **state)
{
    str page = ask(state, HTTP_GET, "/api/docs").response.body;
    str below = ask(state, HTTP_GET, "/api/docs/").response.body;

    assert_true(contains(page, "href=\"./docs/swagger-ui.css\""));
    assert_true(contains(page, "src=\"./docs/swagger-ui-init.js\""));
    assert_false(contains(page, "\"./swagger"));
    assert_true(contains(below, "href=\"./swagger-ui.css\""));
    assert_true(contains(below, "src=\"./swagger-ui-init.js\""));
    assert_false(contains(below, "./docs/"));
}

static void the_page_needs_no_other_host(void **state)
{
    str page = ask(state, HTTP_GET, "/api/docs").response.body;
    str script = ask(state, HTTP_GET, "/api/docs/swagger-ui-init.js").response.body;

    assert_false(contains(page, "//"));
    assert_false(contains(script, "//"));
    assert_true(contains(script, "\"validatorUrl\": null"));
    assert_true(contains(script, "\"persistAuthorization\": true"));
}

static void the_title_is_text_and_not_html(void **state)
{
    str page = ask(state, HTTP_GET, "/api/docs").response.body;

    assert_true(contains(page, "<title>A &lt;b> &amp; c</title>"));
}

static void the_script_holds_the_document(void **state)
{
    const struct openapi *openapi = *state;
    str script = buf_text(&openapi->init_js), document = buf_text(&openapi->json);
    const char *at = memmem(script.at, script.len, document.at, document.len);

    assert_non_null(at);
    assert_true(
        str_ends_with(str_slice(script, 0, (size_t)(at - script.at)), STR("\"swaggerDoc\": ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_has_its_address_and_type),
        cmocka_unit_test(files_of_swagger_ui_are_served_with_their_types),
        cmocka_unit_test(anything_else_is_left_to_others),
        cmocka_unit_test(links_of_the_page_fit_its_address),
        cmocka_unit_test(the_page_needs_no_other_host),
        cmocka_unit_test(the_title_is_text_and_not_html),
        cmocka_unit_test(the_script_holds_the_document),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
