#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void buf_free(struct buf *buf)
{
    free(buf->at);
    *buf = buf_new(buf->max);
}

/* One byte more than the capacity is there for the NUL that vsnprintf insists on. */
static bool grow(struct buf *buf, size_t need)
{
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;

    while (capacity < need && capacity <= buf->max / 2)
        capacity *= 2;
    if (capacity < need || capacity > buf->max)
        capacity = buf->max;
    char *at = capacity < SIZE_MAX ? realloc(buf->at, capacity + 1) : NULL;

    if (!at)
        return false;
    buf->at = at;
    buf->capacity = capacity;
    return true;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->failed)
        return NULL;
    if (size > buf->max - buf->len ||
        ((!buf->at || size > buf->capacity - buf->len) && !grow(buf, buf->len + size))) {
        buf->failed = true;
        return NULL;
    }
    return buf->at + buf->len;
}

void buf_add(struct buf *buf, str s)
{
    char *to = s.len ? buf_reserve(buf, s.len) : NULL;

    if (!to)
        return;
    memcpy(to, s.at, s.len);
    buf->len += s.len;
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, (str){ &c, 1 });
}

void buf_add_uint(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buf_add(buf, (str){ digits + at, sizeof digits - at });
}

void buf_add_int(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_add_char(buf, '-');
    buf_add_uint(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    char *to = len < 0 ? NULL : buf_reserve(buf, (size_t)len);

    if (to) {
        vsnprintf(to, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(arguments);
}

void buf_drop_front(struct buf *buf, size_t size)
{
    assert(size <= buf->len);
    if (size && size < buf->len)
        memmove(buf->at, buf->at + size, buf->len - size);
    buf->len -= size;
}
