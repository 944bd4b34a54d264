/* Streams whose handler has failed. A parked stream remembers the position of the event to go on with; the
 * events themselves are in the store. A retry reads the stream from there up to the last event that the line
 * has taken, handles one after the other, and either comes through, which unparks the stream, or fails
 * again, which doubles its delay. Looking for more events and unparking happen without a suspension in between,
 * so an event is handed out either by the line or by the retry. */
#include "events/parked.h"

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>

static const char stream_sql[] = "SELECT " EVENTS_COLUMNS " FROM events"
                                 " WHERE stream_id = :stream_id AND position >= :position"
                                 " AND position <= :last ORDER BY version LIMIT 256";

/* --- in memory ----------------------------------------------------------------------------------- */

struct parked *events_find_parked(struct line *line, uuid stream_id)
{
    FOR_EACH_PARKED(line, parked)
    {
        if (!parked->gone && uuid_eq(parked->stream_id, stream_id))
            return parked;
    }
    return NULL;
}

bool events_parked_changed(const struct line *line)
{
    FOR_EACH_PARKED(line, parked)
    {
        if (parked->dirty || parked->gone)
            return true;
    }
    return false;
}

void events_free_parked(struct line *line)
{
    while (!list_empty(&line->parked))
        free(LIST_ELEMENT(list_take(&line->parked), struct parked, link));
}

struct parked *events_new_parked(struct line *line, uuid stream_id)
{
    struct parked *parked = calloc(1, sizeof *parked);

    if (!parked)
        return NULL;
    parked->line = line;
    parked->stream_id = stream_id;
    list_append(&line->parked, &parked->link);
    line->parked_count++;
    return parked;
}

/* Half of the delay is certain and half is chance, so that what failed together is not tried together. */
static timestamp next_try(int64_t attempts)
{
    uint64_t ms = EVENTS_RETRY_FIRST_MS;

    for (int64_t i = 1; i < attempts && ms < EVENTS_RETRY_MAX_MS; i++)
        ms *= 2;
    if (ms > EVENTS_RETRY_MAX_MS)
        ms = EVENTS_RETRY_MAX_MS;
    return (timestamp){ clock_now().ms + (int64_t)(ms / 2 + random_below(ms / 2 + 1)) };
}

/* What the handler itself refuses it will refuse again: the event is not what it understands. */
static int64_t attempts_max(error why)
{
    bool passing =
        why->status == 408 || why->status == 409 || why->status == 425 || why->status == 429;

    return why->status < 500 && !passing ? EVENTS_REFUSALS_MAX : EVENTS_ATTEMPTS_MAX;
}

/* The first of a list of messages, or the message. */
static const char *text_of(error why)
{
    return why->messages && why->messages->len ? why->messages->at[0].at : why->message;
}

void events_note_dead(struct line *line)
{
    if (!line->look_at_ms)
        line->look_at_ms = clock_ms() + LINE_LOOK_MS;
}

static void note_failure(struct parked *parked, int64_t position, error why)
{
    const char *name = parked->line->subscriber.name;

    parked->attempts = position == parked->position ? parked->attempts + 1 : 1;
    parked->position = position;
    bool last = parked->attempts >= attempts_max(why);

    parked->retry_at = last ? (timestamp){ 0 } : next_try(parked->attempts);
    snprintf(parked->failure, sizeof parked->failure, "%d %s", why->status, text_of(why));
    parked->dirty = true;
    parked->line->failed++;
    log_failure("Events", name, why);
    if (last) {
        events_note_dead(parked->line);
        log_error("Events", "%s gives up event %lld after %lld attempts: a dead letter", name,
                  (long long)position, (long long)parked->attempts);
    }
}

error events_park(struct line *line, const struct recorded *event, error why)
{
    struct parked *parked = events_new_parked(line, event->stream_id);

    if (!parked)
        return &ERROR_OUT_OF_MEMORY;
    note_failure(parked, event->position, why);
    return NULL;
}

/* When the process ends before the handler does, the event is tried again. */
bool events_leave(struct line *line, const struct recorded *event)
{
    struct parked *parked = events_new_parked(line, event->stream_id);

    if (!parked)
        return false;
    parked->position = event->position;
    parked->retry_at = clock_now();
    snprintf(parked->failure, sizeof parked->failure, "its handler takes long");
    parked->busy = true;
    parked->dirty = true;
    return true;
}

void events_settle_left(struct line *line, const struct recorded *event, error why)
{
    struct parked *parked = events_find_parked(line, event->stream_id);

    parked->busy = false;
    if (!why) {
        parked->position = event->position + 1;
        parked->attempts = 0;
        parked->retry_at = clock_now();
        parked->dirty = true;
    } else if (why != &EVENTS_AWAY && !line->ending) {
        note_failure(parked, event->position, why);
    }
}

/* --- trying again -------------------------------------------------------------------------------- */

static error read_stream(struct call *call, const struct parked *parked, struct recorded **events,
                         size_t *count)
{
    struct events_parked_row asked = { .stream_id = parked->stream_id,
                                       .position = parked->position,
                                       .last = parked->line->taken };
    struct events_row *rows;

    TRY(db_all(call, parked->line->events->db, IN(events_parked_row, &asked),
               ROWS(events_row, &rows, count), stream_sql));
    return events_from_rows(call->arena, rows, *count, events);
}

static error deliver_all(struct parked *parked, struct arena *arena, const struct recorded *events,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        error why = events_deliver(parked->line, arena, &events[i]);

        if (why && why != &EVENTS_AWAY && !parked->line->ending)
            note_failure(parked, events[i].position, why);
        if (why)
            return why;
        parked->position = events[i].position + 1;
        parked->attempts = 0;
    }
    return NULL;
}

/* Until the stream has no more events or one fails. */
static error try_stream(struct parked *parked, struct arena *of_events, struct arena *of_handlers)
{
    struct recorded *events;
    size_t count;

    for (;;) {
        arena_reset(of_events);
        struct call call = call_new(of_events, CALL_TIMEOUT_MS);

        TRY(read_stream(&call, parked, &events, &count));
        if (count == 0)
            return NULL;
        TRY(deliver_all(parked, of_handlers, events, count));
    }
}

/* What fails before a handler is asked, a read say, is no failure of the event, but waits as long. */
static void retry(struct parked *parked, struct arena *of_events, struct arena *of_handlers)
{
    error why = of_events && of_handlers ? try_stream(parked, of_events, of_handlers)
                                         : &ERROR_OUT_OF_MEMORY;

    if (!why) {
        parked->gone = true;
        parked->dirty = false;
        parked->line->parked_count--;
    } else if (parked->retry_at.ms && parked->retry_at.ms <= clock_now().ms) {
        parked->retry_at = next_try(parked->attempts);
    }
}

static void retry_fiber(void *argument)
{
    struct parked *parked = argument;
    struct line *line = parked->line;
    struct arena *of_events = arena_new(LINE_ARENA_MAX), *of_handlers = arena_new(LINE_ARENA_MAX);

    retry(parked, of_events, of_handlers);
    arena_free(of_events);
    arena_free(of_handlers);
    parked->busy = false;
    line->retrying--;
    events_line_wake(line);
}

static bool waits(const struct parked *parked)
{
    return !parked->gone && !parked->busy && parked->retry_at.ms != 0;
}

/* The fiber may be through, but the entry stays until the line's fiber saves, which is ours. */
void events_retry_due(struct line *line)
{
    int64_t now = clock_now().ms;

    FOR_EACH_PARKED(line, parked)
    {
        if (line->retrying == LINE_RETRIES_MAX)
            return;
        if (!waits(parked) || parked->retry_at.ms > now)
            continue;
        parked->busy = true;
        line->retrying++;
        if (fiber_start(retry_fiber, parked)) {
            parked->busy = false;
            line->retrying--;
            return;
        }
    }
}

uint64_t events_retry_in_ms(const struct line *line)
{
    uint64_t least = UINT64_MAX;
    int64_t now = clock_now().ms;

    if (line->retrying == LINE_RETRIES_MAX)
        return least;
    FOR_EACH_PARKED(line, parked)
    {
        if (!waits(parked))
            continue;
        uint64_t ms = parked->retry_at.ms > now ? (uint64_t)(parked->retry_at.ms - now) : 1;

        least = ms < least ? ms : least;
    }
    return least;
}
