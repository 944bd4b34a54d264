/* Reads by key on the loop, and units of work that are durable one by one, by how many fibers write.
 *
 * usage: database-database_bench [SECONDS]     (a store in the current directory, removed afterwards) */
#include "database/database.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIBERS_MAX = 256, ROWS = 10000 };

static const char path[] = "database_bench.db";

struct bench {
    struct db *db;
    struct arena *arena;
    uint64_t end_ns, next;
    unsigned running;
    struct wait ended;
};

struct event {
    int64_t id, version;
    str stream, data;
};
static SCHEMA(event, FIELD(id), FIELD(version), FIELD(stream), FIELD(data));

static void must(error e)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s\n", e->message, e->cause ? e->cause->message : "");
    exit(1);
}

static struct event event_of(uint64_t number)
{
    return (struct event){ .id = (int64_t)number,
                           .version = (int64_t)number,
                           .stream = STR("0190a7e2-7b4e-7000-8000-000000000001"),
                           .data = STR("{\"status\":\"paid\",\"total\":129.5}") };
}

static void write_until_end(void *argument)
{
    struct bench *bench = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    while (clock_ns() < bench->end_ns) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);
        struct event event = event_of(bench->next++);

        must(db_write(&call, bench->db, IN(event, &event),
                      "INSERT INTO events VALUES (:id, :version, :stream, :data)"));
        arena_reset(arena);
    }
    arena_free(arena);
    if (--bench->running == 0)
        wait_done(&bench->ended);
}

static void bench_writes(struct bench *bench, unsigned fibers, uint64_t seconds)
{
    struct call call = call_new(bench->arena, 3600 * 1000);
    struct db_counts before = db_counts(bench->db);
    uint64_t begin_ns = clock_ns();

    bench->end_ns = begin_ns + seconds * 1000000000u;
    bench->running = fibers;
    bench->ended = (struct wait){ 0 };
    for (unsigned i = 0; i < fibers; i++)
        must(fiber_start(write_until_end, bench));
    must(call_wait(&call, &bench->ended));
    double took = (double)(clock_ns() - begin_ns) / 1e9;
    struct db_counts after = db_counts(bench->db);

    printf("%3u fibers: %8.0f units/s  %6.0f commits/s\n", fibers,
           (double)(after.units - before.units) / took,
           (double)(after.commits - before.commits) / took);
}

static void bench_reads(struct bench *bench, uint64_t seconds)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    uint64_t begin_ns = clock_ns(), end_ns = begin_ns + seconds * 1000000000u, count = 0;

    while (clock_ns() < end_ns) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);
        struct event in = event_of(count * 7919 % ROWS), out = { 0 };

        must(db_one(&call, bench->db, IN(event, &in), OUT(event, &out),
                    "SELECT * FROM events WHERE id = :id"));
        arena_reset(arena);
        count++;
        clock_update();
    }
    printf("by key:     %8.0f reads/s\n", (double)count * 1e9 / (double)(clock_ns() - begin_ns));
    arena_free(arena);
}

static void fill(struct bench *bench)
{
    struct call call = call_new(bench->arena, 3600 * 1000);

    must(db_write(&call, bench->db, NO_INPUT,
                  "CREATE TABLE events (id INTEGER PRIMARY KEY, version INTEGER, stream TEXT,"
                  " data TEXT, UNIQUE (stream, version))"));
    must(db_write(&call, bench->db, NO_INPUT,
                  "INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL"
                  " SELECT i + 1 FROM n WHERE i < 9999)"
                  " SELECT i, i, 'x', '{\"status\":\"paid\",\"total\":129.5}' FROM n"));
    bench->next = ROWS;
}

static void run(void *argument)
{
    static const unsigned fibers[] = { 1, 4, 16, 64, FIBERS_MAX };
    uint64_t seconds = *(const uint64_t *)argument;
    struct bench bench = { .arena = arena_new(ARENA_CALL_MAX) };

    must(db_open(bench.arena, "sqlite:database_bench.db", &bench.db));
    fill(&bench);
    bench_reads(&bench, seconds);
    for (size_t i = 0; i < sizeof fibers / sizeof fibers[0]; i++)
        bench_writes(&bench, fibers[i], seconds);
    db_close(bench.db);
    arena_free(bench.arena);
}

int main(int argc, char **argv)
{
    uint64_t seconds = 2;

    if (argc > 1 && !str_to_uint(str_of(argv[1]), 3600, &seconds))
        return 2;
    unlink(path);
    must(loop_init());
    must(fiber_run_all(run, &seconds));
    unlink(path);
    return 0;
}
