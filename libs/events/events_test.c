#include "testing/store.h"

#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/trace.h"
#include "testing/account.h"

enum { RACES = EVENTS_STREAM_MAX, GROUPS = 16, RACERS = 4 };

static struct events *events_of(struct store *store)
{
    struct events *events;

    assert_done(testing_open_accounts(&store->call, store->db, &events));
    return events;
}

static error move_at(struct store *store, struct events *events, uuid id, int64_t expected,
                     int64_t amount, struct testing_account *state)
{
    struct testing_moved moved = { .amount = amount };

    return events_append(&store->call, events,
                         &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                  .stream_id = id,
                                                  .expected = expected,
                                                  .state = state,
                                                  EVENTS(IN(testing_moved, &moved)) });
}

/* An account with `amounts` moved, the version 1 + count. */
static uuid open_account(struct store *store, struct events *events, const char *owner)
{
    struct testing_opened opened = { str_of(owner) };
    uuid id = random_uuid();

    assert_done(events_append(&store->call, events,
                              &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                       .stream_id = id,
                                                       EVENTS(IN(testing_opened, &opened)) }));
    return id;
}

static error load_at(struct store *store, struct events *events, uuid id, int64_t version,
                     struct testing_account *out, int64_t *found)
{
    return events_load(&store->call, events, &testing_account_aggregate, id, version, out, found);
}

STORE_TEST(what_was_appended_is_loaded)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account = { 0 };
    int64_t version = 0;

    assert_done(move_at(store, events, id, 1, 50, NULL));
    assert_done(load_at(store, events, id, EVENTS_NEWEST, &account, &version));
    assert_text(account.owner, "Ana");
    assert_int_equal(account.balance, 50);
    assert_int_equal(version, 2);
}

STORE_TEST(the_state_given_has_the_new_events_applied)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account;

    assert_done(load_at(store, events, id, EVENTS_NEWEST, &account, NULL));
    assert_done(move_at(store, events, id, 1, 7, &account));
    assert_int_equal(account.balance, 7);
    assert_ptr_equal(move_at(store, events, id, 1, 7, &account), &EVENTS_CONFLICT);
    assert_int_equal(account.balance, 7);
}

STORE_TEST(several_events_are_appended_or_none)
{
    struct events *events = events_of(store);
    uuid id = random_uuid();
    struct testing_opened opened = { STR("Ana") };
    struct testing_moved in = { .amount = 10 }, out = { .amount = -11 };
    struct events_append append = { .aggregate = &testing_account_aggregate,
                                    .stream_id = id,
                                    EVENTS(IN(testing_opened, &opened), IN(testing_moved, &in),
                                           IN(testing_moved, &out)) };

    assert_int_equal(events_append(&store->call, events, &append)->status, 500);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events"), 0);
    out.amount = -10;
    assert_done(events_append(&store->call, events, &append));
    assert_int_equal(store_number(store, "SELECT max(version) AS value FROM events"), 3);
}

/* The balance of the projection may not be negative, so writing it fails after the event was inserted. */
STORE_TEST(a_projection_is_written_or_undone_with_the_event)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");

    assert_done(move_at(store, events, id, 1, 5, NULL));
    assert_int_equal(move_at(store, events, id, 2, -6, NULL)->status, 500);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events"), 2);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM movements"), 1);
    assert_int_equal(store_number(store, "SELECT balance AS value FROM accounts"), 5);
}

STORE_TEST(a_version_that_was_not_expected_is_a_conflict)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");

    assert_ptr_equal(move_at(store, events, id, 0, 1, NULL), &EVENTS_CONFLICT);
    assert_ptr_equal(move_at(store, events, id, 2, 1, NULL), &EVENTS_CONFLICT);
    assert_ptr_equal(move_at(store, events, random_uuid(), 1, 1, NULL), &EVENTS_CONFLICT);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events"), 1);
}

STORE_TEST(a_stream_is_read_as_of_each_version)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account = { 0 };
    int64_t version = 0;

    for (int64_t i = 1; i <= 3; i++)
        assert_done(move_at(store, events, id, i, 10, NULL));
    for (int64_t i = 1; i <= 4; i++) {
        assert_done(load_at(store, events, id, i, &account, &version));
        assert_int_equal(account.balance, 10 * (i - 1));
        assert_int_equal(version, i);
    }
    assert_ptr_equal(load_at(store, events, id, 5, &account, &version), &EVENTS_NO_STREAM);
    assert_int_equal(account.balance, 30);
    assert_done(load_at(store, events, id, 0, &account, &version));
    assert_null(account.owner.at);
    assert_ptr_equal(load_at(store, events, random_uuid(), EVENTS_NEWEST, &account, NULL),
                     &EVENTS_NO_STREAM);
}

/* Loads, decides and appends in one unit of work. */
struct take {
    struct events *events;
    uuid id;
    int64_t amount, balance;
};

static error take_in_unit(struct db_unit *unit, void *argument)
{
    struct take *take = argument;
    struct testing_account account;
    struct testing_moved moved = { .amount = -take->amount };
    int64_t version;

    TRY(events_load_in(unit, &testing_account_aggregate, take->id, EVENTS_NEWEST, &account,
                       &version));
    if (account.balance < take->amount)
        return &ERROR_CANCELLED;
    TRY(events_append_in(unit, take->events,
                         &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                  .stream_id = take->id,
                                                  .expected = version,
                                                  .state = &account,
                                                  EVENTS(IN(testing_moved, &moved)) }));
    take->balance = account.balance;
    return NULL;
}

STORE_TEST(a_unit_loads_decides_and_appends)
{
    struct events *events = events_of(store);
    struct take take = { events, open_account(store, events, "Ana"), 30, 0 };

    assert_done(move_at(store, events, take.id, 1, 50, NULL));
    assert_done(events_transaction(&store->call, events, take_in_unit, &take));
    assert_int_equal(take.balance, 20);
    assert_ptr_equal(events_transaction(&store->call, events, take_in_unit, &take),
                     &ERROR_CANCELLED);
    assert_int_equal(store_number(store, "SELECT balance AS value FROM accounts"), 20);
}

/* --- races --------------------------------------------------------------------------------------- */

/* RACERS fibers race for each version; GROUPS of them have a version each, so that a commit settles several. */
struct race {
    struct store *store;
    struct events *events;
    uuid id;
    unsigned started, running;
    unsigned winners[RACES + 1], losers[RACES + 1];
    struct wait ended;
};

static int64_t newest_version(struct race *race, struct call *call)
{
    struct number number = { 0 };

    assert_done(
        db_one(call, race->store->db, NO_INPUT, OUT(number, &number),
               "SELECT coalesce((SELECT version FROM events ORDER BY position DESC LIMIT 1), 0)"
               " AS value"));
    return number.value;
}

static error append_version(struct race *race, struct call *call, int64_t version)
{
    struct testing_moved moved = { .amount = 1 };
    struct testing_opened opened = { STR("Ana") };
    struct schema_in event = version == 1 ? IN(testing_opened, &opened) : IN(testing_moved, &moved);

    return events_append(call, race->events,
                         &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                  .stream_id = race->id,
                                                  .expected = version - 1,
                                                  .events = &event,
                                                  .count = 1 });
}

/* Until somebody has it. */
static void race_for(struct race *race, struct call *call, int64_t version)
{
    error why;

    do {
        why = append_version(race, call, version);
        if (why && why != &EVENTS_CONFLICT)
            assert_done(why);
    } while (why && newest_version(race, call) < version);
    race->winners[version] += !why;
    race->losers[version] += why != NULL;
}

static void race_on(void *argument)
{
    struct race *race = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    for (int64_t version = race->started++ / RACERS + 1; version <= RACES; version += GROUPS) {
        struct call call = call_new(arena, CALL_TIMEOUT_MS);

        race_for(race, &call, version);
        arena_reset(arena);
    }
    arena_free(arena);
    if (--race->running == 0)
        wait_done(&race->ended);
}

STORE_TEST(of_10000_races_on_one_stream_each_has_one_winner)
{
    struct race *race = ARENA_NEW(store->arena, struct race);

    race->store = store;
    race->events = events_of(store);
    race->id = random_uuid();
    race->running = GROUPS * RACERS;
    for (int i = 0; i < GROUPS * RACERS; i++)
        assert_done(fiber_start(race_on, race));
    call_wait_done(&store->call, &race->ended);
    for (size_t i = 1; i <= RACES; i++) {
        assert_int_equal(race->winners[i], 1);
        assert_int_equal(race->losers[i], RACERS - 1);
    }
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events"), RACES);
    assert_int_equal(store_number(store, "SELECT balance AS value FROM accounts"), RACES - 1);
    struct events_verified verified = { 0 };

    assert_done(events_verify(&store->call, race->events, &(struct events_verify){ 0 }, &verified));
    assert_int_equal(verified.events, RACES);
    assert_int_equal(verified.problems, 0);
    error full = move_at(store, race->events, race->id, RACES, 1, NULL);

    assert_int_equal(full->status, 409);
    assert_ptr_not_equal(full, &EVENTS_CONFLICT);
}

/* --- metadata and history ------------------------------------------------------------------------ */

STORE_TEST(an_event_remembers_trace_cause_and_actor)
{
    struct events *events = events_of(store);
    struct testing_opened opened = { STR("Ana") };
    struct identity ana = { .user = random_uuid() };
    struct events_about about;
    struct recorded *history;
    uuid id = random_uuid();
    size_t count = 0;
    int64_t before = clock_now().ms;

    store->call.trace = trace_new();
    store->call.identity = &ana;
    about = events_about(&store->call);
    about.cause = STR("order.cancel");
    assert_done(events_append(&store->call, events,
                              &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                       .stream_id = id,
                                                       .about = &about,
                                                       EVENTS(IN(testing_opened, &opened)) }));
    assert_done(
        events_history(&store->call, events, &testing_account_aggregate, id, &history, &count));
    assert_int_equal(count, 1);
    assert_text(history[0].type, "account.opened");
    assert_text(history[0].data, "{\"owner\":\"Ana\"}");
    assert_text(history[0].cause, "order.cancel");
    assert_true(uuid_eq(history[0].actor, ana.user));
    assert_true(str_eq(history[0].trace, about.trace));
    assert_int_equal(history[0].shape, 2);
    assert_int_equal(history[0].position, 1);
    assert_true(history[0].recorded_at.ms >= before);
}

STORE_TEST(a_stream_without_events_has_no_history)
{
    struct events *events = events_of(store);
    struct recorded *history;
    size_t count;

    assert_ptr_equal(events_history(&store->call, events, &testing_account_aggregate, random_uuid(),
                                    &history, &count),
                     &EVENTS_NO_STREAM);
}

/* --- old, unknown and unreadable events ----------------------------------------------------------- */

struct raw {
    uuid id, stream_id;
    int64_t version;
    str type, data;
};
static SCHEMA(raw, FIELD(id), FIELD(stream_id), FIELD(version), FIELD(type), FIELD(data));

static void insert_raw(struct store *store, uuid stream, int64_t version, const char *type,
                       const char *data)
{
    struct raw raw = { random_uuid(), stream, version, str_of(type), str_of(data) };

    assert_done(db_write(&store->call, store->db, IN(raw, &raw),
                         "INSERT INTO events (id, stream_id, version, type, data, metadata,"
                         " recorded_at) VALUES (:id, :stream_id, :version, :type, :data,"
                         " '{\"shape\":1}', 1)"));
}

STORE_TEST(an_event_in_an_old_shape_is_read_in_todays)
{
    struct events *events = events_of(store);
    uuid id = random_uuid();
    struct testing_account account;
    struct recorded *history;
    size_t count;

    insert_raw(store, id, 1, "account.opened", "{\"firstName\":\"Ana\",\"lastName\":\"Pop\"}");
    assert_done(load_at(store, events, id, EVENTS_NEWEST, &account, NULL));
    assert_text(account.owner, "Ana Pop");
    assert_done(
        events_history(&store->call, events, &testing_account_aggregate, id, &history, &count));
    assert_text(history[0].data, "{\"owner\":\"Ana Pop\"}");
    assert_int_equal(history[0].shape, 2);
}

STORE_TEST(an_unknown_event_is_kept_and_changes_nothing)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account;
    struct events_verified verified;
    struct recorded *history;
    size_t count;

    insert_raw(store, id, 2, "account.blessed", "{\"by\":[1]}");
    assert_done(move_at(store, events, id, 2, 4, NULL));
    assert_done(load_at(store, events, id, EVENTS_NEWEST, &account, NULL));
    assert_int_equal(account.balance, 4);
    assert_done(
        events_history(&store->call, events, &testing_account_aggregate, id, &history, &count));
    assert_int_equal(count, 3);
    assert_text(history[1].type, "account.blessed");
    assert_text(history[1].data, "{\"by\":[1]}");
    assert_done(events_rebuild(&store->call, events, &(struct events_rebuild){ 0 }));
    assert_done(events_verify(&store->call, events, &(struct events_verify){ 0 }, &verified));
    assert_int_equal(verified.unknown, 1);
    assert_int_equal(verified.problems, 0);
}

STORE_TEST(unknown_members_of_an_event_are_passed_over)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account;

    insert_raw(store, id, 2, "account.moved", "{\"amount\":3,\"reason\":\"newer\"}");
    assert_done(load_at(store, events, id, EVENTS_NEWEST, &account, NULL));
    assert_int_equal(account.balance, 3);
}

STORE_TEST(unreadable_data_are_an_error_that_names_the_event)
{
    struct events *events = events_of(store);
    uuid id = open_account(store, events, "Ana");
    struct testing_account account;

    insert_raw(store, id, 2, "account.moved", "{\"amount\":\"much\"}");
    error why = load_at(store, events, id, EVENTS_NEWEST, &account, NULL);

    assert_int_equal(why->status, 500);
    assert_non_null(strstr(why->message, "Event 2 of stream"));
    assert_done(load_at(store, events, id, 1, &account, NULL));
}

STORE_TEST(events_can_neither_be_changed_nor_deleted)
{
    struct events *events = events_of(store);

    open_account(store, events, "Ana");
    assert_cause(db_write(&store->call, store->db, NO_INPUT, "DELETE FROM events"), 500,
                 "never deleted");
    assert_cause(db_write(&store->call, store->db, NO_INPUT, "UPDATE events SET version = 9"), 500,
                 "never changed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_loaded),
        cmocka_unit_test(the_state_given_has_the_new_events_applied),
        cmocka_unit_test(several_events_are_appended_or_none),
        cmocka_unit_test(a_projection_is_written_or_undone_with_the_event),
        cmocka_unit_test(a_version_that_was_not_expected_is_a_conflict),
        cmocka_unit_test(a_stream_is_read_as_of_each_version),
        cmocka_unit_test(a_unit_loads_decides_and_appends),
        cmocka_unit_test(of_10000_races_on_one_stream_each_has_one_winner),
        cmocka_unit_test(an_event_remembers_trace_cause_and_actor),
        cmocka_unit_test(a_stream_without_events_has_no_history),
        cmocka_unit_test(an_event_in_an_old_shape_is_read_in_todays),
        cmocka_unit_test(an_unknown_event_is_kept_and_changes_nothing),
        cmocka_unit_test(unknown_members_of_an_event_are_passed_over),
        cmocka_unit_test(unreadable_data_are_an_error_that_names_the_event),
        cmocka_unit_test(events_can_neither_be_changed_nor_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
