/* Going through the whole store stream by stream, as rebuild and verify do. A batch is a unit of work: some whole
 * streams in the order of their ids, and the range of ids that they stand for. The range begins where the one
 * before ended, and that of the last batch has no end, so rows that belong to no stream lie in a range, too. */
#pragma once

#include "events/events_internal.h"

enum {
    REPLAY_BATCH = 4000, /* events; one longer stream makes a batch of its own */
    REPLAY_ARENA_MAX = 256 * 1024 * 1024,
    REPLAY_EVENT_ARENA_MAX = 32 * 1024 * 1024,
    REPLAY_TABLES_MAX = 8, /* of one projection */
    REPLAY_PROJECTIONS_MAX = 16,
};

/* What the generated statements take: ids above `after` up to `last`. */
struct events_range {
    str after, last;
    int64_t limit;
};
const struct schema *events_range_schema(void);

/* A table of a projection, and the statements made for it. */
struct replay_table {
    const struct projection_table *table;
    const char *clear; /* DELETE … in a range */
    const char *dump;  /* of each stream in a range: its id, and all its rows as one text */
};

struct replay_projection {
    const struct projection *projection;
    struct replay_table tables[REPLAY_TABLES_MAX];
    size_t table_count;
};

struct replay {
    struct events *events;
    struct replay_projection projections[REPLAY_PROJECTIONS_MAX];
    size_t projection_count;
    uint64_t total;            /* events when it began */
    struct arena *batch;       /* memory of one batch */
    struct arena *event;       /* of one event's data */
    char after[UUID_TEXT + 1]; /* where the next batch begins */
    bool ended;
};

struct replay_batch {
    struct replay *replay;
    struct events_range range;
    struct recorded *events;
    size_t count, streams;
};

/* For all projections of the store, or the one of that name; 404 when there is none. The statements lie in the
 * call's arena. events_replay_end must follow. */
error events_replay_begin(struct call *call, struct events *events, const char *projection,
                          struct replay *out);
void events_replay_end(struct replay *replay);

/* One batch as a transaction of `work`, whose argument is `of_batch`; the batch's memory is released when the next
 * one begins. The range has been passed when it gives NULL or, where `undone` is the error that `work` ends in
 * anyway, that one. `batch` lies at the beginning of what `work` gets. */
error events_replay_step(struct call *call, struct replay *replay, struct replay_batch *batch,
                         error (*work)(struct db_unit *unit, void *batch), error undone);

/* In the unit: reads the batch's streams. */
error events_replay_read(struct db_unit *unit, struct replay_batch *batch);

/* Removes the projection's rows in the range. */
error events_replay_clear(struct db_unit *unit, const struct replay_projection *projection,
                          const struct replay_batch *batch);

/* Runs the functions of the aggregate's projections for one event. */
error events_replay_project(struct db_unit *unit, const struct replay *replay,
                            const struct aggregate *aggregate, const struct recorded *event,
                            const void *data);
