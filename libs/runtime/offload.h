/* Work that blocks or computes for long, done by a bounded pool of threads while the fiber waits. The
 * threads run at a low priority: they take what the loop's thread leaves. Such work must not touch the loop,
 * fibers or another call; the waiting fiber's arena and stack are its to use, since the fiber sleeps. */
#pragma once

#include "runtime/call.h"

struct offload_pool;

struct offload_options {
    const char *name;   /* of the threads, 15 characters at most */
    unsigned threads;   /* 1 … 64 */
    unsigned queue_max; /* waiting beyond those running; further work is refused */
    bool background;    /* run at low priority */
};

error offload_pool_new(struct arena *arena, const struct offload_options *options,
                       struct offload_pool **out);

/* Lets the threads finish what runs and is queued, and joins them. To be called when no call is in offload_run
 * any more, or will be: a call whose deadline passes looks at its pool again. NULL is fine. */
void offload_pool_free(struct offload_pool *pool);

/* Runs `work(argument)` on a thread of the pool and waits for its end. Refused with a 503 and Retry-After
 * when the queue is full; ended early by deadline or cancellation while it is still queued (then `work` never
 * runs); once it runs it is waited for. */
error offload_run(struct call *call, struct offload_pool *pool, void (*work)(void *argument),
                  void *argument);

/* Processors that this process may use: a good number of threads for work that computes. */
unsigned offload_cores(void);

/* Queued and not yet running. */
unsigned offload_queued(const struct offload_pool *pool);
