/* A statement is found by the address of its literal, in a table of SET_COUNT sets of SET_SIZE places; when
 * a set is full, its places are used over in turn. The text is compared too, which costs nothing beside
 * the query: SQL that is not a literal is not forbidden, it merely pushes others out.
 *
 * With a statement lie two plans: which member each parameter takes, and which member each column
 * fills. They are made when the statement first meets the two field tables; that of the columns after the
 * first step, and again when SQLite itself has prepared the statement anew, as it does in its first step
 * after a migration: `SELECT *` may then have more columns.
 *
 * Every function that steps a statement resets it before it returns. So the reader never holds a
 * transaction open across a suspension, which would keep the write-ahead log from being reused. */
#include "database/statement.h"

#include "database/errors.h"
#include "database/value.h"

#include <stdlib.h>
#include <string.h>

enum {
    SET_COUNT = 64,
    SET_SIZE = 4,
    ROWS_FIRST = 16, /* rows that the array of db_all has room for at first */
};

struct statement {
    const char *sql; /* NULL: the place is free */
    sqlite3_stmt *handle;
    const struct schema *in, *out; /* the tables that the plans are for */
    int prepared_anew;             /* SQLite's count when the column plan was made */
    uint8_t parameters[SCHEMA_FIELDS_MAX];
    uint8_t columns[SCHEMA_FIELDS_MAX];
};

struct set {
    struct statement places[SET_SIZE];
    unsigned next; /* the place that is used over next */
};

struct statements {
    struct set sets[SET_COUNT];
};

struct statements *db_statements_new(void)
{
    return calloc(1, sizeof(struct statements));
}

void db_statements_free(struct statements *statements)
{
    if (!statements)
        return;
    for (size_t i = 0; i < SET_COUNT; i++) {
        for (size_t j = 0; j < SET_SIZE; j++)
            sqlite3_finalize(statements->sets[i].places[j].handle);
    }
    free(statements);
}

static struct set *set_of(struct statements *statements, const char *sql)
{
    uint64_t mixed = (uint64_t)(uintptr_t)sql * 0x9E3779B97F4A7C15u;

    return &statements->sets[mixed >> 58];
}

_Static_assert(SET_COUNT == 1 << (64 - 58), "set_of takes as many bits as there are sets");

/* SQLITE_MISUSE when the text is not exactly one statement: the rest would be left out silently. */
static int compile(struct connection *connection, const char *sql, struct statement *place)
{
    const char *rest = NULL;
    int code = sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &place->handle, &rest);

    if (code != SQLITE_OK)
        return code;
    if (!place->handle || rest[strspn(rest, " \t\n;")]) {
        sqlite3_finalize(place->handle);
        place->handle = NULL;
        return SQLITE_MISUSE;
    }
    place->sql = sql;
    return SQLITE_OK;
}

static int prepare(struct connection *connection, const char *sql, struct statement **out)
{
    struct set *set = set_of(connection->statements, sql);
    struct statement *place = NULL;

    for (size_t i = 0; i < SET_SIZE && !place; i++) {
        if (set->places[i].sql == sql || !set->places[i].sql)
            place = &set->places[i];
    }
    if (!place)
        place = &set->places[set->next++ % SET_SIZE];
    if (place->sql != sql || strcmp(sqlite3_sql(place->handle), sql) != 0) {
        sqlite3_finalize(place->handle);
        *place = (struct statement){ 0 };
        int code = compile(connection, sql, place);

        if (code != SQLITE_OK)
            return code;
    }
    *out = place;
    return SQLITE_OK;
}

static void finish(struct statement *statement)
{
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
}

int db_step(struct connection *connection, const char *sql)
{
    struct statement *statement;
    int code = prepare(connection, sql, &statement);

    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(statement->handle);
    finish(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

static error failed(const struct db_query *query, int code)
{
    if (code == SQLITE_MISUSE)
        return db_internal_error(query->arena, "not exactly one statement: %s", query->sql);
    return db_connection_error(query->connection, query->arena, code, query->sql);
}

/* The row of that member in a table, or -1. */
static int row_of(const struct schema *schema, const char *name)
{
    const struct field *field = schema ? schema_field(schema, str_of(name)) : NULL;

    return field ? (int)(field - schema->fields) : -1;
}

static error plan_parameters(const struct db_query *query, struct statement *statement)
{
    int count = sqlite3_bind_parameter_count(statement->handle);

    if (count > SCHEMA_FIELDS_MAX)
        return db_internal_error(query->arena, "too many parameters: %s", query->sql);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement->handle, i + 1);
        int row = name && name[0] == ':' ? row_of(query->in.schema, name + 1) : -1;

        if (row < 0)
            return db_internal_error(query->arena, "no member for the parameter %s: %s",
                                     name ? name : "?", query->sql);
        statement->parameters[i] = (uint8_t)row;
    }
    statement->in = query->in.schema;
    return NULL;
}

static error plan_columns(const struct db_query *query, struct statement *statement,
                          const struct schema *schema)
{
    int count = sqlite3_column_count(statement->handle);
    int anew = sqlite3_stmt_status(statement->handle, SQLITE_STMTSTATUS_REPREPARE, 0);

    if (statement->out == schema && statement->prepared_anew == anew)
        return NULL;
    if (count > SCHEMA_FIELDS_MAX)
        return db_internal_error(query->arena, "too many columns: %s", query->sql);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(statement->handle, i);
        int row = name ? row_of(schema, name) : -1;

        if (row < 0)
            return db_internal_error(query->arena, "no member for the column %s: %s",
                                     name ? name : "?", query->sql);
        statement->columns[i] = (uint8_t)row;
    }
    statement->out = schema;
    statement->prepared_anew = anew;
    return NULL;
}

/* Texts are lent: they outlive the statement's run. */
static int bind_value(sqlite3_stmt *handle, int at, const struct db_value *value)
{
    switch (value->type) {
    case DB_INTEGER: return sqlite3_bind_int64(handle, at, value->integer);
    case DB_REAL: return sqlite3_bind_double(handle, at, value->real);
    case DB_TEXT:
        return sqlite3_bind_text64(handle, at, value->text.at, value->text.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case DB_NULL: break;
    }
    return sqlite3_bind_null(handle, at);
}

static error bind(const struct db_query *query, struct statement *statement)
{
    int count = sqlite3_bind_parameter_count(statement->handle);

    if (count && (!query->in.schema || statement->in != query->in.schema))
        TRY(plan_parameters(query, statement));
    for (int i = 0; i < count; i++) {
        struct db_value value;

        TRY(db_value_of(query->arena, query->in.schema, statement->parameters[i], query->in.value,
                        &value));
        int code = bind_value(statement->handle, i + 1, &value);

        if (code != SQLITE_OK)
            return failed(query, code);
    }
    return NULL;
}

/* Prepares and binds; the caller steps and calls finish. */
static error start(const struct db_query *query, struct statement **out)
{
    int code = prepare(query->connection, query->sql, out);

    if (code != SQLITE_OK)
        return failed(query, code);
    query->connection->wrote |= !sqlite3_stmt_readonly((*out)->handle);
    error why = bind(query, *out);

    if (why)
        finish(*out);
    return why;
}

/* `*row`: there is a row to read. */
static error step(const struct db_query *query, struct statement *statement, bool *row)
{
    int code = sqlite3_step(statement->handle);

    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? NULL : failed(query, code);
}

static error column(const struct db_query *query, sqlite3_stmt *handle, int at,
                    struct db_value *out)
{
    *out = (struct db_value){ .type = DB_NULL };
    switch (sqlite3_column_type(handle, at)) {
    case SQLITE_NULL: break;
    case SQLITE_INTEGER:
        *out = (struct db_value){ .type = DB_INTEGER, .integer = sqlite3_column_int64(handle, at) };
        break;
    case SQLITE_FLOAT:
        *out = (struct db_value){ .type = DB_REAL, .real = sqlite3_column_double(handle, at) };
        break;
    case SQLITE_TEXT: {
        /* As a blob a text comes without a NUL, so without a copy that could fail. */
        const char *text = sqlite3_column_blob(handle, at);
        int len = sqlite3_column_bytes(handle, at);

        *out = (struct db_value){ .type = DB_TEXT, .text = { text ? text : "", (size_t)len } };
        break;
    }
    default:
        return db_internal_error(query->arena, "%s holds a blob: %s",
                                 sqlite3_column_name(handle, at), query->sql);
    }
    return NULL;
}

static error read_row(const struct db_query *query, struct statement *statement,
                      const struct schema *schema, void *record)
{
    int count = sqlite3_column_count(statement->handle);

    for (int i = 0; i < count; i++) {
        struct db_value value;

        TRY(column(query, statement->handle, i, &value));
        TRY(db_value_store(query->arena, schema, statement->columns[i], &value, record));
    }
    return NULL;
}

static error run_to_end(const struct db_query *query, struct statement *statement)
{
    bool row = true;

    while (row)
        TRY(step(query, statement, &row));
    return NULL;
}

error db_query_run(const struct db_query *query, int64_t *changes)
{
    struct statement *statement;

    TRY(start(query, &statement));
    int64_t before = sqlite3_total_changes64(query->connection->handle);
    error why = run_to_end(query, statement);

    finish(statement);
    if (why)
        return why;
    /* A statement that cannot change rows leaves sqlite3_changes as the one before it did. */
    bool changed = sqlite3_total_changes64(query->connection->handle) != before;

    *changes = changed ? sqlite3_changes64(query->connection->handle) : 0;
    return NULL;
}

static error read_only_row(const struct db_query *query, struct statement *statement,
                           const struct schema *schema, void *record)
{
    bool row;

    TRY(step(query, statement, &row));
    TRY(plan_columns(query, statement, schema));
    if (!row)
        return &DB_NO_ROW;
    TRY(read_row(query, statement, schema, record));
    TRY(step(query, statement, &row));
    return row ? db_internal_error(query->arena, "more than one row: %s", query->sql) : NULL;
}

error db_query_one(const struct db_query *query, struct schema_out out)
{
    void *record = arena_alloc(query->arena, out.schema->size);
    struct statement *statement;

    if (!record)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(record, out.value, out.schema->size); /* what has no column stays as it is */
    TRY(start(query, &statement));
    error why = read_only_row(query, statement, out.schema, record);

    finish(statement);
    if (!why)
        memcpy(out.value, record, out.schema->size);
    return why;
}

struct rows {
    char *at;
    size_t count, room;
};

static bool make_room(struct arena *arena, struct rows *rows, size_t size)
{
    size_t room = rows->room ? rows->room * 2 : ROWS_FIRST;
    char *at = rows->count < rows->room ? rows->at : arena_zalloc(arena, room, size);

    if (!at)
        return false;
    if (at == rows->at)
        return true;
    if (rows->count)
        memcpy(at, rows->at, rows->count * size);
    rows->at = at;
    rows->room = room;
    return true;
}

static error read_rows(const struct db_query *query, struct statement *statement,
                       const struct schema *schema, struct rows *rows)
{
    for (;;) {
        bool row;

        if (!make_room(query->arena, rows, schema->size))
            return &ERROR_OUT_OF_MEMORY;
        TRY(step(query, statement, &row));
        TRY(plan_columns(query, statement, schema));
        if (!row)
            return NULL;
        if (rows->count == DB_ROWS_MAX)
            return db_internal_error(query->arena, "more than %d rows: %s", DB_ROWS_MAX,
                                     query->sql);
        TRY(read_row(query, statement, schema, rows->at + rows->count * schema->size));
        rows->count++;
    }
}

error db_query_all(const struct db_query *query, struct db_rows out)
{
    struct rows rows = { 0 };
    struct statement *statement;

    TRY(start(query, &statement));
    error why = read_rows(query, statement, out.schema, &rows);

    finish(statement);
    if (why)
        return why;
    *out.rows = rows.at;
    *out.count = rows.count;
    return NULL;
}
