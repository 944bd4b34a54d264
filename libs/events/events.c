/* How an event comes into the store and out of it. An append first looks whether the stream has the expected
 * version, and a refusal leaves the unit of work usable; the constraint UNIQUE (stream_id, version) holds whatever
 * other programs do. Since all units run one after the other on the committer's thread, positions become visible
 * in their order.
 *
 * The metadata begin with the number of the shape, and most often it is all they hold; then they are read
 * without a JSON parser, which a rebuild would notice. */
#include "events/events_internal.h"

#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/trace.h"

#include <assert.h>
#include <string.h>

enum { EVENT_BYTES_MAX = 1024 * 1024 };

const struct error EVENTS_CONFLICT = ERROR(409, "Somebody else has changed it meanwhile");
const struct error EVENTS_NO_STREAM = ERROR(404, "Not found");
static const struct error STREAM_FULL = ERROR(409, "It has too long a history to be changed again");

SCHEMA(events_row,
       FIELD(position),
       FIELD(id),
       FIELD(stream_id),
       FIELD(version),
       FIELD(type),
       FIELD(data),
       FIELD(metadata),
       FIELD(recorded_at));

struct metadata {
    int64_t shape;
    str trace, cause;
    uuid actor;
};

static SCHEMA(metadata,
              FIELD(shape),
              FIELD(trace, .optional = true),
              FIELD(cause, .optional = true),
              FIELD(actor, .optional = true));

/* --- opening ------------------------------------------------------------------------------------- */

static error check_projection(struct arena *arena, const struct projection *projection)
{
    for (const struct projection_row *row = projection->rows; row->type; row++) {
        const struct event_type *type = events_type_named(projection->aggregate, str_of(row->type));

        if (!type || type->schema() != row->schema())
            return error_new(arena, 500, "Projection %s: %s is no event of %s with that struct",
                             projection->name, row->type, projection->aggregate->name);
    }
    return NULL;
}

error events_open(struct arena *arena, const struct events_options *options, struct events **out)
{
    static const struct projection *const none[] = { NULL };
    struct events *events = ARENA_NEW(arena, struct events);

    if (!events)
        return &ERROR_OUT_OF_MEMORY;
    events->db = options->db;
    events->arena = arena;
    events->aggregates = options->aggregates;
    events->projections = options->projections ? options->projections : none;
    list_init(&events->lines);
    for (size_t i = 0; events->aggregates[i]; i++)
        TRY(events_check(arena, events->aggregates[i]));
    for (size_t i = 0; events->projections[i]; i++)
        TRY(check_projection(arena, events->projections[i]));
    *out = events;
    return NULL;
}

const struct aggregate *events_aggregate_of(const struct events *events, str type,
                                            const struct event_type **out)
{
    for (size_t i = 0; events->aggregates[i]; i++) {
        *out = events_type_named(events->aggregates[i], type);
        if (*out)
            return events->aggregates[i];
    }
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------- */

/* {"shape":1} and nothing else. */
static bool read_bare_metadata(str text, struct recorded *out)
{
    static const str begin = STR_INIT("{\"shape\":");
    uint64_t shape;

    if (!str_starts_with(text, begin) || text.at[text.len - 1] != '}' ||
        !str_to_uint(str_slice(text, begin.len, text.len - begin.len - 1), INT32_MAX, &shape))
        return false;
    out->shape = (int64_t)shape;
    return true;
}

static error read_metadata(struct arena *arena, str text, struct recorded *out)
{
    struct metadata metadata = { 0 };

    if (read_bare_metadata(text, out))
        return NULL;
    if (schema_parse(metadata_schema(), arena, text, SCHEMA_IGNORE, &metadata))
        return error_new(arena, 500, "The metadata of event %lld are unreadable",
                         (long long)out->position);
    out->shape = metadata.shape;
    out->trace = metadata.trace;
    out->cause = metadata.cause;
    out->actor = metadata.actor;
    return NULL;
}

error events_from_rows(struct arena *arena, const struct events_row *rows, size_t count,
                       struct recorded **out)
{
    struct recorded *events = ARENA_ARRAY(arena, struct recorded, count);

    if (!events)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        events[i] = (struct recorded){
            .position = rows[i].position,
            .id = rows[i].id,
            .stream_id = rows[i].stream_id,
            .version = rows[i].version,
            .type = rows[i].type,
            .data = rows[i].data.text,
            .recorded_at = rows[i].recorded_at,
        };
        TRY(read_metadata(arena, rows[i].metadata.text, &events[i]));
    }
    *out = events;
    return NULL;
}

static const char stream_sql[] = "SELECT " EVENTS_COLUMNS " FROM events"
                                 " WHERE stream_id = :stream_id AND version <= :version"
                                 " ORDER BY version";

struct found {
    struct events_row *rows;
    size_t count;
};

/* The state from the rows that were found; on an error `state` is untouched. */
static error state_of(struct arena *arena, const struct aggregate *aggregate,
                      const struct found *found, int64_t wanted, void *state)
{
    struct recorded *events;
    void *made = arena_zalloc(arena, 1, aggregate->size);

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    if (wanted != 0 && found->count == 0)
        return &EVENTS_NO_STREAM;
    if (wanted != EVENTS_NEWEST && (int64_t)found->count < wanted)
        return &EVENTS_NO_STREAM;
    TRY(events_from_rows(arena, found->rows, found->count, &events));
    TRY(events_replay(arena, aggregate, events, found->count, made));
    memcpy(state, made, aggregate->size);
    return NULL;
}

static error load(struct arena *arena, const struct aggregate *aggregate, const struct found *found,
                  int64_t wanted, void *state, int64_t *version)
{
    TRY(state_of(arena, aggregate, found, wanted, state));
    if (version)
        *version = found->count ? found->rows[found->count - 1].version : 0;
    return NULL;
}

error events_load(struct call *call, struct events *events, const struct aggregate *aggregate,
                  uuid stream_id, int64_t version, void *state, int64_t *read_version)
{
    struct events_row asked = { .stream_id = stream_id, .version = version };
    struct found found;

    TRY(db_all(call, events->db, IN(events_row, &asked),
               ROWS(events_row, &found.rows, &found.count), stream_sql));
    return load(call->arena, aggregate, &found, version, state, read_version);
}

error events_load_in(struct db_unit *unit, const struct aggregate *aggregate, uuid stream_id,
                     int64_t version, void *state, int64_t *read_version)
{
    struct events_row asked = { .stream_id = stream_id, .version = version };
    struct found found;

    TRY(db_unit_all(unit, IN(events_row, &asked), ROWS(events_row, &found.rows, &found.count),
                    stream_sql));
    return load(db_unit_arena(unit), aggregate, &found, version, state, read_version);
}

/* --- history ------------------------------------------------------------------------------------- */

/* The struct as JSON in the arena; at == NULL when there is no room. */
static str print(struct arena *arena, const struct schema *schema, const void *value)
{
    struct buf buf = buf_new(EVENT_BYTES_MAX);

    schema_write(schema, value, &buf);
    str text = buf_failed(&buf) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&buf));

    buf_free(&buf);
    return text;
}

error events_modernize(struct arena *arena, const struct aggregate *aggregate,
                       struct recorded *event)
{
    const struct event_type *type = events_type_named(aggregate, event->type);
    void *data;

    if (!type || event->shape >= events_shape_of(aggregate, type))
        return NULL;
    TRY(events_decode(arena, aggregate, type, event, &data));
    event->data = print(arena, type->schema(), data);
    event->shape = events_shape_of(aggregate, type);
    return event->data.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

error events_history(struct call *call, struct events *events, const struct aggregate *aggregate,
                     uuid stream_id, struct recorded **out, size_t *count)
{
    struct events_row asked = { .stream_id = stream_id, .version = EVENTS_NEWEST };
    struct found found;
    struct recorded *history;

    TRY(db_all(call, events->db, IN(events_row, &asked),
               ROWS(events_row, &found.rows, &found.count), stream_sql));
    if (found.count == 0)
        return &EVENTS_NO_STREAM;
    TRY(events_from_rows(call->arena, found.rows, found.count, &history));
    for (size_t i = 0; i < found.count; i++)
        TRY(events_modernize(call->arena, aggregate, &history[i]));
    *out = history;
    *count = found.count;
    return NULL;
}

error events_find(struct call *call, struct events *events, int64_t position, struct recorded *out)
{
    struct events_row row = { .position = position };
    struct recorded *found;
    error none = db_one(call, events->db, IN(events_row, &row), OUT(events_row, &row),
                        "SELECT " EVENTS_COLUMNS " FROM events WHERE position = :position");

    if (none)
        return none == &DB_NO_ROW ? &EVENTS_NO_STREAM : none;
    TRY(events_from_rows(call->arena, &row, 1, &found));
    *out = *found;
    return NULL;
}

/* --- appending ----------------------------------------------------------------------------------- */

struct events_about events_about(const struct call *call)
{
    struct events_about about = { 0 };
    char text[TRACE_TEXT + 1];

    if (trace_is_set(&call->trace)) {
        trace_print(&call->trace, text);
        about.trace = arena_copy(call->arena, (str){ text, TRACE_TEXT });
    }
    if (call->identity)
        about.actor = call->identity->user;
    return about;
}

error events_project(struct db_unit *unit, const struct projection *projection,
                     const struct recorded *event, const void *data)
{
    for (const struct projection_row *row = projection->rows; row->type; row++) {
        if (str_is(event->type, row->type))
            return row->project(unit, event, data);
    }
    return NULL;
}

static error make_row(struct arena *arena, const struct events_append *append, size_t i,
                      const struct event_type *type, struct events_row *row)
{
    struct metadata metadata = { .shape = events_shape_of(append->aggregate, type) };

    if (append->about) {
        metadata.trace = append->about->trace;
        metadata.cause = append->about->cause;
        metadata.actor = append->about->actor;
    }
    *row = (struct events_row){
        .id = random_uuid(),
        .stream_id = append->stream_id,
        .version = append->expected + 1 + (int64_t)i,
        .type = str_of(type->name),
        .data = { print(arena, append->events[i].schema, append->events[i].value) },
        .metadata = { print(arena, metadata_schema(), &metadata) },
        .recorded_at = clock_now(),
    };
    return row->data.text.at && row->metadata.text.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* A stream has the versions 1, 2, … without a gap, so the newest one is their number. */
static error check_version(struct db_unit *unit, const struct events_append *append)
{
    struct events_row row = { .stream_id = append->stream_id };

    TRY(db_unit_one(unit, IN(events_row, &row), OUT(events_row, &row),
                    "SELECT coalesce(max(version), 0) AS version FROM events"
                    " WHERE stream_id = :stream_id"));
    return row.version == append->expected ? NULL : &EVENTS_CONFLICT;
}

/* RETURNING would tell the position, too, but makes and drops a temporary table each time, which takes as long as the
 * rest. */
static error insert(struct db_unit *unit, struct events_row *row)
{
    TRY(db_unit_run(unit, IN(events_row, row),
                    "INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)"
                    " VALUES (:id, :stream_id, :version, :type, :data, :metadata, :recorded_at)"));
    return db_unit_one(unit, NO_INPUT, OUT(events_row, row),
                       "SELECT last_insert_rowid() AS position");
}

static error append_one(struct db_unit *unit, struct events *events,
                        const struct events_append *append, size_t i)
{
    const struct event_type *type = events_type_of(append->aggregate, append->events[i].schema);
    const void *data = append->events[i].value;
    struct events_row row;
    struct recorded *event;

    assert(type);
    TRY(make_row(db_unit_arena(unit), append, i, type, &row));
    TRY(insert(unit, &row));
    TRY(events_from_rows(db_unit_arena(unit), &row, 1, &event));
    for (size_t k = 0; events->projections[k]; k++) {
        if (events->projections[k]->aggregate == append->aggregate)
            TRY(events_project(unit, events->projections[k], event, data));
    }
    if (append->state)
        type->apply(append->state, data, event);
    return NULL;
}

error events_append_in(struct db_unit *unit, struct events *events,
                       const struct events_append *append)
{
    assert(append->count >= 1 && append->count <= EVENTS_APPEND_MAX && append->expected >= 0);
    if (append->expected > EVENTS_STREAM_MAX - (int64_t)append->count)
        return &STREAM_FULL;
    TRY(check_version(unit, append));
    for (size_t i = 0; i < append->count; i++)
        TRY(append_one(unit, events, append, i));
    return NULL;
}

struct append_job {
    struct events *events;
    struct events_append append;
    const void *before; /* the state to apply to, since a unit may run twice */
};

static error append_in_unit(struct db_unit *unit, void *argument)
{
    struct append_job *job = argument;

    if (job->before)
        memcpy(job->append.state, job->before, job->append.aggregate->size);
    return events_append_in(unit, job->events, &job->append);
}

error events_append(struct call *call, struct events *events, const struct events_append *append)
{
    struct append_job job = { events, *append, append->state };

    if (append->state)
        job.append.state = arena_alloc(call->arena, append->aggregate->size);
    if (append->state && !job.append.state)
        return &ERROR_OUT_OF_MEMORY;
    TRY(events_transaction(call, events, append_in_unit, &job));
    if (append->state)
        memcpy(append->state, job.append.state, append->aggregate->size);
    return NULL;
}

error events_transaction(struct call *call, struct events *events,
                         error (*work)(struct db_unit *unit, void *argument), void *argument)
{
    TRY(db_transaction(call, events->db, work, argument));
    events_wake(events);
    return NULL;
}
