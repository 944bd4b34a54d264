#include "http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void queries_are_read_as_express_reads_them(void **state)
{
    static const struct {
        const char *query, *name;
        const char *value; /* NULL: absent */
    } rows[] = {
        { "a=1&a=2", "a", "1" },
        { "a", "a", "" },
        { "a=", "a", "" },
        { "=1", "", "1" },
        { "a=%zz", "a", "%zz" },
        { "a=%", "a", "%" },
        { "a=%4", "a", "%4" },
        { "a=%41%4a", "a", "AJ" },
        { "a=+b%20c%2B", "a", " b c+" },
        { "a=1;b=2", "a", "1;b=2" },
        { "&&a=1&", "a", "1" },
        { "a[b]=1", "a[b]", "1" },
        { "a%5Bb%5D=1", "a[b]", "1" },
        { "a=b=c", "a", "b=c" },
        { "A=1", "a", NULL },
        { "b=1", "a", NULL },
        { "", "a", NULL },
        { "a=%C8%99", "a", "\xc8\x99" },
        { "a=%C8", "a", "\xef\xbf\xbd" },
        { "__proto__=1", "__proto__", "1" },
    };
    struct arena *arena = arena_new(1024 * 1024);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request = { .query = str_of(rows[i].query) };
        str value = http_query(&request, arena, str_of(rows[i].name));

        if (!rows[i].value != !value.at || !str_is(value, rows[i].value ? rows[i].value : ""))
            fail_msg("'%.*s' in %s", STR_ARG(value), rows[i].query);
    }
    arena_free(arena);
}

static void a_target_without_a_query_has_no_parameters(void **state)
{
    struct arena *arena = arena_new(1024 * 1024);

    (void)state;
    assert_null(http_query(&(struct http_request){ 0 }, arena, STR("a")).at);
    arena_free(arena);
}

static void only_the_first_thousand_pairs_count(void **state)
{
    struct buf query = buf_new(4096);
    struct arena *arena = arena_new(1024 * 1024);

    (void)state;
    for (int i = 0; i < 999; i++)
        BUF_ADD(&query, "a&");
    size_t len = query.len;
    struct http_request request;

    BUF_ADD(&query, "b=1");
    request = (struct http_request){ .query = buf_text(&query) };
    assert_non_null(http_query(&request, arena, STR("b")).at);
    query.len = len;
    BUF_ADD(&query, "a&b=1");
    request = (struct http_request){ .query = buf_text(&query) };
    assert_null(http_query(&request, arena, STR("b")).at);
    buf_free(&query);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_read_as_express_reads_them),
        cmocka_unit_test(a_target_without_a_query_has_no_parameters),
        cmocka_unit_test(only_the_first_thousand_pairs_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
