/* Statements of a connection: prepared once, bound and read by field tables. */
#pragma once

#include "database/connection.h"
#include "database/database.h"

/* The prepared statements of a connection. NULL when there is no memory. */
struct statements *db_statements_new(void);

/* Finalizes them all. NULL is fine. */
void db_statements_free(struct statements *statements);

struct db_query {
    struct connection *connection;
    struct arena *arena; /* of the rows' texts and of errors */
    const char *sql;
    struct schema_in in;
};

/* Runs the statement to its end, ignoring rows. `*changes`: the rows that it changed itself. */
error db_query_run(const struct db_query *query, int64_t *changes);

/* As db_one and db_all. Whatever comes of it, the statement has ended and holds no transaction open. */
error db_query_one(const struct db_query *query, struct schema_out out);
error db_query_all(const struct db_query *query, struct db_rows out);

/* Runs a statement without parameters and rows; gives SQLite's code, SQLITE_OK for success. */
int db_step(struct connection *connection, const char *sql);
