/* What a line has on the disk: its checkpoint and its parked streams, which are written together. */
#include "events/parked.h"

#include "runtime/clock.h"

#include <stdio.h>
#include <stdlib.h>

SCHEMA(events_parked_row,
       FIELD(subscriber),
       FIELD(stream_id),
       FIELD(position),
       FIELD(attempts),
       FIELD(retry_at),
       FIELD(failure),
       FIELD(last));

SCHEMA(events_parked,
       FIELD(subscriber),
       FIELD(stream_id),
       FIELD(position),
       FIELD(attempts),
       FIELD(retry_at),
       FIELD(failure));

/* --- reading ------------------------------------------------------------------------------------- */

static error load_parked(struct line *line, const struct events_parked *row)
{
    struct parked *parked = events_new_parked(line, row->stream_id);

    if (!parked)
        return &ERROR_OUT_OF_MEMORY;
    parked->position = row->position;
    parked->attempts = row->attempts;
    parked->retry_at = row->retry_at;
    snprintf(parked->failure, sizeof parked->failure, "%.*s", STR_ARG(row->failure));
    if (!parked->retry_at.ms)
        events_note_dead(line);
    return NULL;
}

static error begin_now(struct call *call, struct line *line)
{
    struct events_parked_row newest = { 0 };

    TRY(db_one(call, line->events->db, NO_INPUT, OUT(events_parked_row, &newest),
               "SELECT coalesce(max(position), 0) AS position FROM events"));
    line->seen = line->taken = newest.position;
    return events_line_save(line);
}

error events_line_load(struct call *call, struct line *line)
{
    struct events_parked_row asked = { .subscriber = str_of(line->subscriber.name) };
    struct events_parked *rows;
    size_t count;
    error none = db_one(call, line->events->db, IN(events_parked_row, &asked),
                        OUT(events_parked_row, &asked),
                        "SELECT position FROM events_checkpoints WHERE subscriber = :subscriber");

    if (none && none != &DB_NO_ROW)
        return none;
    if (none && line->subscriber.from_now)
        return begin_now(call, line);
    line->seen = line->taken = line->saved = asked.position;
    TRY(db_all(call, line->events->db, IN(events_parked_row, &asked),
               ROWS(events_parked, &rows, &count),
               "SELECT " PARKED_COLUMNS " FROM events_parked WHERE subscriber = :subscriber"));
    for (size_t i = 0; i < count; i++)
        TRY(load_parked(line, &rows[i]));
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------------- */

/* What is to be written, taken from the line before it is lent to the committer's thread. */
struct save_job {
    struct events_parked_row checkpoint;
    struct events_parked_row *changed, *gone;
    size_t changed_count, gone_count;
};

/* A stream that came through and was parked again is among both, so removing goes first. */
static error save_in_unit(struct db_unit *unit, void *argument)
{
    struct save_job *job = argument;

    TRY(db_unit_run(unit, IN(events_parked_row, &job->checkpoint),
                    "INSERT INTO events_checkpoints VALUES (:subscriber, :position)"
                    " ON CONFLICT DO UPDATE SET position = :position"));
    for (size_t i = 0; i < job->gone_count; i++)
        TRY(db_unit_run(unit, IN(events_parked_row, &job->gone[i]),
                        "DELETE FROM events_parked WHERE subscriber = :subscriber"
                        " AND stream_id = :stream_id"));
    for (size_t i = 0; i < job->changed_count; i++)
        TRY(db_unit_run(unit, IN(events_parked_row, &job->changed[i]),
                        "INSERT OR REPLACE INTO events_parked (" PARKED_COLUMNS ") VALUES"
                        " (:subscriber, :stream_id, :position, :attempts, :retry_at, :failure)"));
    return NULL;
}

static error row_of(struct arena *arena, const struct parked *parked, struct events_parked_row *out)
{
    *out = (struct events_parked_row){
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
    job->changed = ARENA_ARRAY(arena, struct events_parked_row, count);
    job->gone = ARENA_ARRAY(arena, struct events_parked_row, count);
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
