/* Fibers: functions with a stack of their own that may suspend in the middle and are continued by the
 * loop. They share one thread, so nothing is locked; between two suspensions a fiber runs undisturbed.
 *
 * A fiber's stack is FIBER_STACK_SIZE bytes with a guard below it; running over it is a
 * segmentation fault, not silent damage. Nothing on a fiber's stack may be lent to somebody else past a
 * suspension unless the fiber waits for exactly that somebody. */
#pragma once

#include "base/error.h"

enum {
    FIBER_STACK_SIZE = 64 * 1024,
    FIBER_MAX = 16 * 1024, /* at once; further ones are refused */
    FIBER_POOL_MAX = 1024, /* stacks kept for reuse; those of a quiet second are given back */
};

struct fiber;

/* Starts `run(argument)` on a new fiber, at once, until it first suspends. From the loop or from a fiber.
 * ERROR_OUT_OF_MEMORY when FIBER_MAX fibers run or there is no stack; then `run` was not called. */
error fiber_start(void (*run)(void *argument), void *argument);

/* The running fiber; NULL on the loop's own stack. */
struct fiber *fiber_current(void);

/* Suspends the running fiber until somebody wakes it. Only call.h's waits use this. */
void fiber_suspend(void);

/* Makes a suspended fiber ready; it continues later in this turn. Waking a ready one again does nothing. */
void fiber_wake(struct fiber *fiber);

/* Lets other ready fibers and the loop run before continuing. */
void fiber_yield(void);

/* Fibers that have started and not ended. */
size_t fiber_count(void);

/* Runs `run(argument)` on a fiber and the loop until it has ended: how tests and main() enter. */
error fiber_run_all(void (*run)(void *argument), void *argument);
