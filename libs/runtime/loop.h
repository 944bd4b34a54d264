/* The event loop of the process: one thread, a libuv loop, and on it fibers, timers, streams and what
 * other threads report back. A turn of the loop is: wait for the kernel; run callbacks; run the fibers
 * that became ready, until none is left; run the turn hooks (which send what the turn has written). So
 * replies, frames and commands of one turn leave in one system call per connection.
 *
 * The loop is the process's only global. All functions but loop_post are for its thread. */
#pragma once

#include "base/error.h"
#include "base/list.h"

struct uv_loop_s;

/* Makes the loop; once per process, first of all. */
error loop_init(void);

/* The libuv loop, for the handles of libs/runtime and of libraries that bring their own descriptors. */
struct uv_loop_s *loop_uv(void);

/* Runs until loop_stop and all fibers have ended, or nothing is left to wait for. */
void loop_run(void);

/* Makes loop_run return at the end of this turn. */
void loop_stop(void);

/* Closes what the loop owns and frees it; everything on it must have been closed. */
void loop_close(void);

/* Work that another thread hands to the loop's thread; embedded in the caller's struct, not copied. */
struct loop_message {
    struct loop_message *next;
    void (*run)(struct loop_message *message);
};

/* From any thread: `message->run(message)` runs on the loop's thread soon. Never fails, never blocks for long. */
void loop_post(struct loop_message *message);

/* Called once at the end of the turn in which it was scheduled; scheduling it again meanwhile does nothing. */
struct loop_hook {
    struct link link;
    void (*run)(struct loop_hook *hook);
};

void loop_at_turn_end(struct loop_hook *hook);
void loop_hook_cancel(struct loop_hook *hook);
