/* Locks by name, between fibers: who holds `ana@example.com` keeps others that want it waiting, first come, first
 * served, while other names are free. For work that should not be done twice at the same time. */
#pragma once

#include "runtime/call.h"

/* The locks of one kind; lock_init before first use. */
struct locks {
    struct link held;
};

/* One hold, or one wait for it; lies on the fiber's stack. */
struct lock {
    struct link link; /* among the held, or behind the one that is waited for */
    struct link waiting;
    struct wait turn;
    str name; /* must live as long as the lock */
};

void lock_init(struct locks *locks);

/* Takes the lock called `name` (letters compared without case), waiting for its turn until the call's deadline or
 * cancellation; after an error it is not held. */
error lock_take(struct call *call, struct locks *locks, str name, struct lock *lock);

/* Gives the lock back, to the first who waits for it. */
void lock_release(struct locks *locks, struct lock *lock);
