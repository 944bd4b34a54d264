/* Group commit. An fsync costs a hundred times what an insert costs, and all that is written before it is
 * made durable by it. So units of work are queued, and one thread does this for ever:
 *
 *     take all that is queued (DB_BATCH_MAX at most); wait when there is nothing
 *     BEGIN IMMEDIATE
 *         for each unit: its work
 *     COMMIT                                  <- the fsync; meanwhile the next units queue up
 *     post the results to the loop, which wakes the fibers
 *
 * Nothing is ever delayed to make a group larger: a unit that comes alone is committed alone. But a thread that
 * sleeps is woken at the end of the loop's turn. Woken by the first unit, it may push the loop off the CPU and
 * commit that unit alone, while those of the same turn still come.
 *
 * A unit that fails before it has written anything, as those do that refuse, leaves nothing to undo. When one fails
 * later, the transaction is rolled back and all its units run again, this time with SAVEPOINT, work, RELEASE or, for those
 * that fail, ROLLBACK TO. Savepoints from the beginning would be simpler, but SQLite then copies every page that a unit
 * changes, which takes a fifth of the thread's time.
 *
 * A unit belongs to whoever holds it. It lies on its fiber's stack and is queued under the lock. The thread
 * takes it off the queue under the lock and owns it until the loop's thread runs the posted message. A
 * fiber whose wait ends early (deadline, cancellation) asks under the lock whether its unit is still
 * queued. If so it takes the unit off and leaves, and the work never runs; otherwise it waits on for the
 * thread, which is bounded: a statement that runs past the unit's deadline is interrupted. So there is no
 * moment in which both could touch a unit, and none in which a unit's memory goes while the thread uses it.
 *
 * SQLite itself ends a whole transaction on some failures (a full disk, an interrupted write), and a COMMIT
 * may fail because of one unit (a deferred foreign key). Then the units run again, each in a transaction of
 * its own, so that only those fail that must. When the disk fails, there is no second try and every unit of
 * the group gets the error; whether its frames reached the disk is not known then. */
#include "database/committer.h"

#include "database/errors.h"
#include "database/statement.h"
#include "runtime/clock.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

enum {
    THREAD_STACK_SIZE = 256 * 1024,
};

static const struct error QUEUE_FULL = { .status = 503,
                                         .message = "Too many writes are waiting",
                                         .retry_after_s = DB_RETRY_S };

/* Arrays, since equal literals of other files may share an address and thereby a prepared statement: a unit
 * that runs "RELEASE unit" must not find ours, which was prepared when nothing forbade it. */
static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char rollback_sql[] = "ROLLBACK";
static const char savepoint_sql[] = "SAVEPOINT unit";
static const char undo_sql[] = "ROLLBACK TO unit";
static const char release_sql[] = "RELEASE unit";

struct batch {
    struct db_unit *units[DB_BATCH_MAX];
    size_t count;
};

/* Ends in SQLite's code. A transaction that is left open is rolled back. */
static int control(struct connection *writer, const char *sql)
{
    writer->until_ns = UINT64_MAX;
    return db_step(writer, sql);
}

static bool in_transaction(const struct connection *writer)
{
    return !sqlite3_get_autocommit(writer->handle);
}

static void roll_back(struct connection *writer)
{
    if (in_transaction(writer))
        control(writer, rollback_sql);
}

/* Undoes the unit alone; if that fails, everything. */
static void undo(struct connection *writer)
{
    if (in_transaction(writer) &&
        (control(writer, undo_sql) != SQLITE_OK || control(writer, release_sql) != SQLITE_OK))
        roll_back(writer);
}

static error work(struct connection *writer, struct db_unit *unit)
{
    if (clock_ns() >= unit->until_ns)
        return &ERROR_DEADLINE;
    unit->writer = writer;
    unit->changes = 0;
    unit->failed = NULL;
    writer->until_ns = unit->until_ns;
    writer->in_unit = true;
    writer->wrote = false;
    error result = unit->work(unit, unit->argument);

    writer->in_unit = false;
    return result ? result : unit->failed;
}

/* Leaves the transaction open, or lost. */
static void run_in_savepoint(struct connection *writer, struct db_unit *unit)
{
    int code = control(writer, savepoint_sql);

    unit->result = code == SQLITE_OK
                       ? work(writer, unit)
                       : db_connection_error(writer, unit->arena, code, savepoint_sql);
    if (unit->result) {
        undo(writer);
        return;
    }
    code = control(writer, release_sql);
    if (code != SQLITE_OK) {
        unit->result = db_connection_error(writer, unit->arena, code, release_sql);
        roll_back(writer);
    }
}

/* What failed concerns those units whose work had gone well. */
static void fail_all(struct connection *writer, struct db_unit **units, size_t count, int code,
                     const char *sql)
{
    for (size_t i = 0; i < count; i++) {
        if (!units[i]->result)
            units[i]->result = db_connection_error(writer, units[i]->arena, code, sql);
    }
}

enum outcome {
    SETTLED, /* each unit has its result */
    SPOILT,  /* rolled back: a unit failed that had written */
    LOST,    /* ended by SQLite: each may be tried alone */
};

static enum outcome run_units(struct connection *writer, struct db_unit **units, size_t count,
                              bool in_savepoints)
{
    for (size_t i = 0; i < count; i++) {
        if (in_savepoints)
            run_in_savepoint(writer, units[i]);
        else
            units[i]->result = work(writer, units[i]);
        if (!in_transaction(writer))
            return LOST;
        if (!in_savepoints && units[i]->result && writer->wrote && count > 1)
            return SPOILT;
    }
    return SETTLED;
}

static bool any_good(struct db_unit **units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!units[i]->result)
            return true;
    return false;
}

/* One transaction for all units. */
static enum outcome commit_together(struct connection *writer, struct db_unit **units, size_t count,
                                    bool in_savepoints, uint64_t *commits)
{
    for (size_t i = 0; i < count; i++)
        units[i]->result = NULL;
    int code = control(writer, begin_sql);

    if (code != SQLITE_OK) {
        fail_all(writer, units, count, code, begin_sql);
        return SETTLED;
    }
    enum outcome outcome = run_units(writer, units, count, in_savepoints);

    if (outcome != SETTLED || !any_good(units, count)) {
        roll_back(writer);
        return outcome;
    }
    code = control(writer, commit_sql);
    if (code == SQLITE_OK) {
        *commits += 1;
        return SETTLED;
    }
    if ((code & 0xff) != SQLITE_IOERR && count > 1) {
        roll_back(writer);
        return LOST;
    }
    fail_all(writer, units, count, code, commit_sql);
    roll_back(writer);
    return SETTLED;
}

static void commit(struct connection *writer, struct batch *batch, uint64_t *commits)
{
    enum outcome outcome = commit_together(writer, batch->units, batch->count, false, commits);

    if (outcome == SPOILT)
        outcome = commit_together(writer, batch->units, batch->count, true, commits);
    if (outcome == SETTLED || batch->count == 1)
        return;
    for (size_t i = 0; i < batch->count; i++)
        commit_together(writer, &batch->units[i], 1, false, commits);
}

/* On the loop's thread. A woken fiber does not run before this has returned, but its unit may be gone
 * as soon as it does. */
static void wake_all(struct loop_message *message)
{
    struct db_unit *unit = LIST_ELEMENT(message, struct db_unit, message);

    while (unit) {
        struct db_unit *next = unit->next;

        wait_done(&unit->wait);
        unit = next;
    }
}

/* Counts before anybody can see the results. */
static void deliver(struct committer *committer, struct batch *batch, uint64_t commits)
{
    struct db_unit *first = batch->units[0];

    pthread_mutex_lock(&committer->lock);
    committer->counts.commits += commits;
    committer->counts.units += batch->count;
    pthread_mutex_unlock(&committer->lock);
    for (size_t i = 0; i < batch->count; i++)
        batch->units[i]->next = i + 1 < batch->count ? batch->units[i + 1] : NULL;
    first->message.run = wake_all;
    loop_post(&first->message);
}

/* Waits for units and takes them. False when there are none and there will be none. */
static bool take(struct committer *committer, struct batch *batch)
{
    pthread_mutex_lock(&committer->lock);
    while (list_empty(&committer->queue) && !committer->closing)
        pthread_cond_wait(&committer->changed, &committer->lock);
    for (batch->count = 0; batch->count < DB_BATCH_MAX && !list_empty(&committer->queue);) {
        struct link *link = list_take(&committer->queue);
        struct db_unit *unit = LIST_ELEMENT(link, struct db_unit, link);

        unit->queued = false;
        committer->counts.queued--;
        batch->units[batch->count++] = unit;
    }
    pthread_mutex_unlock(&committer->lock);
    return batch->count > 0;
}

static void *commit_for_ever(void *argument)
{
    struct committer *committer = argument;
    struct batch batch;

    while (take(committer, &batch)) {
        uint64_t commits = 0;

        commit(committer->writer, &batch, &commits);
        deliver(committer, &batch, commits);
    }
    return NULL;
}

/* Signals are the loop's business, so the thread starts with all of them blocked. */
static int start_thread(struct committer *committer)
{
    sigset_t all, before;
    pthread_attr_t attributes;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
    int code = pthread_create(&committer->thread, &attributes, commit_for_ever, committer);

    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        pthread_setname_np(committer->thread, "committer");
    return code;
}

static void wake_thread(struct loop_hook *hook)
{
    struct committer *committer = LIST_ELEMENT(hook, struct committer, turn_end);

    pthread_mutex_lock(&committer->lock);
    pthread_cond_signal(&committer->changed);
    pthread_mutex_unlock(&committer->lock);
}

error db_committer_start(struct arena *arena, struct connection *writer, struct committer *out)
{
    *out = (struct committer){ .writer = writer, .open = true, .turn_end = { .run = wake_thread } };
    pthread_mutex_init(&out->lock, NULL);
    pthread_cond_init(&out->changed, NULL);
    list_init(&out->queue);
    int code = start_thread(out);

    if (code == 0)
        return NULL;
    out->open = false;
    return error_new(arena, 503, "The committer's thread does not start: %s", strerror(code));
}

/* The lock outlives the thread: a fiber may still ask for its unit. */
void db_committer_stop(struct committer *committer)
{
    if (!committer->open)
        return;
    loop_hook_cancel(&committer->turn_end);
    pthread_mutex_lock(&committer->lock);
    committer->open = false;
    committer->closing = true;
    pthread_cond_signal(&committer->changed);
    pthread_mutex_unlock(&committer->lock);
    pthread_join(committer->thread, NULL);
    db_connection_close(committer->writer);
    committer->writer = NULL;
}

struct db_counts db_committer_counts(struct committer *committer)
{
    pthread_mutex_lock(&committer->lock);
    struct db_counts counts = committer->counts;

    pthread_mutex_unlock(&committer->lock);
    return counts;
}

static error submit(struct committer *committer, struct db_unit *unit)
{
    error why = NULL;

    pthread_mutex_lock(&committer->lock);
    if (!committer->open) {
        why = &DB_CLOSED;
    } else if (committer->counts.queued == DB_QUEUE_MAX) {
        why = &QUEUE_FULL;
    } else {
        unit->queued = true;
        list_append(&committer->queue, &unit->link);
        committer->counts.queued++;
    }
    pthread_mutex_unlock(&committer->lock);
    if (!why)
        loop_at_turn_end(&committer->turn_end);
    return why;
}

/* Whether the unit was still queued and now never runs. */
static bool take_back(struct committer *committer, struct db_unit *unit)
{
    pthread_mutex_lock(&committer->lock);
    bool queued = unit->queued;

    if (queued) {
        list_remove(&unit->link);
        unit->queued = false;
        committer->counts.queued--;
    }
    pthread_mutex_unlock(&committer->lock);
    return queued;
}

error db_committer_run(struct call *call, struct committer *committer, struct db_unit *unit)
{
    TRY(submit(committer, unit));
    error early = call_wait(call, &unit->wait);

    if (early && take_back(committer, unit))
        return early;
    if (early)
        call_wait_done(call, &unit->wait);
    return unit->result;
}
