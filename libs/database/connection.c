#include "database/connection.h"

#include "database/errors.h"
#include "database/statement.h"
#include "runtime/clock.h"
#include "runtime/file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    READ_BUSY_MS = 100,    /* a reader waits for another process that recovers or closes the file */
    WRITE_BUSY_MS = 3000,  /* the committer waits for another process that writes */
    CLOCK_OPCODES = 4096,  /* of SQLite's machine between looks at the clock: well under 1 ms */
    MESSAGE_SQL_MAX = 200, /* bytes of a statement that an error quotes */
};

/* Page caches are bounded in KiB. What a query sorts stays in memory: a container may have no directory
 * for temporary files. */
static const char *const both_settings = "PRAGMA foreign_keys=ON;"
                                         "PRAGMA cell_size_check=ON;"
                                         "PRAGMA trusted_schema=OFF;"
                                         "PRAGMA temp_store=MEMORY;"
                                         "PRAGMA cache_size=-4096;";
static const char *const role_settings[] = {
    [DB_READER] = "PRAGMA query_only=ON;",
    [DB_WRITER] = "PRAGMA synchronous=FULL;"
                  "PRAGMA journal_size_limit=16777216;",
};

static error unusable(struct arena *arena, const struct connection *connection, const char *path)
{
    const char *why = connection->handle ? sqlite3_errmsg(connection->handle) : "out of memory";

    return error_new(arena, 500, "The store '%s' cannot be opened: %s", path, why);
}

static int past_limit(void *argument)
{
    const struct connection *connection = argument;

    return clock_ns() >= connection->until_ns;
}

/* A unit must not end the transaction that it shares with others. */
static int authorize(void *argument, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    const struct connection *connection = argument;

    (void)a, (void)b, (void)c, (void)d;
    if (connection->in_unit && (action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT))
        return SQLITE_DENY;
    return SQLITE_OK;
}

static void restrict_handle(struct connection *connection, enum db_role role)
{
    sqlite3 *handle = connection->handle;

    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, role == DB_READER ? READ_BUSY_MS : WRITE_BUSY_MS);
    sqlite3_progress_handler(handle, CLOCK_OPCODES, past_limit, connection);
    sqlite3_set_authorizer(handle, authorize, connection);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, ARENA_CALL_MAX);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* "name" is a column or an error, never a text. */
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
}

/* SQLite's answer is the mode that holds now, which is another where shared memory is not to be had. While
 * another process opens the file too, SQLite may refuse without having waited. */
static bool use_wal(sqlite3 *handle)
{
    for (int waited_ms = 0; waited_ms <= WRITE_BUSY_MS; waited_ms += 10) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(handle, "PRAGMA journal_mode=WAL", -1, &statement, NULL);

        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        bool good = code == SQLITE_ROW &&
                    strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;

        sqlite3_finalize(statement);
        if (good || (code & 0xff) != SQLITE_BUSY)
            return good;
        sqlite3_sleep(10);
    }
    return false;
}

static error open_handle(struct connection *connection, struct arena *arena, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    /* Only the owner may read the file; SQLite gives its companions the same mode. */
    mode_t mask = umask(0077);
    int code = sqlite3_open_v2(path, &connection->handle, flags, NULL);

    umask(mask);
    return code == SQLITE_OK ? NULL : unusable(arena, connection, path);
}

static error prepare_handle(struct connection *connection, struct arena *arena, const char *path,
                            enum db_role role)
{
    sqlite3 *handle = connection->handle;

    restrict_handle(connection, role);
    if (role == DB_WRITER && !use_wal(handle)) {
        if (sqlite3_errcode(handle) != SQLITE_OK && sqlite3_errcode(handle) != SQLITE_ROW)
            return unusable(arena, connection, path);
        return error_new(arena, 500, "The store '%s': its file system allows no write-ahead log",
                         path);
    }
    if (sqlite3_exec(handle, both_settings, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(handle, role_settings[role], NULL, NULL, NULL) != SQLITE_OK)
        return unusable(arena, connection, path);
    connection->statements = db_statements_new();
    return connection->statements ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error make_directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return NULL;
    str directory = arena_copy(arena, (str){ path, (size_t)(slash - path) });

    return directory.at ? file_make_directory(arena, directory.at) : &ERROR_OUT_OF_MEMORY;
}

error db_connection_open(struct arena *arena, const char *path, enum db_role role,
                         struct connection **out)
{
    TRY(make_directory_of(arena, path));
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        return &ERROR_OUT_OF_MEMORY;
    connection->until_ns = UINT64_MAX;
    error why = open_handle(connection, arena, path);

    if (!why)
        why = prepare_handle(connection, arena, path, role);
    if (why) {
        db_connection_close(connection);
        return why;
    }
    *out = connection;
    return NULL;
}

void db_connection_close(struct connection *connection)
{
    if (!connection)
        return;
    db_statements_free(connection->statements);
    int code = sqlite3_close(connection->handle);

    assert(code == SQLITE_OK); /* else a statement of ours was not finalized */
    (void)code;
    free(connection);
}

static error constraint_error(struct arena *arena, int code, const char *message, const char *sql)
{
    bool primary = code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID;

    if (!primary && code != SQLITE_CONSTRAINT_UNIQUE)
        return db_internal_error(arena, "%s: %.*s", message, MESSAGE_SQL_MAX, sql);
    str name = db_constraint_name(arena, message, primary);

    return name.at ? db_conflict(arena, name) : &ERROR_OUT_OF_MEMORY;
}

error db_connection_error(const struct connection *connection, struct arena *arena, int code,
                          const char *sql)
{
    bool current = sqlite3_extended_errcode(connection->handle) == code;
    const char *message = current ? sqlite3_errmsg(connection->handle) : sqlite3_errstr(code);

    switch (code & 0xff) {
    case SQLITE_NOMEM: return &ERROR_OUT_OF_MEMORY;
    case SQLITE_INTERRUPT: return &ERROR_DEADLINE;
    case SQLITE_CONSTRAINT: return constraint_error(arena, code, message, sql);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return db_unavailable(arena, "The store is busy", message);
    case SQLITE_FULL:
    case SQLITE_IOERR: return db_unavailable(arena, "The store cannot write", message);
    default: return db_internal_error(arena, "%s: %.*s", message, MESSAGE_SQL_MAX, sql);
    }
}

error db_connection_script(struct connection *connection, struct arena *arena, const char *sql)
{
    connection->wrote = true;
    int code = sqlite3_exec(connection->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? NULL : db_connection_error(connection, arena, code, sql);
}
