/* Timers on a hashed wheel: starting, moving and stopping one costs a few list operations, so that every
 * wait and every connection can have its deadline. Resolution is TIMER_TICK_MS; a timer never fires early. */
#pragma once

#include "base/list.h"

#include <stdint.h>

enum { TIMER_TICK_MS = 8 };

/* Embedded in its owner; zeroed before first use. */
struct timer {
    struct link link;
    uint64_t due_ms;
    void (*fired)(struct timer *timer);
};

/* (Re)starts the timer: `fired` runs once, on the loop's thread, not before `delay_ms` have passed. */
void timer_start(struct timer *timer, uint64_t delay_ms, void (*fired)(struct timer *timer));

/* The same for a point of clock_ms. */
void timer_start_at(struct timer *timer, uint64_t due_ms, void (*fired)(struct timer *timer));

/* A stopped or fired timer may be stopped again. */
void timer_stop(struct timer *timer);

bool timer_running(const struct timer *timer);
