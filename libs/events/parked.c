/* Streams whose handler has failed. A parked stream remembers the position of the event to go on with; the
 * events themselves are in the store. A retry reads the stream from there up to the last event that the line
 * has taken, handles one after the other, and either comes through, which unparks the stream, or fails
 * again, which doubles its delay. Looking for more events and unparking happen without a suspension in between,
 * so an event is handed out either by the line or by the retry. */
#include "events/line.h"

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stream_sql[] = "SELECT " EVENTS_COLUMNS " FROM events"
                                 " WHERE stream_id = :stream_id AND position >= :position"
                                 " AND position <= :last ORDER BY version LIMIT 256";

static const struct error NOT_DEAD = ERROR(404, "There is no such dead letter");

struct parked_row {
    str subscriber;
    uuid stream_id;
    int64_t position, attempts;
    timestamp retry_at;
    str failure;
    int64_t last;
};

static SCHEMA(parked_row,
              FIELD(subscriber),
              FIELD(stream_id),
              FIELD(position),
              FIELD(attempts),
              FIELD(retry_at),
              FIELD(failure),
              FIELD(last));

static SCHEMA(events_parked,
              FIELD(subscriber),
              FIELD(stream_id),
              FIELD(position),
              FIELD(attempts),
              FIELD(retry_at),
              FIELD(failure));

#define PARKED_COLUMNS "subscriber, stream_id, position, attempts, retry_at, failure"

/* --- in memory ----------------------------------------------------------------------------------- */

#define FOR_EACH_PARKED(line, name)                                                    \
    for (struct parked *name = LIST_ELEMENT((line)->parked.next, struct parked, link); \
         &name->link != &(line)->parked;                                               \
         name = LIST_ELEMENT(name->link.next, struct parked, link))

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

static struct parked *new_parked(struct line *line, uuid stream_id)
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

/* From now on the disk is looked at. */
static void note_dead(struct line *line)
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
    parked->line->events->counts.failed++;
    parked->line->failed++;
    log_failure("Events", name, why);
    if (last) {
        note_dead(parked->line);
        log_error("Events", "%s gives up event %lld after %lld attempts: a dead letter", name,
                  (long long)position, (long long)parked->attempts);
    }
}

error events_park(struct line *line, const struct recorded *event, error why)
{
    struct parked *parked = new_parked(line, event->stream_id);

    if (!parked)
        return &ERROR_OUT_OF_MEMORY;
    note_failure(parked, event->position, why);
    return NULL;
}

/* When the process ends before the handler does, the event is tried again. */
bool events_leave(struct line *line, const struct recorded *event)
{
    struct parked *parked = new_parked(line, event->stream_id);

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

/* --- on the disk --------------------------------------------------------------------------------- */

static error load_parked(struct line *line, const struct events_parked *row)
{
    struct parked *parked = new_parked(line, row->stream_id);

    if (!parked)
        return &ERROR_OUT_OF_MEMORY;
    parked->position = row->position;
    parked->attempts = row->attempts;
    parked->retry_at = row->retry_at;
    snprintf(parked->failure, sizeof parked->failure, "%.*s", STR_ARG(row->failure));
    if (!parked->retry_at.ms)
        note_dead(line);
    return NULL;
}

static error begin_now(struct call *call, struct line *line)
{
    struct parked_row newest = { 0 };

    TRY(db_one(call, line->events->db, NO_INPUT, OUT(parked_row, &newest),
               "SELECT coalesce(max(position), 0) AS position FROM events"));
    line->seen = line->taken = newest.position;
    return events_line_save(line);
}

error events_line_load(struct call *call, struct line *line)
{
    struct parked_row asked = { .subscriber = str_of(line->subscriber.name) };
    struct events_parked *rows;
    size_t count;
    error none = db_one(call, line->events->db, IN(parked_row, &asked), OUT(parked_row, &asked),
                        "SELECT position FROM events_checkpoints WHERE subscriber = :subscriber");

    if (none && none != &DB_NO_ROW)
        return none;
    if (none && line->subscriber.from_now)
        return begin_now(call, line);
    line->seen = line->taken = line->saved = asked.position;
    TRY(db_all(call, line->events->db, IN(parked_row, &asked), ROWS(events_parked, &rows, &count),
               "SELECT " PARKED_COLUMNS " FROM events_parked WHERE subscriber = :subscriber"));
    for (size_t i = 0; i < count; i++)
        TRY(load_parked(line, &rows[i]));
    return NULL;
}

/* What is to be written, taken from the line before it is lent to the committer's thread. */
struct save_job {
    struct parked_row checkpoint;
    struct parked_row *changed, *gone;
    size_t changed_count, gone_count;
};

/* A stream that came through and was parked again is among both, so removing goes first. */
static error save_in_unit(struct db_unit *unit, void *argument)
{
    struct save_job *job = argument;

    TRY(db_unit_run(unit, IN(parked_row, &job->checkpoint),
                    "INSERT INTO events_checkpoints VALUES (:subscriber, :position)"
                    " ON CONFLICT DO UPDATE SET position = :position"));
    for (size_t i = 0; i < job->gone_count; i++)
        TRY(db_unit_run(unit, IN(parked_row, &job->gone[i]),
                        "DELETE FROM events_parked WHERE subscriber = :subscriber"
                        " AND stream_id = :stream_id"));
    for (size_t i = 0; i < job->changed_count; i++)
        TRY(db_unit_run(unit, IN(parked_row, &job->changed[i]),
                        "INSERT OR REPLACE INTO events_parked (" PARKED_COLUMNS ") VALUES"
                        " (:subscriber, :stream_id, :position, :attempts, :retry_at, :failure)"));
    return NULL;
}

static error row_of(struct arena *arena, const struct parked *parked, struct parked_row *out)
{
    *out = (struct parked_row){
        .subscriber = str_of(parked->line->subscriber.name),
        .stream_id = parked->stream_id,
        .position = parked->position,
        .attempts = parked->attempts,
        .retry_at = parked->retry_at,
        .failure = arena_copy(arena, str_of(parked->failure)),
    };
    return out->failure.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* The flags are taken down here and put up again when writing fails: what changes meanwhile is written next. */
static error collect(struct arena *arena, struct line *line, struct save_job *job)
{
    size_t count = 1;

    FOR_EACH_PARKED(line, parked)
    count++;
    job->changed = ARENA_ARRAY(arena, struct parked_row, count);
    job->gone = ARENA_ARRAY(arena, struct parked_row, count);
    if (!job->changed || !job->gone)
        return &ERROR_OUT_OF_MEMORY;
    FOR_EACH_PARKED(line, parked)
    {
        if (parked->gone)
            TRY(row_of(arena, parked, &job->gone[job->gone_count++]));
        else if (parked->dirty)
            TRY(row_of(arena, parked, &job->changed[job->changed_count++]));
        parked->leaving = parked->gone;
        parked->saving = parked->dirty;
        parked->dirty = false;
    }
    return NULL;
}

static void settle(struct line *line, bool written)
{
    for (struct link *link = line->parked.next, *next; link != &line->parked; link = next) {
        struct parked *parked = LIST_ELEMENT(link, struct parked, link);

        next = link->next;
        if (!written)
            parked->dirty = parked->dirty || parked->saving;
        parked->saving = false;
        if (written && parked->leaving) {
            list_remove(link);
            free(parked);
        } else {
            parked->leaving = false;
        }
    }
}

static error write_job(struct call *call, struct line *line, struct save_job *job)
{
    TRY(collect(call->arena, line, job));
    return db_transaction(call, line->events->db, save_in_unit, job);
}

/* On a call of its own: the batch before may have taken all the time of another. */
error events_line_save(struct line *line)
{
    struct call call = call_new(line->arena, CALL_TIMEOUT_MS);
    struct save_job job = { .checkpoint = { .subscriber = str_of(line->subscriber.name),
                                            .position = line->seen } };
    error why = write_job(&call, line, &job);

    settle(line, !why);
    if (why)
        return why;
    line->saved = job.checkpoint.position;
    line->save_at_ms = 0;
    return NULL;
}

/* --- trying again -------------------------------------------------------------------------------- */

static error read_stream(struct call *call, const struct parked *parked, struct recorded **events,
                         size_t *count)
{
    struct parked_row asked = { .stream_id = parked->stream_id,
                                .position = parked->position,
                                .last = parked->line->taken };
    struct events_row *rows;

    TRY(db_all(call, parked->line->events->db, IN(parked_row, &asked),
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

/* --- for whoever looks after it ------------------------------------------------------------------ */

error events_parked(struct call *call, struct events *events, struct events_parked **out,
                    size_t *count)
{
    return db_all(call, events->db, NO_INPUT, ROWS(events_parked, out, count),
                  "SELECT " PARKED_COLUMNS " FROM events_parked ORDER BY position, subscriber");
}

/* Takes what another process, or events_retry, has written. A stream that is dead in memory is not written by us. */
static void take_replay(struct line *line, const struct events_parked *row)
{
    struct parked *parked = events_find_parked(line, row->stream_id);

    if (!parked || parked->retry_at.ms || parked->busy || parked->dirty)
        return;
    parked->position = row->position;
    parked->attempts = row->attempts;
    parked->retry_at = row->retry_at;
}

size_t events_count_dead(const struct line *line)
{
    size_t count = 0;

    FOR_EACH_PARKED(line, parked)
    {
        if (!parked->gone && !parked->retry_at.ms)
            count++;
    }
    return count;
}

error events_look_for_replays(struct call *call, struct line *line)
{
    struct parked_row asked = { .subscriber = str_of(line->subscriber.name) };
    struct events_parked *rows;
    size_t count;

    if (!line->look_at_ms || clock_ms() < line->look_at_ms)
        return NULL;
    TRY(db_all(call, line->events->db, IN(parked_row, &asked), ROWS(events_parked, &rows, &count),
               "SELECT " PARKED_COLUMNS " FROM events_parked"
               " WHERE subscriber = :subscriber AND retry_at <> 0"));
    for (size_t i = 0; i < count; i++)
        take_replay(line, &rows[i]);
    line->look_at_ms = events_count_dead(line) ? clock_ms() + LINE_LOOK_MS : 0;
    return NULL;
}

/* `skip` events of the dead stream are left out. */
static error revive(struct call *call, struct events *events, const struct events_parked *which,
                    int64_t skip)
{
    struct parked_row row = {
        .subscriber = which->subscriber,
        .stream_id = which->stream_id,
        .position = skip,
        .retry_at = clock_now(),
    };
    struct line *line = events_find_line(events, which->subscriber);
    error none = db_write_one(call, events->db, IN(parked_row, &row), OUT(parked_row, &row),
                              "UPDATE events_parked SET attempts = 0, retry_at = :retry_at,"
                              " position = position + :position WHERE subscriber = :subscriber"
                              " AND stream_id = :stream_id AND retry_at = 0 RETURNING position");

    if (none)
        return none == &DB_NO_ROW ? &NOT_DEAD : none;
    if (line) {
        line->look_at_ms = clock_ms();
        events_line_wake(line);
    }
    return NULL;
}

error events_retry(struct call *call, struct events *events, const struct events_parked *which)
{
    return revive(call, events, which, 0);
}

error events_skip(struct call *call, struct events *events, const struct events_parked *which)
{
    return revive(call, events, which, 1);
}
