/* The wheel: WHEEL_SLOTS lists, one a tick of TIMER_TICK_MS, used round and round. A timer lies in the slot
 * of its tick; one that is due after more than a round stays in its slot until its round comes. A single
 * libuv timer, the alarm, is set for the first slot that is not empty, so an idle process sleeps. */
#include "runtime/timer.h"
#include "runtime/clock.h"
#include "runtime/loop_internal.h"

static void ring(uv_timer_t *alarm);

void timer_wheel_init(void)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&the_loop.wheel[i]);
    uv_timer_init(&the_loop.uv, &the_loop.wheel_alarm);
    uv_unref((uv_handle_t *)&the_loop.wheel_alarm);
    the_loop.wheel_tick = uv_now(&the_loop.uv) / TIMER_TICK_MS;
}

static void set_alarm(uint64_t at_ms)
{
    uint64_t now = clock_ms();

    the_loop.alarm_at_ms = at_ms;
    uv_timer_start(&the_loop.wheel_alarm, ring, at_ms > now ? at_ms - now : 0, 0);
}

/* The tick at whose end a timer has waited long enough. One that never fires gets the last whose time in milliseconds
 * is still a number. */
static uint64_t tick_of(uint64_t due_ms)
{
    uint64_t last = UINT64_MAX / TIMER_TICK_MS, tick = due_ms / TIMER_TICK_MS + 1;

    return tick < last ? tick : last;
}

void timer_start_at(struct timer *timer, uint64_t due_ms, void (*fired)(struct timer *timer))
{
    uint64_t tick = tick_of(due_ms);

    if (tick <= the_loop.wheel_tick)
        tick = the_loop.wheel_tick + 1;
    list_remove(&timer->link);
    timer->due_ms = due_ms;
    timer->fired = fired;
    list_append(&the_loop.wheel[tick % WHEEL_SLOTS], &timer->link);
    if (!the_loop.alarm_at_ms || tick * TIMER_TICK_MS < the_loop.alarm_at_ms)
        set_alarm(tick * TIMER_TICK_MS);
}

void timer_start(struct timer *timer, uint64_t delay_ms, void (*fired)(struct timer *timer))
{
    timer_start_at(timer, clock_ms() + delay_ms, fired);
}

void timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
}

bool timer_running(const struct timer *timer)
{
    return timer->link.next;
}

/* Fires what is due in one slot. A callback may start and stop any timer, so the slot is emptied first. */
static void handle_slot(struct link *slot, uint64_t now)
{
    struct link todo;
    struct link *link;

    list_init(&todo);
    while ((link = list_take(slot)))
        list_append(&todo, link);
    while ((link = list_take(&todo))) {
        struct timer *timer = LIST_ELEMENT(link, struct timer, link);

        /* The clock counts whole milliseconds: at `due_ms` up to one is missing. */
        if (timer->due_ms < now)
            timer->fired(timer);
        else
            list_append(slot, link);
    }
}

static void set_next_alarm(void)
{
    for (uint64_t ahead = 1; ahead <= WHEEL_SLOTS; ahead++) {
        uint64_t tick = the_loop.wheel_tick + ahead;

        if (!list_empty(&the_loop.wheel[tick % WHEEL_SLOTS])) {
            set_alarm(tick * TIMER_TICK_MS);
            return;
        }
    }
}

static void ring(uv_timer_t *alarm)
{
    uint64_t now = clock_ms(), tick = now / TIMER_TICK_MS, from = the_loop.wheel_tick + 1;

    (void)alarm;
    the_loop.alarm_at_ms = 0;
    if (tick >= WHEEL_SLOTS && from < tick - WHEEL_SLOTS + 1)
        from = tick - WHEEL_SLOTS + 1;
    if (tick > the_loop.wheel_tick)
        the_loop.wheel_tick = tick;
    for (uint64_t t = from; t <= tick; t++)
        handle_slot(&the_loop.wheel[t % WHEEL_SLOTS], now);
    set_next_alarm();
}
