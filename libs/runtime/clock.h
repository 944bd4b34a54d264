/* The only clock of the process. Everything that asks for the time asks here, so that a test can set it
 * and a simulator can own it. */
#pragma once

#include "base/time.h"

/* Wall-clock time, read now. From any thread. */
timestamp clock_now(void);

/* Milliseconds of a clock that never jumps; for deadlines. As of the last wait of the loop, so that it costs
 * nothing; on the loop's thread only. */
uint64_t clock_ms(void);

/* Nanoseconds of the monotonic clock, read now; for measuring. From any thread. */
uint64_t clock_ns(void);

/* The same as it was when it was first asked for in this turn of the loop: when the turn's work began, for things
 * that have waited since. Costs nothing the second time; on the loop's thread only. */
uint64_t clock_turn_ns(void);

/* Re-reads the clock; the loop does this after each wait. Code that has worked for long may, too. */
void clock_update(void);
