/* Between the files of libs/schema that read structs: the state of one reading and the list of
 * messages. */
#pragma once

#include "schema/rules_internal.h"
#include "schema/schema.h"

/* Where the reader is, from the innermost property outwards; lives on the reader's stack. */
struct schema_path {
    struct schema_path *up;
    const struct field *field;                                /* a member, or NULL: */
    uint32_t index;                                           /* an element of the list `up` */
    enum { SCHEMA_UNHEARD, SCHEMA_HEARD, SCHEMA_MUTE } state; /* whether its messages are taken */
};

struct schema_reader {
    struct arena *arena;
    enum schema_unknown unknown;
    void (*name_of)(const struct field *field,
                    struct buf *out); /* names at the top; deeper it is JSON */
    str *messages;
    size_t count, capacity;
    int64_t budget; /* characters that messages may still take */
    bool cut;       /* messages were left out */
    bool no_memory;
    struct buf text; /* for composing one message */
};

/* A reader with NestJS's budget; `schema_finish` releases what it holds and gives the 400 with its
 * messages, ERROR_OUT_OF_MEMORY, or NULL when there was nothing to complain about. */
struct schema_reader schema_reader_of(struct arena *arena, enum schema_unknown unknown);
error schema_finish(struct schema_reader *reader);

/* Adds the message of a rule that the property at `path` broke. */
void schema_complain(struct schema_reader *reader, struct schema_path *path,
                     const struct rule *rule, const struct json *value);

/* Adds the message of a property that is nested but no object. */
void schema_complain_nested(struct schema_reader *reader, struct schema_path *path, bool each);

/* Adds "property X should not exist"; `up` is the object in which it was found, NULL at the top. */
void schema_complain_unknown(struct schema_reader *reader, struct schema_path *up, str name);

/* Adds a message that names no property. */
void schema_complain_plainly(struct schema_reader *reader, str message);

/* Whether `name` is the field's JSON name. */
bool schema_is_name(const struct field *field, str name);

/* Writes the field's JSON name to `to`, which has room for as many bytes as the first function
 * says; returns its end. */
size_t schema_json_name_max(const struct field *field);
char *schema_put_json_name(const struct field *field, char *to);

/* The rules of the field, or those of its kind when it has none; how many. `kind` has room for
 * two. */
enum { SCHEMA_KIND_RULES = 2 };
size_t schema_rules_of(const struct field *field, struct rule kind[SCHEMA_KIND_RULES],
                       const struct rule **rules);
size_t schema_kind_rules(const struct field *field, struct rule kind[SCHEMA_KIND_RULES]);

/* Puts a value into a member that is no OBJECT or LIST; false when its type cannot hold it. */
bool schema_bind(struct schema_reader *reader, const struct field *field, const struct json *value,
                 void *out);

/* An amount in any of the forms that a lenient field takes, as the number of two decimals that it
 * stands for; any other value as it is. NULL when the arena refused. */
const struct json *schema_rounded(struct arena *arena, const struct json *value);

/* The point in time that an ISO 8601 text names; false when it names none. */
bool schema_read_timestamp(str text, timestamp *out);

/* The JSON value that a text stands for, given the field's kind; NULL when the arena refused. */
const struct json *schema_text_value(struct arena *arena, const struct field *field, str text);

/* Reads the fields from the values at the same indices (NULL: absent). `path` is NULL at the
 * top. */
void schema_read_values(struct schema_reader *reader, struct schema_path *path,
                        const struct schema *schema, const struct json *const *values, void *out);
