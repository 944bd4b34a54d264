/* A call is one piece of work on behalf of somebody: an HTTP request, a message, an event. Every handler
 * gets it as its first argument and passes it to whatever suspends; a function that does not take a call
 * never suspends. It carries the memory that lives until the reply is sent, the time that is left, the
 * trace it belongs to, who is asking, and the service that is asked. */
#pragma once

#include "base/uuid.h"
#include "runtime/fiber.h"
#include "runtime/timer.h"

enum {
    CALL_TIMEOUT_MS = 10 * 1000,               /* when nobody sets another deadline */
    CALL_TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000, /* more is cut to it */
};

/* Who is asking, once a guard has established it; in the call's arena. */
struct identity {
    uuid user;
    str email;
    strs roles;
};

/* W3C Trace Context. All zero bytes: none. */
struct trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
};

struct call {
    struct arena *arena;
    uint64_t deadline_ms; /* of clock_ms */
    struct trace trace;
    const struct identity *identity; /* NULL: anonymous */
    void *service; /* state of the service whose handler runs; set by whoever dispatches */
    bool cancelled;
    struct fiber *waiting; /* the fiber inside call_wait, or NULL */
};

/* A call in `arena` with `timeout_ms` to go. */
struct call call_new(struct arena *arena, uint64_t timeout_ms);

/* Milliseconds until the deadline, 0 when it has passed. */
uint64_t call_left_ms(const struct call *call);

/* NULL while the call may go on; ERROR_CANCELLED or ERROR_DEADLINE otherwise. */
error call_check(const struct call *call);

/* The caller is gone: the current and every later wait of the call ends with ERROR_CANCELLED. */
void call_cancel(struct call *call);

/* One thing to wait for. Lies on the waiting fiber's stack or in its arena. */
struct wait {
    struct fiber *fiber;
    bool done;
};

/* Suspends until wait_done(wait), the deadline or cancellation, whatever is first. On an error the thing
 * waited for is still under way: the caller must take it back before its memory goes. */
error call_wait(struct call *call, struct wait *wait);

/* Suspends until wait_done(wait) alone: for work that cannot be taken back, which is bounded itself. */
void call_wait_done(struct call *call, struct wait *wait);

/* Ends the wait; before or after it has begun. On the loop's thread. */
void wait_done(struct wait *wait);

/* Suspends for that long; ends early with an error as call_wait does. */
error call_sleep(struct call *call, uint64_t delay_ms);
