/* A connection to SQLite with its prepared statements. It belongs to one thread: the loop's for reading,
 * the committer's for writing. */
#pragma once

#include "base/error.h"

#include <sqlite3.h>

enum db_role { DB_READER, DB_WRITER };

struct statements;

struct connection {
    sqlite3 *handle;
    struct statements *statements;
    uint64_t until_ns; /* of clock_ns: what still runs then is interrupted */
    bool in_unit;      /* statements that begin or end transactions are refused */
    bool wrote;        /* one that may write has begun since this was last cleared */
};

/* Opens the file, making it and its directory when they are missing. The caller closes. */
error db_connection_open(struct arena *arena, const char *path, enum db_role role,
                         struct connection **out);

/* NULL is fine. */
void db_connection_close(struct connection *connection);

/* The error for a result code of SQLite that is not success, made in `arena`; `sql` is for the log. */
error db_connection_error(const struct connection *connection, struct arena *arena, int code,
                          const char *sql);

/* Runs all statements of a NUL-terminated text. */
error db_connection_script(struct connection *connection, struct arena *arena, const char *sql);
