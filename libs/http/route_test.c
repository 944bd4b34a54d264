#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static error nothing(struct call *call, struct exchange *exchange)
{
    (void)call;
    (void)exchange;
    return NULL;
}

#define ROW(verb, text)                                                              \
    {                                                                                \
        .method = (verb), .path = (text), .access = ACCESS_ANYONE, .handle = nothing \
    }

static const struct route users[] = {
    ROW(HTTP_GET, "/"),
    ROW(HTTP_GET, "/u"),
    ROW(HTTP_POST, "/u"),
    ROW(HTTP_GET, "/u/int/:id"),
    ROW(HTTP_GET, "/u/:id"),
    ROW(HTTP_PUT, "/u/:id/x/:other"),
    { 0 },
};
static const struct route docs[] = {
    ROW(HTTP_GET, "/api/docs-json"),
    { 0 },
};
static const struct route *const tables[] = { users, docs, NULL };

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(1024 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct http_request request_for(enum http_method method, const char *name,
                                       const char *target)
{
    str path = str_of(target);

    return (struct http_request){
        .method = method,
        .method_name = str_of(name),
        .target = path,
        .path = str_slice(path, 0, str_find(path, '?')),
    };
}

static void paths_match_as_they_do_on_express(void **state)
{
    static const struct {
        const char *target;
        const char *path; /* of the row that is found; NULL: none */
        const char *id;
    } rows[] = {
        { "/", "/", NULL },
        { "/u", "/u", NULL },
        { "/u/", "/u", NULL },
        { "/U", "/u", NULL },
        { "/API/Docs-JSON", "/api/docs-json", NULL },
        { "/u/int/5", "/u/int/:id", "5" },
        { "/u/int", "/u/:id", "int" },
        { "/u/5/", "/u/:id", "5" },
        { "/u/a%2Fb", "/u/:id", "a/b" },
        { "/u/a%20b", "/u/:id", "a b" },
        { "/u/a+b", "/u/:id", "a+b" },
        { "/u/..", "/u/:id", ".." },
        { "/u/.", "/u/:id", "." },
        { "/u/a;b=c", "/u/:id", "a;b=c" },
        { "/u/%c8%99", "/u/:id", "\xc8\x99" },
        { "/u/5?x=1", "/u/:id", "5" },
        { "/u//", NULL, NULL },
        { "//u", NULL, NULL },
        { "/u/5/6", NULL, NULL },
        { "/u/5//", NULL, NULL },
        { "/%75", NULL, NULL },
        { "/v", NULL, NULL },
        { "/uu", NULL, NULL },
        { "*", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request = request_for(HTTP_GET, "GET", rows[i].target);
        const struct route *found = NULL;
        error failed = http_route(arena, tables, &request, &found);

        if (!failed != (rows[i].path != NULL) || (found && strcmp(found->path, rows[i].path) != 0))
            fail_msg("%s leads to %s", rows[i].target, found ? found->path : failed->message);
        str id = http_param(&request, STR("id"));

        assert_int_equal(!id.at, !rows[i].id);
        if (rows[i].id)
            assert_true(str_is(id, rows[i].id));
    }
}

static void assert_refused(enum http_method method, const char *name, const char *target,
                           int status, const char *message)
{
    struct http_request request = request_for(method, name, target);
    const struct route *found;
    error failed = http_route(arena, tables, &request, &found);

    assert_non_null(failed);
    assert_int_equal(failed->status, status);
    assert_string_equal(failed->message, message);
}

static void what_is_not_there_is_a_404_with_the_raw_target(void **state)
{
    (void)state;
    assert_refused(HTTP_GET, "GET", "/nope?x=1", 404, "Cannot GET /nope?x=1");
    assert_refused(HTTP_DELETE, "DELETE", "/u/5", 404, "Cannot DELETE /u/5");
    assert_refused(HTTP_OPTIONS, "OPTIONS", "/u", 404, "Cannot OPTIONS /u");
    assert_refused(HTTP_OTHER, "PROPFIND", "/u", 404, "Cannot PROPFIND /u");
    assert_refused(HTTP_GET, "GET", "/nope/%zz", 404, "Cannot GET /nope/%zz");
}

static void a_parameter_that_cannot_be_decoded_is_a_400(void **state)
{
    (void)state;
    assert_refused(HTTP_GET, "GET", "/u/%zz", 400, "Failed to decode param '%zz'");
    assert_refused(HTTP_GET, "GET", "/u/%E0%A4%A", 400, "Failed to decode param '%E0%A4%A'");
    assert_refused(HTTP_GET, "GET", "/u/%ff", 400, "Failed to decode param '%ff'");
    assert_refused(HTTP_PUT, "PUT", "/u/1/x/%", 400, "Failed to decode param '%'");
}

static void head_is_served_by_get(void **state)
{
    struct http_request request = request_for(HTTP_HEAD, "HEAD", "/u/5");
    const struct route *found;

    (void)state;
    assert_null(http_route(arena, tables, &request, &found));
    assert_string_equal(found->path, "/u/:id");
    assert_refused(HTTP_HEAD, "HEAD", "/nope", 404, "Cannot HEAD /nope");
}

static void parameters_are_found_by_name(void **state)
{
    struct http_request request = request_for(HTTP_PUT, "PUT", "/u/1/X/a%62");
    const struct route *found;

    (void)state;
    assert_null(http_route(arena, tables, &request, &found));
    assert_true(str_is(http_param(&request, STR("id")), "1"));
    assert_true(str_is(http_param(&request, STR("other")), "ab"));
    assert_null(http_param(&request, STR("Other")).at);
}

static void a_sound_table_passes_the_check(void **state)
{
    (void)state;
    assert_null(http_routes_check(arena, users));
    assert_null(http_routes_check(arena, docs));
}

static void mistakes_in_a_table_are_found(void **state)
{
    static const struct {
        const char *expected; /* in the message */
        struct route rows[3];
    } tables_with_mistakes[] = {
        { "who may use it", { { .path = "/a", .handle = nothing } } },
        { ":id", { { .path = "/a/:user", .access = ACCESS_SELF_OR_ADMIN, .handle = nothing } } },
        { "not both", { { .path = "/a", .access = ACCESS_ANYONE } } },
        { "not both",
          { { .path = "/a", .access = ACCESS_ANYONE, .handle = nothing, .pattern = "a.b" } } },
        { "slash", { ROW(HTTP_GET, "a") } },
        { "slash", { ROW(HTTP_GET, "/a/") } },
        { "no name", { ROW(HTTP_GET, "/a/:") } },
        { "too many", { ROW(HTTP_GET, "/:a/:b/:c/:d/:e") } },
        { "no such method", { ROW(HTTP_OTHER, "/a") } },
        { "takes all", { ROW(HTTP_GET, "/a"), ROW(HTTP_GET, "/A") } },
        { "takes all", { ROW(HTTP_GET, "/a/:id"), ROW(HTTP_GET, "/a/b") } },
        { "takes all", { ROW(HTTP_GET, "/a/:id"), ROW(HTTP_GET, "/a/:other") } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof tables_with_mistakes / sizeof tables_with_mistakes[0]; i++) {
        error failed = http_routes_check(arena, tables_with_mistakes[i].rows);

        assert_non_null(failed);
        if (!strstr(failed->message, tables_with_mistakes[i].expected))
            fail_msg("'%s' does not say '%s'", failed->message, tables_with_mistakes[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths_match_as_they_do_on_express, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_a_404_with_the_raw_target, begin, end),
        cmocka_unit_test_setup_teardown(a_parameter_that_cannot_be_decoded_is_a_400, begin, end),
        cmocka_unit_test_setup_teardown(head_is_served_by_get, begin, end),
        cmocka_unit_test_setup_teardown(parameters_are_found_by_name, begin, end),
        cmocka_unit_test_setup_teardown(a_sound_table_passes_the_check, begin, end),
        cmocka_unit_test_setup_teardown(mistakes_in_a_table_are_found, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
