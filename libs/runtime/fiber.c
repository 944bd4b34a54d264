/* A fiber is a stack and the place in it where it stopped. Resuming jumps from whoever resumes (the loop's
 * stack or another fiber) onto the fiber's stack; suspending jumps back to exactly there. So fibers nest as
 * calls do: fiber_start runs the new one until it first suspends, then the starter goes on.
 *
 *     loop ──resume──▶ A ──fiber_start──▶ B
 *          ◀─suspend──   ◀───suspend────
 *
 * Stacks are mapped one by one with a guard at the low end, and pooled. Each POOL_CHECK_MS those that the
 * pool did not need since the last time are unmapped, but for a few: mapping one costs more than all else about a
 * short fiber, and keeping all of a busy moment's would cost memory for ever. The struct fiber lies at the top
 * of its own stack. */
#include "runtime/fiber.h"
#include "runtime/fiber_switch.h"
#include "runtime/loop_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Sanitizers make frames several times as large. */
#if defined(SWITCH_ASAN) || defined(SWITCH_TSAN)
enum { STACK_SIZE = 4 * FIBER_STACK_SIZE };
#else
enum { STACK_SIZE = FIBER_STACK_SIZE };
#endif

enum {
    GUARD_SIZE =
        64 * 1024, /* costs addresses only, and stops frames that step over a single page */
    MAPPING_SIZE = GUARD_SIZE + STACK_SIZE,
    POOL_KEEP = 32, /* stacks that stay pooled though nobody needs them */
    POOL_CHECK_MS = 1000,
    TURN_RESUMES_MAX = 1024, /* fibers continued before the loop looks at its sockets again */
};

enum fiber_state { RUNNING, SUSPENDED, READY, ENDED };

struct fiber {
    struct link link; /* in the ready list */
    struct fiber *next_free;
    enum fiber_state state;
    void (*run)(void *argument);
    void *argument;
    char *mapping;       /* lowest address, the guard page */
    switch_context here; /* where it stopped */
    switch_context back; /* who resumed it */
    void *fake_stack;    /* ASan's, while it is suspended */
    const void *back_bottom;
    size_t back_size;
    void *tsan, *tsan_back;
    unsigned valgrind_id;
};

static char *stack_bottom(const struct fiber *fiber)
{
    return fiber->mapping + GUARD_SIZE;
}

static size_t stack_size(const struct fiber *fiber)
{
    return (size_t)((const char *)fiber - stack_bottom(fiber));
}

static struct fiber *map_fiber(void)
{
    char *mapping = mmap(NULL, MAPPING_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (mapping == MAP_FAILED)
        return NULL;
    if (mprotect(mapping, GUARD_SIZE, PROT_NONE)) {
        munmap(mapping, MAPPING_SIZE);
        return NULL;
    }
    size_t head = (sizeof(struct fiber) + 63) / 64 * 64;
    struct fiber *fiber = (struct fiber *)(void *)(mapping + MAPPING_SIZE - head);

    *fiber = (struct fiber){ .mapping = mapping };
    fiber->valgrind_id = switch_register(stack_bottom(fiber), (char *)fiber);
    return fiber;
}

static void unmap_fiber(struct fiber *fiber)
{
    switch_deregister(fiber->valgrind_id);
    munmap(fiber->mapping, MAPPING_SIZE);
}

static struct fiber *take_fiber(void)
{
    struct fiber *fiber = the_loop.pool;

    if (the_loop.fibers >= FIBER_MAX)
        return NULL;
    if (!fiber)
        return map_fiber();
    the_loop.pool = fiber->next_free;
    the_loop.pooled--;
    if (the_loop.pooled < the_loop.pool_unused)
        the_loop.pool_unused = the_loop.pooled;
    return fiber;
}

static void check_pool(struct timer *timer)
{
    while (the_loop.pool_unused > 0 && the_loop.pooled > POOL_KEEP) {
        struct fiber *fiber = the_loop.pool;

        the_loop.pool = fiber->next_free;
        the_loop.pooled--;
        the_loop.pool_unused--;
        unmap_fiber(fiber);
    }
    the_loop.pool_unused = the_loop.pooled;
    if (the_loop.pooled > POOL_KEEP)
        timer_start(timer, POOL_CHECK_MS, check_pool);
}

static void return_fiber(struct fiber *fiber)
{
    switch_tsan_destroy(fiber->tsan);
    if (the_loop.pooled >= FIBER_POOL_MAX) {
        unmap_fiber(fiber);
        return;
    }
    fiber->next_free = the_loop.pool;
    the_loop.pool = fiber;
    the_loop.pooled++;
    if (the_loop.pooled > POOL_KEEP && !timer_running(&the_loop.pool_check))
        timer_start(&the_loop.pool_check, POOL_CHECK_MS, check_pool);
}

void fiber_pool_free(void)
{
    while (the_loop.pool) {
        struct fiber *fiber = the_loop.pool;

        the_loop.pool = fiber->next_free;
        unmap_fiber(fiber);
    }
    the_loop.pooled = 0;
}

/* Runs on the new stack; the first jump lands here. */
static void enter(struct switch_result arrived)
{
    struct fiber *fiber = arrived.data;

    switch_end(NULL, &fiber->back_bottom, &fiber->back_size);
    fiber->back = arrived.from;
    fiber->run(fiber->argument);
    fiber->state = ENDED;
    switch_begin(NULL, fiber->back_bottom, fiber->back_size);
    switch_tsan_to(fiber->tsan_back);
    jump_fcontext(fiber->back, NULL);
    abort(); /* An ended fiber was resumed. */
}

static void resume(struct fiber *fiber)
{
    struct fiber *resumer = the_loop.current;
    void *fake_stack = NULL;

    fiber->state = RUNNING;
    fiber->tsan_back = switch_tsan_current();
    the_loop.current = fiber;
    switch_begin(&fake_stack, stack_bottom(fiber), stack_size(fiber));
    switch_tsan_to(fiber->tsan);
    struct switch_result stopped = jump_fcontext(fiber->here, fiber);

    switch_end(fake_stack, NULL, NULL);
    the_loop.current = resumer;
    fiber->here = stopped.from;
    if (fiber->state == ENDED) {
        the_loop.fibers--;
        return_fiber(fiber);
    }
}

error fiber_start(void (*run)(void *argument), void *argument)
{
    struct fiber *fiber = take_fiber();

    if (!fiber)
        return &ERROR_OUT_OF_MEMORY;
    fiber->run = run;
    fiber->argument = argument;
    fiber->here = make_fcontext(fiber, stack_size(fiber), enter);
    fiber->tsan = switch_tsan_create();
    the_loop.fibers++;
    resume(fiber);
    return NULL;
}

struct fiber *fiber_current(void)
{
    return the_loop.current;
}

static void stop(struct fiber *fiber)
{
    switch_begin(&fiber->fake_stack, fiber->back_bottom, fiber->back_size);
    switch_tsan_to(fiber->tsan_back);
    struct switch_result resumed = jump_fcontext(fiber->back, NULL);

    switch_end(fiber->fake_stack, &fiber->back_bottom, &fiber->back_size);
    fiber->back = resumed.from;
}

void fiber_suspend(void)
{
    struct fiber *fiber = the_loop.current;

    assert(fiber);
    fiber->state = SUSPENDED;
    stop(fiber);
}

void fiber_wake(struct fiber *fiber)
{
    if (fiber->state != SUSPENDED)
        return;
    fiber->state = READY;
    list_append(&the_loop.ready, &fiber->link);
}

void fiber_yield(void)
{
    struct fiber *fiber = the_loop.current;

    assert(fiber);
    fiber->state = READY;
    list_append(&the_loop.yielded, &fiber->link);
    stop(fiber);
}

void fiber_run_ready(void)
{
    struct link *link;

    for (int i = 0; i < TURN_RESUMES_MAX && (link = list_take(&the_loop.ready)); i++)
        resume(LIST_ELEMENT(link, struct fiber, link));
    while ((link = list_take(&the_loop.yielded)))
        list_append(&the_loop.ready, link);
}

size_t fiber_count(void)
{
    return the_loop.fibers;
}

struct run_all {
    void (*run)(void *argument);
    void *argument;
};

static void run_then_stop(void *argument)
{
    struct run_all *all = argument;

    all->run(all->argument);
    loop_stop();
}

error fiber_run_all(void (*run)(void *argument), void *argument)
{
    struct run_all all = { run, argument };

    TRY(fiber_start(run_then_stop, &all));
    loop_run();
    return NULL;
}
