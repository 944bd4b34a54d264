/* What crosses between a field table's structs and a store: every store knows these four types. A
 * store's own code moves a `struct db_value` to its parameters and from its columns; which member
 * becomes what is decided here, for all stores alike. */
#pragma once

#include "schema/schema.h"

enum db_type { DB_NULL, DB_INTEGER, DB_REAL, DB_TEXT };

struct db_value {
    enum db_type type;
    int64_t integer;
    double real;
    str text;
};

/* The value that row `row` of the schema has in `record`, its text in `arena` or in the record. Null is what
 * schema_is_absent says, and a member of a PARTIAL that was not given; but a list that may not be null is
 * an empty one. */
error db_value_of(struct arena *arena, const struct schema *schema, size_t row, const void *record,
                  struct db_value *out);

/* Fills the member of row `row`, copying texts into `arena`. Null becomes the zero value. A 500 that names
 * the member when the value is not one of its kind: it would otherwise turn into something else silently. */
error db_value_store(struct arena *arena, const struct schema *schema, size_t row,
                     const struct db_value *value, void *record);
