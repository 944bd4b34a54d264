/* Between the files of libs/json: the reader's state and what can be wrong with a text. */
#pragma once

#include "json/json.h"

#include <endian.h>
#include <string.h>

/* Eight bytes of text as a number, the first lowest. */
static inline uint64_t json_eight(const char *at)
{
    uint64_t eight;

    memcpy(&eight, at, sizeof eight);
    return le64toh(eight);
}

/* The high bits of those of eight bytes that are a quotation mark, a backslash or a control
 * character. The lowest bit found is right; a borrow may set a wrong one above it. */
static inline uint64_t json_specials(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');

    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
            ((eight - ones * 0x20) & ~eight)) &
           highs;
}

/* How many bytes stand before the lowest of them. */
static inline size_t json_before(uint64_t specials)
{
    return (size_t)__builtin_ctzll(specials) / 8;
}

/* Each is a text of V8 (json_fault.c). */
enum json_fault {
    JSON_FAULT_TOKEN, /* the text depends on the character, or says that the input ended */
    JSON_FAULT_NAME_OR_BRACE,
    JSON_FAULT_QUOTED_NAME,
    JSON_FAULT_COLON,
    JSON_FAULT_COMMA_OR_BRACE,
    JSON_FAULT_COMMA_OR_BRACKET,
    JSON_FAULT_MORE_TEXT,
    JSON_FAULT_MINUS,
    JSON_FAULT_FRACTION,
    JSON_FAULT_EXPONENT,
    JSON_FAULT_UNTERMINATED,
    JSON_FAULT_CONTROL,
    JSON_FAULT_ESCAPE,
    JSON_FAULT_UNICODE,
    JSON_FAULT_TOO_DEEP,
    JSON_FAULT_NO_MEMORY,
};

struct json_reader {
    const char *at, *end;
    str text;
    struct arena *arena;
    struct json *spare; /* nodes are taken from the arena by the dozen */
    size_t spares;
    unsigned depth;
    enum json_fault fault;
    const char *fault_at;
};

/* Notes what is wrong and where; NULL, so that a function may return it. */
void *json_fail(struct json_reader *reader, const char *at, enum json_fault fault);

/* The 400 (or ERROR_OUT_OF_MEMORY) for what json_fail noted. */
error json_fault_error(const struct json_reader *reader);

/* The 400 that body-parser gives for a text that begins with neither `{` nor `[`. */
error json_first_character_error(struct arena *arena, str text, const char *at);

/* Reads a string that begins at the quotation mark `at`, leaving `at` behind its end. False when
 * it is not one. */
bool json_read_string(struct json_reader *reader, str *out);

/* Reads the text of a number, likewise. */
bool json_read_number(struct json_reader *reader, str *out);

/* Brings members into JavaScript's order and drops all but the last of each name. False when the
 * arena refused. */
bool json_settle_members(struct arena *arena, struct json *object);
