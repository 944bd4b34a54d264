/* What the runtime's small operations cost. Prints nanoseconds, one operation a line. */
#include "runtime/clock.h"
#include "runtime/loop_internal.h"
#include "runtime/offload.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 1000 * 1000, TIMERS = 1000 };

static void check(error e)
{
    if (!e)
        return;
    fprintf(stderr, "%s\n", e->message);
    exit(1);
}

static void report(const char *what, uint64_t start_ns, size_t count)
{
    printf("%-44s %8.1f ns\n", what, (double)(clock_ns() - start_ns) / (double)count);
}

static struct fiber *partner;

static void suspend_for_ever(void *argument)
{
    partner = fiber_current();
    for (int i = 0; i < ROUNDS; i++)
        fiber_suspend();
    (void)argument;
}

/* From the loop's stack to a fiber and back, without the loop. */
static void bench_switch(void)
{
    check(fiber_start(suspend_for_ever, NULL));
    uint64_t start = clock_ns();

    for (int i = 0; i < ROUNDS; i++) {
        fiber_wake(partner);
        fiber_run_ready();
    }
    report("wake, resume and suspend (two switches)", start, ROUNDS);
}

static void nothing(void *argument)
{
    (void)argument;
}

static void bench_start(void)
{
    uint64_t start = clock_ns();

    for (int i = 0; i < ROUNDS; i++)
        check(fiber_start(nothing, NULL));
    report("fiber_start of a fiber that ends at once", start, ROUNDS);
}

static struct fiber *crowd[512];
static size_t crowd_len;

static void join_crowd(void *argument)
{
    (void)argument;
    crowd[crowd_len++] = fiber_current();
    fiber_suspend();
}

/* As many at once as a busy server has. */
static void bench_crowd(size_t size)
{
    char what[64];
    size_t rounds = 200000 / size;
    uint64_t start = clock_ns();

    for (size_t round = 0; round < rounds; round++) {
        crowd_len = 0;
        for (size_t i = 0; i < size; i++)
            check(fiber_start(join_crowd, NULL));
        for (size_t i = 0; i < size; i++)
            fiber_wake(crowd[i]);
        fiber_run_ready();
    }
    snprintf(what, sizeof what, "fiber_start, suspend, wake, end; %zu at once", size);
    report(what, start, rounds * size);
}

static void ignore(struct timer *timer)
{
    (void)timer;
}

static void bench_timers(void)
{
    static struct timer timers[TIMERS];
    uint64_t start = clock_ns();

    for (int round = 0; round < ROUNDS / TIMERS; round++) {
        for (int i = 0; i < TIMERS; i++)
            timer_start(&timers[i], (uint64_t)(1000 + i * 7), ignore);
        for (int i = 0; i < TIMERS; i++)
            timer_stop(&timers[i]);
    }
    report("timer_start and timer_stop", start, ROUNDS);
}

static void yield_many(void *argument)
{
    enum { COUNT = 100000 };
    uint64_t start = clock_ns();

    for (int i = 0; i < COUNT; i++)
        fiber_yield();
    report("fiber_yield (a turn of the loop)", start, COUNT);
    (void)argument;
}

static void offload_many(void *argument)
{
    enum { COUNT = 20000 };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct offload_options options = { .name = "bench", .threads = 1, .queue_max = 1 };
    struct call call = call_new(arena, 60 * 1000);
    struct offload_pool *pool;

    check(offload_pool_new(arena, &options, &pool));
    uint64_t start = clock_ns();

    for (int i = 0; i < COUNT; i++)
        check(offload_run(&call, pool, nothing, NULL));
    report("offload_run, there and back", start, COUNT);
    offload_pool_free(pool);
    arena_free(arena);
    (void)argument;
}

int main(void)
{
    check(loop_init());
    bench_switch();
    bench_start();
    bench_crowd(16);
    bench_crowd(64);
    bench_crowd(512);
    bench_timers();
    check(fiber_run_all(yield_many, NULL));
    check(fiber_run_all(offload_many, NULL));
    loop_close();
    return 0;
}
