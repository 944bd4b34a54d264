/* Streams that were given up, and how somebody in another process (`cuib dead`) has them tried again: the row is changed on the
 * disk, where the line, which does not write a dead one, looks as long as it has any. */
#include "events/parked.h"

#include "runtime/clock.h"

static const struct error NOT_DEAD = ERROR(404, "There is no such dead letter");

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
    struct events_parked_row asked = { .subscriber = str_of(line->subscriber.name) };
    struct events_parked *rows;
    size_t count;

    if (!line->look_at_ms || clock_ms() < line->look_at_ms)
        return NULL;
    TRY(db_all(call, line->events->db, IN(events_parked_row, &asked),
               ROWS(events_parked, &rows, &count),
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
    struct events_parked_row row = {
        .subscriber = which->subscriber,
        .stream_id = which->stream_id,
        .position = skip,
        .retry_at = clock_now(),
    };
    struct line *line = events_find_line(events, which->subscriber);
    error none =
        db_write_one(call, events->db, IN(events_parked_row, &row), OUT(events_parked_row, &row),
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
