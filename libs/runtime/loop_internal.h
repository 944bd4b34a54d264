/* The loop's insides, shared by the files of libs/runtime alone. */
#pragma once

#include "base/buf.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include "runtime/timer.h"

#include <uv.h>

enum {
    WHEEL_SLOTS = 512,
    BUFFER_POOL_MAX = 64,
};

/* Buffers that streams have returned, so that an active stream rarely asks the heap. */
struct buffer_pool {
    void *free[BUFFER_POOL_MAX];
    size_t count;
};

struct output_pool {
    struct buf free[BUFFER_POOL_MAX];
    size_t count;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t turn_end;
    uv_idle_t busy; /* active while fibers are ready: keeps the loop from blocking */
    uv_async_t posted;
    bool initialised, stopping;
    uint64_t turn_ns; /* of clock_turn_ns; 0: nobody has asked in this turn */

    uv_mutex_t inbox_lock;
    struct loop_message *inbox; /* newest first */

    struct link hooks;

    struct link ready;   /* fibers to continue in this turn */
    struct link yielded; /* and in the next */
    struct fiber *current;
    size_t fibers;
    struct fiber *pool;
    size_t pooled, pool_unused; /* the fewest since the last check */
    struct timer pool_check;

    uv_timer_t wheel_alarm;
    struct link wheel[WHEEL_SLOTS];
    uint64_t wheel_tick;  /* all ticks up to it have been handled */
    uint64_t alarm_at_ms; /* 0: the alarm is off */

    struct buffer_pool inputs;
    struct output_pool outputs;
};

extern struct loop the_loop;

/* timer.c */
void timer_wheel_init(void);

/* fiber.c: continues ready fibers until none is left or the turn has run enough of them. */
void fiber_run_ready(void);
void fiber_pool_free(void);

/* stream.c */
void stream_pool_free(void);
