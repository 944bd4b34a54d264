/* A timer counts from the time that the loop last saw (clock.h): a test that works for long on the loop's thread
 * calls clock_update before it starts one. */
#include "runtime/timer.h"
#include "runtime/clock.h"
#include "testing/fiber_test.h"

#include <stdlib.h>

/* How much later than asked for a timer may fire on a busy machine. */
enum { LATE_MS = 4000 };

struct probe {
    struct timer timer;
    uint64_t started_ns, delay_ms;
    uint64_t took_us;
    int fired;
};

static void note(struct timer *timer)
{
    struct probe *probe = LIST_ELEMENT(timer, struct probe, timer);

    probe->took_us = (clock_ns() - probe->started_ns) / 1000;
    probe->fired++;
}

static void start(struct probe *probe, uint64_t delay_ms)
{
    probe->started_ns = clock_ns();
    probe->delay_ms = delay_ms;
    clock_update();
    timer_start(&probe->timer, delay_ms, note);
}

static void assert_in_time(const struct probe *probe)
{
    assert_int_equal(probe->fired, 1);
    assert_in_range(probe->took_us, probe->delay_ms * 1000, (probe->delay_ms + LATE_MS) * 1000);
}

TEST(a_timer_fires_once_and_never_early)
{
    static const uint64_t delays[] = { 0, 1, 2, 7, 8, 9, 15, 16, 17, 50, 99, 200 };
    struct probe probes[COUNT_OF(delays)] = { 0 };

    for (size_t i = 0; i < COUNT_OF(delays); i++)
        start(&probes[i], delays[i]);
    assert_null(call_sleep(call, 300));
    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        assert_in_time(&probes[i]);
        assert_false(timer_running(&probes[i].timer));
    }
}

TEST(timers_fire_in_the_order_of_their_times)
{
    struct probe late = { 0 }, early = { 0 };

    start(&late, 60);
    start(&early, 20);
    assert_null(call_sleep(call, 120));
    assert_in_time(&late);
    assert_in_time(&early);
    assert_true(early.took_us < late.took_us);
}

/* Both lie in the same slot of the wheel, a round apart. */
TEST(a_delay_of_more_than_a_round_is_kept)
{
    const uint64_t round_ms = WHEEL_SLOTS * TIMER_TICK_MS;
    struct probe brief = { 0 }, lasting = { 0 };

    start(&lasting, round_ms + 100);
    start(&brief, 100);
    assert_null(call_sleep(call, 200));
    assert_in_time(&brief);
    assert_int_equal(lasting.fired, 0);
    assert_true(timer_running(&lasting.timer));
    assert_null(call_sleep(call, round_ms));
    assert_in_time(&lasting);
}

TEST(a_wheel_that_has_stood_still_for_long_catches_up)
{
    static const uint64_t rounds[] = {
        1, 500, WHEEL_SLOTS - 1, WHEEL_SLOTS, 3 * WHEEL_SLOTS + 1, 1000000
    };

    for (size_t i = 0; i < COUNT_OF(rounds); i++) {
        struct probe soon = { 0 }, later = { 0 }, past = { 0 };
        uint64_t ticks = clock_ms() / TIMER_TICK_MS;

        the_loop.wheel_tick -= rounds[i] < ticks ? rounds[i] : ticks;
        start(&soon, 5);
        start(&later, 30);
        start(&past, 0);
        assert_null(call_sleep(call, 60));
        assert_in_time(&soon);
        assert_in_time(&later);
        assert_in_time(&past);
    }
}

TEST(a_point_in_the_past_fires_soon)
{
    struct probe probe = { 0 };

    probe.started_ns = clock_ns();
    timer_start_at(&probe.timer, clock_ms() - 5000, note);
    assert_null(call_sleep(call, 20));
    assert_in_time(&probe);
}

/* The never is what a call without a deadline waits for, the day what an idle subscriber does. */
TEST(a_timer_that_never_fires_does_not_keep_others_from_firing)
{
    struct probe near = { 0 }, never = { 0 }, day = { 0 };

    start(&near, 20);
    timer_start_at(&never.timer, UINT64_MAX, note);
    start(&day, 24 * 60 * 60 * 1000);
    assert_null(call_sleep(call, 1000));
    assert_in_time(&near);
    assert_true(near.took_us < 900 * 1000);
    assert_int_equal(never.fired + day.fired, 0);
    timer_stop(&never.timer);
    timer_stop(&day.timer);
}

TEST(a_stopped_timer_does_not_fire_and_may_be_stopped_again)
{
    struct probe probe = { 0 };

    timer_stop(&probe.timer);
    start(&probe, 10);
    assert_true(timer_running(&probe.timer));
    timer_stop(&probe.timer);
    timer_stop(&probe.timer);
    assert_false(timer_running(&probe.timer));
    assert_null(call_sleep(call, 40));
    assert_int_equal(probe.fired, 0);
}

TEST(a_moved_timer_fires_at_its_new_time_alone)
{
    struct probe later = { 0 }, sooner = { 0 };

    start(&later, 10);
    start(&later, 80);
    start(&sooner, 8000);
    start(&sooner, 10);
    assert_null(call_sleep(call, 150));
    assert_in_time(&later);
    assert_in_time(&sooner);
}

static struct probe left, right;

static void stop_the_other(struct timer *timer)
{
    note(timer);
    timer_stop(timer == &left.timer ? &right.timer : &left.timer);
}

TEST(a_timer_may_stop_another_that_is_due_at_the_same_time)
{
    left = right = (struct probe){ 0 };
    timer_start(&left.timer, 10, stop_the_other);
    timer_start(&right.timer, 10, stop_the_other);
    assert_null(call_sleep(call, 40));
    assert_int_equal(left.fired + right.fired, 1);
}

static void again(struct timer *timer)
{
    struct probe *probe = LIST_ELEMENT(timer, struct probe, timer);

    note(timer);
    if (probe->fired < 5)
        timer_start(timer, probe->delay_ms, again);
}

TEST(a_timer_may_restart_itself)
{
    static const uint64_t delays[] = { 0, 1, 10 };

    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        struct probe probe = { .started_ns = clock_ns(), .delay_ms = delays[i] };

        timer_start(&probe.timer, delays[i], again);
        assert_null(call_sleep(call, 150));
        assert_int_equal(probe.fired, 5);
        assert_true(probe.took_us >= 5 * delays[i] * 1000);
    }
}

TEST(thousands_of_timers_started_moved_and_stopped_keep_their_times)
{
    enum { COUNT = 5000 };
    struct probe *probes = calloc(COUNT, sizeof *probes);
    unsigned seed = 12345;

    for (int i = 0; i < COUNT; i++)
        start(&probes[i], (unsigned)rand_r(&seed) % 400);
    for (int i = 0; i < COUNT; i += 3)
        start(&probes[i], (unsigned)rand_r(&seed) % 400);
    for (int i = 0; i < COUNT; i += 7)
        timer_stop(&probes[i].timer);
    assert_null(call_sleep(call, 600));
    for (int i = 0; i < COUNT; i++) {
        if (i % 7)
            assert_in_time(&probes[i]);
        else
            assert_int_equal(probes[i].fired, 0);
    }
    free(probes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_and_never_early),
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(a_delay_of_more_than_a_round_is_kept),
        cmocka_unit_test(a_wheel_that_has_stood_still_for_long_catches_up),
        cmocka_unit_test(a_point_in_the_past_fires_soon),
        cmocka_unit_test(a_timer_that_never_fires_does_not_keep_others_from_firing),
        cmocka_unit_test(a_stopped_timer_does_not_fire_and_may_be_stopped_again),
        cmocka_unit_test(a_moved_timer_fires_at_its_new_time_alone),
        cmocka_unit_test(a_timer_may_stop_another_that_is_due_at_the_same_time),
        cmocka_unit_test(a_timer_may_restart_itself),
        cmocka_unit_test(thousands_of_timers_started_moved_and_stopped_keep_their_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
