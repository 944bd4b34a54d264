#include "runtime/call.h"
#include "runtime/clock.h"

#include <assert.h>

struct call call_new(struct arena *arena, uint64_t timeout_ms)
{
    uint64_t now = clock_ms();

    if (timeout_ms > CALL_TIMEOUT_MAX_MS)
        timeout_ms = CALL_TIMEOUT_MAX_MS;
    return (struct call){ .arena = arena, .deadline_ms = now + timeout_ms };
}

uint64_t call_left_ms(const struct call *call)
{
    uint64_t now = clock_ms();

    return call->deadline_ms > now ? call->deadline_ms - now : 0;
}

error call_check(const struct call *call)
{
    if (call->cancelled)
        return &ERROR_CANCELLED;
    return call_left_ms(call) == 0 ? &ERROR_DEADLINE : NULL;
}

void call_cancel(struct call *call)
{
    call->cancelled = true;
    if (call->waiting)
        fiber_wake(call->waiting);
}

struct alarm {
    struct timer timer;
    struct fiber *fiber;
};

static void wake(struct timer *timer)
{
    fiber_wake(LIST_ELEMENT(timer, struct alarm, timer)->fiber);
}

/* The wake-up may come from the wait, the alarm or call_cancel; which it was is read from their state. */
error call_wait(struct call *call, struct wait *wait)
{
    struct alarm alarm = { .fiber = fiber_current() };
    error failed = NULL;

    assert(alarm.fiber && !call->waiting);
    if (wait->done)
        return NULL;
    TRY(call_check(call));
    wait->fiber = call->waiting = alarm.fiber;
    timer_start_at(&alarm.timer, call->deadline_ms, wake);
    while (!wait->done && !(failed = call_check(call)))
        fiber_suspend();
    timer_stop(&alarm.timer);
    wait->fiber = call->waiting = NULL;
    return wait->done ? NULL : failed;
}

void call_wait_done(struct call *call, struct wait *wait)
{
    (void)call;
    wait->fiber = fiber_current();
    assert(wait->fiber);
    while (!wait->done)
        fiber_suspend();
    wait->fiber = NULL;
}

void wait_done(struct wait *wait)
{
    wait->done = true;
    if (wait->fiber)
        fiber_wake(wait->fiber);
}

struct nap {
    struct timer timer;
    struct wait wait;
};

static void nap_over(struct timer *timer)
{
    wait_done(&LIST_ELEMENT(timer, struct nap, timer)->wait);
}

error call_sleep(struct call *call, uint64_t delay_ms)
{
    struct nap nap = { 0 };

    timer_start(&nap.timer, delay_ms, nap_over);
    error failed = call_wait(call, &nap.wait);

    timer_stop(&nap.timer);
    return failed;
}
