#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "testing/fiber_test.h"

#include <pthread.h>
#include <signal.h>

struct counter {
    struct loop_hook hook;
    int ran, again;
};

static void count(struct loop_hook *hook)
{
    struct counter *counter = LIST_ELEMENT(hook, struct counter, hook);

    counter->ran++;
    if (counter->again-- > 0)
        loop_at_turn_end(hook);
}

TEST(a_hook_runs_once_at_the_end_of_its_turn)
{
    struct counter counter = { .hook.run = count };

    (void)call;
    loop_at_turn_end(&counter.hook);
    loop_at_turn_end(&counter.hook);
    assert_int_equal(counter.ran, 0);
    testing_turns(1);
    assert_int_equal(counter.ran, 1);
    testing_turns(3);
    assert_int_equal(counter.ran, 1);
    loop_at_turn_end(&counter.hook);
    testing_turns(1);
    assert_int_equal(counter.ran, 2);
}

TEST(a_hook_that_schedules_itself_runs_in_the_next_turn)
{
    struct counter counter = { .hook.run = count, .again = 3 };

    (void)call;
    loop_at_turn_end(&counter.hook);
    for (int turn = 1; turn <= 4; turn++) {
        testing_turns(1);
        assert_int_equal(counter.ran, turn);
    }
    testing_turns(2);
    assert_int_equal(counter.ran, 4);
}

TEST(a_turn_has_one_time_that_does_not_go_on_within_it)
{
    uint64_t first = clock_turn_ns();

    (void)call;
    while (clock_ns() < first + 1000 * 1000)
        ;
    assert_true(clock_turn_ns() == first);
    testing_turns(1);
    uint64_t second = clock_turn_ns();

    assert_true(second >= first + 1000 * 1000);
    assert_true(clock_turn_ns() == second);
    assert_true(clock_ns() >= second);
}

static struct counter victim;

static void cancel_victim(struct loop_hook *hook)
{
    count(hook);
    loop_hook_cancel(&victim.hook);
}

TEST(a_cancelled_hook_does_not_run_even_if_its_turn_has_come)
{
    struct counter first = { .hook.run = cancel_victim };

    (void)call;
    victim = (struct counter){ .hook.run = count };
    loop_at_turn_end(&first.hook);
    loop_at_turn_end(&victim.hook);
    testing_turns(2);
    assert_int_equal(first.ran, 1);
    assert_int_equal(victim.ran, 0);
    loop_hook_cancel(&victim.hook);
}

enum { POSTERS = 4, POSTS = 1000 };

struct numbered {
    struct loop_message message;
    int poster, number;
};

static struct numbered messages[POSTERS][POSTS];
static int next_number[POSTERS], arrived;

static void arrive(struct loop_message *message)
{
    struct numbered *numbered = LIST_ELEMENT(message, struct numbered, message);

    assert_int_equal(numbered->number, next_number[numbered->poster]++);
    arrived++;
}

static void *post_all(void *argument)
{
    struct numbered *own = argument;

    for (int i = 0; i < POSTS; i++)
        loop_post(&own[i].message);
    return NULL;
}

TEST(messages_of_a_thread_arrive_once_and_in_order)
{
    pthread_t threads[POSTERS];

    arrived = 0;
    for (int i = 0; i < POSTERS; i++) {
        next_number[i] = 0;
        for (int k = 0; k < POSTS; k++)
            messages[i][k] = (struct numbered){ { .run = arrive }, i, k };
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, messages[i]), 0);
    }
    while (arrived < POSTERS * POSTS)
        assert_null(call_sleep(call, 1));
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(arrived, POSTERS * POSTS);
}

static void stop_from_message(struct loop_message *message)
{
    (void)message;
    loop_stop();
}

static void the_loop_can_be_made_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct loop_message message = { .run = stop_from_message };

        assert_null(loop_init());
        assert_non_null(loop_uv());
        loop_post(&message);
        loop_run();
        loop_close();
    }
}

static int stops;

static void note_stop(void *cookie)
{
    assert_ptr_equal(cookie, &stops);
    stops++;
}

TEST(the_first_signal_alone_asks_to_stop)
{
    static const int numbers[] = { SIGTERM, SIGINT };

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        stops = 0;
        assert_null(signals_on_stop(note_stop, &stops));
        raise(numbers[i]);
        assert_null(call_sleep(call, 20));
        assert_int_equal(stops, 1);
        raise(SIGTERM);
        raise(SIGINT);
        assert_null(call_sleep(call, 20));
        assert_int_equal(stops, 1);
        raise(SIGPIPE);
        signals_close();
        testing_turns(2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_runs_once_at_the_end_of_its_turn),
        cmocka_unit_test(a_hook_that_schedules_itself_runs_in_the_next_turn),
        cmocka_unit_test(a_turn_has_one_time_that_does_not_go_on_within_it),
        cmocka_unit_test(a_cancelled_hook_does_not_run_even_if_its_turn_has_come),
        cmocka_unit_test(messages_of_a_thread_arrive_once_and_in_order),
        cmocka_unit_test(the_loop_can_be_made_again),
        cmocka_unit_test(the_first_signal_alone_asks_to_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
