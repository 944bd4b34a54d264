/* Migrations are remembered in a table of the store itself. First the history is compared with what the
 * program has; then each migration that is missing runs as a unit of work together with its row in the
 * table, so it has run and is remembered, or neither. The unit looks for the row again before it begins:
 * another process that starts at the same time may have been faster. */
#include "database/committer.h"
#include "database/database.h"
#include "base/hex.h"
#include "runtime/clock.h"
#include "runtime/log.h"

#include <openssl/evp.h>

enum {
    CHECKSUM_SIZE = 32, /* SHA-256, as sha256sum prints it */
};

struct migration {
    str name, checksum;
    timestamp applied_at;
};

static SCHEMA(migration, FIELD(name), FIELD(checksum), FIELD(applied_at));

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS migrations ("
                                " name TEXT PRIMARY KEY,"
                                " checksum TEXT NOT NULL,"
                                " applied_at INTEGER NOT NULL)";
static const char history_sql[] = "SELECT * FROM migrations ORDER BY name";
static const char find_sql[] = "SELECT * FROM migrations WHERE name = :name";
static const char insert_sql[] = "INSERT INTO migrations (name, checksum, applied_at)"
                                 " VALUES (:name, :checksum, :applied_at)";

static error checksum_of(struct arena *arena, const struct embedded_file *file, str *out)
{
    uint8_t digest[CHECKSUM_SIZE];
    char *text = arena_alloc(arena, 2 * CHECKSUM_SIZE);

    if (!text || EVP_Digest(file->at, file->len, digest, NULL, EVP_sha256(), NULL) != 1)
        return &ERROR_OUT_OF_MEMORY;
    hex_encode(digest, CHECKSUM_SIZE, text);
    *out = (str){ text, 2 * CHECKSUM_SIZE };
    return NULL;
}

static error compare(struct arena *arena, const struct migration *past, str checksum)
{
    if (str_eq(past->checksum, checksum))
        return NULL;
    return error_new(arena, 500, "Migration %.*s was changed after it had run",
                     STR_ARG(past->name));
}

static error check_one(struct arena *arena, const struct migration *past,
                       const struct embedded_file *file)
{
    str checksum;

    while (file->name && !str_is(past->name, file->name))
        file++;
    if (!file->name)
        return error_new(arena, 500,
                         "The store has migration %.*s, which this program does not know",
                         STR_ARG(past->name));
    TRY(checksum_of(arena, file, &checksum));
    return compare(arena, past, checksum);
}

static error check_history(struct db_unit *unit, void *argument)
{
    const struct embedded_file *const *files = argument;
    struct migration *history;
    size_t count;

    TRY(db_unit_run(unit, NO_INPUT, table_sql));
    TRY(db_unit_all(unit, NO_INPUT, ROWS(migration, &history, &count), history_sql));
    for (size_t i = 0; i < count; i++)
        TRY(check_one(db_unit_arena(unit), &history[i], *files));
    return NULL;
}

struct application {
    const struct embedded_file *file;
    struct migration row;
    bool ran;
};

static error apply(struct db_unit *unit, void *argument)
{
    struct application *application = argument;
    struct migration *row = &application->row, past = { 0 };
    error missing = db_unit_one(unit, IN(migration, row), OUT(migration, &past), find_sql);

    application->ran = false;
    if (!missing)
        return compare(db_unit_arena(unit), &past, row->checksum);
    if (missing != &DB_NO_ROW)
        return missing;
    TRY(db_unit_script(unit, (const char *)application->file->at));
    application->ran = true;
    return db_unit_run(unit, IN(migration, row), insert_sql);
}

static error apply_file(struct call *call, struct db *db, const struct embedded_file *file)
{
    struct application application = {
        .file = file,
        .row = { .name = str_of(file->name), .applied_at = clock_now() },
    };

    TRY(checksum_of(call->arena, file, &application.row.checksum));
    error why = db_transaction(call, db, apply, &application);

    if (why)
        return error_because(call->arena, why, 500, "Migration %s failed", file->name);
    if (application.ran)
        log_info("Migrations", "%s applied", file->name);
    return NULL;
}

error db_migrate(struct call *call, struct db *db, const struct embedded_file *migrations)
{
    TRY(db_transaction(call, db, check_history, &migrations));
    for (const struct embedded_file *file = migrations; file->name; file++)
        TRY(apply_file(call, db, file));
    return NULL;
}
