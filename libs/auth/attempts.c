#include "auth/attempts.h"
#include "runtime/random.h"

#include <stdlib.h>

/* The table is set-associative: a key may lie in one of the WAYS places of its set. Keys are kept as 64-bit hashes
 * with a secret seed, so that nobody can choose keys that meet. */
enum {
    WAYS = 8,
    SETS = ATTEMPTS_KEYS / WAYS,
};

struct bucket {
    uint64_t key; /* 0: free */
    uint64_t
        empty_ms; /* the tokens used up are forgotten at this time, one each ATTEMPTS_REFILL_MS */
};

struct attempts {
    uint64_t seed;
    struct bucket sets[SETS][WAYS];
};

error attempts_new(struct attempts **out)
{
    struct attempts *attempts = calloc(1, sizeof *attempts);

    if (!attempts)
        return &ERROR_OUT_OF_MEMORY;
    random_bytes(&attempts->seed, sizeof attempts->seed);
    *out = attempts;
    return NULL;
}

void attempts_free(struct attempts *attempts)
{
    free(attempts);
}

/* FNV-1a over the seed and the key in lower case, then mixed as in MurmurHash3's finaliser. */
static uint64_t hash(const struct attempts *attempts, str key)
{
    uint64_t h = 0xcbf29ce484222325u ^ attempts->seed;

    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];

        h = (h ^ (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 0x100000001b3u;
    }
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    h ^= h >> 33;
    return h ? h : 1;
}

/* The key's bucket; with `make`, in the place of the one that would be full soonest. */
static struct bucket *find(struct attempts *attempts, str key, bool make)
{
    uint64_t h = hash(attempts, key);
    struct bucket *set = attempts->sets[h % SETS], *victim = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == h)
            return &set[i];
        if (set[i].empty_ms < victim->empty_ms)
            victim = &set[i];
    }
    if (!make)
        return NULL;
    *victim = (struct bucket){ .key = h };
    return victim;
}

error attempts_take(struct attempts *attempts, struct arena *arena, str key, uint64_t now_ms)
{
    struct bucket *bucket = find(attempts, key, true);
    uint64_t start = bucket->empty_ms > now_ms ? bucket->empty_ms : now_ms;
    uint64_t after = start + ATTEMPTS_REFILL_MS;

    if (after <= now_ms + (uint64_t)ATTEMPTS_BURST * ATTEMPTS_REFILL_MS) {
        bucket->empty_ms = after;
        return NULL;
    }
    struct error *refused = ARENA_NEW(arena, struct error);

    if (!refused)
        return &ERROR_OUT_OF_MEMORY;
    uint64_t wait_ms = after - now_ms - (uint64_t)ATTEMPTS_BURST * ATTEMPTS_REFILL_MS;

    *refused = (struct error){ .status = 429,
                               .message = "Too many failed attempts; try again later",
                               .retry_after_s = (unsigned)(wait_ms / 1000 + 1) };
    return refused;
}

void attempts_give_back(struct attempts *attempts, str key, uint64_t now_ms)
{
    struct bucket *bucket = find(attempts, key, false);

    if (bucket)
        bucket->empty_ms = bucket->empty_ms > now_ms + ATTEMPTS_REFILL_MS
                               ? bucket->empty_ms - ATTEMPTS_REFILL_MS
                               : now_ms;
}
