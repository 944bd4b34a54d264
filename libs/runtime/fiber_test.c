#include "runtime/fiber_switch.h"
#include "testing/fiber_test.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer knows 8,128 threads and fibers at most. */
#ifdef SWITCH_TSAN
enum { MANY = 4000 };
#else
enum { MANY = 10000 };
#endif

static char trail[256];
static size_t trail_len;

static void mark(char c)
{
    trail[trail_len++] = c;
    trail[trail_len] = '\0';
}

static void forget_trail(void)
{
    trail_len = 0;
    trail[0] = '\0';
}

static struct fiber *parked[FIBER_MAX];
static size_t parked_count, ended_count;

static void park(void *argument)
{
    char own[64];

    snprintf(own, sizeof own, "%zu", parked_count);
    parked[parked_count++] = fiber_current();
    fiber_suspend();
    ended_count++;
    (void)argument;
    assert_true(own[0] >= '0' && own[0] <= '9');
}

static void wake_all_parked(void)
{
    for (size_t i = 0; i < parked_count; i++)
        fiber_wake(parked[i]);
    while (ended_count < parked_count)
        fiber_yield();
    parked_count = ended_count = 0;
}

TEST(ten_thousand_fibers_wait_at_once)
{
    (void)call;
    for (int i = 0; i < MANY; i++)
        assert_null(fiber_start(park, NULL));
    assert_int_equal(fiber_count(), MANY + 1);
    assert_int_equal(parked_count, MANY);
    wake_all_parked();
    assert_int_equal(fiber_count(), 1);
}

#ifndef SWITCH_TSAN
static void must_not_run(void *argument)
{
    (void)argument;
    fail_msg("a refused fiber ran");
}

TEST(the_fiber_after_the_last_is_refused)
{
    (void)call;
    while (fiber_count() < FIBER_MAX)
        assert_null(fiber_start(park, NULL));
    assert_ptr_equal(fiber_start(must_not_run, NULL), &ERROR_OUT_OF_MEMORY);
    assert_int_equal(fiber_count(), FIBER_MAX);
    wake_all_parked();
    assert_null(fiber_start(park, NULL));
    wake_all_parked();
}
#endif

static void mark_twice(void *argument)
{
    const char *marks = argument;

    mark(marks[0]);
    fiber_yield();
    mark(marks[1]);
}

TEST(a_fiber_runs_at_once_until_it_first_suspends)
{
    (void)call;
    forget_trail();
    mark('1');
    assert_null(fiber_start(mark_twice, "24"));
    mark('3');
    testing_turns(2);
    mark('5');
    assert_string_equal(trail, "12345");
}

static void start_deeper(void *argument)
{
    int depth = *(int *)argument;
    int next = depth - 1;
    struct fiber *self = fiber_current();

    if (depth > 0)
        assert_null(fiber_start(start_deeper, &next));
    assert_ptr_equal(fiber_current(), self);
    fiber_yield();
    assert_ptr_equal(fiber_current(), self);
    ended_count++;
}

TEST(starts_nest)
{
    int depth = 200;
    struct fiber *self = fiber_current();

    (void)call;
    assert_null(fiber_start(start_deeper, &depth));
    assert_ptr_equal(fiber_current(), self);
    while (fiber_count() > 1)
        fiber_yield();
    assert_int_equal(ended_count, 201);
    ended_count = 0;
}

static void mark_thrice(void *argument)
{
    for (int i = 0; i < 3; i++) {
        mark(*(const char *)argument);
        fiber_yield();
    }
}

TEST(yielding_fibers_take_turns)
{
    (void)call;
    forget_trail();
    assert_null(fiber_start(mark_thrice, "a"));
    assert_null(fiber_start(mark_thrice, "b"));
    assert_null(fiber_start(mark_thrice, "c"));
    testing_turns(5);
    assert_string_equal(trail, "abcabcabc");
}

static void note_message(struct loop_message *message)
{
    (void)message;
    mark('m');
}

TEST(a_yield_lets_the_loop_look_at_its_events)
{
    struct loop_message message = { .run = note_message };

    (void)call;
    forget_trail();
    loop_post(&message);
    fiber_yield();
    fiber_yield();
    assert_string_equal(trail, "m");
}

TEST(waking_a_fiber_twice_continues_it_once)
{
    (void)call;
    assert_null(fiber_start(park, NULL));
    assert_null(fiber_start(park, NULL));
    fiber_wake(parked[0]);
    fiber_wake(parked[0]);
    testing_turns(2);
    assert_int_equal(ended_count, 1);
    fiber_wake(parked[1]);
    testing_turns(2);
    assert_int_equal(ended_count, 2);
    parked_count = ended_count = 0;
}

TEST(waking_a_running_fiber_does_nothing)
{
    (void)call;
    fiber_wake(fiber_current());
    assert_true(list_empty(&the_loop.ready));
}

static void end(void *argument)
{
    ++*(size_t *)argument;
}

TEST(ended_fibers_leave_nothing_behind)
{
    size_t ended = 0;

    (void)call;
    for (int i = 0; i < MANY; i++)
        assert_null(fiber_start(end, &ended));
    assert_int_equal(ended, MANY);
    assert_int_equal(fiber_count(), 1);
    assert_true(the_loop.pooled <= FIBER_POOL_MAX);
}

TEST(the_stacks_of_a_busy_moment_are_given_back)
{
    size_t busiest = 0;

    for (int i = 0; i < 500; i++)
        assert_null(fiber_start(park, NULL));
    wake_all_parked();
    testing_turns(1);
    busiest = the_loop.pooled;
    assert_int_equal(busiest, 500);
    assert_null(call_sleep(call, 2200));
    assert_in_range(the_loop.pooled, 1, 50);
    assert_null(fiber_start(park, NULL));
    wake_all_parked();
}

static void use_most_of_the_stack(void *argument)
{
    volatile char large[48 * 1024];

    for (size_t i = 0; i < sizeof large; i += 512)
        large[i] = (char)i;
    fiber_yield();
    for (size_t i = 0; i < sizeof large; i += 512)
        assert_int_equal(large[i], (char)i);
    end(argument);
}

TEST(most_of_a_stack_may_be_used_by_many)
{
    size_t ended = 0;

    (void)call;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++)
            assert_null(fiber_start(use_most_of_the_stack, &ended));
        while (fiber_count() > 1)
            fiber_yield();
    }
    assert_int_equal(ended, 600);
}

static int recurse(volatile char *above, int depth)
{
    volatile char frame[512];

    frame[0] = above ? above[0] : 1;
    return depth ? recurse(frame, depth - 1) + frame[0] : frame[0];
}

static void overflow(void *argument)
{
    (void)argument;
    recurse(NULL, 1000000);
}

TEST(running_over_the_stack_is_a_segmentation_fault)
{
    pid_t child = fork();
    int status;

    (void)call;
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        fiber_start(overflow, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void start_from_timer(struct timer *timer)
{
    (void)timer;
    assert_null(fiber_current());
    assert_null(fiber_start(mark_twice, "xy"));
    assert_null(fiber_current());
}

TEST(a_callback_of_the_loop_may_start_fibers)
{
    struct timer timer = { 0 };

    forget_trail();
    timer_start(&timer, 1, start_from_timer);
    assert_null(call_sleep(call, 50));
    assert_string_equal(trail, "xy");
}

static void nap(void *argument)
{
    struct call *call = argument;

    assert_null(call_sleep(call, 30));
    mark('n');
}

static struct call napping;

static void leave_a_fiber_behind(void *argument)
{
    napping = call_new(argument, 1000);
    assert_null(fiber_start(nap, &napping));
}

static void the_loop_runs_until_the_last_fiber_has_ended(void **state)
{
    (void)state;
    forget_trail();
    assert_null(loop_init());
    assert_null(fiber_run_all(leave_a_fiber_behind, NULL));
    assert_string_equal(trail, "n");
    assert_int_equal(fiber_count(), 0);
    loop_close();
}

#ifdef SWITCH_TSAN
enum { CROWD_TESTS = 1 };
#else
enum { CROWD_TESTS = 2 };
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_runs_at_once_until_it_first_suspends),
        cmocka_unit_test(starts_nest),
        cmocka_unit_test(yielding_fibers_take_turns),
        cmocka_unit_test(a_yield_lets_the_loop_look_at_its_events),
        cmocka_unit_test(waking_a_fiber_twice_continues_it_once),
        cmocka_unit_test(waking_a_running_fiber_does_nothing),
        cmocka_unit_test(ended_fibers_leave_nothing_behind),
        cmocka_unit_test(the_stacks_of_a_busy_moment_are_given_back),
        cmocka_unit_test(most_of_a_stack_may_be_used_by_many),
        cmocka_unit_test(running_over_the_stack_is_a_segmentation_fault),
        cmocka_unit_test(a_callback_of_the_loop_may_start_fibers),
        cmocka_unit_test(the_loop_runs_until_the_last_fiber_has_ended),
        /* More mappings than valgrind, and more fibers than ThreadSanitizer, can keep account of. */
        cmocka_unit_test(ten_thousand_fibers_wait_at_once),
#ifndef SWITCH_TSAN
        cmocka_unit_test(the_fiber_after_the_last_is_refused),
#endif
    };
    size_t count = COUNT_OF(tests) - (switch_on_valgrind() ? CROWD_TESTS : 0);

    return _cmocka_run_group_tests("fiber", tests, count, NULL, NULL);
}
