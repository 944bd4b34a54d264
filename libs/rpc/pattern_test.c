#include "rpc/pattern.h"
#include "testing/test.h"

#include <stdlib.h>
#include <string.h>

static str route_of_text(struct arena *arena, const char *text)
{
    const struct json *pattern;

    assert_null(json_parse(arena, str_of(text), &pattern));
    return rpc_route(arena, pattern);
}

/* NULL: no route. */
static const struct {
    const char *pattern, *route;
} PATTERNS[] = {
    { "\"user.create\"", "user.create" },
    { "{\"b\":1,\"a\":{\"d\":\"x\",\"c\":[1,2]}}",
      "{\"a\":{\"c\":{\"0\":1,\"1\":2},\"d\":\"x\"},\"b\":1}" },
    { "\"{ \\\"cmd\\\" : \\\"sum\\\" }\"", "{\"cmd\":\"sum\"}" },
    { "{\"cmd\":\"sum\"}", "{\"cmd\":\"sum\"}" },
    { "[\"a\",\"b\"]", "{\"0\":\"a\",\"1\":\"b\"}" },
    { "\"\\\"echo\\\"\"", "echo" },
    { "\"7\"", "7" },
    { "7", "7" },
    { "\" 7 \"", "7" },
    { "\"7.0\"", "7" },
    { "\"07\"", "07" },
    { "\"1e3\"", "1000" },
    { "1e21", "1e+21" },
    { "-0", "0" },
    { "\"true\"", NULL },
    { "\"null\"", NULL },
    { "\"false\"", NULL },
    { "true", NULL },
    { "null", NULL },
    { "\"truth\"", "truth" },
    { "\"\"", "" },
    { "\" user.create\"", " user.create" },
    { "{}", "{}" },
    { "[]", "{}" },
    { "{\"a\":1}", "{\"a\":1}" },
    { "{\"a\":\"1\"}", "{\"a\":\"1\"}" },
    { "{\"a\":null,\"b\":true,\"c\":false}", "{\"a\":null,\"b\":true,\"c\":false}" },
    { "{\"\":1}", "{\"\":1}" },
    { "{\"a\":\"x\\\"y\\\\z\\n\"}", "{\"a\":\"x\\\"y\\\\z\n\"}" },
    { "{\"k\\\"\":1}", "{\"k\\\"\":1}" },
    { "{\"1\":\"c\",\"10\":\"a\",\"9\":\"b\"}", "{\"1\":\"c\",\"10\":\"a\",\"9\":\"b\"}" },
    { "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1}}}}}}",
      "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1}}}}}}" },
    { "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{}}}}}}}",
      "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":[MAX_DEPTH_REACHED]}}}}}}" },
    { "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", "[TOO_MANY_KEYS]" },
    { "[0,1,2,3,4,5,6,7,8,9,10]", "{\"0\":0,\"1\":1,\"10\":10,\"2\":2,\"3\":3,\"4\":4,\"5\":5,"
                                  "\"6\":6,\"7\":7,\"8\":8,\"9\":9}" },
};

static void patterns_become_nestjs_s_routes(void **state)
{
    struct arena *arena = arena_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(PATTERNS); i++) {
        str route = route_of_text(arena, PATTERNS[i].pattern);

        if (PATTERNS[i].route)
            assert_text(route, PATTERNS[i].route);
        else
            assert_null(route.at);
    }
    arena_free(arena);
}

static void a_pattern_of_our_own_is_not_parsed(void **state)
{
    struct arena *arena = arena_new(1 << 16);
    const struct json *pattern;

    (void)state;
    assert_null(json_parse(arena, STR("\"7.0\""), &pattern));
    assert_text(rpc_route_of(arena, pattern), "7.0");
    assert_null(rpc_route(arena, NULL).at);
    arena_free(arena);
}

/* From ICU's root collation, as `localeCompare` sorts. */
static const char SORTED[] =
    " _-,;:!?.'\"()[]{}@*/"
    "\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ";

static int order(int a)
{
    return (a > 0) - (a < 0);
}

static void ascii_is_in_icu_s_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SORTED - 1; i++)
        for (size_t k = 0; k < sizeof SORTED - 1; k++)
            assert_int_equal(order(rpc_collate((str){ SORTED + i, 1 }, (str){ SORTED + k, 1 })),
                             order((int)i - (int)k));
}

static const char *const KEYS[] = { "",   "a",  "A", "a1", "a10", "a2", "ab", "aB",
                                    "Ab", "AB", "b", "B",  "Ba",  "ba", "z",  "\xC4\x83" };

static void letters_count_before_case(void **state)
{
    static const char *const PAIRS[][2] = {
        { "ab", "aB" }, { "aB", "b" }, { "b", "B" },   { "a", "A" }, { "A", "a1" },
        { "1", "10" },  { "10", "9" }, { "aB", "Ab" }, { "", "a" },  { "ba", "Ba" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(PAIRS); i++)
        assert_true(rpc_collate(str_of(PAIRS[i][0]), str_of(PAIRS[i][1])) < 0);
}

static void the_order_is_total(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(KEYS); i++)
        for (size_t k = 0; k < COUNT_OF(KEYS); k++) {
            int forth = rpc_collate(str_of(KEYS[i]), str_of(KEYS[k]));

            assert_int_equal(order(forth), -order(rpc_collate(str_of(KEYS[k]), str_of(KEYS[i]))));
            assert_int_equal(forth == 0, i == k);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_become_nestjs_s_routes),
        cmocka_unit_test(a_pattern_of_our_own_is_not_parsed),
        cmocka_unit_test(ascii_is_in_icu_s_order),
        cmocka_unit_test(letters_count_before_case),
        cmocka_unit_test(the_order_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
