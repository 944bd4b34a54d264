/* A conflict keeps the name of its constraint as an error that caused it:
 *
 *     409 "Already exists"  <-  "users_email_key"  <-  UNIQUE_VIOLATION
 *
 * so that db_rename_conflict compares a name and no text of a store, and the log line reads well. */
#include "database/errors.h"

#include "database/database.h"

#include <string.h>

const struct error DB_CLOSED = ERROR(503, "The store is closed");
static const struct error UNIQUE_VIOLATION = ERROR(409, "unique constraint violated");

static error caused(struct arena *arena, struct error made, error cause)
{
    struct error *copy = cause == &ERROR_OUT_OF_MEMORY ? NULL : ARENA_NEW(arena, struct error);

    if (!copy)
        return &ERROR_OUT_OF_MEMORY;
    *copy = made;
    copy->cause = cause;
    return copy;
}

error db_internal_error(struct arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    str text = arena_vprintf(arena, format, arguments);

    va_end(arguments);
    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    return caused(arena, ERROR_INTERNAL, error_new(arena, 500, "%s", text.at));
}

error db_unavailable(struct arena *arena, const char *message, const char *cause)
{
    struct error made = { .status = 503, .message = message, .retry_after_s = DB_RETRY_S };

    return caused(arena, made, error_new(arena, 503, "%s", cause));
}

error db_conflict(struct arena *arena, str constraint)
{
    struct error made = ERROR(409, "Already exists");

    return caused(arena, made,
                  error_because(arena, &UNIQUE_VIOLATION, 409, "%.*s", STR_ARG(constraint)));
}

error db_rename_conflict(error e, const char *constraint, error mine)
{
    if (!e || !e->cause || e->cause->cause != &UNIQUE_VIOLATION)
        return e;
    return strcmp(e->cause->message, constraint) == 0 ? mine : e;
}

static str after(str text, str prefix)
{
    return str_starts_with(text, prefix) ? str_slice(text, prefix.len, text.len) : text;
}

str db_constraint_name(struct arena *arena, const char *message, bool primary)
{
    str columns = after(str_of(message), STR("UNIQUE constraint failed: "));
    str index = after(columns, STR("index '"));
    str table = str_slice(columns, 0, str_find(columns, '.'));
    str name = table, piece;

    if (index.len < columns.len)
        return arena_copy(arena, str_slice(index, 0, str_find(index, '\'')));
    if (table.len == columns.len)
        return arena_copy(arena, columns);
    if (primary)
        return arena_printf(arena, "%.*s_pkey", STR_ARG(table));
    while (name.at && str_next_piece(&columns, ',', &piece)) {
        str column = str_slice(str_trim(piece), table.len + 1, piece.len);

        name = arena_printf(arena, "%.*s_%.*s", STR_ARG(name), STR_ARG(column));
    }
    return name.at ? arena_printf(arena, "%.*s_key", STR_ARG(name)) : name;
}
