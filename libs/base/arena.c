#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = _Alignof(max_align_t),
    BLOCK_SIZE_MAX = 1024 * 1024,
};

/* Sizes above it are refused before any arithmetic on them could wrap. */
static const size_t SIZE_LIMIT = SIZE_MAX / 4;

/* Blocks form a stack; `next` is the older one. The first block stays for the arena's whole life. */
struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *top;
    size_t max;
    size_t reserved; /* sum of the blocks' sizes */
    size_t retired;  /* bytes handed out of the blocks below the top */
};

static struct block *block_new(size_t size, struct block *next)
{
    struct block *block = malloc(sizeof *block + size);

    if (block)
        *block = (struct block){ .next = next, .size = size };
    return block;
}

struct arena *arena_new(size_t max)
{
    struct arena *arena = malloc(sizeof *arena);
    size_t size = max < ARENA_BLOCK_SIZE ? max : ARENA_BLOCK_SIZE;
    struct block *first = arena ? block_new(size, NULL) : NULL;

    if (!first) {
        free(arena);
        return NULL;
    }
    *arena = (struct arena){ .top = first, .max = max, .reserved = first->size };
    return arena;
}

static void drop_to_first(struct arena *arena)
{
    while (arena->top->next) {
        struct block *old = arena->top;

        arena->top = old->next;
        arena->reserved -= old->size;
        free(old);
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    drop_to_first(arena);
    free(arena->top);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    drop_to_first(arena);
    arena->top->used = 0;
    arena->retired = 0;
}

size_t arena_used(const struct arena *arena)
{
    return arena->retired + arena->top->used;
}

static bool grow(struct arena *arena, size_t need)
{
    size_t size = arena->top->size < BLOCK_SIZE_MAX ? arena->top->size * 2 : BLOCK_SIZE_MAX;

    if (size < need)
        size = need;
    if (size > arena->max - arena->reserved)
        size = need;
    if (size > arena->max - arena->reserved)
        return false;
    struct block *block = block_new(size, arena->top);

    if (!block)
        return false;
    arena->retired += arena->top->used;
    arena->reserved += size;
    arena->top = block;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    assert(arena);
    if (size > arena->max || size > SIZE_LIMIT)
        return NULL;
    size = size ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (size > arena->top->size - arena->top->used && !grow(arena, size))
        return NULL;
    void *at = arena->top->bytes + arena->top->used;

    arena->top->used += size;
    return at;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *at = arena_alloc(arena, total);

    return at ? memset(at, 0, total) : NULL;
}

str arena_copy(struct arena *arena, str s)
{
    char *at = arena_alloc(arena, s.len + 1);

    if (!at)
        return (str){ NULL, 0 };
    if (s.len)
        memcpy(at, s.at, s.len);
    at[s.len] = '\0';
    return (str){ at, s.len };
}

str arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;

    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);

    va_end(again);
    char *at = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);

    if (!at)
        return (str){ NULL, 0 };
    vsnprintf(at, (size_t)len + 1, format, arguments);
    return (str){ at, (size_t)len };
}

str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    str text = arena_vprintf(arena, format, arguments);

    va_end(arguments);
    return text;
}
