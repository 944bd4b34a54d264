/* The public verbs. A store is chosen by the scheme of its URL; this file and the field tables know no
 * SQLite beyond that: `db_open` makes a reader and a committer, reading verbs go to the one and writing
 * verbs to the other. A second kind of store takes their two places. */
#include "database/database.h"

#include "database/committer.h"
#include "database/errors.h"
#include "database/snapshot.h"
#include "database/statement.h"
#include "runtime/clock.h"

#include <string.h>

enum {
    LIMIT_MS_MAX = 24 * 3600 * 1000, /* a deadline further away is none */
};

const struct error DB_NO_ROW = ERROR(404, "Not found");

/* In the arena of db_open, so that a call that comes after db_close still finds it. */
struct db {
    struct connection *reader;
    struct snapshot snapshot; /* of the reader */
    struct committer committer;
};

/* Only the scheme is repeated in an error: the rest of a URL may hold a password. */
static error path_of(struct arena *arena, str url, str *path)
{
    str scheme = str_slice(url, 0, str_find(url, ':'));
    str rest = str_slice(url, scheme.len + 1, url.len);

    if (scheme.len == url.len)
        return error_new(arena, 500,
                         "A store's URL begins with a scheme, as in sqlite:path/to/file");
    if (!str_is(scheme, "sqlite"))
        return error_new(arena, 500,
                         "Stores of the scheme %.*s: are not supported, only sqlite:path",
                         STR_ARG(scheme));
    if (rest.len == 0 || str_starts_with(rest, STR("//")) || str_is(rest, ":memory:"))
        return error_new(arena, 500, "'%.*s' names no file, as sqlite:path/to/file does",
                         STR_ARG(url));
    /* With a dot in front SQLite cannot take a relative path for anything else. */
    *path = arena_printf(arena, "%s%.*s", rest.at[0] == '/' ? "" : "./", STR_ARG(rest));
    return path->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* The writer comes first: it makes the file what the reader expects. */
static error open_both(struct arena *arena, const char *path, struct db *db)
{
    struct connection *writer;

    TRY(db_connection_open(arena, path, DB_WRITER, &writer));
    error why = db_connection_open(arena, path, DB_READER, &db->reader);

    if (!why)
        why = db_snapshot_init(&db->snapshot, arena, db->reader);
    if (!why)
        why = db_committer_start(arena, writer, &db->committer);
    if (why)
        db_connection_close(writer);
    return why;
}

error db_open(struct arena *arena, const char *url, struct db **out)
{
    struct db *db = ARENA_NEW(arena, struct db);
    str path = { NULL, 0 };

    if (!db)
        return &ERROR_OUT_OF_MEMORY;
    TRY(path_of(arena, str_of(url), &path));
    error why = open_both(arena, path.at, db);

    if (why) {
        db_close(db);
        return why;
    }
    *out = db;
    return NULL;
}

/* The committer comes last, since whoever closes last tidies up the write-ahead log. */
void db_close(struct db *db)
{
    if (!db)
        return;
    db_snapshot_free(&db->snapshot);
    db_connection_close(db->reader);
    db->reader = NULL;
    db_committer_stop(&db->committer);
}

struct db_counts db_counts(struct db *db)
{
    return db_committer_counts(&db->committer);
}

static uint64_t limit_ns(uint64_t left_ms)
{
    return clock_ns() + (left_ms < LIMIT_MS_MAX ? left_ms : LIMIT_MS_MAX) * 1000000;
}

/* Gives the reader its time; end_read must follow. */
static error begin_read(struct call *call, struct db *db)
{
    uint64_t left_ms = call_left_ms(call);

    TRY(call_check(call));
    if (!db->reader)
        return &DB_CLOSED;
    db->reader->until_ns = limit_ns(left_ms < DB_READ_MAX_MS ? left_ms : DB_READ_MAX_MS);
    db_snapshot_begin(&db->snapshot);
    return NULL;
}

/* An interrupted read either met the call's deadline, or it would have kept the loop from all others. */
static error end_read(struct call *call, struct db *db, const char *sql, error why)
{
    db->reader->until_ns = UINT64_MAX;
    if (why != &ERROR_DEADLINE)
        return why;
    clock_update();
    if (call_left_ms(call) == 0)
        return why;
    return db_internal_error(call->arena, "a read took more than %d ms: %s", DB_READ_MAX_MS, sql);
}

static struct db_query query_of(struct call *call, struct db *db, struct schema_in in,
                                const char *sql)
{
    return (struct db_query){ db->reader, call->arena, sql, in };
}

error db_one(struct call *call, struct db *db, struct schema_in in, struct schema_out out,
             const char *sql)
{
    TRY(begin_read(call, db));
    struct db_query query = query_of(call, db, in, sql);

    return end_read(call, db, sql, db_query_one(&query, out));
}

error db_all(struct call *call, struct db *db, struct schema_in in, struct db_rows out,
             const char *sql)
{
    TRY(begin_read(call, db));
    struct db_query query = query_of(call, db, in, sql);

    return end_read(call, db, sql, db_query_all(&query, out));
}

error db_ping(struct call *call, struct db *db)
{
    static const char sql[] = "SELECT 1";
    int64_t changes;

    TRY(begin_read(call, db));
    struct db_query query = query_of(call, db, NO_INPUT, sql);

    return end_read(call, db, sql, db_query_run(&query, &changes));
}

error db_transaction(struct call *call, struct db *db,
                     error (*work)(struct db_unit *unit, void *argument), void *argument)
{
    struct db_unit unit = { .work = work, .argument = argument, .arena = call->arena };

    TRY(call_check(call));
    unit.until_ns = limit_ns(call_left_ms(call));
    error why = db_committer_run(call, &db->committer, &unit);

    db_snapshot_end(&db->snapshot);
    return why;
}

struct write {
    struct schema_in in;
    struct schema_out out;
    const char *sql;
};

static error run_write(struct db_unit *unit, void *argument)
{
    const struct write *write = argument;

    return db_unit_run(unit, write->in, write->sql);
}

static error run_write_one(struct db_unit *unit, void *argument)
{
    const struct write *write = argument;

    return db_unit_one(unit, write->in, write->out, write->sql);
}

error db_write(struct call *call, struct db *db, struct schema_in in, const char *sql)
{
    struct write write = { .in = in, .sql = sql };

    return db_transaction(call, db, run_write, &write);
}

/* The row goes to `out` once it is committed. */
error db_write_one(struct call *call, struct db *db, struct schema_in in, struct schema_out out,
                   const char *sql)
{
    void *record = arena_alloc(call->arena, out.schema->size);
    struct write write = { .in = in, .out = { out.schema, record }, .sql = sql };

    if (!record)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(record, out.value, out.schema->size);
    TRY(db_transaction(call, db, run_write_one, &write));
    memcpy(out.value, record, out.schema->size);
    return NULL;
}
