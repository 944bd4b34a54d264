#include "runtime/lock.h"

void lock_init(struct locks *locks)
{
    list_init(&locks->held);
}

static struct lock *find_held(struct locks *locks, str name)
{
    for (struct link *at = locks->held.next; at != &locks->held; at = at->next) {
        struct lock *lock = LIST_ELEMENT(at, struct lock, link);

        if (str_eq_nocase(lock->name, name))
            return lock;
    }
    return NULL;
}

static void hold(struct locks *locks, struct lock *lock)
{
    list_append(&locks->held, &lock->link);
}

error lock_take(struct call *call, struct locks *locks, str name, struct lock *lock)
{
    struct lock *holder = find_held(locks, name);

    *lock = (struct lock){ .name = name };
    list_init(&lock->waiting);
    if (!holder) {
        hold(locks, lock);
        return NULL;
    }
    list_append(&holder->waiting, &lock->link);
    error failed = call_wait(call, &lock->turn);

    if (failed)
        list_remove(&lock->link);
    return failed;
}

/* The first who waits becomes the holder, and the others wait behind it. */
void lock_release(struct locks *locks, struct lock *lock)
{
    struct link *first = list_take(&lock->waiting), *other;

    list_remove(&lock->link);
    if (!first)
        return;
    struct lock *next = LIST_ELEMENT(first, struct lock, link);

    while ((other = list_take(&lock->waiting)))
        list_append(&next->waiting, other);
    hold(locks, next);
    wait_done(&next->turn);
}
