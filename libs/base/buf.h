/* A growing byte buffer for output, with a limit it never exceeds. Failure is sticky: after the limit
 * or the heap refused once, further writes do nothing and `buf_failed` says so, so that a writer checks
 * once at its end. */
#pragma once

#include "base/str.h"

struct buf {
    char *at;
    size_t len;
    size_t capacity;
    size_t max;
    bool failed;
};

/* An empty buffer that may hold `max` bytes; allocates nothing yet. */
static inline struct buf buf_new(size_t max)
{
    return (struct buf){ .max = max };
}

/* Releases the bytes and leaves the buffer empty and usable. */
void buf_free(struct buf *buf);

/* Keeps the memory, forgets the bytes and a failure. */
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

static inline bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

/* The bytes written so far; valid until the next write. */
static inline str buf_text(const struct buf *buf)
{
    return (str){ buf->at ? buf->at : "", buf->len };
}

/* Makes room for `size` more bytes and returns where they go, or NULL (sticky failure). The caller
 * adds what it wrote to `len`. */
char *buf_reserve(struct buf *buf, size_t size);

void buf_add(struct buf *buf, str s);
void buf_add_char(struct buf *buf, char c);
void buf_add_uint(struct buf *buf, uint64_t value);
void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define BUF_ADD(buf, literal) buf_add((buf), STR(literal))

/* Drops the first `size` bytes, moving the rest to the front. */
void buf_drop_front(struct buf *buf, size_t size);
