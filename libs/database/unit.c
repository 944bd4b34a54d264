/* What a unit of work may do. A statement that failed has failed the unit, whatever its work makes of the
 * error: SQLite may have ended the whole transaction, and PostgreSQL always does, so that statements after
 * it would run outside of one. They are refused with the same error. */
#include "database/committer.h"
#include "database/statement.h"

static struct db_query query_of(struct db_unit *unit, struct schema_in in, const char *sql)
{
    return (struct db_query){ unit->writer, unit->arena, sql, in };
}

static error remember(struct db_unit *unit, error why)
{
    if (why != &DB_NO_ROW)
        unit->failed = why;
    return why;
}

error db_unit_run(struct db_unit *unit, struct schema_in in, const char *sql)
{
    struct db_query query = query_of(unit, in, sql);

    TRY(unit->failed);
    return remember(unit, db_query_run(&query, &unit->changes));
}

error db_unit_one(struct db_unit *unit, struct schema_in in, struct schema_out out, const char *sql)
{
    struct db_query query = query_of(unit, in, sql);

    TRY(unit->failed);
    return remember(unit, db_query_one(&query, out));
}

error db_unit_all(struct db_unit *unit, struct schema_in in, struct db_rows out, const char *sql)
{
    struct db_query query = query_of(unit, in, sql);

    TRY(unit->failed);
    return remember(unit, db_query_all(&query, out));
}

error db_unit_script(struct db_unit *unit, const char *sql)
{
    TRY(unit->failed);
    return remember(unit, db_connection_script(unit->writer, unit->arena, sql));
}

int64_t db_unit_changes(const struct db_unit *unit)
{
    return unit->changes;
}

struct arena *db_unit_arena(struct db_unit *unit)
{
    return unit->arena;
}
