#include "events/replay.h"

#include "runtime/clock.h"

#include <string.h>

static const char NO_END[] = "~"; /* sorts after every id */

static const struct error UNKNOWN_PROJECTION = ERROR(404, "There is no projection of that name");

SCHEMA(events_range, FIELD(after), FIELD(last), FIELD(limit));

/* --- statements ---------------------------------------------------------------------------------- */

struct column {
    str name;
};
static SCHEMA(column, FIELD(name));

static error columns_of(struct call *call, const struct events *events, const char *table,
                        struct column **columns, size_t *count)
{
    struct column asked = { str_of(table) };

    TRY(db_all(call, events->db, IN(column, &asked), ROWS(column, columns, count),
               "SELECT name FROM pragma_table_info(:name) ORDER BY cid"));
    if (*count == 0)
        return error_new(call->arena, 500, "There is no table %s", table);
    return NULL;
}

/* All columns of all rows of a stream as one text, so that rows of any table can be compared. */
static error dump_of(struct call *call, const struct events *events,
                     const struct projection_table *table, const char **out)
{
    struct column *columns;
    size_t count;
    str row = STR("''");

    TRY(columns_of(call, events, table->name, &columns, &count));
    for (size_t i = 0; i < count && row.at; i++)
        row = arena_printf(call->arena, "%.*s || ' %.*s=' || quote(%.*s)", STR_ARG(row),
                           STR_ARG(columns[i].name), STR_ARG(columns[i].name));
    str sql = { NULL, 0 };

    if (row.at)
        sql = arena_printf(call->arena,
                           "SELECT stream, group_concat(row) AS rows FROM (SELECT %s AS stream,"
                           " %.*s AS row FROM %s WHERE %s > :after AND %s <= :last ORDER BY 1, 2)"
                           " GROUP BY stream ORDER BY stream LIMIT :limit",
                           table->stream, STR_ARG(row), table->name, table->stream, table->stream);
    *out = sql.at;
    return sql.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error add_table(struct call *call, struct replay *replay,
                       struct replay_projection *projection, const struct projection_table *table)
{
    struct replay_table *added = &projection->tables[projection->table_count++];
    str clear = arena_printf(call->arena, "DELETE FROM %s WHERE %s > :after AND %s <= :last",
                             table->name, table->stream, table->stream);

    if (!clear.at)
        return &ERROR_OUT_OF_MEMORY;
    added->table = table;
    added->clear = clear.at;
    return dump_of(call, replay->events, table, &added->dump);
}

static error add_projection(struct call *call, struct replay *replay,
                            const struct projection *projection)
{
    struct replay_projection *added = &replay->projections[replay->projection_count];

    if (replay->projection_count == REPLAY_PROJECTIONS_MAX)
        return error_new(call->arena, 500, "More than %d projections", REPLAY_PROJECTIONS_MAX);
    added->projection = projection;
    for (const struct projection_table *table = projection->tables; table->name; table++) {
        if (added->table_count == REPLAY_TABLES_MAX)
            return error_new(call->arena, 500, "Projection %s has more than %d tables",
                             projection->name, REPLAY_TABLES_MAX);
        TRY(add_table(call, replay, added, table));
    }
    replay->projection_count++;
    return NULL;
}

static error add_projections(struct call *call, struct replay *replay, const char *name)
{
    const struct projection *const *projections = replay->events->projections;

    for (size_t i = 0; projections[i]; i++) {
        if (!name || strcmp(projections[i]->name, name) == 0)
            TRY(add_projection(call, replay, projections[i]));
    }
    return name && replay->projection_count == 0 ? &UNKNOWN_PROJECTION : NULL;
}

/* --- beginning and ending ------------------------------------------------------------------------ */

static error prepare(struct call *call, struct replay *replay, const char *projection)
{
    struct events_row newest = { 0 };

    if (!replay->batch || !replay->event)
        return &ERROR_OUT_OF_MEMORY;
    TRY(add_projections(call, replay, projection));
    TRY(db_one(call, replay->events->db, NO_INPUT, OUT(events_row, &newest),
               "SELECT coalesce(max(position), 0) AS position FROM events"));
    replay->total = (uint64_t)newest.position;
    return NULL;
}

error events_replay_begin(struct call *call, struct events *events, const char *projection,
                          struct replay *out)
{
    *out = (struct replay){ .events = events,
                            .batch = arena_new(REPLAY_ARENA_MAX),
                            .event = arena_new(REPLAY_EVENT_ARENA_MAX) };
    error why = prepare(call, out, projection);

    if (why)
        events_replay_end(out);
    return why;
}

void events_replay_end(struct replay *replay)
{
    arena_free(replay->batch);
    arena_free(replay->event);
    replay->batch = replay->event = NULL;
}

/* --- a batch ------------------------------------------------------------------------------------- */

error events_replay_step(struct call *call, struct replay *replay, struct replay_batch *batch,
                         error (*work)(struct db_unit *unit, void *batch), error undone)
{
    TRY(call_check(call));
    arena_reset(replay->batch);
    struct call inner = call_new(replay->batch, call_left_ms(call));

    batch->replay = replay;
    error why = db_transaction(&inner, replay->events->db, work, batch);

    if (why != undone)
        return why ? error_because(call->arena, why, why->status, "%s", why->message) : NULL;
    replay->ended = str_is(batch->range.last, NO_END);
    memcpy(replay->after, batch->range.last.at, batch->range.last.len);
    return NULL;
}

static size_t begin_of_last_stream(const struct events_row *rows, size_t count)
{
    size_t i = count - 1;

    while (i > 0 && uuid_eq(rows[i - 1].stream_id, rows[count - 1].stream_id))
        i--;
    return i;
}

/* A stream that is longer than a batch, whole. */
static error read_long_stream(struct db_unit *unit, struct events_row **rows, size_t *count)
{
    struct events_row asked = { .stream_id = (*rows)[0].stream_id };

    return db_unit_all(unit, IN(events_row, &asked), ROWS(events_row, rows, count),
                       "SELECT " EVENTS_COLUMNS " FROM events WHERE stream_id = :stream_id"
                       " ORDER BY version");
}

static error end_of_range(struct db_unit *unit, const struct events_row *rows, size_t count,
                          str *out)
{
    char *text = arena_alloc(db_unit_arena(unit), UUID_TEXT);

    if (!text)
        return &ERROR_OUT_OF_MEMORY;
    uuid_print(rows[count - 1].stream_id, text);
    *out = (str){ text, UUID_TEXT };
    return NULL;
}

/* Reads a batch of rows and drops the last stream if it may not be whole. */
static error read_rows(struct db_unit *unit, struct replay_batch *batch, struct events_row **rows,
                       size_t *count)
{
    batch->range =
        (struct events_range){ str_of(batch->replay->after), STR_INIT("~"), REPLAY_BATCH };
    TRY(db_unit_all(unit, IN(events_range, &batch->range), ROWS(events_row, rows, count),
                    "SELECT " EVENTS_COLUMNS " FROM events WHERE stream_id > :after"
                    " ORDER BY stream_id, version LIMIT :limit"));
    if (*count < REPLAY_BATCH)
        return NULL;
    *count = begin_of_last_stream(*rows, *count);
    if (*count == 0)
        TRY(read_long_stream(unit, rows, count));
    return end_of_range(unit, *rows, *count, &batch->range.last);
}

error events_replay_read(struct db_unit *unit, struct replay_batch *batch)
{
    struct events_row *rows;

    TRY(read_rows(unit, batch, &rows, &batch->count));
    TRY(events_from_rows(db_unit_arena(unit), rows, batch->count, &batch->events));
    batch->streams = 0;
    for (size_t i = 0; i < batch->count; i++)
        batch->streams += i == 0 || !uuid_eq(rows[i].stream_id, rows[i - 1].stream_id);
    return NULL;
}

/* Referring tables come last, so they are cleared first. */
error events_replay_clear(struct db_unit *unit, const struct replay_projection *projection,
                          const struct replay_batch *batch)
{
    for (size_t i = projection->table_count; i-- > 0;)
        TRY(db_unit_run(unit, IN(events_range, &batch->range), projection->tables[i].clear));
    return NULL;
}

error events_replay_project(struct db_unit *unit, const struct replay *replay,
                            const struct aggregate *aggregate, const struct recorded *event,
                            const void *data)
{
    for (size_t i = 0; i < replay->projection_count; i++) {
        const struct projection *projection = replay->projections[i].projection;

        if (projection->aggregate == aggregate)
            TRY(events_project(unit, projection, event, data));
    }
    return NULL;
}
