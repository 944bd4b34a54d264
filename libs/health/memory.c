#include "health/health.h"

#include "runtime/file.h"

#include <malloc.h>
#include <unistd.h>

enum { STATM_MAX = 256 }; /* seven numbers */

static const struct error HEAP_EXCEEDED = ERROR(503, "Used heap exceeded the set threshold");
static const struct error RSS_EXCEEDED = ERROR(503, "Used rss exceeded the set threshold");
static const struct error RSS_UNKNOWN = ERROR(503, "Used rss is unknown");

size_t health_heap_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();

    return heap.uordblks + heap.hblkhd;
}

/* The second number of proc(5)'s statm counts resident pages. getrusage would give the peak. */
static uint64_t resident_pages(struct arena *arena)
{
    str text, size, resident;
    uint64_t pages;

    if (file_read(arena, "/proc/self/statm", STATM_MAX, &text) ||
        !str_next_piece(&text, ' ', &size) || !str_next_piece(&text, ' ', &resident) ||
        !str_to_uint(resident, SIZE_MAX / (uint64_t)sysconf(_SC_PAGESIZE), &pages))
        return 0;
    return pages;
}

size_t health_rss_bytes(void)
{
    struct arena *arena = arena_new(ARENA_BLOCK_SIZE);
    uint64_t pages = arena ? resident_pages(arena) : 0;

    arena_free(arena);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

error health_check_heap(struct call *call, void *threshold, struct health_result *result)
{
    const size_t *limit = threshold;

    (void)call;
    (void)result;
    return health_heap_bytes() > *limit ? &HEAP_EXCEEDED : NULL;
}

error health_check_rss(struct call *call, void *threshold, struct health_result *result)
{
    const size_t *limit = threshold;
    size_t used = health_rss_bytes();

    (void)call;
    (void)result;
    if (!used)
        return &RSS_UNKNOWN;
    return used > *limit ? &RSS_EXCEEDED : NULL;
}
