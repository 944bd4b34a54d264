/* A span of text that somebody else owns: a pointer and a length, passed by value, never NUL-terminated
 * by contract. A `str` lives as long as the bytes it points to: the call's arena, or a literal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct str {
    const char *at;
    size_t len;
} str;

/* An ordered list of texts, in the arena of whoever made it. */
typedef struct strs {
    const str *at;
    size_t len;
} strs;

/* STR("text") is an expression; STR_INIT("text") initialises a static `str`. */
#define STR_INIT(literal)                \
    {                                    \
        "" literal, sizeof(literal) - 1, \
    }
#define STR(literal) ((str)STR_INIT(literal))

/* For printf: printf("%.*s", STR_ARG(text)). Texts over INT_MAX bytes print their beginning. */
#define STR_ARG(s) (int)((s).len > INT32_MAX ? INT32_MAX : (s).len), (s).at

/* The `str` over a C string; NULL gives the empty text. */
str str_of(const char *text);

/* Byte-wise equality. */
bool str_eq(str a, str b);

/* Equality with a C string. */
bool str_is(str s, const char *text);

/* Equality that ignores the case of ASCII letters only. */
bool str_eq_nocase(str a, str b);

/* Byte-wise order, as memcmp: negative, zero or positive. */
int str_compare(str a, str b);

bool str_starts_with(str s, str prefix);
bool str_ends_with(str s, str suffix);

/* The part of `s` from `start` (clamped to the end) of at most `len` bytes. */
str str_slice(str s, size_t start, size_t len);

/* `s` without blanks and tabs at both ends. */
str str_trim(str s);

/* Index of the first `c`, or `s.len` when there is none. */
size_t str_find(str s, char c);

/* Cuts the text before the first `separator` off the front of `*rest` into `*piece` and drops the
 * separator; without one the piece is all that is left. False when `*rest` is used up (at == NULL). */
bool str_next_piece(str *rest, char separator, str *piece);

/* Reads a whole text of 1 to 19 decimal digits. False on anything else or above `max`; then `*out`
 * is untouched. */
bool str_to_uint(str s, uint64_t max, uint64_t *out);

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(str s);

/* Length in UTF-16 code units, as JavaScript counts; the text is well-formed UTF-8. */
size_t str_utf16_len(str s);
