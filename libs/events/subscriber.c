/* Subscribers. Each has a fiber that does this until the store closes:
 *
 *     start a retry for each parked stream whose time has come
 *     read the next LINE_BATCH events after `seen`           (SELECT … WHERE position > :position)
 *     hand them out by lanes: events of one stream go to one lane, so that they stay in order
 *     when all lanes are through: seen = position of the last one
 *     save the checkpoint, if something was parked or it lags too far or too long behind
 *     when there was nothing to do: sleep until a commit, a retry or the next saving
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

_Static_assert(LINE_BATCH == 256, "as after_sql says");

static const struct error UNKNOWN_SUBSCRIBER = ERROR(404, "There is no subscriber of that name");

/* --- one event ----------------------------------------------------------------------------------- */

/* A call of a handler, known to the line so that closing can cancel it. */
struct run {
    struct link link;
    struct call call;
};

static error call_row(struct line *line, struct call *call, const struct subscription *row,
                      const struct recorded *event)
{
    const struct event_type *type;
    const struct aggregate *aggregate = events_aggregate_of(line->events, event->type, &type);
    void *data;

    TRY(events_decode(call->arena, aggregate, type, event, &data));
    return row->handle(call, event, data);
}

static error call_handler(struct line *line, struct call *call, const struct recorded *event)
{
    const struct subscriber *subscriber = &line->subscriber;

    if (!subscriber->rows)
        return subscriber->relay(call, event, subscriber->cookie);
    for (const struct subscription *row = subscriber->rows; row->type; row++) {
        if (str_is(event->type, row->type))
            return call_row(line, call, row, event);
    }
    return NULL;
}

error events_deliver(struct line *line, struct arena *arena, const struct recorded *event)
{
    if (line->ending)
        return &ERROR_CANCELLED;
    arena_reset(arena);
    struct run *run = ARENA_NEW(arena, struct run);

    if (!run)
        return &ERROR_OUT_OF_MEMORY;
    run->call = call_new(arena, EVENTS_HANDLER_TIMEOUT_MS);
    run->call.service = line->subscriber.service;
    list_append(&line->runs, &run->link);
    error why = call_handler(line, &run->call, event);

    list_remove(&run->link);
    if (why && line->ending)
        return &ERROR_CANCELLED;
    if (!why)
        line->events->counts.delivered++;
    return why;
}

/* --- a batch ------------------------------------------------------------------------------------- */

struct batch {
    struct line *line;
    struct recorded *events;
    size_t count;
    bool passed[LINE_BATCH]; /* over: the stream is parked */
    size_t lanes, running;
    error failed; /* the batch was not finished */
    struct wait ended;
};

struct lane {
    struct batch *batch;
    size_t number;
};

static size_t lane_of(const struct batch *batch, uuid stream)
{
    size_t mixed;

    memcpy(&mixed, stream.bytes + sizeof stream.bytes - sizeof mixed, sizeof mixed);
    return mixed % batch->lanes;
}

static void pass_over(struct batch *batch, size_t from, uuid stream)
{
    for (size_t i = from; i < batch->count; i++) {
        if (uuid_eq(batch->events[i].stream_id, stream))
            batch->passed[i] = true;
    }
}

static error deliver_or_park(struct batch *batch, struct arena *arena, size_t i)
{
    const struct recorded *event = &batch->events[i];
    error why = events_deliver(batch->line, arena, event);

    if (!why || batch->line->ending)
        return why;
    TRY(events_park(batch->line, event, why));
    pass_over(batch, i, event->stream_id);
    return NULL;
}

static void run_lane(struct batch *batch, size_t number)
{
    struct arena *arena = arena_new(LINE_ARENA_MAX);

    if (!arena)
        batch->failed = &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < batch->count && !batch->failed; i++) {
        if (lane_of(batch, batch->events[i].stream_id) != number || batch->passed[i])
            continue;
        error why = deliver_or_park(batch, arena, i);

        if (why)
            batch->failed = why;
    }
    arena_free(arena);
}

static void lane_fiber(void *argument)
{
    struct lane lane = *(struct lane *)argument; /* the starter's, until we first suspend */

    run_lane(lane.batch, lane.number);
    if (--lane.batch->running == 0)
        wait_done(&lane.batch->ended);
}

/* Lanes without an event are not started; a lane that cannot be started ends the batch. */
static bool has_event(const struct batch *batch, size_t number)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->passed[i] && lane_of(batch, batch->events[i].stream_id) == number)
            return true;
    }
    return false;
}

static void run_lanes(struct call *call, struct batch *batch)
{
    batch->running = 1; /* ours, so that the count does not reach zero early */
    for (size_t i = 0; i < batch->lanes; i++) {
        if (!has_event(batch, i))
            continue;
        batch->running++;
        error why = fiber_start(lane_fiber, &(struct lane){ batch, i });

        if (why) {
            batch->running--;
            batch->failed = why;
        }
    }
    if (--batch->running > 0)
        call_wait_done(call, &batch->ended);
}

static error run_batch(struct call *call, struct line *line, struct recorded *events, size_t count)
{
    struct batch batch = { .line = line, .events = events, .count = count };

    batch.lanes = line->subscriber.lanes ? line->subscriber.lanes : 1;
    line->taken = events[count - 1].position;
    for (size_t i = 0; line->parked_count && i < count; i++)
        batch.passed[i] = events_find_parked(line, events[i].stream_id) != NULL;
    if (batch.lanes == 1)
        run_lane(&batch, 0);
    else
        run_lanes(call, &batch);
    return batch.failed;
}

/* --- the line ------------------------------------------------------------------------------------ */

static error read_after(struct call *call, struct line *line, struct recorded **events,
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

/* Delivers what there is. `*idle`: there was nothing. */
static error step(struct call *call, struct line *line, bool *idle)
{
    struct recorded *events;
    size_t count;

    events_retry_due(line);
    TRY(save(line));
    *idle = true;
    if (line->parked_count >= EVENTS_PARKED_MAX)
        return NULL;
    TRY(read_after(call, line, &events, &count));
    if (count == 0)
        return NULL;
    TRY(run_batch(call, line, events, count));
    line->seen = line->taken;
    if (!line->save_at_ms)
        line->save_at_ms = clock_ms() + LINE_SAVE_MS;
    tell_waiters(line);
    *idle = false;
    return save(line);
}

static uint64_t sleep_ms(const struct line *line)
{
    uint64_t ms = events_retry_in_ms(line), now = clock_ms();

    if (line->save_at_ms) {
        uint64_t save_ms = line->save_at_ms > now ? line->save_at_ms - now : 0;

        ms = save_ms < ms ? save_ms : ms;
    }
    return ms < CALL_TIMEOUT_MAX_MS ? ms : CALL_TIMEOUT_MAX_MS;
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

static void turn(struct line *line)
{
    bool idle = true;

    arena_reset(line->arena);
    line->woken = false;
    struct call call = call_new(line->arena, CALL_TIMEOUT_MS);
    error why = step(&call, line, &idle);

    if (why && !line->ending) {
        log_failure("Events", line->subscriber.name, why);
        line->woken = false;
        sleep_for(line, NAP_MS);
    } else if (idle && !line->ending) {
        sleep_for(line, sleep_ms(line));
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
        turn(line);
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

static struct line *find_line(const struct events *events, const char *name)
{
    for (struct link *link = events->lines.next; link != &events->lines; link = link->next) {
        struct line *line = LIST_ELEMENT(link, struct line, link);

        if (strcmp(line->subscriber.name, name) == 0)
            return line;
    }
    return NULL;
}

static void free_line(struct line *line)
{
    list_remove(&line->link);
    events_free_parked(line);
    arena_free(line->arena);
    free(line);
}

static struct line *new_line(struct events *events, const struct subscriber *subscriber)
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
    if (find_line(events, subscriber->name) || events->line_count == EVENTS_SUBSCRIBERS_MAX)
        return error_new(call->arena, 500, "Subscriber %s: there is one, or %d others",
                         subscriber->name, EVENTS_SUBSCRIBERS_MAX);
    struct line *line = new_line(events, subscriber);

    if (!line)
        return &ERROR_OUT_OF_MEMORY;
    error why = events_line_load(call, line);

    if (!why)
        why = fiber_start(line_fiber, line);
    if (why)
        free_line(line);
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
    for (struct link *link = line->runs.next; link != &line->runs; link = link->next)
        call_cancel(&LIST_ELEMENT(link, struct run, link)->call);
    events_line_wake(line);
    call_wait_done(call, &line->ended);
    free_line(line);
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
    struct line *line = find_line(events, subscriber);
    struct events_row newest = { 0 };
    struct waiter waiter = { 0 };

    if (!line)
        return &UNKNOWN_SUBSCRIBER;
    TRY(db_one(call, events->db, NO_INPUT, OUT(events_row, &newest),
               "SELECT coalesce(max(position), 0) AS position FROM events"));
    if (line->seen >= newest.position)
        return NULL;
    waiter.position = newest.position;
    list_append(&line->waiters, &waiter.link);
    events_line_wake(line);
    error why = call_wait(call, &waiter.wait);

    list_remove(&waiter.link);
    return !why && waiter.closed ? &ERROR_CANCELLED : why;
}

struct events_counts events_counts(const struct events *events)
{
    struct events_counts counts = events->counts;

    for (struct link *link = events->lines.next; link != &events->lines; link = link->next)
        counts.parked += LIST_ELEMENT(link, struct line, link)->parked_count;
    return counts;
}
