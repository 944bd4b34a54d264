#include "database/snapshot.h"

static void turn_ends(struct loop_hook *hook)
{
    db_snapshot_end(LIST_ELEMENT(hook, struct snapshot, turn_end));
}

static error prepare(struct arena *arena, struct connection *reader, const char *sql,
                     sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v3(reader->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

    return code == SQLITE_OK ? NULL : db_connection_error(reader, arena, code, sql);
}

error db_snapshot_init(struct snapshot *snapshot, struct arena *arena, struct connection *reader)
{
    *snapshot = (struct snapshot){ .turn_end.run = turn_ends };
    TRY(prepare(arena, reader, "BEGIN", &snapshot->begin));
    return prepare(arena, reader, "COMMIT", &snapshot->end);
}

void db_snapshot_free(struct snapshot *snapshot)
{
    db_snapshot_end(snapshot);
    sqlite3_finalize(snapshot->begin);
    sqlite3_finalize(snapshot->end);
    snapshot->begin = snapshot->end = NULL;
}

static bool run(sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;

    sqlite3_reset(statement);
    return done;
}

void db_snapshot_begin(struct snapshot *snapshot)
{
    if (snapshot->open || !run(snapshot->begin))
        return;
    snapshot->open = true;
    loop_at_turn_end(&snapshot->turn_end);
}

void db_snapshot_end(struct snapshot *snapshot)
{
    if (!snapshot->open)
        return;
    loop_hook_cancel(&snapshot->turn_end);
    snapshot->open = false;
    run(snapshot->end);
}
