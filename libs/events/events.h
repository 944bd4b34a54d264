/* The event store: what happened is appended, the state is read from it. One store lies in the database of one
 * service, in the tables of apps/order-service/migrations/001_events.sql. aggregate.h says what an aggregate is.
 *
 *     static error cancel_in_unit(struct db_unit *unit, void *argument)
 *     {
 *         struct cancel *job = argument;
 *         struct order order;
 *         struct status_changed event;
 *         int64_t version;
 *
 *         TRY(events_load_in(unit, &order_aggregate, job->id, EVENTS_NEWEST, &order, &version));
 *         TRY(decide_status(&order, CANCELLED, &event));
 *         return events_append_in(unit, job->events, &(struct events_append){
 *             .aggregate = &order_aggregate, .stream_id = job->id, .expected = version, .state = &order,
 *             .about = &job->about, EVENTS(IN(status_changed, &event)) });
 *     }
 *
 *     job.about = events_about(call);
 *     TRY(events_transaction(call, events, cancel_in_unit, &job));
 *
 * A unit of work sees all events of the units before it, so loading, deciding and appending in one unit
 * never conflicts. Who loads outside of a unit, or has a version from a client, appends at that version, and
 * EVENTS_CONFLICT says that somebody was faster. There are no snapshots: they pay for streams of hundreds of
 * events, and a stream here is bounded (EVENTS_STREAM_MAX) and short.
 *
 * Projections are tables that are written in the transaction of the append. Subscribers get events after they were
 * committed: at least once, in the order of each stream. What they do with it happens once when they note the
 * event in their inbox in the transaction of its effect. */
#pragma once

#include "database/database.h"
#include "events/aggregate.h"

enum {
    EVENTS_APPEND_MAX = 100,         /* events in one append */
    EVENTS_STREAM_MAX = DB_ROWS_MAX, /* events in one stream; more are refused with a 409 */
    EVENTS_SUBSCRIBERS_MAX = 16,
    EVENTS_LANES_MAX = 64,
    EVENTS_PARKED_MAX = 1000, /* streams that one subscriber may have waiting */
    EVENTS_ATTEMPTS_MAX = 20, /* then the event is a dead letter */
    EVENTS_REFUSALS_MAX =
        3, /* the same, when the handler's answer is a 4xx that no time will change */
    EVENTS_RETRY_FIRST_MS = 100, /* before the second attempt; doubles, with jitter, up to */
    EVENTS_RETRY_MAX_MS = 5 * 60 * 1000,
    EVENTS_HANDLER_TIMEOUT_MS = 10 * 1000,
    EVENTS_INBOX_MAX = 100 * 1000, /* newest entries of an inbox table that are kept */
};

#define EVENTS_NEWEST INT64_MAX /* as a version: all events */

struct events; /* the store */

extern const struct error EVENTS_CONFLICT;  /* 409: the stream has another version than expected */
extern const struct error EVENTS_NO_STREAM; /* 404: it has no events, or not that many */

/* --- projections --------------------------------------------------------------------------------- */

/* Tables that are written in the append's transaction:
 *
 *     #define ORDER_ROWS(ON)                                             \
 *         ON("order.created",       insert_order,  order_created)        \
 *         ON("order.statusChanged", update_status, status_changed)
 *     PROJECTION(order_rows, "orders", &order_aggregate, ORDER_ROWS,
 *                { "orders", "id" }, { "payments", "order_id" });
 *
 *     static error insert_order(struct db_unit *unit, const struct recorded *event,
 *                               const struct order_created *data);
 *
 * A projection is a function of the events: it uses neither the clock nor anything else. Each row of its tables
 * belongs to one stream, whose id stands in the named column, which has an index. So it is rebuilt and verified
 * stream by stream. */
struct projection_row {
    const char *type; /* NULL ends a table */
    const struct schema *(*schema)(void);
    error (*project)(struct db_unit *unit, const struct recorded *event, const void *data);
};

struct projection_table {
    const char *name;   /* NULL ends a table */
    const char *stream; /* the column with the stream's id */
};

struct projection {
    const char *name; /* for `rebuild` */
    const struct aggregate *aggregate;
    const struct projection_row *rows;
    const struct projection_table *tables; /* a table that refers to another stands after it */
};

#define PROJECTION(symbol, text, of, LIST, ...)                                              \
    LIST(EVENTS_PROJECT_)                                                                    \
    static const struct projection_row symbol##_rows[] = { LIST(EVENTS_PROJECT_ROW_){ 0 } }; \
    static const struct projection_table symbol##_tables[] = { __VA_ARGS__, { 0 } };         \
    const struct projection symbol = { text, of, symbol##_rows, symbol##_tables }

#define EVENTS_PROJECT_(text, function, tag)                                            \
    static error function(struct db_unit *unit, const struct recorded *event,           \
                          const struct tag *data);                                      \
    static error function##_untyped(struct db_unit *unit, const struct recorded *event, \
                                    const void *data)                                   \
    {                                                                                   \
        return function(unit, event, data);                                             \
    }

#define EVENTS_PROJECT_ROW_(text, function, tag) { text, tag##_schema, function##_untyped },

/* --- the store ----------------------------------------------------------------------------------- */

struct events_options {
    struct db *db; /* migrated; stays the caller's, and open until events_close */
    const struct aggregate *const *aggregates;   /* ended by NULL */
    const struct projection *const *projections; /* ended by NULL; or NULL */
};

/* Checks the tables (events_check, and that each projection's rows have the structs of its aggregate). The store
 * lies in `arena`, which lives until after events_close. */
error events_open(struct arena *arena, const struct events_options *options, struct events **out);

/* Ends the subscribers, waiting for the handlers that run (their calls are cancelled). NULL is fine, and so is a second
 * time. */
void events_close(struct call *call, struct events *events);

/* Where an event comes from; goes into its metadata. */
struct events_about {
    str trace;  /* at == NULL: none */
    str cause;  /* what led to it: the id of an event or of a command; at == NULL: none */
    uuid actor; /* nil: none */
};

/* The call's trace and identity, in the call's arena. For an event that a handler of another event causes,
 * set `cause` to that one's id as text. */
struct events_about events_about(const struct call *call);

/* Events to append at once, all or none. */
struct events_append {
    const struct aggregate *aggregate;
    uuid stream_id;
    int64_t expected;                 /* version that the stream has; 0: it has no event */
    void *state;                      /* gets the events applied; or NULL */
    const struct events_about *about; /* or NULL */
    const struct schema_in *events;   /* each of a struct that the aggregate knows (asserted) */
    size_t count;                     /* 1 to EVENTS_APPEND_MAX */
};

/* The members `events` and `count`: EVENTS(IN(status_changed, &event), IN(…)). */
#define EVENTS(...)                                      \
    .events = (const struct schema_in[]){ __VA_ARGS__ }, \
    .count = sizeof((const struct schema_in[]){ __VA_ARGS__ }) / sizeof(struct schema_in)

/* Appends in a unit of work and runs the projections. EVENTS_CONFLICT when the stream has another version;
 * the unit is undone when it returns an error, as any unit is. Texts of the state point into the structs that
 * were appended. */
error events_append_in(struct db_unit *unit, struct events *events,
                       const struct events_append *append);

/* The same as a unit of its own. */
error events_append(struct call *call, struct events *events, const struct events_append *append);

/* db_transaction for units that append: wakes the subscribers when it is committed. */
error events_transaction(struct call *call, struct events *events,
                         error (*work)(struct db_unit *unit, void *argument), void *argument);

/* Reads the stream's state as it was after its event number `version` (EVENTS_NEWEST: now) into `state`, and the
 * version it has then into `*read_version` (or NULL). EVENTS_NO_STREAM when it has no events or, but for
 * EVENTS_NEWEST, fewer; version 0 is the empty state. Texts lie in the call's (the unit's) arena. */
error events_load(struct call *call, struct events *events, const struct aggregate *aggregate,
                  uuid stream_id, int64_t version, void *state, int64_t *read_version);
error events_load_in(struct db_unit *unit, const struct aggregate *aggregate, uuid stream_id,
                     int64_t version, void *state, int64_t *read_version);

/* All events of a stream, oldest first, in the call's arena; their data in today's shape where the type is
 * known, else as they were recorded. EVENTS_NO_STREAM when there are none. */
error events_history(struct call *call, struct events *events, const struct aggregate *aggregate,
                     uuid stream_id, struct recorded **out, size_t *count);

/* The event at that position of the store, as it was recorded, in the call's arena. EVENTS_NO_STREAM when there is none. */
error events_find(struct call *call, struct events *events, int64_t position, struct recorded *out);

/* --- subscribers --------------------------------------------------------------------------------- */

/*     #define ORDER_LISTENERS(ON)                                        \
 *         ON("order.created",       add_order,     order_created)        \
 *         ON("order.statusChanged", change_status, status_changed)
 *     SUBSCRIPTIONS(order_listeners, ORDER_LISTENERS);
 *
 *     static error add_order(struct call *call, const struct recorded *event,
 *                            const struct order_created *data);
 *
 * The data come in today's shape. A table may lie in the service that listens; its structs are those of the
 * contract, which the aggregate uses, too. */
struct subscription {
    const char *type; /* NULL ends a table */
    const struct schema *(*schema)(void);
    error (*handle)(struct call *call, const struct recorded *event, const void *data);
};

#define SUBSCRIPTIONS(symbol, LIST) \
    LIST(EVENTS_HANDLE_)            \
    const struct subscription symbol[] = { LIST(EVENTS_HANDLE_ROW_){ 0 } }

#define EVENTS_HANDLE_(text, function, tag)                                          \
    static error function(struct call *call, const struct recorded *event,           \
                          const struct tag *data);                                   \
    static error function##_untyped(struct call *call, const struct recorded *event, \
                                    const void *data)                                \
    {                                                                                \
        return function(call, event, data);                                          \
    }

#define EVENTS_HANDLE_ROW_(text, function, tag) { text, tag##_schema, function##_untyped },

struct subscriber {
    const char *name;                /* of its checkpoint; for ever */
    const struct subscription *rows; /* types that are not in it are passed over; or NULL, and */
    /* … then `relay` takes every event, of unknown types too, to a consumer elsewhere. An error is the consumer's own when
     * `*answered` is set; otherwise the consumer could not be asked. */
    error (*relay)(struct call *call, const struct recorded *event, void *cookie, bool *answered);
    void *cookie;
    void *service;  /* `call->service` of the handlers' calls */
    unsigned lanes; /* streams that are handled at the same time; 0: 1, and all events in order */
    bool from_now;  /* without a checkpoint it begins after the newest event, not with the first */
};

/* Starts a fiber that delivers all events after the subscriber's checkpoint, from the first one if it has none,
 * and then those that are committed. It is woken by commits of this process and does not poll.
 *
 * A handler has EVENTS_HANDLER_TIMEOUT_MS. When it fails, its stream is parked: tried again after a delay that
 * doubles, with jitter, while the other streams go on and the later events of this one wait behind it. What is
 * parked is durable. After EVENTS_ATTEMPTS_MAX attempts it is a dead letter, which waits for events_retry or events_skip.
 * With EVENTS_PARKED_MAX parked streams the subscriber stops until one has gone through. While a consumer elsewhere is
 * away, its events wait in the store and no attempt is counted. `subscriber` is copied, its tables are not. */
error events_subscribe(struct call *call, struct events *events,
                       const struct subscriber *subscriber);

/* Makes the subscribers look for events: for commits by other means than this file's. */
void events_wake(struct events *events);

/* Waits until the subscriber has seen every event that is committed now (parked ones count as seen). */
error events_catch_up(struct call *call, struct events *events, const char *subscriber);

/* A stream that waits for its handler. */
struct events_parked {
    str subscriber;
    uuid stream_id;
    int64_t position; /* of the event that failed */
    int64_t attempts;
    timestamp retry_at; /* 0: not before events_retry */
    str failure;        /* what the last attempt answered */
};

/* All that is parked, oldest event first. */
error events_parked(struct call *call, struct events *events, struct events_parked **out,
                    size_t *count);

/* Has a dead letter (subscriber and stream_id of `which`) tried again, with its attempts counted anew, or leaves its
 * event out and goes on with the stream's next. A subscriber in another process notices within seconds. 404 when it is
 * none. */
error events_retry(struct call *call, struct events *events, const struct events_parked *which);
error events_skip(struct call *call, struct events *events, const struct events_parked *which);

/* A consumer elsewhere has been heard of: what waits for it is tried now. */
void events_present(struct events *events, const char *subscriber);

/* How a subscriber fares. */
struct events_status {
    const char *subscriber;
    int64_t waiting;     /* events that it has not had */
    size_t parked, dead; /* streams; the dead are among the parked */
    uint64_t still_ms;   /* since the last was handled or parked, when some wait */
    uint64_t away_ms;    /* since the consumer could not be asked; 0: it could */
    const char *why;     /* it could not, or NULL */
    uint64_t delivered;  /* attempts that succeeded, since events_subscribe */
    uint64_t failed;     /* and that did not */
};

/* Of all subscribers of the store, in the call's arena; the texts until the line's next attempt. */
error events_status(struct call *call, struct events *events, struct events_status **out,
                    size_t *count);

struct events_counts {
    uint64_t delivered; /* to handlers that succeeded */
    uint64_t failed;    /* attempts that did not */
    uint64_t parked;    /* streams that wait now */
};

struct events_counts events_counts(const struct events *events);

/* In the consumer's database (table `inbox`, apps/user-service/migrations), in the transaction of the effect:
 * `*first` is false when the event has had its effect. Keeps the newest EVENTS_INBOX_MAX entries, which is many
 * times what can be delivered again. */
error events_inbox(struct db_unit *unit, const char *consumer, uuid event_id, bool *first);

/* --- rebuild and verify -------------------------------------------------------------------------- */

struct events_progress {
    const char *projection;
    uint64_t streams, events; /* done */
    uint64_t total;           /* events in the store when it began */
};

/* Writes the projection of that name (NULL: all) anew from the events, stream by stream, each in one
 * transaction with its old rows' removal: readers see a stream's old rows or its new ones, and writers go on
 * meanwhile. Rows of streams that have no events go, too. 404 for an unknown name. `report` (or NULL) is called
 * now and then, on the fiber. Deadline: the call's. */
struct events_rebuild {
    const char *projection;
    void (*report)(void *cookie, const struct events_progress *progress);
    void *cookie;
};

error events_rebuild(struct call *call, struct events *events,
                     const struct events_rebuild *rebuild);

/* Hands every event of the store to a consumer's rows once more, with `again` set, the events of each stream in their
 * order, many streams at the same time. The subscriber of that name may run meanwhile, here or elsewhere: what the rows do
 * is to depend on `event->version`, so that the newest event counts whoever brings it. A handler that fails ends it. */
struct events_redelivery {
    const struct subscription *rows;
    void *service; /* `call->service` of the handlers */
    void (*report)(void *cookie, const struct events_progress *progress);
    void *cookie;
};

error events_redeliver(struct call *call, struct events *events,
                       const struct events_redelivery *redelivery);

/* What events_verify found. */
struct events_verified {
    uint64_t streams, events;
    uint64_t unknown; /* events of types that no aggregate knows: kept, no problem */
    uint64_t
        problems; /* gaps, unreadable events, streams whose rows are not their replay, orphans */
};

/* Checks that every stream is 1, 2, … without a gap and every event readable, and that the rows of every projection
 * are what a replay gives; also while writers run. `problem` (or NULL) gets a line for each. Changes nothing. */
struct events_verify {
    void (*problem)(void *cookie, const char *text);
    void *cookie;
};

error events_verify(struct call *call, struct events *events, const struct events_verify *verify,
                    struct events_verified *out);
