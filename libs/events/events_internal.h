/* What the files of the event store share. */
#pragma once

#include "base/list.h"
#include "events/events.h"

struct events {
    struct db *db;
    struct arena *arena;
    const struct aggregate *const *aggregates;
    const struct projection *const *projections; /* never NULL */
    struct link lines;                           /* of the subscribers */
    size_t line_count;
};

/* A row of the table `events`, and, as parameters, what a query asks for. */
struct events_row {
    int64_t position;
    uuid id, stream_id;
    int64_t version;
    str type;
    json_text data, metadata;
    timestamp recorded_at;
};
const struct schema *events_row_schema(void);

#define EVENTS_COLUMNS "position, id, stream_id, version, type, data, metadata, recorded_at"

/* Rows as recorded events, in `arena`. */
error events_from_rows(struct arena *arena, const struct events_row *rows, size_t count,
                       struct recorded **out);

/* The aggregate of the store that knows the type, and the type's row; or NULL. */
const struct aggregate *events_aggregate_of(const struct events *events, str type,
                                            const struct event_type **out);

/* Brings the event's data into today's shape, when the aggregate knows the type. */
error events_modernize(struct arena *arena, const struct aggregate *aggregate,
                       struct recorded *event);

/* Runs the projection's function for that event, if it has one. */
error events_project(struct db_unit *unit, const struct projection *projection,
                     const struct recorded *event, const void *data);
