#include "runtime/offload.h"
#include "runtime/clock.h"
#include "testing/fiber_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

/* Work that holds a thread until the test lets it go. */
struct gate {
    sem_t entered, open;
    atomic_int ran;
};

static void gate_init(struct gate *gate)
{
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
    gate->ran = 0;
}

static void pass_gate(void *argument)
{
    struct gate *gate = argument;

    sem_post(&gate->entered);
    sem_wait(&gate->open);
    gate->ran++;
}

static struct offload_pool *pool_of(struct call *call, unsigned threads, unsigned queue_max)
{
    struct offload_options options = { "test", threads, queue_max, true };
    struct offload_pool *pool;

    assert_null(offload_pool_new(call->arena, &options, &pool));
    return pool;
}

struct job_scene {
    struct call call;
    struct offload_pool *pool;
    struct gate *gate;
    error result;
    bool ended;
};

static void offload_in_scene(void *argument)
{
    struct job_scene *scene = argument;

    scene->result = offload_run(&scene->call, scene->pool, pass_gate, scene->gate);
    scene->ended = true;
}

static struct job_scene scene_of(struct call *call, struct offload_pool *pool, struct gate *gate)
{
    return (struct job_scene){ .call = call_new(call->arena, 20000), .pool = pool, .gate = gate };
}

static void wait_for_end(struct call *call, struct job_scene *scene)
{
    while (!scene->ended)
        assert_null(call_sleep(call, 1));
}

struct sum {
    pthread_t thread;
    int a, b, result;
};

static void add(void *argument)
{
    struct sum *sum = argument;

    sum->thread = pthread_self();
    sum->result = sum->a + sum->b;
}

TEST(work_runs_on_another_thread_and_its_result_is_there)
{
    struct offload_pool *pool = pool_of(call, 1, 1);

    for (int i = 0; i < 100; i++) {
        struct sum sum = { .a = i, .b = 1000 };

        assert_null(offload_run(call, pool, add, &sum));
        assert_int_equal(sum.result, 1000 + i);
        assert_false(pthread_equal(sum.thread, pthread_self()));
    }
    offload_pool_free(pool);
}

TEST(the_loop_goes_on_while_work_blocks)
{
    struct offload_pool *pool = pool_of(call, 1, 0);
    struct gate gate;
    struct job_scene scene = scene_of(call, pool, &gate);

    gate_init(&gate);
    assert_null(fiber_start(offload_in_scene, &scene));
    assert_null(call_sleep(call, 20));
    assert_false(scene.ended);
    sem_post(&gate.open);
    wait_for_end(call, &scene);
    assert_null(scene.result);
    assert_int_equal(gate.ran, 1);
    offload_pool_free(pool);
}

TEST(beyond_threads_and_queue_work_is_refused)
{
    enum { THREADS = 2, QUEUE = 3 };
    struct offload_pool *pool = pool_of(call, THREADS, QUEUE);
    struct job_scene scenes[THREADS + QUEUE], refused;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < THREADS + QUEUE; i++) {
        scenes[i] = scene_of(call, pool, &gate);
        assert_null(fiber_start(offload_in_scene, &scenes[i]));
        assert_false(scenes[i].ended);
    }
    refused = scene_of(call, pool, &gate);
    assert_null(fiber_start(offload_in_scene, &refused));
    assert_true(refused.ended);
    assert_int_equal(refused.result->status, 503);
    assert_true(refused.result->retry_after_s > 0);
    sem_wait(&gate.entered);
    sem_wait(&gate.entered);
    assert_int_equal(offload_queued(pool), QUEUE);
    for (int i = 0; i < THREADS + QUEUE; i++)
        sem_post(&gate.open);
    for (int i = 0; i < THREADS + QUEUE; i++)
        wait_for_end(call, &scenes[i]);
    assert_int_equal(gate.ran, THREADS + QUEUE);
    assert_int_equal(offload_queued(pool), 0);
    offload_pool_free(pool);
}

/* What ends a call, and when its work is: on the queue or running. */
static void end_call(struct call *call, struct job_scene *scene, bool by_deadline)
{
    if (by_deadline)
        assert_null(call_sleep(call, 60));
    else
        call_cancel(&scene->call);
    testing_turns(2);
}

TEST(queued_work_is_taken_back_when_its_call_ends)
{
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        struct offload_pool *pool = pool_of(call, 1, 2);
        struct gate gate;

        gate_init(&gate);
        struct job_scene first = scene_of(call, pool, &gate), queued = first;

        queued.call.deadline_ms = clock_ms() + (by_deadline ? 20 : 20000);
        assert_null(fiber_start(offload_in_scene, &first));
        sem_wait(&gate.entered);
        assert_null(fiber_start(offload_in_scene, &queued));
        assert_int_equal(offload_queued(pool), 1);
        end_call(call, &queued, by_deadline);
        assert_true(queued.ended);
        assert_ptr_equal(queued.result, by_deadline ? &ERROR_DEADLINE : &ERROR_CANCELLED);
        assert_int_equal(offload_queued(pool), 0);
        sem_post(&gate.open);
        wait_for_end(call, &first);
        offload_pool_free(pool);
        assert_int_equal(gate.ran, 1);
    }
}

TEST(running_work_is_waited_for_though_its_call_has_ended)
{
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        struct offload_pool *pool = pool_of(call, 1, 0);
        struct gate gate;

        gate_init(&gate);
        struct job_scene scene = scene_of(call, pool, &gate);

        scene.call.deadline_ms = clock_ms() + (by_deadline ? 20 : 20000);
        assert_null(fiber_start(offload_in_scene, &scene));
        sem_wait(&gate.entered);
        end_call(call, &scene, by_deadline);
        assert_false(scene.ended);
        sem_post(&gate.open);
        wait_for_end(call, &scene);
        assert_null(scene.result);
        assert_int_equal(gate.ran, 1);
        offload_pool_free(pool);
    }
}

TEST(a_call_that_has_ended_offloads_nothing)
{
    struct offload_pool *pool = pool_of(call, 1, 1);
    struct call ended = call_new(call->arena, 1000);
    struct sum sum = { 0 };

    call_cancel(&ended);
    assert_ptr_equal(offload_run(&ended, pool, add, &sum), &ERROR_CANCELLED);
    assert_int_equal(offload_queued(pool), 0);
    offload_pool_free(pool);
}

static atomic_int counted;

static void count(void *argument)
{
    (void)argument;
    counted++;
}

struct crowd {
    struct call *call;
    struct offload_pool *pool;
    int ended;
};

static void offload_many(void *argument)
{
    struct crowd *crowd = argument;
    struct call call = call_new(crowd->call->arena, 20000);

    for (int i = 0; i < 50; i++)
        assert_null(offload_run(&call, crowd->pool, count, NULL));
    crowd->ended++;
}

TEST(many_fibers_share_the_threads)
{
    struct crowd crowd = { call, pool_of(call, 4, 100), 0 };

    counted = 0;
    for (int i = 0; i < 100; i++)
        assert_null(fiber_start(offload_many, &crowd));
    while (crowd.ended < 100)
        assert_null(call_sleep(call, 1));
    assert_int_equal(counted, 5000);
    offload_pool_free(crowd.pool);
}

TEST(this_process_has_a_processor)
{
    (void)call;
    assert_in_range(offload_cores(), 1, 64);
    offload_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_on_another_thread_and_its_result_is_there),
        cmocka_unit_test(the_loop_goes_on_while_work_blocks),
        cmocka_unit_test(beyond_threads_and_queue_work_is_refused),
        cmocka_unit_test(queued_work_is_taken_back_when_its_call_ends),
        cmocka_unit_test(running_work_is_waited_for_though_its_call_has_ended),
        cmocka_unit_test(a_call_that_has_ended_offloads_nothing),
        cmocka_unit_test(many_fibers_share_the_threads),
        cmocka_unit_test(this_process_has_a_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
