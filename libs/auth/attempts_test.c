#include "auth/attempts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW_MS = 1000 * 1000 };

static struct attempts *attempts;
static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(1024 * 1024);
    return attempts_new(&attempts) ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    attempts_free(attempts);
    arena_free(arena);
    return 0;
}

static void use_up(str key)
{
    for (int i = 0; i < ATTEMPTS_BURST; i++)
        assert_null(attempts_take(attempts, arena, key, NOW_MS));
}

static void failures_beyond_the_burst_are_refused(void **state)
{
    (void)state;
    use_up(STR("ana@example.com"));
    error refused = attempts_take(attempts, arena, STR("ana@example.com"), NOW_MS);

    assert_non_null(refused);
    assert_int_equal(refused->status, 429);
    assert_in_range(refused->retry_after_s, 1, ATTEMPTS_REFILL_MS / 1000 + 1);
}

static void other_keys_are_not_affected(void **state)
{
    (void)state;
    use_up(STR("ana@example.com"));
    assert_null(attempts_take(attempts, arena, STR("ion@example.com"), NOW_MS));
}

static void the_case_of_letters_does_not_matter(void **state)
{
    (void)state;
    use_up(STR("ana@example.com"));
    assert_non_null(attempts_take(attempts, arena, STR("ANA@Example.com"), NOW_MS));
}

static void a_success_does_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 10 * ATTEMPTS_BURST; i++) {
        assert_null(attempts_take(attempts, arena, STR("ana@example.com"), NOW_MS));
        attempts_give_back(attempts, STR("ana@example.com"), NOW_MS);
    }
}

static void another_try_is_allowed_after_the_time_told(void **state)
{
    (void)state;
    str key = STR("ana@example.com");

    use_up(key);
    error refused = attempts_take(attempts, arena, key, NOW_MS);
    uint64_t later = NOW_MS + refused->retry_after_s * 1000u;

    assert_null(attempts_take(attempts, arena, key, later));
    assert_non_null(attempts_take(attempts, arena, key, later));
}

static void a_guessed_key_is_remembered_among_thousands_of_others(void **state)
{
    char other[32];

    (void)state;
    use_up(STR("ana@example.com"));
    for (int i = 0; i < 20 * ATTEMPTS_KEYS; i++) {
        int len = snprintf(other, sizeof other, "user%d@example.com", i);

        attempts_take(attempts, arena, (str){ other, (size_t)len }, NOW_MS);
    }
    assert_non_null(attempts_take(attempts, arena, STR("ana@example.com"), NOW_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures_beyond_the_burst_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(other_keys_are_not_affected, begin, end),
        cmocka_unit_test_setup_teardown(the_case_of_letters_does_not_matter, begin, end),
        cmocka_unit_test_setup_teardown(a_success_does_not_count, begin, end),
        cmocka_unit_test_setup_teardown(another_try_is_allowed_after_the_time_told, begin, end),
        cmocka_unit_test_setup_teardown(a_guessed_key_is_remembered_among_thousands_of_others,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
