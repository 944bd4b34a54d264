/* Tests that need a store: each runs on a fiber, with a new store in a directory of its own. */
#pragma once

#include "testing/directory.h"
#include "testing/fiber_test.h"

#include "database/database.h"

#include <string.h>

struct store {
    struct testing_directory directory;
    struct arena *arena;
    struct own *others;
    struct call call;
    const char *url;
    struct db *db; /* open while the test runs */
};

/* `STORE_TEST(name) { … }` is a cmocka test whose body has `struct store *store`. */
#define STORE_TEST(name)                                \
    static void name##_with_store(struct store *store); \
    static void name##_with_call(struct call *call)     \
    {                                                   \
        store_run(call, name##_with_store);             \
    }                                                   \
    static void name(void **state)                      \
    {                                                   \
        (void)state;                                    \
        testing_on_fiber(name##_with_call);             \
    }                                                   \
    static void name##_with_store(struct store *store)

static inline void assert_done(error e)
{
    if (e)
        fail_msg("%d %s: %s", e->status, e->message, e->cause ? e->cause->message : "");
}

/* The error's cause has that text in it: what the log says and the peer does not read. */
static inline void assert_cause(error e, int status, const char *part)
{
    assert_non_null(e);
    assert_int_equal(e->status, status);
    assert_null(strstr(e->message, part));
    assert_non_null(e->cause);
    if (!strstr(e->cause->message, part))
        fail_msg("'%s' does not say '%s'", e->cause->message, part);
}

static inline void store_open(struct store *store)
{
    assert_done(db_open(store->arena, store->url, &store->db));
}

static inline void store_close(struct store *store)
{
    db_close(store->db);
    store->db = NULL;
}

static inline void store_write(struct store *store, const char *sql)
{
    assert_done(db_write(&store->call, store->db, NO_INPUT, sql));
}

struct own {
    struct own *next;
    struct arena *arena;
};

/* An arena that lives as long as the test: each fiber has its own, since the committer may use it. */
static inline struct arena *store_arena(struct store *store)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    assert_non_null(arena);
    struct own *own = ARENA_NEW(arena, struct own);

    *own = (struct own){ store->others, arena };
    store->others = own;
    return arena;
}

static inline void store_free_arenas(struct store *store)
{
    while (store->others) {
        struct own *own = store->others;

        store->others = own->next;
        arena_free(own->arena);
    }
}

/* The path of the store's file, its suffix appended. */
static inline const char *store_path(const struct store *store, const char *suffix)
{
    return arena_printf(store->arena, "%s%s", store->url + strlen("sqlite:"), suffix).at;
}

static inline void store_run(struct call *call, void (*test)(struct store *store))
{
    struct store store = { .arena = call->arena, .directory = testing_directory_new() };

    store.call = call_new(call->arena, 60 * 1000);
    store.url = arena_printf(store.arena, "sqlite:%s/data/store.db", store.directory.path).at;
    store_open(&store);
    test(&store);
    store_close(&store);
    store_free_arenas(&store);
    testing_directory_remove(&store.directory);
}

/* One integer, for "SELECT … AS value". */
struct number {
    int64_t value;
};
static inline SCHEMA(number, FIELD(value));

static inline int64_t store_number(struct store *store, const char *sql)
{
    struct number number = { 0 };

    assert_done(db_one(&store->call, store->db, NO_INPUT, OUT(number, &number), sql));
    return number.value;
}
