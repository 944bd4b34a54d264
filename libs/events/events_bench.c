/* What the event store does in a second: appends by how many fibers, delivery to a subscriber, rebuilding and
 * verifying.
 *
 * usage: events_bench [STREAMS]     (a store in the current directory, removed afterwards) */
#include "events/events.h"

#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FIBERS_MAX = 256, SECONDS = 2, PER_UNIT = 20, LIMIT_MS = 3600 * 1000 };

extern const struct embedded_file order_service_migrations[];

static const char path[] = "events_bench.db";
static const char url[] = "sqlite:events_bench.db";

/* An order as simple as it gets: created with one item, then paid, shipped and delivered. */
struct ticket {
    str status;
};
struct ticket_created {
    uuid user_id;
    str product_id, name, currency;
    int64_t quantity;
    money total;
    timestamp created_at;
};
struct ticket_changed {
    str previous_status, new_status;
    timestamp changed_at;
};
static SCHEMA(ticket_created,
              FIELD(user_id),
              FIELD(product_id),
              FIELD(name),
              FIELD(currency),
              FIELD(quantity),
              FIELD(total),
              FIELD(created_at));
static SCHEMA(ticket_changed, FIELD(previous_status), FIELD(new_status), FIELD(changed_at));

#define TICKET_EVENTS(ON, ...)                                       \
    ON("ticket.created", ticket_created, apply_created, __VA_ARGS__) \
    ON("ticket.changed", ticket_changed, apply_changed, __VA_ARGS__)
AGGREGATE(ticket, TICKET_EVENTS);

#define TICKET_ROWS(ON)                                 \
    ON("ticket.created", insert_ticket, ticket_created) \
    ON("ticket.changed", update_ticket, ticket_changed)
PROJECTION(ticket_rows, "tickets", &ticket_aggregate, TICKET_ROWS, { "tickets", "id" });

#define TICKET_LISTENERS(ON) ON("ticket.created", count_ticket, ticket_created)
SUBSCRIPTIONS(ticket_listeners, TICKET_LISTENERS);

static const char tickets_sql[] =
    "CREATE TABLE tickets (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, status TEXT NOT "
    "NULL,"
    " total INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX tickets_by_user ON tickets (user_id, created_at, id);";

static void apply_created(struct ticket *state, const struct ticket_created *data,
                          const struct recorded *event)
{
    (void)data, (void)event;
    state->status = STR("PENDING");
}

static void apply_changed(struct ticket *state, const struct ticket_changed *data,
                          const struct recorded *event)
{
    (void)event;
    state->status = data->new_status;
}

struct ticket_row {
    uuid id, user_id;
    str status;
    money total;
    int64_t version;
    timestamp created_at;
};
static SCHEMA(ticket_row,
              FIELD(id),
              FIELD(user_id),
              FIELD(status),
              FIELD(total),
              FIELD(version),
              FIELD(created_at));

static error insert_ticket(struct db_unit *unit, const struct recorded *event,
                           const struct ticket_created *data)
{
    struct ticket_row row = { .id = event->stream_id,
                              .user_id = data->user_id,
                              .status = STR("PENDING"),
                              .total = data->total,
                              .version = event->version,
                              .created_at = data->created_at };

    return db_unit_run(unit, IN(ticket_row, &row),
                       "INSERT INTO tickets VALUES (:id, :user_id, :status, :total, :version,"
                       " :created_at)");
}

static error update_ticket(struct db_unit *unit, const struct recorded *event,
                           const struct ticket_changed *data)
{
    struct ticket_row row = { .id = event->stream_id,
                              .status = data->new_status,
                              .version = event->version };

    return db_unit_run(unit, IN(ticket_row, &row),
                       "UPDATE tickets SET status = :status, version = :version WHERE id = :id");
}

/* --- the bench ----------------------------------------------------------------------------------- */

struct bench {
    struct db *db;
    struct events *events;
    struct arena *arena;
    uint64_t end_ns, appended, heard;
    unsigned running;
    struct wait ended;
};

static error count_ticket(struct call *call, const struct recorded *event,
                          const struct ticket_created *data)
{
    struct bench *bench = call->service;

    (void)event, (void)data;
    bench->heard++;
    return NULL;
}

static void must(error e)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s\n", e->message, e->cause ? e->cause->message : "");
    exit(1);
}

static double seconds_since(uint64_t begin_ns)
{
    return (double)(clock_ns() - begin_ns) / 1e9;
}

/* Of all threads: what is left of the figures when the machine is busy with other things. */
static double cpu_since(clock_t begin)
{
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

static struct ticket_created created(void)
{
    return (struct ticket_created){ .user_id = random_uuid(),
                                    .product_id = STR("sku-1001"),
                                    .name = STR("Enamel mug"),
                                    .currency = STR("RON"),
                                    .quantity = 2,
                                    .total = { 12950 },
                                    .created_at = clock_now() };
}

static void append_until_end(void *argument)
{
    struct bench *bench = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    while (clock_ns() < bench->end_ns) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);
        struct ticket_created data = created();

        must(events_append(&call, bench->events,
                           &(struct events_append){ .aggregate = &ticket_aggregate,
                                                    .stream_id = random_uuid(),
                                                    EVENTS(IN(ticket_created, &data)) }));
        bench->appended++;
        arena_reset(arena);
    }
    arena_free(arena);
    if (--bench->running == 0)
        wait_done(&bench->ended);
}

static void bench_appends(struct bench *bench, unsigned fibers)
{
    struct call call = call_new(bench->arena, LIMIT_MS);
    uint64_t begin_ns = clock_ns(), before = db_counts(bench->db).commits;

    bench->end_ns = begin_ns + SECONDS * 1000000000u;
    bench->running = fibers;
    bench->appended = 0;
    bench->ended = (struct wait){ 0 };
    for (unsigned i = 0; i < fibers; i++)
        must(fiber_start(append_until_end, bench));
    must(call_wait(&call, &bench->ended));
    double took = seconds_since(begin_ns);

    printf("%3u fibers: %8.0f appends/s %7.0f commits/s\n", fibers, (double)bench->appended / took,
           (double)(db_counts(bench->db).commits - before) / took);
}

/* PER_UNIT streams of four events. */
static error fill_in_unit(struct db_unit *unit, void *argument)
{
    struct bench *bench = argument;
    struct ticket_changed paid = { STR("PENDING"), STR("PAID"), clock_now() };
    struct ticket_changed shipped = { STR("PAID"), STR("SHIPPED"), clock_now() };
    struct ticket_changed delivered = { STR("SHIPPED"), STR("DELIVERED"), clock_now() };

    for (int i = 0; i < PER_UNIT; i++) {
        struct ticket_created data = created();

        TRY(events_append_in(
            unit, bench->events,
            &(struct events_append){ .aggregate = &ticket_aggregate,
                                     .stream_id = random_uuid(),
                                     EVENTS(IN(ticket_created, &data), IN(ticket_changed, &paid),
                                            IN(ticket_changed, &shipped),
                                            IN(ticket_changed, &delivered)) }));
    }
    return NULL;
}

static void fill(struct bench *bench, uint64_t streams)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    uint64_t begin_ns = clock_ns();

    for (uint64_t i = 0; i < streams; i += PER_UNIT) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);

        clock_update();
        must(events_transaction(&call, bench->events, fill_in_unit, bench));
        arena_reset(arena);
    }
    printf("four by four: %8.0f events/s\n", (double)streams * 4 / seconds_since(begin_ns));
    arena_free(arena);
}

static void note(void *cookie, const struct events_progress *progress)
{
    *(struct events_progress *)cookie = *progress;
}

static void bench_rebuild(struct bench *bench, const char *what)
{
    struct call call = call_new(bench->arena, LIMIT_MS);
    struct events_progress progress = { 0 };
    uint64_t begin_ns = clock_ns();
    clock_t begin = clock();

    must(events_rebuild(&call, bench->events,
                        &(struct events_rebuild){ .report = note, .cookie = &progress }));
    double events = (double)progress.events;

    printf("rebuild, %s: %8.0f events/s, %8.0f a CPU second (%.0f events)\n", what,
           events / seconds_since(begin_ns), events / cpu_since(begin), events);
}

static void print_problem(void *cookie, const char *text)
{
    (void)cookie;
    printf("%s\n", text);
}

static void bench_verify(struct bench *bench)
{
    struct call call = call_new(bench->arena, LIMIT_MS);
    struct events_verified verified;
    uint64_t begin_ns = clock_ns();

    must(events_verify(&call, bench->events, &(struct events_verify){ print_problem, NULL },
                       &verified));
    printf("verify: %8.0f events/s, %llu problems\n",
           (double)verified.events / seconds_since(begin_ns),
           (unsigned long long)verified.problems);
}

static void bench_subscriber(struct bench *bench)
{
    struct call call = call_new(bench->arena, LIMIT_MS);
    const struct subscriber subscriber = { .name = "bench",
                                           .rows = ticket_listeners,
                                           .service = bench };
    uint64_t begin_ns = clock_ns();

    must(events_subscribe(&call, bench->events, &subscriber));
    must(events_catch_up(&call, bench->events, "bench"));
    printf("deliver: %8.0f handled events/s\n", (double)bench->heard / seconds_since(begin_ns));
    events_close(&call, bench->events);
}

static void open_store(struct bench *bench)
{
    static const struct aggregate *const aggregates[] = { &ticket_aggregate, NULL };
    static const struct projection *const projections[] = { &ticket_rows, NULL };
    const struct embedded_file migrations[] = {
        order_service_migrations[0],
        { "tickets.sql", (const unsigned char *)tickets_sql, sizeof tickets_sql - 1 },
        { 0 },
    };
    struct call call = call_new(bench->arena, LIMIT_MS);

    must(db_open(bench->arena, url, &bench->db));
    must(db_migrate(&call, bench->db, migrations));
    must(events_open(bench->arena, &(struct events_options){ bench->db, aggregates, projections },
                     &bench->events));
}

static void run(void *argument)
{
    static const unsigned fibers[] = { 1, 16, 64, FIBERS_MAX };
    struct bench bench = { .arena = arena_new(ARENA_CALL_MAX) };
    struct call call = call_new(bench.arena, LIMIT_MS);

    open_store(&bench);
    for (size_t i = 0; i < sizeof fibers / sizeof fibers[0]; i++)
        bench_appends(&bench, fibers[i]);
    fill(&bench, *(const uint64_t *)argument);
    bench_rebuild(&bench, "over what is there");
    must(db_write(&call, bench.db, NO_INPUT, "DELETE FROM tickets"));
    bench_rebuild(&bench, "of an empty table");
    bench_verify(&bench);
    bench_subscriber(&bench);
    db_close(bench.db);
    arena_free(bench.arena);
}

static void remove_store(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[64];

        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

int main(int argc, char **argv)
{
    uint64_t streams = 200 * 1000;

    if (argc > 1 && !str_to_uint(str_of(argv[1]), 100 * 1000 * 1000, &streams))
        return 2;
    remove_store();
    must(loop_init());
    must(fiber_run_all(run, &streams));
    remove_store();
    return 0;
}
