#include "testing/store.h"

#include "runtime/random.h"
#include "testing/account.h"

enum { ACCOUNTS = 120, MOVES = 49, LONG = 5000, PROBLEMS = 8 };

static struct events *events_of(struct store *store)
{
    struct events *events;

    assert_done(testing_open_accounts(&store->call, store->db, &events));
    return events;
}

static error append_moves(struct call *call, struct events *events, uuid id, int64_t version,
                          size_t count)
{
    struct testing_opened opened = { STR("Ana") };
    struct testing_moved moved = { .amount = version + 1 };
    struct schema_in all[EVENTS_APPEND_MAX];

    for (size_t i = 0; i < count; i++)
        all[i] =
            version + (int64_t)i == 0 ? IN(testing_opened, &opened) : IN(testing_moved, &moved);
    return events_append(call, events,
                         &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                  .stream_id = id,
                                                  .expected = version,
                                                  .events = all,
                                                  .count = count });
}

static uuid open_account(struct store *store, struct events *events, int64_t count)
{
    uuid id = random_uuid();

    for (int64_t version = 0; version < count;) {
        size_t more =
            count - version > EVENTS_APPEND_MAX ? EVENTS_APPEND_MAX : (size_t)(count - version);

        assert_done(append_moves(&store->call, events, id, version, more));
        version += (int64_t)more;
    }
    return id;
}

/* Everything that the projection has, as one text. */
struct contents {
    str value;
};
static SCHEMA(contents, FIELD(value));

static str contents_of(struct store *store)
{
    struct contents contents = { 0 };

    assert_done(
        db_one(&store->call, store->db, NO_INPUT, OUT(contents, &contents),
               "SELECT (SELECT group_concat(id || owner || balance || '/' || version) FROM"
               " (SELECT * FROM accounts ORDER BY id)) || (SELECT group_concat(account_id ||"
               " version || '/' || amount) FROM (SELECT * FROM movements"
               " ORDER BY account_id, version)) AS value"));
    return contents.value;
}

struct findings {
    size_t count;
    char texts[PROBLEMS][200];
    struct events_verified verified;
};

static void note(void *cookie, const char *text)
{
    struct findings *findings = cookie;

    if (findings->count < PROBLEMS)
        snprintf(findings->texts[findings->count], sizeof findings->texts[0], "%s", text);
    findings->count++;
}

static struct findings verify(struct store *store, struct events *events)
{
    struct findings findings = { 0 };

    assert_done(events_verify(&store->call, events, &(struct events_verify){ note, &findings },
                              &findings.verified));
    assert_int_equal(findings.count, findings.verified.problems);
    return findings;
}

static void rebuild(struct store *store, struct events *events)
{
    assert_done(events_rebuild(&store->call, events, &(struct events_rebuild){ 0 }));
}

/* The one problem that is found says both words. */
static void assert_found(struct store *store, struct events *events, const char *one,
                         const char *other)
{
    struct findings findings = verify(store, events);

    assert_int_equal(findings.count, 1);
    if (!strstr(findings.texts[0], one) || !strstr(findings.texts[0], other))
        fail_msg("'%s' says not '%s' and '%s'", findings.texts[0], one, other);
}

static const char *text_of(struct store *store, uuid id)
{
    char text[UUID_TEXT];

    uuid_print(id, text);
    return arena_copy(store->arena, (str){ text, UUID_TEXT }).at;
}

/* --- rebuild ------------------------------------------------------------------------------------- */

static void remember(void *cookie, const struct events_progress *progress)
{
    *(struct events_progress *)cookie = *progress;
}

STORE_TEST(an_emptied_projection_is_rebuilt_to_the_byte)
{
    struct events *events = events_of(store);
    struct events_progress progress = { 0 };

    for (int i = 0; i < ACCOUNTS; i++)
        open_account(store, events, 1 + MOVES);
    str before = contents_of(store);

    store_write(store, "DELETE FROM movements");
    store_write(store, "DELETE FROM accounts");
    assert_done(events_rebuild(&store->call, events,
                               &(struct events_rebuild){ "accounts", remember, &progress }));
    assert_true(str_eq(contents_of(store), before));
    assert_int_equal(progress.events, ACCOUNTS * (1 + MOVES));
    assert_int_equal(progress.total, ACCOUNTS * (1 + MOVES));
    assert_int_equal(progress.streams, ACCOUNTS);
}

STORE_TEST(a_stream_longer_than_a_batch_is_rebuilt_whole)
{
    struct events *events = events_of(store);

    open_account(store, events, 3);
    open_account(store, events, LONG);
    open_account(store, events, 3);
    str before = contents_of(store);

    store_write(store, "UPDATE movements SET amount = 0");
    rebuild(store, events);
    assert_true(str_eq(contents_of(store), before));
    assert_int_equal(verify(store, events).verified.streams, 3);
}

STORE_TEST(rows_of_no_stream_go)
{
    struct events *events = events_of(store);

    open_account(store, events, 2);
    str before = contents_of(store);

    store_write(store,
                "INSERT INTO accounts VALUES ('00000000-0000-7000-8000-000000000000', 'x', 1, 1),"
                " ('ffffffff-ffff-7fff-bfff-ffffffffffff', 'y', 1, 1)");
    rebuild(store, events);
    assert_true(str_eq(contents_of(store), before));
}

STORE_TEST(an_unknown_projection_is_not_found)
{
    struct events *events = events_of(store);

    assert_int_equal(
        events_rebuild(&store->call, events, &(struct events_rebuild){ .projection = "nobody" })
            ->status,
        404);
}

STORE_TEST(a_missing_table_is_named)
{
    struct events *events = events_of(store);

    store_write(store, "DROP TABLE movements");
    error why = events_rebuild(&store->call, events, &(struct events_rebuild){ 0 });

    assert_int_equal(why->status, 500);
    assert_non_null(strstr(why->message, "movements"));
}

/* --- beside writers ------------------------------------------------------------------------------ */

struct writers {
    struct store *store;
    struct events *events;
    uuid ids[ACCOUNTS];
    unsigned running;
    bool stop;
    int64_t written, opened;
    struct wait ended;
};

static void write_on(void *argument)
{
    struct writers *writers = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    while (!writers->stop) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);
        uuid id = writers->ids[random_below(ACCOUNTS)];
        struct testing_account account;
        int64_t version;

        assert_done(append_moves(&call, writers->events, random_uuid(), 0, 3));
        writers->opened++;
        assert_done(events_load(&call, writers->events, &testing_account_aggregate, id,
                                EVENTS_NEWEST, &account, &version));
        error why = append_moves(&call, writers->events, id, version, 1);

        if (why != &EVENTS_CONFLICT)
            assert_done(why);
        writers->written += !why;
        arena_reset(arena);
    }
    arena_free(arena);
    if (--writers->running == 0)
        wait_done(&writers->ended);
}

STORE_TEST(a_rebuild_beside_writers_ends_in_what_a_replay_gives)
{
    struct writers *writers = ARENA_NEW(store->arena, struct writers);

    writers->store = store;
    writers->events = events_of(store);
    for (int i = 0; i < ACCOUNTS; i++)
        writers->ids[i] = open_account(store, writers->events, 1 + MOVES);
    store_write(store, "UPDATE accounts SET balance = balance + 7, owner = 'nobody'");
    store_write(store, "DELETE FROM movements WHERE version % 3 = 0");
    assert_int_equal(verify(store, writers->events).count, 2 * ACCOUNTS);
    writers->running = 8;
    for (int i = 0; i < 8; i++)
        assert_done(fiber_start(write_on, writers));
    for (int i = 0; i < 3; i++)
        rebuild(store, writers->events);
    assert_int_equal(verify(store, writers->events).count, 0);
    writers->stop = true;
    call_wait_done(&store->call, &writers->ended);
    struct findings findings = verify(store, writers->events);

    assert_int_equal(findings.count, 0);
    assert_true(writers->written > 0);
    assert_int_equal(findings.verified.streams, ACCOUNTS + writers->opened);
    assert_int_equal(findings.verified.events,
                     ACCOUNTS * (1 + MOVES) + 3 * writers->opened + writers->written);
}

/* --- verify -------------------------------------------------------------------------------------- */

STORE_TEST(a_sound_store_has_no_problem_and_stays_as_it_is)
{
    struct events *events = events_of(store);

    for (int i = 0; i < ACCOUNTS; i++)
        open_account(store, events, 1 + MOVES);
    str before = contents_of(store);
    struct findings findings = verify(store, events);

    assert_int_equal(findings.count, 0);
    assert_int_equal(findings.verified.streams, ACCOUNTS);
    assert_int_equal(findings.verified.events, ACCOUNTS * (1 + MOVES));
    assert_true(str_eq(contents_of(store), before));
}

STORE_TEST(an_empty_store_is_sound)
{
    struct events *events = events_of(store);

    assert_int_equal(verify(store, events).verified.streams, 0);
    rebuild(store, events);
}

STORE_TEST(a_planted_gap_is_found)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, 3);

    open_account(store, events, 3);
    store_write(store, "DROP TRIGGER events_stay");
    store_write(store, "DELETE FROM events WHERE position = 2");
    store_write(store, "DELETE FROM movements WHERE amount = 1 AND account_id ="
                       " (SELECT stream_id FROM events WHERE position = 1) AND version = 2");
    rebuild(store, events);
    assert_found(store, events, text_of(store, id), "version 3 where 2 should be");
}

STORE_TEST(a_stream_that_does_not_begin_at_1_is_found)
{
    struct events *events = events_of(store);

    store_write(store,
                "INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)"
                " VALUES ('00000000-0000-7000-8000-000000000001',"
                " '00000000-0000-7000-8000-000000000002', 2, 'other', '{}', '{\"shape\":1}', 1)");
    assert_found(store, events, "00000000-0000-7000-8000-000000000002",
                 "version 2 where 1 should be");
}

STORE_TEST(a_planted_wrong_row_is_found)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, 3);

    open_account(store, events, 3);
    store_write(store, "UPDATE accounts SET owner = 'ana' WHERE id ="
                       " (SELECT stream_id FROM events WHERE position = 1)");
    assert_found(store, events, text_of(store, id), "accounts");
}

STORE_TEST(a_missing_row_and_a_row_too_many_are_found)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, 3);

    store_write(store, "DELETE FROM movements WHERE version = 3");
    assert_found(store, events, text_of(store, id), "movements");
    rebuild(store, events);
    store_write(store, "INSERT INTO movements SELECT id, 4, 0 FROM accounts");
    assert_found(store, events, text_of(store, id), "movements");
    rebuild(store, events);
    store_write(store, "INSERT INTO accounts VALUES ('zzz', 'x', 1, 1)");
    assert_found(store, events, "zzz", "accounts");
}

STORE_TEST(an_unreadable_event_is_found)
{
    struct events *events = events_of(store);

    open_account(store, events, 2);
    store_write(store, "DROP TRIGGER events_stay_as_they_are");
    store_write(store, "UPDATE events SET data = '{}' WHERE version = 2");
    struct findings findings = verify(store, events);

    assert_int_equal(findings.count, 3);
    assert_non_null(strstr(findings.texts[0], "unreadable"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_emptied_projection_is_rebuilt_to_the_byte),
        cmocka_unit_test(a_stream_longer_than_a_batch_is_rebuilt_whole),
        cmocka_unit_test(rows_of_no_stream_go),
        cmocka_unit_test(an_unknown_projection_is_not_found),
        cmocka_unit_test(a_missing_table_is_named),
        cmocka_unit_test(a_rebuild_beside_writers_ends_in_what_a_replay_gives),
        cmocka_unit_test(a_sound_store_has_no_problem_and_stays_as_it_is),
        cmocka_unit_test(an_empty_store_is_sound),
        cmocka_unit_test(a_planted_gap_is_found),
        cmocka_unit_test(a_stream_that_does_not_begin_at_1_is_found),
        cmocka_unit_test(a_planted_wrong_row_is_found),
        cmocka_unit_test(a_missing_row_and_a_row_too_many_are_found),
        cmocka_unit_test(an_unreadable_event_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
