/* Verifying. Each batch is what a rebuild does, with the rows written down before and after, compared, and then
 * undone: the unit of work always ends in an error. */
#include "events/replay.h"

#include <string.h>

enum {
    DUMP_MAX = DB_ROWS_MAX - 1, /* streams with rows in one range */
    PROBLEMS_MAX = 1000,        /* told of one batch; all are counted */
};

static const struct error VERIFIED = ERROR(500, "A verification is never committed");

/* All that a table has of one stream. */
struct dumped {
    str stream, rows;
};
static SCHEMA(dumped, FIELD(stream), FIELD(rows));

struct dump {
    struct dumped *streams;
    size_t count;
};

struct verify {
    struct replay_batch batch; /* first, as events_replay_step wants it */
    struct arena *arena;
    size_t unknown, problems;
    const char *texts[PROBLEMS_MAX];
    struct dump before[REPLAY_PROJECTIONS_MAX][REPLAY_TABLES_MAX];
};

static void found(struct verify *verify, str text)
{
    if (verify->problems < PROBLEMS_MAX)
        verify->texts[verify->problems] = text.at ? text.at : "out of memory";
    verify->problems++;
}

/* --- streams ------------------------------------------------------------------------------------- */

static void check_version(struct verify *verify, size_t i)
{
    const struct recorded *event = &verify->batch.events[i];
    bool first = i == 0 || !uuid_eq(event->stream_id, event[-1].stream_id);
    int64_t expected = first ? 1 : event[-1].version + 1;
    char stream[UUID_TEXT];

    if (event->version == expected)
        return;
    uuid_print(event->stream_id, stream);
    found(verify, arena_printf(verify->arena, "stream %.*s: version %lld where %lld should be",
                               UUID_TEXT, stream, (long long)event->version, (long long)expected));
}

static error check_event(struct db_unit *unit, struct verify *verify, size_t i)
{
    const struct replay *replay = verify->batch.replay;
    const struct recorded *event = &verify->batch.events[i];
    const struct event_type *type;
    const struct aggregate *aggregate = events_aggregate_of(replay->events, event->type, &type);
    void *data;

    check_version(verify, i);
    if (!aggregate) {
        verify->unknown++;
        return NULL;
    }
    arena_reset(replay->event);
    error why = events_decode(replay->event, aggregate, type, event, &data);

    if (why == &ERROR_OUT_OF_MEMORY)
        return why;
    if (why) {
        found(verify, arena_copy(verify->arena, str_of(why->message)));
        return NULL;
    }
    return events_replay_project(unit, replay, aggregate, event, data);
}

/* --- rows ---------------------------------------------------------------------------------------- */

static error dump(struct db_unit *unit, const struct verify *verify, const char *sql,
                  struct dump *out)
{
    struct events_range range = verify->batch.range;

    range.limit = DUMP_MAX;
    return db_unit_all(unit, IN(events_range, &range), ROWS(dumped, &out->streams, &out->count),
                       sql);
}

static void differs(struct verify *verify, const char *table, str stream)
{
    found(verify,
          arena_printf(verify->arena, "table %s: the rows of stream %.*s are not its replay", table,
                       STR_ARG(stream)));
}

/* Both are sorted by stream. */
static void compare_dumps(struct verify *verify, const char *table, const struct dump *a,
                          const struct dump *b)
{
    size_t i = 0, k = 0;

    while (i < a->count || k < b->count) {
        int order = i == a->count   ? 1
                    : k == b->count ? -1
                                    : str_compare(a->streams[i].stream, b->streams[k].stream);

        if (order != 0 || !str_eq(a->streams[i].rows, b->streams[k].rows))
            differs(verify, table, order <= 0 ? a->streams[i].stream : b->streams[k].stream);
        i += order <= 0;
        k += order >= 0;
    }
    if (a->count == DUMP_MAX)
        found(verify, arena_printf(verify->arena, "table %s: far more rows than events", table));
}

static error clear_projection(struct db_unit *unit, struct verify *verify, size_t i)
{
    const struct replay_projection *projection = &verify->batch.replay->projections[i];

    for (size_t k = 0; k < projection->table_count; k++)
        TRY(dump(unit, verify, projection->tables[k].dump, &verify->before[i][k]));
    return events_replay_clear(unit, projection, &verify->batch);
}

static error compare_projection(struct db_unit *unit, struct verify *verify, size_t i)
{
    const struct replay_projection *projection = &verify->batch.replay->projections[i];

    for (size_t k = 0; k < projection->table_count; k++) {
        struct dump after;

        TRY(dump(unit, verify, projection->tables[k].dump, &after));
        compare_dumps(verify, projection->tables[k].table->name, &verify->before[i][k], &after);
    }
    return NULL;
}

static error verify_in_unit(struct db_unit *unit, void *argument)
{
    struct verify *verify = argument;
    const struct replay *replay = verify->batch.replay;

    verify->arena = db_unit_arena(unit);
    verify->unknown = verify->problems = 0;
    TRY(events_replay_read(unit, &verify->batch));
    for (size_t i = 0; i < replay->projection_count; i++)
        TRY(clear_projection(unit, verify, i));
    for (size_t i = 0; i < verify->batch.count; i++)
        TRY(check_event(unit, verify, i));
    for (size_t i = 0; i < replay->projection_count; i++)
        TRY(compare_projection(unit, verify, i));
    return &VERIFIED;
}

/* --- all ----------------------------------------------------------------------------------------- */

static void tell(const struct events_verify *options, const struct verify *verify)
{
    for (size_t i = 0; options->problem && i < verify->problems && i < PROBLEMS_MAX; i++)
        options->problem(options->cookie, verify->texts[i]);
}

static error verify_all(struct call *call, struct replay *replay,
                        const struct events_verify *options, struct events_verified *sum)
{
    struct verify *verify = ARENA_NEW(call->arena, struct verify);

    if (!verify)
        return &ERROR_OUT_OF_MEMORY;
    while (!replay->ended) {
        TRY(events_replay_step(call, replay, &verify->batch, verify_in_unit, &VERIFIED));
        sum->streams += verify->batch.streams;
        sum->events += verify->batch.count;
        sum->unknown += verify->unknown;
        sum->problems += verify->problems;
        tell(options, verify);
    }
    return NULL;
}

error events_verify(struct call *call, struct events *events, const struct events_verify *verify,
                    struct events_verified *out)
{
    struct events_verified sum = { 0 };
    struct replay replay;

    TRY(events_replay_begin(call, events, NULL, &replay));
    error why = verify_all(call, &replay, verify, &sum);

    events_replay_end(&replay);
    if (!why)
        *out = sum;
    return why;
}
