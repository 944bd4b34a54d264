/* Handing a batch out. A fiber a lane takes the first event that is not taken and whose stream has no earlier event of
 * the batch on its way, handles it, and takes the next. So as many streams as there are lanes are handled at the same
 * time, and the events of one stream one after the other. A lane that finds nothing ends: whatever still waits, waits
 * for an event that another lane has, and that lane goes on with it.
 *
 * A batch is waited for, but not for ever: when all that is left of it has been under way for LINE_PATIENCE_MS, its streams are
 * parked as if they were being tried again, and the line goes on. So a few handlers that hang delay nobody.
 *
 * When a handler fails, its stream is parked and the rest of it in the batch is passed over. When the consumer is
 * away, the batch ends: what the other lanes have on their way is waited for, and the line goes on, later, after the last
 * event before which all were handled. Some are handled a second time then, which the consumer's inbox knows. */
#include "events/line.h"

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/trace.h"

#include <stdio.h>
#include <string.h>

const struct error EVENTS_AWAY = ERROR(503, "The consumer is away");

/* --- a consumer that is away ------------------------------------------------------------------------ */

bool events_consumer_is_away(const struct line *line)
{
    return line->away_until_ms > clock_ms();
}

static uint64_t longer(uint64_t pause_ms)
{
    uint64_t ms = pause_ms ? 2 * pause_ms : LINE_AWAY_FIRST_MS;

    return ms < LINE_AWAY_MAX_MS ? ms : LINE_AWAY_MAX_MS;
}

/* Of the lanes that find out at the same time the first one counts. */
static void note_away(struct line *line, error why)
{
    if (events_consumer_is_away(line))
        return;
    if (!line->away_ms) {
        line->away_since_ms = clock_ms();
        log_warn("Events", "%s is away, its events wait: %s", line->subscriber.name, why->message);
    }
    line->away_ms = longer(line->away_ms);
    line->away_until_ms = clock_ms() + line->away_ms / 2 + random_below(line->away_ms / 2 + 1);
    snprintf(line->away_why, sizeof line->away_why, "%s", why->message);
}

static void note_answer(struct line *line)
{
    line->answered_ms = clock_ms();
    if (!line->away_ms)
        return;
    log_info("Events", "%s is back after %llu ms", line->subscriber.name,
             (unsigned long long)(clock_ms() - line->away_since_ms));
    line->away_ms = line->away_until_ms = 0;
}

void events_consumer_is_back(struct line *line)
{
    line->away_until_ms = 0;
    if (line->away_ms)
        line->away_ms =
            LINE_AWAY_FIRST_MS; /* it may take a moment yet, but no longer than at first */
    events_line_wake(line);
}

/* --- one event ----------------------------------------------------------------------------------- */

/* A call of a handler, known to the line so that closing can cancel it. */
struct run {
    struct link link;
    struct call call;
};

void events_cancel_runs(struct line *line)
{
    for (struct link *link = line->runs.next; link != &line->runs; link = link->next)
        call_cancel(&LIST_ELEMENT(link, struct run, link)->call);
}

static error call_row(struct line *line, struct call *call, const struct subscription *row,
                      const struct recorded *event)
{
    const struct event_type *type;
    const struct aggregate *aggregate = events_aggregate_of(line->events, event->type, &type);
    void *data;
    error unreadable = events_decode(call->arena, aggregate, type, event, &data);

    if (unreadable && unreadable != &ERROR_OUT_OF_MEMORY)
        return error_because(call->arena, unreadable, 422, "%s", unreadable->message);
    return unreadable ? unreadable : row->handle(call, event, data);
}

/* Whoever has answered others meanwhile is not away: this one event has no answer, which is a failure of its own. If
 * it were not, the others would be handed out again and again beside it. A stream that has failed before is known by
 * now. */
static bool is_stuck(struct line *line, const struct recorded *event, error why, uint64_t began_ms)
{
    return why->status == 504 &&
           (line->answered_ms > began_ms || events_find_parked(line, event->stream_id));
}

static error call_relay(struct line *line, struct call *call, const struct recorded *event)
{
    const struct subscriber *subscriber = &line->subscriber;
    bool answered = false;
    uint64_t began_ms = clock_ms();
    error why = subscriber->relay(call, event, subscriber->cookie, &answered);

    if (why && !answered && is_stuck(line, event, why, began_ms))
        return why;
    if (why && !answered && !line->ending) {
        note_away(line, why);
        return &EVENTS_AWAY;
    }
    note_answer(line);
    return why;
}

static error call_handler(struct line *line, struct call *call, const struct recorded *event)
{
    const struct subscriber *subscriber = &line->subscriber;

    if (!subscriber->rows)
        return call_relay(line, call, event);
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
    trace_parse(event->trace, &run->call.trace);
    list_append(&line->runs, &run->link);
    error why = call_handler(line, &run->call, event);

    list_remove(&run->link);
    if (why && line->ending)
        return &ERROR_CANCELLED;
    if (!why)
        line->delivered++;
    return why;
}

/* --- a batch ------------------------------------------------------------------------------------- */

enum state {
    WAITS,
    TAKEN,
    LEFT, /* taken, and no longer waited for: its stream is parked */
    DONE, /* handled, parked, or passed over: its stream is parked */
};

enum { NONE = -1 };

struct batch {
    struct line *line;
    struct recorded *events;
    int count;
    int first; /* all before it are taken */
    enum state states[LINE_BATCH];
    int before[LINE_BATCH]; /* the event before it in its stream, or NONE */
    unsigned running;       /* lanes */
    struct arena *arena;    /* the batch's own, once it is left to its lanes; or NULL */
    error failed;           /* the batch is not finished */
    struct wait ended;
};

static int find_before(const struct batch *batch, int i)
{
    for (int k = i - 1; k >= 0; k--) {
        if (uuid_eq(batch->events[k].stream_id, batch->events[i].stream_id))
            return k;
    }
    return NONE;
}

static void prepare(struct batch *batch)
{
    struct line *line = batch->line;

    for (int i = 0; i < batch->count; i++) {
        batch->before[i] = find_before(batch, i);
        if (line->parked_count && events_find_parked(line, batch->events[i].stream_id))
            batch->states[i] = DONE;
    }
}

static bool is_ready(const struct batch *batch, int i)
{
    int before = batch->before[i];

    return batch->states[i] == WAITS && (before == NONE || batch->states[before] == DONE);
}

/* The first event that can be handled now, or NONE. */
static int take_next(struct batch *batch)
{
    while (batch->first < batch->count && batch->states[batch->first] != WAITS)
        batch->first++;
    for (int i = batch->first; i < batch->count; i++) {
        if (is_ready(batch, i)) {
            batch->states[i] = TAKEN;
            return i;
        }
    }
    return NONE;
}

static void pass_over(struct batch *batch, int from)
{
    for (int i = from; i < batch->count; i++) {
        if (uuid_eq(batch->events[i].stream_id, batch->events[from].stream_id))
            batch->states[i] = DONE;
    }
}

static error deliver_or_park(struct batch *batch, struct arena *arena, int i)
{
    struct line *line = batch->line;
    error why = events_deliver(line, arena, &batch->events[i]);

    if (batch->states[i] == LEFT) {
        events_settle_left(line, &batch->events[i], why);
        return NULL;
    }
    if (why == &EVENTS_AWAY || (why && line->ending))
        return why;
    line->moved_ms = clock_ms();
    if (!why) {
        batch->states[i] = DONE;
        return NULL;
    }
    TRY(events_park(line, &batch->events[i], why));
    pass_over(batch, i);
    return NULL;
}

static void run_lane(struct batch *batch)
{
    struct arena *arena = arena_new(LINE_ARENA_MAX);
    int i;

    if (!arena)
        batch->failed = &ERROR_OUT_OF_MEMORY;
    while (!batch->failed && (i = take_next(batch)) != NONE) {
        error why = deliver_or_park(batch, arena, i);

        if (why)
            batch->failed = why;
    }
    arena_free(arena);
}

static void lane_fiber(void *argument)
{
    struct batch *batch = argument;
    struct line *line = batch->line;

    run_lane(batch);
    bool last = --batch->running == 0;

    if (batch->arena) {
        line->retrying--;
        events_line_wake(line);
        if (last)
            arena_free(batch->arena);
    } else if (last) {
        wait_done(&batch->ended);
    }
}

/* --- handlers that take long --------------------------------------------------------------------- */

/* What is still under way is parked as if it were tried again already. False: not all of it could be. */
static bool leave_all(struct batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        if (batch->states[i] != TAKEN)
            continue;
        if (!events_leave(batch->line, &batch->events[i]))
            return false;
        pass_over(batch, i);
        batch->states[i] = LEFT;
    }
    return true;
}

/* Leaves the batch and its memory to the lanes that still run, unless they are too many. All that waits in it waits
 * for them. */
static bool leave(struct batch *batch)
{
    struct line *line = batch->line;
    bool may = line->leaves && !line->ending && !batch->failed &&
               line->retrying + batch->running <= LINE_RETRIES_MAX;
    struct arena *arena = may ? arena_new(LINE_ARENA_MAX) : NULL;

    if (!arena || !leave_all(batch)) {
        arena_free(arena);
        return false;
    }
    batch->arena = line->arena;
    line->arena = arena;
    line->retrying += batch->running;
    return true;
}

static void wait_for_lanes(struct batch *batch)
{
    struct call patience = call_new(batch->line->arena, LINE_PATIENCE_MS);

    while (call_wait(&patience, &batch->ended) && !leave(batch))
        patience = call_new(batch->line->arena, LINE_PATIENCE_MS);
}

/* A lane that cannot be started ends the batch. */
static void run_lanes(struct batch *batch, unsigned lanes)
{
    batch->running = 1; /* ours, so that the count does not reach zero early */
    for (unsigned i = 0; i < lanes && batch->first < batch->count && !batch->failed; i++) {
        batch->running++;
        error why = fiber_start(lane_fiber, batch);

        if (why) {
            batch->running--;
            batch->failed = why;
        }
    }
    if (--batch->running > 0)
        wait_for_lanes(batch);
}

/* --- the whole ----------------------------------------------------------------------------------- */

static void move_on(const struct batch *batch)
{
    struct line *line = batch->line;

    for (int i = 0; i < batch->count && batch->states[i] >= LEFT; i++)
        line->seen = batch->events[i].position;
    line->taken = line->seen;
}

error events_run_batch(struct call *call, struct line *line, struct recorded *events, size_t count)
{
    struct batch *batch = ARENA_NEW(call->arena, struct batch);

    if (!batch)
        return &ERROR_OUT_OF_MEMORY;
    batch->line = line;
    batch->events = events;
    batch->count = (int)count;
    line->taken = events[count - 1].position;
    prepare(batch);
    if (line->subscriber.lanes > 1)
        run_lanes(batch, line->subscriber.lanes);
    else
        run_lane(batch);
    error failed = batch->failed;

    move_on(batch);
    return failed;
}
