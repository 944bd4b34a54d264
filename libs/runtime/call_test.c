#include "runtime/call.h"
#include "runtime/clock.h"
#include "testing/fiber_test.h"

/* How much later than asked for a wait may end on a busy machine. */
enum { LATE_MS = 4000 };

struct scene {
    struct call call;
    struct wait wait;
    error result;
    bool ended;
};

static void wait_in_scene(void *argument)
{
    struct scene *scene = argument;

    scene->result = call_wait(&scene->call, &scene->wait);
    scene->ended = true;
}

static uint64_t now_ms(void)
{
    return clock_ns() / 1000000;
}

TEST(a_wait_that_is_done_already_returns_at_once)
{
    struct wait wait = { 0 };

    wait_done(&wait);
    assert_null(call_wait(call, &wait));
    call_wait_done(call, &wait);
}

TEST(a_wait_ends_when_it_is_done)
{
    struct scene scene = { .call = call_new(call->arena, 1000) };

    assert_null(fiber_start(wait_in_scene, &scene));
    testing_turns(3);
    assert_false(scene.ended);
    wait_done(&scene.wait);
    testing_turns(1);
    assert_true(scene.ended);
    assert_null(scene.result);
    assert_null(scene.call.waiting);
    assert_null(scene.wait.fiber);
}

TEST(a_cancelled_wait_ends_and_so_does_every_later_one)
{
    struct scene scene = { .call = call_new(call->arena, 1000) };
    struct wait later = { 0 };

    assert_null(fiber_start(wait_in_scene, &scene));
    call_cancel(&scene.call);
    testing_turns(1);
    assert_true(scene.ended);
    assert_ptr_equal(scene.result, &ERROR_CANCELLED);
    assert_ptr_equal(call_wait(&scene.call, &later), &ERROR_CANCELLED);
    assert_ptr_equal(call_sleep(&scene.call, 1), &ERROR_CANCELLED);
    assert_ptr_equal(call_check(&scene.call), &ERROR_CANCELLED);
}

TEST(what_is_done_wins_over_a_cancellation_in_the_same_turn)
{
    struct scene scene = { .call = call_new(call->arena, 1000) };

    assert_null(fiber_start(wait_in_scene, &scene));
    call_cancel(&scene.call);
    wait_done(&scene.wait);
    testing_turns(1);
    assert_true(scene.ended);
    assert_null(scene.result);
}

TEST(the_deadline_ends_a_wait)
{
    struct wait wait = { 0 };
    uint64_t start = now_ms();

    clock_update();
    struct call brief = call_new(call->arena, 40);

    assert_null(call_check(&brief));
    assert_ptr_equal(call_wait(&brief, &wait), &ERROR_DEADLINE);
    assert_in_range(now_ms() - start, 40, 40 + LATE_MS);
    assert_int_equal(call_left_ms(&brief), 0);
    assert_ptr_equal(call_wait(&brief, &wait), &ERROR_DEADLINE);
    assert_ptr_equal(call_check(&brief), &ERROR_DEADLINE);
}

TEST(sleep_takes_its_time)
{
    static const uint64_t delays[] = { 0, 1, 8, 25, 60 };

    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        uint64_t start = clock_ns();

        clock_update();
        assert_null(call_sleep(call, delays[i]));
        assert_in_range((clock_ns() - start) / 1000, delays[i] * 1000,
                        (delays[i] + LATE_MS) * 1000);
    }
}

TEST(sleep_ends_early_at_the_deadline)
{
    uint64_t start = now_ms();

    clock_update();
    struct call brief = call_new(call->arena, 30);

    assert_ptr_equal(call_sleep(&brief, 5000), &ERROR_DEADLINE);
    assert_in_range(now_ms() - start, 30, 30 + LATE_MS);
}

static void sleep_long(void *argument)
{
    struct scene *scene = argument;

    scene->result = call_sleep(&scene->call, 10000);
    scene->ended = true;
}

TEST(sleep_ends_early_when_cancelled)
{
    struct scene scene = { .call = call_new(call->arena, 20000) };

    assert_null(fiber_start(sleep_long, &scene));
    assert_null(call_sleep(call, 10));
    assert_false(scene.ended);
    call_cancel(&scene.call);
    testing_turns(1);
    assert_true(scene.ended);
    assert_ptr_equal(scene.result, &ERROR_CANCELLED);
}

static void wait_for_it_alone(void *argument)
{
    struct scene *scene = argument;

    call_wait_done(&scene->call, &scene->wait);
    scene->ended = true;
}

TEST(a_wait_for_what_cannot_be_taken_back_ignores_cancellation)
{
    struct scene scene = { .call = call_new(call->arena, 1) };

    assert_null(fiber_start(wait_for_it_alone, &scene));
    call_cancel(&scene.call);
    assert_null(call_sleep(call, 30));
    assert_false(scene.ended);
    wait_done(&scene.wait);
    testing_turns(1);
    assert_true(scene.ended);
}

TEST(any_timeout_makes_a_deadline_in_the_future)
{
    static const uint64_t timeouts[] = { 1, CALL_TIMEOUT_MS, CALL_TIMEOUT_MAX_MS, UINT64_MAX };

    for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
        struct call made = call_new(call->arena, timeouts[i]);

        assert_in_range(call_left_ms(&made), 1, CALL_TIMEOUT_MAX_MS);
        assert_null(call_check(&made));
    }
    struct call spent = call_new(call->arena, 0);

    assert_ptr_equal(call_check(&spent), &ERROR_DEADLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_that_is_done_already_returns_at_once),
        cmocka_unit_test(a_wait_ends_when_it_is_done),
        cmocka_unit_test(a_cancelled_wait_ends_and_so_does_every_later_one),
        cmocka_unit_test(what_is_done_wins_over_a_cancellation_in_the_same_turn),
        cmocka_unit_test(the_deadline_ends_a_wait),
        cmocka_unit_test(sleep_takes_its_time),
        cmocka_unit_test(sleep_ends_early_at_the_deadline),
        cmocka_unit_test(sleep_ends_early_when_cancelled),
        cmocka_unit_test(a_wait_for_what_cannot_be_taken_back_ignores_cancellation),
        cmocka_unit_test(any_timeout_makes_a_deadline_in_the_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
