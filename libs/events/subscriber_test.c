#include "testing/store.h"

#include "runtime/clock.h"
#include "runtime/random.h"
#include "events/line.h"
#include "testing/account.h"

#include <unistd.h>

enum { HEARD_MAX = 4096, STREAMS = 20 };

/* The service that listens. */
struct listener {
    struct store *store;
    int64_t heard[HEARD_MAX]; /* positions, in the order of their handling */
    size_t count;
    uuid poisoned;    /* events of this stream fail */
    uuid stuck;       /* events of this stream have no answer, though others have */
    uuid slow;        /* … take three seconds */
    uuid refused;     /* what has moved in this stream is not understood */
    int64_t away_for; /* attempts that a consumer elsewhere does not answer */
    bool naps;
    size_t running, most; /* at the same time */
    bool hangs, cancelled;
};

static void hear(struct listener *listener, const struct recorded *event)
{
    assert_true(listener->count < HEARD_MAX);
    listener->heard[listener->count++] = event->position;
}

#define LISTENERS(ON)                                 \
    ON("account.opened", note_opened, testing_opened) \
    ON("account.moved", note_moved, testing_moved)
SUBSCRIPTIONS(listeners, LISTENERS);

static error note_opened(struct call *call, const struct recorded *event,
                         const struct testing_opened *data)
{
    assert_text(data->owner, "Ana");
    hear(call->service, event);
    return NULL;
}

struct effect {
    uuid event_id;
    int64_t amount;
};
static SCHEMA(effect, FIELD(event_id), FIELD(amount));

static error have_effect(struct db_unit *unit, void *argument)
{
    struct effect *effect = argument;
    bool first;

    TRY(events_inbox(unit, "test", effect->event_id, &first));
    if (!first)
        return NULL;
    return db_unit_run(unit, IN(effect, effect), "INSERT INTO effects VALUES (:event_id, :amount)");
}

static error note_moved(struct call *call, const struct recorded *event,
                        const struct testing_moved *data)
{
    struct listener *listener = call->service;
    struct effect effect = { event->id, data->amount };

    if (uuid_eq(event->stream_id, listener->poisoned))
        return error_new(call->arena, 503, "Not today");
    if (uuid_eq(event->stream_id, listener->refused) && event->version == 2)
        return error_new(call->arena, 400, "amount must be large");
    listener->running++;
    if (listener->running > listener->most)
        listener->most = listener->running;
    if (listener->naps)
        TRY(call_sleep(call, 1 + random_below(3)));
    if (listener->hangs) {
        error why = call_sleep(call, TEST_TIMEOUT_MS);

        listener->cancelled = why == &ERROR_CANCELLED;
        return why;
    }
    listener->running--;
    hear(listener, event);
    return db_transaction(call, listener->store->db, have_effect, &effect);
}

static struct events *events_of(struct store *store)
{
    struct events *events;

    assert_done(testing_open_accounts(&store->call, store->db, &events));
    return events;
}

static void append(struct store *store, struct events *events, uuid id, int64_t version,
                   size_t count)
{
    struct testing_opened opened = { STR("Ana") };
    struct testing_moved moved = { .amount = 1 };
    struct schema_in all[EVENTS_APPEND_MAX];

    for (size_t i = 0; i < count; i++)
        all[i] =
            version + (int64_t)i == 0 ? IN(testing_opened, &opened) : IN(testing_moved, &moved);
    assert_done(events_append(&store->call, events,
                              &(struct events_append){ .aggregate = &testing_account_aggregate,
                                                       .stream_id = id,
                                                       .expected = version,
                                                       .events = all,
                                                       .count = count }));
}

static void listen_with(struct listener *listener, struct events *events, unsigned lanes)
{
    const struct subscriber subscriber = {
        .name = "test", .rows = listeners, .service = listener, .lanes = lanes
    };

    assert_done(events_subscribe(&listener->store->call, events, &subscriber));
}

static void catch_up(struct store *store, struct events *events)
{
    assert_done(events_catch_up(&store->call, events, "test"));
}

static int64_t effects(struct store *store)
{
    return store_number(store, "SELECT count(*) AS value FROM effects");
}

static int64_t checkpoint(struct store *store)
{
    return store_number(store,
                        "SELECT coalesce(max(position), 0) AS value FROM events_checkpoints");
}

static void wait_for_effects(struct store *store, int64_t count)
{
    while (effects(store) < count)
        assert_done(call_sleep(&store->call, 10));
}

/* --- order and checkpoints ----------------------------------------------------------------------- */

STORE_TEST(events_of_before_and_after_are_heard_in_order)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };
    uuid id = random_uuid();

    append(store, events, id, 0, 3);
    listen_with(&listener, events, 0);
    append(store, events, random_uuid(), 0, 2);
    append(store, events, id, 3, 2);
    catch_up(store, events);
    assert_int_equal(listener.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(listener.heard[i], i + 1);
    assert_int_equal(events_counts(events).delivered, 7);
    events_close(&store->call, events);
}

STORE_TEST(a_commit_wakes_a_subscriber_at_once)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };

    listen_with(&listener, events, 0);
    assert_done(call_sleep(&store->call, 20));
    append(store, events, random_uuid(), 0, 1);
    testing_turns(3);
    assert_int_equal(listener.count, 1);
    events_close(&store->call, events);
}

STORE_TEST(a_subscriber_goes_on_where_it_ended)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };

    append(store, events, random_uuid(), 0, 5);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    events_close(&store->call, events);
    assert_int_equal(checkpoint(store), 5);
    events = events_of(store);
    append(store, events, random_uuid(), 0, 1);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(listener.count, 6);
    assert_int_equal(listener.heard[5], 6);
    events_close(&store->call, events);
}

STORE_TEST(a_checkpoint_is_written_soon_without_further_events)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };

    listen_with(&listener, events, 0);
    append(store, events, random_uuid(), 0, 5);
    catch_up(store, events);
    for (int i = 0; i < 100 && checkpoint(store) < 5; i++)
        assert_done(call_sleep(&store->call, 10));
    assert_int_equal(checkpoint(store), 5);
    events_close(&store->call, events);
}

/* As a process leaves it that dies after the effects and before the checkpoint. */
STORE_TEST(what_is_delivered_again_has_one_effect)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };

    append(store, events, random_uuid(), 0, 6);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    events_close(&store->call, events);
    store_write(store, "DELETE FROM events_checkpoints");
    events = events_of(store);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(listener.count, 12);
    assert_int_equal(effects(store), 5);
    events_close(&store->call, events);
}

STORE_TEST(lanes_work_side_by_side_and_keep_each_streams_order)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .naps = true };
    int64_t last[STREAMS + 1] = { 0 };

    for (int i = 0; i < STREAMS; i++)
        append(store, events, random_uuid(), 0, 10);
    listen_with(&listener, events, 8);
    catch_up(store, events);
    assert_int_equal(listener.count, STREAMS * 10);
    assert_true(listener.most > 1 && listener.most <= 8);
    for (size_t i = 0; i < listener.count; i++) {
        int64_t *before = &last[(listener.heard[i] - 1) / 10];

        assert_true(listener.heard[i] > *before);
        *before = listener.heard[i];
    }
    events_close(&store->call, events);
}

/* --- what every event goes to -------------------------------------------------------------------- */

static error relay(struct call *call, const struct recorded *event, void *cookie, bool *answered)
{
    struct listener *listener = cookie;

    *answered = false;
    if (listener->away_for > 0) {
        listener->away_for--;
        return error_new(call->arena, 503, "Nobody is there");
    }
    if (uuid_eq(event->stream_id, listener->stuck)) {
        TRY(call_sleep(call, 30));
        return error_new(call->arena, 504, "No answer");
    }
    *answered = true;
    if (uuid_eq(event->stream_id, listener->slow))
        TRY(call_sleep(call, 3000));
    if (listener->naps)
        TRY(call_sleep(call, 1 + random_below(3)));
    if (uuid_eq(event->stream_id, listener->poisoned))
        return error_new(call->arena, 500, "It fails");
    hear(listener, event);
    return NULL;
}

static void relay_to(struct listener *listener, struct events *events, unsigned lanes)
{
    const struct subscriber subscriber = {
        .name = "test", .relay = relay, .cookie = listener, .lanes = lanes
    };

    assert_done(events_subscribe(&listener->store->call, events, &subscriber));
}

STORE_TEST(a_relay_gets_unknown_events_too)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };

    append(store, events, random_uuid(), 0, 1);
    store_write(store,
                "INSERT INTO events (id, stream_id, version, type, data, metadata, recorded_at)"
                " VALUES ('00000000-0000-7000-8000-000000000001',"
                " '00000000-0000-7000-8000-000000000002', 1, 'other', '{}', '{\"shape\":1}', 1)");
    relay_to(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(listener.count, 2);
    events_close(&store->call, events);
}

STORE_TEST(events_wait_for_a_consumer_that_is_away_without_counting_attempts)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .away_for = 3 };

    for (int i = 0; i < STREAMS; i++)
        append(store, events, random_uuid(), 0, 2);
    relay_to(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(listener.count, 2 * STREAMS);
    for (size_t i = 0; i < listener.count; i++)
        assert_int_equal(listener.heard[i], i + 1);
    assert_int_equal(events_counts(events).failed, 0);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
    events_close(&store->call, events);
}

STORE_TEST(a_consumer_that_is_back_need_not_wait_for_its_events)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .away_for = INT64_MAX };
    struct events_status *status;
    size_t count;

    append(store, events, random_uuid(), 0, 1);
    relay_to(&listener, events, 0);
    assert_done(call_sleep(&store->call, 1000));
    append(store, events, random_uuid(), 0, 1);
    assert_done(events_status(&store->call, events, &status, &count));
    assert_int_equal(count, 1);
    assert_int_equal(status->waiting, 2);
    assert_true(status->away_ms >= 900 && status->still_ms >= 900);
    assert_string_equal(status->why, "Nobody is there");
    listener.away_for = 0;
    events_present(events, "test");
    testing_turns(5);
    assert_int_equal(listener.count, 2);
    assert_done(events_status(&store->call, events, &status, &count));
    assert_int_equal(status->waiting, 0);
    assert_int_equal(status->away_ms, 0);
    events_close(&store->call, events);
}

/* The consumer comes and goes while eight lanes are at work: nothing is lost and no stream overtakes itself. */
STORE_TEST(lanes_keep_each_streams_order_when_the_consumer_goes_away_now_and_then)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .naps = true };
    int64_t last[STREAMS + 1] = { 0 };

    for (int i = 0; i < STREAMS; i++)
        append(store, events, random_uuid(), 0, 10);
    relay_to(&listener, events, 8);
    for (int i = 0; i < 10; i++) {
        listener.away_for = 2;
        assert_done(call_sleep(&store->call, 20));
    }
    catch_up(store, events);
    for (size_t i = 0; i < listener.count; i++) {
        int64_t stream = (listener.heard[i] - 1) / 10, *before = &last[stream];

        if (listener.heard[i] <= *before)
            continue; /* had already, and comes again */
        assert_int_equal(listener.heard[i], *before ? *before + 1 : 10 * stream + 1);
        *before = listener.heard[i];
    }
    for (int64_t i = 0; i < STREAMS; i++)
        assert_int_equal(last[i], 10 * (i + 1));
    assert_int_equal(events_counts(events).failed, 0);
    events_close(&store->call, events);
}

static error hold_committer(struct db_unit *unit, void *argument)
{
    (void)unit;
    (void)argument;
    usleep(1000 * 1000);
    return NULL;
}

/* The pause ends while the checkpoint is being written. */
STORE_TEST(a_slow_disk_does_not_let_a_line_oversleep)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .away_for = 4 };

    append(store, events, random_uuid(), 0, 1);
    relay_to(&listener, events, 0);
    assert_done(call_sleep(&store->call, 150));
    assert_done(db_transaction(&store->call, store->db, hold_committer, NULL));
    assert_done(call_sleep(&store->call, 1000));
    assert_int_equal(listener.count, 1);
    events_close(&store->call, events);
}

/* What has no answer is parked, so that the others are not handed out again with it. */
STORE_TEST(an_event_without_an_answer_is_no_reason_to_repeat_others)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .naps = true, .stuck = random_uuid() };

    append(store, events, listener.stuck, 0, 1);
    for (int i = 0; i < STREAMS; i++)
        append(store, events, random_uuid(), 0, 2);
    relay_to(&listener, events, 8);
    catch_up(store, events);
    assert_done(call_sleep(&store->call, 300));
    assert_int_equal(listener.count, 2 * STREAMS);
    assert_true(events_counts(events).failed >= 2);
    events_close(&store->call, events);
}

STORE_TEST(a_handler_that_takes_long_delays_no_other_stream)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .slow = random_uuid() };

    append(store, events, listener.slow, 0, 2);
    append(store, events, random_uuid(), 0, 2);
    relay_to(&listener, events, 8);
    assert_done(call_sleep(&store->call, LINE_PATIENCE_MS / 2));
    append(store, events, random_uuid(), 0, 2);
    append(store, events, listener.slow, 2, 1);
    assert_done(call_sleep(&store->call, LINE_PATIENCE_MS));
    assert_int_equal(listener.count, 4);
    catch_up(store, events);
    listener.slow = (uuid){ 0 };
    while (listener.count < 7)
        assert_done(call_sleep(&store->call, 10));
    assert_int_equal(listener.heard[4], 1);
    assert_int_equal(listener.heard[5], 2);
    assert_int_equal(listener.heard[6], 7);
    assert_int_equal(events_counts(events).failed, 0);
    events_close(&store->call, events);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
    assert_int_equal(checkpoint(store), 7);
}

STORE_TEST(closing_waits_for_a_handler_that_was_left_behind)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .slow = random_uuid() };

    append(store, events, listener.slow, 0, 1);
    relay_to(&listener, events, 8);
    assert_done(call_sleep(&store->call, LINE_PATIENCE_MS + 200));
    events_close(&store->call, events);
    assert_int_equal(listener.count, 0);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 1);
    listener.slow = (uuid){ 0 };
    events = events_of(store);
    relay_to(&listener, events, 8);
    while (listener.count < 1)
        assert_done(call_sleep(&store->call, 10));
    events_close(&store->call, events);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
}

/* --- failures ------------------------------------------------------------------------------------ */

STORE_TEST(a_poisoned_stream_waits_while_others_go_on)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .poisoned = random_uuid() };
    uuid healthy = random_uuid();
    struct events_parked *parked;
    size_t count;

    append(store, events, listener.poisoned, 0, 3);
    append(store, events, healthy, 0, 3);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(effects(store), 2);
    append(store, events, listener.poisoned, 3, 1);
    append(store, events, healthy, 3, 1);
    catch_up(store, events);
    assert_int_equal(effects(store), 3);
    assert_int_equal(events_counts(events).parked, 1);
    assert_done(call_sleep(&store->call, 400));
    assert_true(events_counts(events).failed >= 2);
    assert_done(events_parked(&store->call, events, &parked, &count));
    assert_int_equal(count, 1);
    assert_true(uuid_eq(parked[0].stream_id, listener.poisoned));
    assert_int_equal(parked[0].position, 2);
    assert_true(parked[0].attempts >= 2);
    assert_text(parked[0].failure, "503 Not today");
    listener.poisoned = (uuid){ 0 };
    wait_for_effects(store, 6);
    size_t n = listener.count;

    assert_int_equal(listener.heard[n - 3], 2);
    assert_int_equal(listener.heard[n - 2], 3);
    assert_int_equal(listener.heard[n - 1], 7);
    events_close(&store->call, events);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
}

STORE_TEST(what_is_parked_survives_a_restart)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .poisoned = random_uuid() };

    append(store, events, listener.poisoned, 0, 3);
    append(store, events, random_uuid(), 0, 2);
    listen_with(&listener, events, 4);
    catch_up(store, events);
    events_close(&store->call, events);
    assert_int_equal(checkpoint(store), 5);
    assert_int_equal(effects(store), 1);
    listener.poisoned = (uuid){ 0 };
    events = events_of(store);
    listen_with(&listener, events, 4);
    wait_for_effects(store, 3);
    events_close(&store->call, events);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
}

STORE_TEST(after_enough_attempts_somebody_must_say_when)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .poisoned = random_uuid() };
    uuid id = listener.poisoned;

    append(store, events, id, 0, 2);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    events_close(&store->call, events);
    store_write(store, "UPDATE events_parked SET attempts = 19, retry_at = 1");
    events = events_of(store);
    listen_with(&listener, events, 0);
    while (store_number(store, "SELECT retry_at AS value FROM events_parked") != 0)
        assert_done(call_sleep(&store->call, 10));
    listener.poisoned = (uuid){ 0 };
    assert_done(call_sleep(&store->call, 300));
    assert_int_equal(effects(store), 0);
    struct events_parked which = { .subscriber = STR("test"), .stream_id = random_uuid() };

    assert_int_equal(events_retry(&store->call, events, &which)->status, 404);
    which.stream_id = id;
    assert_done(events_retry(&store->call, events, &which));
    wait_for_effects(store, 1);
    events_close(&store->call, events);
}

STORE_TEST(what_is_refused_is_a_dead_letter_soon_and_can_be_left_out)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .refused = random_uuid() };
    struct events_parked *dead;
    size_t count;

    append(store, events, listener.refused, 0, 3);
    listen_with(&listener, events, 0);
    while (store_number(store, "SELECT count(*) AS value FROM events_parked WHERE retry_at = 0") <
           1)
        assert_done(call_sleep(&store->call, 10));
    assert_int_equal(events_counts(events).failed, EVENTS_REFUSALS_MAX);
    assert_done(events_parked(&store->call, events, &dead, &count));
    assert_text(dead->failure, "400 amount must be large");
    assert_int_equal(effects(store), 0);
    assert_done(events_skip(&store->call, events, dead));
    wait_for_effects(store, 1);
    events_close(&store->call, events);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
}

/* `cuib dead` is another process: the store is all that the two have in common. */
STORE_TEST(a_subscriber_notices_a_retry_of_another_process)
{
    struct events *events = events_of(store), *other = events_of(store);
    struct listener listener = { .store = store, .refused = random_uuid() };
    struct events_parked *dead;
    size_t count;

    append(store, events, listener.refused, 0, 2);
    listen_with(&listener, events, 0);
    while (store_number(store, "SELECT count(*) AS value FROM events_parked WHERE retry_at = 0") <
           1)
        assert_done(call_sleep(&store->call, 10));
    listener.refused = (uuid){ 0 };
    assert_done(events_parked(&store->call, other, &dead, &count));
    assert_done(events_retry(&store->call, other, dead));
    wait_for_effects(store, 1);
    events_close(&store->call, events);
    events_close(&store->call, other);
}

STORE_TEST(closing_cancels_a_handler_and_its_event_comes_again)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store, .hangs = true };

    append(store, events, random_uuid(), 0, 2);
    listen_with(&listener, events, 0);
    while (listener.running == 0)
        assert_done(call_sleep(&store->call, 10));
    events_close(&store->call, events);
    assert_true(listener.cancelled);
    assert_int_equal(checkpoint(store), 1);
    listener.hangs = false;
    events = events_of(store);
    listen_with(&listener, events, 0);
    catch_up(store, events);
    assert_int_equal(effects(store), 1);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM events_parked"), 0);
    events_close(&store->call, events);
}

/* --- tables -------------------------------------------------------------------------------------- */

#define WRONG_LISTENERS(ON) ON("account.opened", take_moved, testing_moved)
SUBSCRIPTIONS(wrong_listeners, WRONG_LISTENERS);

static error take_moved(struct call *call, const struct recorded *event,
                        const struct testing_moved *data)
{
    (void)call, (void)event, (void)data;
    return &ERROR_INTERNAL;
}

STORE_TEST(a_wrong_subscriber_is_refused)
{
    struct events *events = events_of(store);
    struct listener listener = { .store = store };
    struct subscriber wrong = { .name = "wrong", .rows = wrong_listeners };

    assert_int_equal(events_subscribe(&store->call, events, &wrong)->status, 500);
    wrong.rows = NULL;
    assert_int_equal(events_subscribe(&store->call, events, &wrong)->status, 500);
    listen_with(&listener, events, 0);
    assert_int_equal(events_subscribe(&store->call, events,
                                      &(struct subscriber){ .name = "test", .rows = listeners })
                         ->status,
                     500);
    assert_int_equal(events_catch_up(&store->call, events, "nobody")->status, 404);
    events_close(&store->call, events);
}

/* --- the inbox ----------------------------------------------------------------------------------- */

STORE_TEST(an_inbox_keeps_the_newest_entries)
{
    struct effect effect = { .amount = 1 };

    events_of(store);
    store_write(store, "INSERT INTO inbox (consumer, event_id) WITH RECURSIVE n(i) AS (SELECT 0"
                       " UNION ALL SELECT i + 1 FROM n WHERE i < 100999) SELECT 'test', i FROM n");
    for (int i = 0; i < 1000; i++) {
        effect.event_id = random_uuid();
        assert_done(db_transaction(&store->call, store->db, have_effect, &effect));
        if (i < 999)
            continue;
        assert_done(db_transaction(&store->call, store->db, have_effect, &effect));
    }
    assert_int_equal(effects(store), 1000);
    int64_t kept = store_number(store, "SELECT count(*) AS value FROM inbox");

    assert_in_range(kept, EVENTS_INBOX_MAX, EVENTS_INBOX_MAX + 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_before_and_after_are_heard_in_order),
        cmocka_unit_test(a_commit_wakes_a_subscriber_at_once),
        cmocka_unit_test(a_subscriber_goes_on_where_it_ended),
        cmocka_unit_test(a_checkpoint_is_written_soon_without_further_events),
        cmocka_unit_test(what_is_delivered_again_has_one_effect),
        cmocka_unit_test(lanes_work_side_by_side_and_keep_each_streams_order),
        cmocka_unit_test(a_relay_gets_unknown_events_too),
        cmocka_unit_test(events_wait_for_a_consumer_that_is_away_without_counting_attempts),
        cmocka_unit_test(a_consumer_that_is_back_need_not_wait_for_its_events),
        cmocka_unit_test(lanes_keep_each_streams_order_when_the_consumer_goes_away_now_and_then),
        cmocka_unit_test(a_slow_disk_does_not_let_a_line_oversleep),
        cmocka_unit_test(an_event_without_an_answer_is_no_reason_to_repeat_others),
        cmocka_unit_test(a_handler_that_takes_long_delays_no_other_stream),
        cmocka_unit_test(closing_waits_for_a_handler_that_was_left_behind),
        cmocka_unit_test(what_is_refused_is_a_dead_letter_soon_and_can_be_left_out),
        cmocka_unit_test(a_subscriber_notices_a_retry_of_another_process),
        cmocka_unit_test(a_poisoned_stream_waits_while_others_go_on),
        cmocka_unit_test(what_is_parked_survives_a_restart),
        cmocka_unit_test(after_enough_attempts_somebody_must_say_when),
        cmocka_unit_test(closing_cancels_a_handler_and_its_event_comes_again),
        cmocka_unit_test(a_wrong_subscriber_is_refused),
        cmocka_unit_test(an_inbox_keeps_the_newest_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
