/* SQL for services: statements are text, parameters and rows are field tables.
 *
 *     error user_find(struct call *call, const struct user_id *in, struct user_row *out)
 *     {
 *         return db_one(call, user_service(call)->db, IN(user_id, in), OUT(user_row, out),
 *                       "SELECT * FROM users WHERE id = :id");
 *     }
 *
 * `:name` binds the member of that name, a column fills the member of that name. A parameter or column
 * without a member, and a column whose value does not fit the member's kind, are 500s that name it; a member
 * without a column stays as it is. Null is what schema_is_absent says, and a member of a PARTIAL that was not
 * given; but a list that may not be null is an empty one. Read, null becomes the zero value. Statements are
 * string literals: they are prepared once and found again by their address.
 *
 * The store of this file is SQLite: one file per service, readable by its owner alone, WAL,
 * synchronous=FULL. Reads run at once on the loop's thread (microseconds) and see all that was committed
 * before. Writes are units of work that run on one committer thread, which commits all units that queued up
 * while the last fsync ran in one transaction; the failure of one unit undoes that unit alone. A unit whose call
 * is answered is on the disk.
 *
 * Errors that every verb may give: 409 for a violated unique constraint (db_rename_conflict makes it the
 * service's own); 503 with Retry-After when another process keeps the file locked, when the disk is full or
 * fails, or when too many units wait; ERROR_DEADLINE and ERROR_CANCELLED; ERROR_OUT_OF_MEMORY; 500 for what
 * is wrong with the statement or the file. What the store itself says is the error's cause. */
#pragma once

#include "base/embed.h"
#include "runtime/call.h"
#include "schema/schema.h"

enum {
    DB_QUEUE_MAX = 4096, /* units waiting for the committer; further ones are refused with a 503 */
    DB_BATCH_MAX = 256,  /* units in one commit */
    DB_ROWS_MAX = 10000, /* rows that one query may give; more is an error */
    DB_READ_MAX_MS = 1000, /* a read outside of a unit keeps the loop busy; more is an error */
};

struct db;
struct db_unit; /* a unit of work that is running: a transaction */

extern const struct error DB_NO_ROW; /* 404: db_one found nothing */

/* Opens (and makes, with its directory) the store that `url` names: "sqlite:path/to/file". `arena` must
 * live longer than every call that uses the store. Blocks while another process opens the same file, for
 * seconds at most. Errors name the path, or the scheme of a URL that is none of ours. */
error db_open(struct arena *arena, const char *url, struct db **out);

/* Lets the committer finish what is queued and closes. Fibers that wait for it get their results afterwards;
 * a later use of the store gives a 503. NULL is fine. */
void db_close(struct db *db);

/* Runs the migrations that have not run yet, in the order given, each in a transaction, and remembers them
 * with a checksum (SHA-256) in the table `migrations`. `migrations` ends with an entry without a name. Refuses
 * to start when one that has run was changed since, or when the store has one that the program does not
 * know. One that fails leaves no trace, and those before it stay. Several processes may do this at once. A
 * migration holds any number of statements, but none that begins or ends a transaction; PRAGMA foreign_keys
 * does nothing in it, PRAGMA defer_foreign_keys does. It must end before the call's deadline. */
error db_migrate(struct call *call, struct db *db, const struct embedded_file *migrations);

/* Reads exactly one row into `out`; DB_NO_ROW when there is none, a 500 when there are more. Its texts are
 * in the call's arena. */
error db_one(struct call *call, struct db *db, struct schema_in in, struct schema_out out,
             const char *sql);

/* Reads all rows: `*rows` becomes an array of `*count` structs of `schema` in the call's arena, not NULL even
 * when there are none. */
struct db_rows {
    const struct schema *schema;
    void **rows;
    size_t *count;
};

#define ROWS(tag, pointer, count) \
    ((struct db_rows){ tag##_schema(), (void **)(struct tag **){ (pointer) }, (count) })

error db_all(struct call *call, struct db *db, struct schema_in in, struct db_rows out,
             const char *sql);

/* Runs `work(unit, argument)` as one transaction. It runs on another thread while this fiber waits: it must
 * not suspend, log, or touch the loop, but may use the call's arena. An error it returns undoes the unit
 * and is returned. It may be run again from its beginning, because the store lost the transaction that it
 * shared with others, or one of those failed after it had written; so it sets its results and never adds to
 * them; they count when db_transaction gives NULL. A unit that is still queued at the call's deadline or cancellation never runs; one that runs is
 * waited for, its statements being interrupted at the deadline. An error of a committing disk (503) leaves
 * open whether the unit is there after a crash. */
error db_transaction(struct call *call, struct db *db,
                     error (*work)(struct db_unit *unit, void *argument), void *argument);

/* The same three verbs inside a unit of work. A statement that fails, be it for anything but DB_NO_ROW, has
 * failed the unit: what follows gives the same error, and so does db_transaction. What may conflict without
 * harm says so itself (ON CONFLICT … DO NOTHING). */
error db_unit_run(struct db_unit *unit, struct schema_in in, const char *sql);
error db_unit_one(struct db_unit *unit, struct schema_in in, struct schema_out out,
                  const char *sql);
error db_unit_all(struct db_unit *unit, struct schema_in in, struct db_rows out, const char *sql);

/* Rows that the last db_unit_run of the unit changed. */
int64_t db_unit_changes(const struct db_unit *unit);

/* The arena of the call that the unit works for. */
struct arena *db_unit_arena(struct db_unit *unit);

/* One writing statement as a unit of its own; `db_write_one` reads the row of its RETURNING clause. Whether
 * an UPDATE met a row is told by RETURNING and DB_NO_ROW. */
error db_write(struct call *call, struct db *db, struct schema_in in, const char *sql);
error db_write_one(struct call *call, struct db *db, struct schema_in in, struct schema_out out,
                   const char *sql);

/* `mine` when `e` is the violation of the unique constraint called `constraint`, else `e`. Names are
 * PostgreSQL's: "users_email_key" (table, columns, "key"), "users_pkey". SQLite does not tell the name of a
 * unique index on plain columns, which goes by that of a constraint on them; an index on expressions goes by
 * its own. */
error db_rename_conflict(error e, const char *constraint, error mine);

/* SELECT 1, for the health check. */
error db_ping(struct call *call, struct db *db);

/* For metrics, since db_open. */
struct db_counts {
    uint64_t units;   /* that have run, failed ones included */
    uint64_t commits; /* transactions that reached the disk */
    unsigned queued;  /* units that wait now */
};

struct db_counts db_counts(struct db *db);
