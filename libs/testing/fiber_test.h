/* Tests that suspend. `TEST(name) { … }` defines a cmocka test whose body runs on a fiber of a loop of its own,
 * with a call `call` whose arena and deadline (TEST_TIMEOUT_MS) it may use:
 *
 *     TEST(a_nap_takes_its_time)
 *     {
 *         assert_null(call_sleep(call, 20));
 *     }
 *
 *     const struct CMUnitTest tests[] = { cmocka_unit_test(a_nap_takes_its_time) };
 *
 * A failed assertion jumps out of the fiber, past whatever is still open; then the next test starts from a new
 * loop and the old one is left as it is. */
#pragma once

#include "runtime/call.h"
#include "runtime/loop_internal.h"
#include "testing/test.h"

enum { TEST_TIMEOUT_MS = 20 * 1000 };

#define TEST(name)                              \
    static void name##_body(struct call *call); \
    static void name(void **state)              \
    {                                           \
        (void)state;                            \
        testing_on_fiber(name##_body);          \
    }                                           \
    static void name##_body(struct call *call)

struct testing_run {
    void (*body)(struct call *call);
    struct arena *arena;
};

static inline void testing_run_body(void *argument)
{
    struct testing_run *run = argument;
    struct call call = call_new(run->arena, TEST_TIMEOUT_MS);

    run->body(&call);
}

static inline void testing_on_fiber(void (*body)(struct call *call))
{
    struct testing_run run = { body, arena_new(ARENA_CALL_MAX) };

    assert_non_null(run.arena);
    the_loop = (struct loop){ 0 };
    assert_null(loop_init());
    assert_null(fiber_run_all(testing_run_body, &run));
    loop_close();
    arena_free(run.arena);
}

/* Lets the loop take `turns` turns. */
static inline void testing_turns(int turns)
{
    while (turns--)
        fiber_yield();
}
