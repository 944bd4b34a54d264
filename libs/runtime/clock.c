#include "runtime/clock.h"
#include "runtime/loop_internal.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

timestamp clock_now(void)
{
    return (timestamp){ (int64_t)(read_clock(CLOCK_REALTIME) / 1000000) };
}

uint64_t clock_ms(void)
{
    return the_loop.initialised ? uv_now(&the_loop.uv) : clock_ns() / 1000000;
}

uint64_t clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_turn_ns(void)
{
    if (!the_loop.turn_ns)
        the_loop.turn_ns = clock_ns();
    return the_loop.turn_ns;
}

void clock_update(void)
{
    uv_update_time(&the_loop.uv);
}
