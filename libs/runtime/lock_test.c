#include "runtime/lock.h"
#include "testing/fiber_test.h"

static struct locks locks;
static char trail[64];
static size_t trail_len;

struct visitor {
    struct call call;
    str name;
    char mark;
    error failed;
};

static void note(char mark)
{
    trail[trail_len++] = mark;
    trail[trail_len] = '\0';
}

/* Holds the lock for two turns of the loop. */
static void visit(void *argument)
{
    struct visitor *visitor = argument;
    struct lock lock;

    visitor->failed = lock_take(&visitor->call, &locks, visitor->name, &lock);
    if (visitor->failed)
        return;
    note(visitor->mark);
    fiber_yield();
    fiber_yield();
    note(visitor->mark);
    lock_release(&locks, &lock);
}

static void begin(void)
{
    lock_init(&locks);
    trail_len = 0;
}

static void enter(struct call *call, struct visitor *visitor, uint64_t timeout_ms)
{
    visitor->call = call_new(call->arena, timeout_ms);
    assert_null(fiber_start(visit, visitor));
}

TEST(holders_of_one_name_follow_one_another)
{
    struct visitor visitors[] = { { .name = STR("ana"), .mark = 'a' },
                                  { .name = STR("ANA"), .mark = 'b' },
                                  { .name = STR("ana"), .mark = 'c' } };

    begin();
    for (size_t i = 0; i < COUNT_OF(visitors); i++)
        enter(call, &visitors[i], 1000);
    while (fiber_count() > 1)
        fiber_yield();
    assert_string_equal(trail, "aabbcc");
    assert_true(list_empty(&locks.held));
}

TEST(other_names_are_free)
{
    struct visitor ana = { .name = STR("ana"), .mark = 'a' };
    struct visitor ion = { .name = STR("ion"), .mark = 'i' };

    begin();
    enter(call, &ana, 1000);
    enter(call, &ion, 1000);
    while (fiber_count() > 1)
        fiber_yield();
    assert_string_equal(trail, "aiai");
}

TEST(who_gives_up_waiting_is_passed_over)
{
    struct visitor visitors[] = { { .name = STR("ana"), .mark = 'a' },
                                  { .name = STR("ana"), .mark = 'b' },
                                  { .name = STR("ana"), .mark = 'c' } };

    begin();
    for (size_t i = 0; i < COUNT_OF(visitors); i++)
        enter(call, &visitors[i], 1000);
    call_cancel(&visitors[1].call);
    while (fiber_count() > 1)
        fiber_yield();
    assert_string_equal(trail, "aacc");
    assert_ptr_equal(visitors[1].failed, &ERROR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holders_of_one_name_follow_one_another),
        cmocka_unit_test(other_names_are_free),
        cmocka_unit_test(who_gives_up_waiting_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
