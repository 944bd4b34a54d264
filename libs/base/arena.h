/* Memory with one lifetime. Everything that a call parses, reads or formats is allocated here and is
 * released at once when the call's reply has been sent; a handler frees nothing. Only the owner of an
 * arena resets or frees it. An arena belongs to one fiber (or to the thread that works for it while it
 * waits) and is not locked. */
#pragma once

#include "base/str.h"

#include <stdarg.h>

struct arena;

enum {
    ARENA_BLOCK_SIZE = 8 * 1024,       /* the first block; later ones double up to 1 MiB */
    ARENA_CALL_MAX = 32 * 1024 * 1024, /* limit for the arena of one call */
};

/* An empty arena that grows to at most `max` bytes. NULL when there is no memory. */
struct arena *arena_new(size_t max);

/* Releases all blocks. NULL is fine. */
void arena_free(struct arena *arena);

/* Forgets all that was allocated, keeping the first block for the next use. */
void arena_reset(struct arena *arena);

/* Bytes handed out since the arena was made or reset. */
size_t arena_used(const struct arena *arena);

/* `size` bytes aligned for any type, not zeroed. NULL when the limit is reached or there is no memory;
 * the caller answers ERROR_OUT_OF_MEMORY. A size of 0 gives a unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, zeroed, for `count` elements; NULL also when the product overflows. */
void *arena_zalloc(struct arena *arena, size_t count, size_t size);

#define ARENA_NEW(arena, type) ((type *)arena_zalloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zalloc((arena), (count), sizeof(type)))

/* A copy of `s`, followed by a NUL that its length does not count. `at` is NULL on failure. */
str arena_copy(struct arena *arena, str s);

/* As printf. `at` is NULL on failure; the text is followed by a NUL. */
str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
str arena_vprintf(struct arena *arena, const char *format, va_list arguments);
