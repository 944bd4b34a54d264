/* Subscribers. Each has a fiber that does this until the store closes:
 *
 *     start a retry for each parked stream whose time has come
 *     read the next LINE_BATCH events after `seen`           (SELECT … WHERE position > :position)
 *     hand them out (batch.c), those of one stream one after the other
 *     when all are handled or parked: seen = position of the last one
 *     save the checkpoint, if something was parked or it lags too far or too long behind
 *     when there was nothing to do: sleep until a commit, a retry or the next saving
 *
 * A consumer in another process may be away. Then nothing is parked, for no event is to blame: the line waits, longer
 * each time, until the consumer says that it is back or an attempt succeeds.
 *
 * The checkpoint may lag: a crash delivers again what came after it, at most LINE_UNSAVED_MAX events and a
 * batch, which the consumers' inboxes know. It is never ahead: an event is counted as seen when its handler has
 * succeeded or its stream is parked, and a parked stream is on the disk in the transaction that moves the
 * checkpoint past it.
 *
 * A handler that fails parks its stream (parked.c). Events of a stream that is parked when a batch is read are
 * passed over, and so is the rest of a stream in the batch in which it is parked: both are read again by the
 * retry, up to `taken`. */
#include "events/line.h"

#include "runtime/clock.h"
#include "runtime/log.h"

#include <stdlib.h>
#include <string.h>

enum { NAP_MS = 1000 }; /* before the store is asked again that has failed */

static const char after_sql[] = "SELECT " EVENTS_COLUMNS " FROM events"
                                " WHERE position > :position ORDER BY position LIMIT 256";

static const char newest_sql[] = "SELECT coalesce(max(position), 0) AS position FROM events";

_Static_assert(LINE_BATCH == 256, "as after_sql says");

static const struct error UNKNOWN_SUBSCRIBER = ERROR(404, "There is no subscriber of that name");

/* --- the line ------------------------------------------------------------------------------------ */

error events_read_after(struct call *call, struct line *line, struct recorded **events,
                        size_t *count)
{
    struct events_row asked = { .position = line->seen };
    struct events_row *rows;

    TRY(db_all(call, line->events->db, IN(events_row, &asked), ROWS(events_row, &rows, count),
               after_sql));
    return events_from_rows(call->arena, rows, *count, events);
}

/* Somebody waits in events_catch_up. */
struct waiter {
    struct link link;
    int64_t position;
    bool closed;
    struct wait wait;
};

static void tell_waiters(struct line *line)
{
    struct link *link = line->waiters.next, *next;

    for (; link != &line->waiters; link = next) {
        struct waiter *waiter = LIST_ELEMENT(link, struct waiter, link);

        next = link->next;
        if (waiter->position > line->seen && !line->ending)
            continue;
        waiter->closed = waiter->position > line->seen;
        list_remove(link);
        wait_done(&waiter->wait);
    }
}

static error save(struct line *line)
{
    bool late = line->save_at_ms && clock_ms() >= line->save_at_ms;

    if (!events_parked_changed(line) && !late && line->seen - line->saved < LINE_UNSAVED_MAX)
        return NULL;
    return events_line_save(line);
}

static error handle_next(struct call *call, struct line *line, bool *idle)
{
    struct recorded *events;
    size_t count;

    TRY(events_read_after(call, line, &events, &count));
    if (count == 0) {
        line->moved_ms = clock_ms();
        return NULL;
    }
    *idle = false;
    error why = events_run_batch(call, line, events, count);

    if (!line->save_at_ms)
        line->save_at_ms = clock_ms() + LINE_SAVE_MS;
    tell_waiters(line);
    return why;
}

/* What came of a turn. */
struct turn {
    bool idle; /* there was nothing, or it has to wait */
    bool held; /* because the consumer was away; its pause may be over before the turn is */
};

/* Delivers what there is. */
static error step(struct call *call, struct line *line, struct turn *turn)
{
    TRY(events_look_for_replays(call, line));
    turn->held = events_consumer_is_away(line);
    if (!turn->held) {
        events_retry_due(line);
        TRY(save(line));
        if (line->parked_count < EVENTS_PARKED_MAX)
            TRY(handle_next(call, line, &turn->idle));
    }
    return save(line);
}

/* How long from now; 0 when it has passed, UINT64_MAX for a moment that is not set. */
static uint64_t until(uint64_t moment_ms)
{
    uint64_t now = clock_ms();

    if (!moment_ms)
        return UINT64_MAX;
    return moment_ms > now ? moment_ms - now : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t sleep_ms(const struct line *line, bool held)
{
    uint64_t work = held ? until(line->away_until_ms) : events_retry_in_ms(line);
    uint64_t ms = least(least(work, until(line->save_at_ms)), until(line->look_at_ms));

    return least(ms, CALL_TIMEOUT_MAX_MS);
}

/* Until woken, or for that long. */
static void sleep_for(struct line *line, uint64_t ms)
{
    struct call call = call_new(line->arena, ms);
    struct wait wait = { 0 };

    line->asleep = &wait;
    if (!line->woken)
        (void)call_wait(&call, &wait);
    line->asleep = NULL;
}

void events_line_wake(struct line *line)
{
    line->woken = true;
    if (line->asleep)
        wait_done(line->asleep);
}

static void take_turn(struct line *line)
{
    struct turn turn = { .idle = true };

    arena_reset(line->arena);
    line->woken = false;
    struct call call = call_new(line->arena, CALL_TIMEOUT_MS);
    error why = step(&call, line, &turn);

    if (why && why != &EVENTS_AWAY && !line->ending) {
        log_failure("Events", line->subscriber.name, why);
        line->woken = false;
        sleep_for(line, NAP_MS);
    } else if (turn.idle && !line->ending) {
        sleep_for(line, sleep_ms(line, turn.held));
    }
}

/* When the last checkpoint cannot be written, the next start delivers again. */
static void finish(struct line *line)
{
    while (line->retrying > 0) {
        line->woken = false;
        sleep_for(line, NAP_MS);
    }
    if (line->seen != line->saved || events_parked_changed(line)) {
        error why = events_line_save(line);

        if (why)
            log_failure("Events", line->subscriber.name, why);
    }
    tell_waiters(line);
}

static void line_fiber(void *argument)
{
    struct line *line = argument;

    while (!line->ending)
        take_turn(line);
    finish(line);
    wait_done(&line->ended);
}

/* --- the public side ----------------------------------------------------------------------------- */

static error check(struct call *call, const struct events *events,
                   const struct subscriber *subscriber)
{
    const struct event_type *type;

    if (!subscriber->rows == !subscriber->relay || subscriber->lanes > EVENTS_LANES_MAX)
        return error_new(call->arena, 500, "Subscriber %s: one of rows and relay, at most %d lanes",
                         subscriber->name, EVENTS_LANES_MAX);
    for (const struct subscription *row = subscriber->rows; row && row->type; row++) {
        if (!events_aggregate_of(events, str_of(row->type), &type) ||
            type->schema() != row->schema())
            return error_new(call->arena, 500, "Subscriber %s: %s is no event with that struct",
                             subscriber->name, row->type);
    }
    return NULL;
}

struct line *events_find_line(const struct events *events, str name)
{
    for (struct link *link = events->lines.next; link != &events->lines; link = link->next) {
        struct line *line = LIST_ELEMENT(link, struct line, link);

        if (str_is(name, line->subscriber.name))
            return line;
    }
    return NULL;
}

void events_line_free(struct line *line)
{
    list_remove(&line->link);
    events_free_parked(line);
    arena_free(line->arena);
    free(line);
}

struct line *events_line_new(struct events *events, const struct subscriber *subscriber)
{
    struct line *line = calloc(1, sizeof *line);
    struct arena *arena = arena_new(LINE_ARENA_MAX);

    if (!line || !arena) {
        arena_free(arena);
        free(line);
        return NULL;
    }
    line->events = events;
    line->subscriber = *subscriber;
    line->arena = arena;
    line->moved_ms = clock_ms();
    list_init(&line->parked);
    list_init(&line->runs);
    list_init(&line->waiters);
    list_append(&events->lines, &line->link);
    return line;
}

error events_subscribe(struct call *call, struct events *events,
                       const struct subscriber *subscriber)
{
    TRY(check(call, events, subscriber));
    if (events_find_line(events, str_of(subscriber->name)) ||
        events->line_count == EVENTS_SUBSCRIBERS_MAX)
        return error_new(call->arena, 500, "Subscriber %s: there is one, or %d others",
                         subscriber->name, EVENTS_SUBSCRIBERS_MAX);
    struct line *line = events_line_new(events, subscriber);

    if (!line)
        return &ERROR_OUT_OF_MEMORY;
    error why = events_line_load(call, line);

    line->leaves = true;
    if (!why)
        why = fiber_start(line_fiber, line);
    if (why)
        events_line_free(line);
    else
        events->line_count++;
    return why;
}

void events_wake(struct events *events)
{
    for (struct link *link = events->lines.next; link != &events->lines; link = link->next)
        events_line_wake(LIST_ELEMENT(link, struct line, link));
}

static void end_line(struct call *call, struct line *line)
{
    line->ending = true;
    events_cancel_runs(line);
    events_line_wake(line);
    call_wait_done(call, &line->ended);
    events_line_free(line);
}

void events_close(struct call *call, struct events *events)
{
    struct link *link;

    if (!events)
        return;
    while ((link = list_take(&events->lines)))
        end_line(call, LIST_ELEMENT(link, struct line, link));
    events->line_count = 0;
}

error events_catch_up(struct call *call, struct events *events, const char *subscriber)
{
    struct line *line = events_find_line(events, str_of(subscriber));
    struct events_row newest = { 0 };
    struct waiter waiter = { 0 };

    if (!line)
        return &UNKNOWN_SUBSCRIBER;
    TRY(db_one(call, events->db, NO_INPUT, OUT(events_row, &newest), newest_sql));
    if (line->seen >= newest.position)
        return NULL;
    waiter.position = newest.position;
    list_append(&line->waiters, &waiter.link);
    events_line_wake(line);
    error why = call_wait(call, &waiter.wait);

    list_remove(&waiter.link);
    return !why && waiter.closed ? &ERROR_CANCELLED : why;
}

void events_present(struct events *events, const char *subscriber)
{
    struct line *line = events_find_line(events, str_of(subscriber));

    if (line)
        events_consumer_is_back(line);
}

struct events_counts events_counts(const struct events *events)
{
    struct events_counts counts = { 0 };

    for (struct link *link = events->lines.next; link != &events->lines; link = link->next) {
        const struct line *line = LIST_ELEMENT(link, struct line, link);

        counts.delivered += line->delivered;
        counts.failed += line->failed;
        counts.parked += line->parked_count;
    }
    return counts;
}

/* --- how they fare --------------------------------------------------------------------------------- */

static void describe(const struct line *line, int64_t newest, struct events_status *out)
{
    uint64_t now = clock_ms();

    *out = (struct events_status){
        .subscriber = line->subscriber.name,
        .waiting = newest - line->seen,
        .parked = line->parked_count,
        .dead = events_count_dead(line),
        .still_ms = newest > line->seen ? now - line->moved_ms : 0,
        .away_ms = line->away_ms ? now - line->away_since_ms : 0,
        .why = line->away_ms ? line->away_why : NULL,
        .delivered = line->delivered,
        .failed = line->failed,
    };
}

error events_status(struct call *call, struct events *events, struct events_status **out,
                    size_t *count)
{
    struct events_row newest = { 0 };
    struct events_status *made = ARENA_ARRAY(call->arena, struct events_status, events->line_count);

    *count = 0;
    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    TRY(db_one(call, events->db, NO_INPUT, OUT(events_row, &newest), newest_sql));
    for (struct link *link = events->lines.next; link != &events->lines; link = link->next)
        describe(LIST_ELEMENT(link, struct line, link), newest.position, &made[(*count)++]);
    *out = made;
    return NULL;
}
