/* Limits how often somebody's secret may be guessed: a token bucket per key (an e-mail), in a table of fixed
 * size. A try takes a token before the costly check; a success gives it back, so only failures count, and tries
 * made at the same time count as well. Kept in memory: a restart forgives. */
#pragma once

#include "base/error.h"

enum {
    ATTEMPTS_BURST = 20,            /* failures in a row */
    ATTEMPTS_REFILL_MS = 30 * 1000, /* then one more try each */
    ATTEMPTS_KEYS = 8192, /* keys remembered; the one closest to full is forgotten first */
};

struct attempts;

error attempts_new(struct attempts **out);
void attempts_free(struct attempts *attempts);

/* Takes a token of `key` (letters compared without case). A 429 with Retry-After when there is none. `now_ms` is of
 * runtime/clock.h's clock_ms. */
error attempts_take(struct attempts *attempts, struct arena *arena, str key, uint64_t now_ms);

/* The try was a success. */
void attempts_give_back(struct attempts *attempts, str key, uint64_t now_ms);
