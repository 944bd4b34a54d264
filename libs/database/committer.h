/* The thread that writes: it takes units of work from a queue and commits them in groups. */
#pragma once

#include "database/connection.h"
#include "database/database.h"
#include "runtime/loop.h"

#include <pthread.h>

struct committer {
    struct connection *writer; /* the thread's */
    pthread_t thread;
    struct loop_hook turn_end; /* the loop's: wakes the thread for the units of a turn */
    pthread_mutex_t lock; /* guards what follows, and `link` and `queued` of each queued unit */
    pthread_cond_t changed;
    struct link queue;
    struct db_counts counts;
    bool open;    /* the thread runs and takes work */
    bool closing; /* it ends once the queue is empty */
};

/* A unit of work and, while it runs, the transaction it runs in. Lies on the stack of the fiber that
 * waits for it. */
struct db_unit {
    struct link link; /* in the queue */
    bool queued;
    struct db_unit *next;        /* done in the same commit */
    struct loop_message message; /* used by the first of them */
    struct wait wait;
    error (*work)(struct db_unit *unit, void *argument);
    void *argument;
    struct arena *arena;
    uint64_t until_ns; /* of clock_ns; it is interrupted then */
    struct connection *writer;
    int64_t changes;
    error failed; /* of its first statement that failed: no other one runs after it */
    error result;
};

/* Starts the thread, which from now on uses `writer`; committer_stop closes it. */
error db_committer_start(struct arena *arena, struct connection *writer, struct committer *out);

/* Lets the thread finish what is queued, ends it and closes the writer. One that did not start may be
 * stopped, and so may a stopped one. Afterwards units are refused. */
void db_committer_stop(struct committer *committer);

struct db_counts db_committer_counts(struct committer *committer);

/* Queues the unit, waits, and gives its result. */
error db_committer_run(struct call *call, struct committer *committer, struct db_unit *unit);

/* All statements of a NUL-terminated text, as db_unit_run. */
error db_unit_script(struct db_unit *unit, const char *sql);
