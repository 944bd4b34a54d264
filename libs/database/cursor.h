/* Cursors of pages that are ordered by age: where a page ends, as a text that nobody needs to read. It stays valid
 * when rows come or go. */
#pragma once

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"

/* The last row of a page. */
struct db_cursor {
    timestamp created_at;
    uuid id;
};

/* Reads a cursor; false when db_cursor_print did not make it. */
bool db_cursor_parse(str text, struct db_cursor *out);

/* Prints it into the arena. */
error db_cursor_print(struct arena *arena, const struct db_cursor *cursor, str *out);
