/* While the mail server is away, mails wait instead of failing one after the other. After a failure nothing is sent for a
 * pause; then one mail alone goes out, and when it does, all may. A failure of that one makes the pause longer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CIRCUIT_PAUSE_FIRST_MS = 500, /* doubles, with jitter, up to */
    CIRCUIT_PAUSE_MAX_MS = 30 * 1000,
};

/* All zero: the server is there. */
struct circuit {
    unsigned failures; /* pauses since mails last went out */
    uint64_t resume_ms;
};

/* Notes that the server did not take a mail at `now_ms` (of clock_ms). True when it is the first failure. What was
 * under way when a pause began, and fails during it, says nothing new. */
bool circuit_failed(struct circuit *circuit, uint64_t now_ms, uint64_t luck);

/* Notes that the server took one. True when that ends a time of failures. */
bool circuit_passed(struct circuit *circuit);

/* How many mails may be under way now, of `most`. */
unsigned circuit_limit(const struct circuit *circuit, uint64_t now_ms, unsigned most);
