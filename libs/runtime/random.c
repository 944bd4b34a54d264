#include "runtime/random.h"
#include "runtime/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A system call for each id would cost more than the rest of it, so bytes are fetched in blocks; each byte
 * is handed out once. A child process would repeat its parent's bytes: Cuib does not fork. */
enum { BLOCK = 4096 };

static struct {
    pthread_mutex_t lock;
    uint8_t bytes[BLOCK];
    size_t left;
    int64_t last_ms;  /* of random_uuid */
    uint32_t counter; /* within that millisecond */
} source = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void fetch(uint8_t *out, size_t len)
{
    while (len) {
        ssize_t got = getrandom(out, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            perror("getrandom");
            abort();
        }
        out += got;
        len -= (size_t)got;
    }
}

static void take(void *out, size_t len)
{
    if (len > BLOCK / 4) {
        fetch(out, len);
        return;
    }
    if (source.left < len) {
        fetch(source.bytes, BLOCK);
        source.left = BLOCK;
    }
    source.left -= len;
    memcpy(out, source.bytes + source.left, len);
    explicit_bzero(source.bytes + source.left, len);
}

void random_bytes(void *out, size_t len)
{
    pthread_mutex_lock(&source.lock);
    take(out, len);
    pthread_mutex_unlock(&source.lock);
}

uint64_t random_below(uint64_t below)
{
    uint64_t value, limit = UINT64_MAX - UINT64_MAX % below;

    do
        random_bytes(&value, sizeof value);
    while (value >= limit);
    return value % below;
}

/* The 12 bits after the version and the first 14 of the next word count the ids of one millisecond, starting
 * at a random point of the lower half; a clock that goes back does not take the order with it. */
static uint32_t next_count(int64_t *ms)
{
    uint32_t start;

    if (*ms > source.last_ms) {
        take(&start, sizeof start);
        source.last_ms = *ms;
        source.counter = start & 0x1FFFFFF;
    } else if (++source.counter > 0x3FFFFFF) {
        source.last_ms++;
        source.counter = 0;
    }
    *ms = source.last_ms;
    return source.counter;
}

uuid random_uuid(void)
{
    int64_t ms = clock_now().ms;
    uuid id;

    pthread_mutex_lock(&source.lock);
    uint32_t count = next_count(&ms);

    take(id.bytes + 10, 6);
    pthread_mutex_unlock(&source.lock);
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70 | count >> 22);
    id.bytes[7] = (uint8_t)(count >> 14);
    id.bytes[8] = (uint8_t)(0x80 | (count >> 8 & 0x3F));
    id.bytes[9] = (uint8_t)count;
    return id;
}
