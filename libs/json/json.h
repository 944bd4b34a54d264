/* JSON texts in and out (RFC 8259). Reading gives a tree in the arena whose strings are spans of
 * the text where nothing had to be decoded; writing appends to a buffer exactly what V8's
 * JSON.stringify prints. No other JSON passes through Cuib: field tables (schema/schema.h) read
 * these trees and drive this writer. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum {
    JSON_DEPTH_MAX = 64, /* nesting of arrays and objects; deeper is refused with a 400 */
};

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* One value. Members and elements form a list in the order in which JavaScript would enumerate
 * them: names that are array indices first, ascending, then the others as they came; of duplicate
 * names the last value is kept, at the place of the first. `text` is the decoded text of a string
 * (half a surrogate pair has become U+FFFD; it may hold NUL) or the source text of a number. */
struct json {
    enum json_type type;
    uint32_t count; /* elements or members */
    str text;
    str name;   /* the member's name when the value is one */
    str source; /* the bytes of the whole value in the text that was read */
    const struct json *first, *next;
};

/* Reads a whole text into a tree in `arena`; the tree points into `text`, which must live as long.
 * A text that is not JSON is a 400 with the message that V8 (Node 20) gives for it, positions
 * counted in UTF-16 units; nesting beyond JSON_DEPTH_MAX is a 400 "JSON is nested deeper than 64
 * levels". Invalid UTF-8 must have been replaced or refused before (json_repair_utf8). */
error json_parse(struct arena *arena, str text, const struct json **out);

/* The same for a text of which at most one value may be any JSON value; the strict body-parser
 * rule of NestJS, that the first character be `{` or `[`, is json_parse_body: `5`, `"x"`, `null`,
 * `tru` are a 400 "Unexpected token …". A BOM in front is skipped; an empty text gives an empty
 * object; only blanks are an error. */
error json_parse_body(struct arena *arena, str text, const struct json **out);

/* `text` itself when it is well-formed UTF-8, else a copy in which each invalid sequence became
 * U+FFFD as WHATWG's decoder does it. `at` is NULL when the arena refused. */
str json_repair_utf8(struct arena *arena, str text);

/* The member called `name`, or NULL. `object` may be NULL or of another type. */
const struct json *json_member(const struct json *object, str name);

/* The value of a number as JavaScript's Number: beyond the range it is infinity. */
double json_number(const struct json *number);

/* The exact value of a number that is an integer of 64 bits, however it is written (7, 7.0,
 * 70e-1). False for everything else. */
bool json_integer(const struct json *number, int64_t *out);

/* A quoted string: `"` `\` and control characters escaped, everything else literal. */
void json_write_string(struct buf *out, str text);

/* A number as ECMAScript prints it (1e+21, 0.30000000000000004, -0 as 0); NaN and infinities as
 * null. */
void json_write_number(struct buf *out, double value);

/* A tree printed back as JSON.stringify would print the parsed value. */
void json_write(struct buf *out, const struct json *value);
