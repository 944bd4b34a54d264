#include "testing/store.h"

#include "apps/notification-service/dead_mails.h"
#include "apps/notification-service/delivery_repository.h"

#include "runtime/random.h"

extern const struct embedded_file notification_service_migrations[];

static const timestamp NOW = { 1700000000000 };
static const uuid USER = { { 1, 0, 0, 0, 0, 0, 0x40, 0, 0x80 } };
static const struct error BUSY = ERROR(503, "451 Busy");
static const struct error UNKNOWN_USER = ERROR(422, "550 No such user");

enum { HOUR_MS = 3600 * 1000 };

static struct delivery row_of(uuid event_id, int64_t created_ms)
{
    return (struct delivery){
        .event_id = event_id,
        .recipient = USER,
        .template = STR("order-confirmation"),
        .data = { STR("{\"total\":1}") },
        .state = DELIVERY_PENDING,
        .event_at = { created_ms },
        .created_at = { created_ms },
        .next_try_at = { created_ms },
    };
}

static bool insert(struct store *store, const struct delivery *row)
{
    bool first;

    assert_done(delivery_insert(&store->call, store->db, row, &first));
    return first;
}

/* A new row, and its id: they count from 1. */
static int64_t insert_new(struct store *store, int64_t created_ms)
{
    const struct delivery row = row_of(random_uuid(), created_ms);

    assert_true(insert(store, &row));
    return store_number(store, "SELECT max(id) AS value FROM deliveries");
}

static struct delivery find(struct store *store, int64_t id)
{
    struct delivery row = { 0 };

    assert_done(delivery_find(&store->call, store->db, id, &row));
    return row;
}

static void note(struct store *store, const struct delivery *row)
{
    assert_done(delivery_note(&store->call, store->db, row));
}

static void make(struct store *store, int64_t id, enum delivery_state state)
{
    struct delivery row = find(store, id);

    row.state = state;
    row.settled_at = NOW;
    note(store, &row);
}

static void migrate(struct store *store)
{
    assert_done(db_migrate(&store->call, store->db, notification_service_migrations));
}

static void assert_due(struct store *store, int64_t now_ms, int64_t limit, const int64_t *ids,
                       size_t count)
{
    int64_t *due;
    size_t found;

    assert_done(delivery_due(&store->call, store->db, (timestamp){ now_ms }, limit, &due, &found));
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(due[i], ids[i]);
}

#define DUE(now_ms, limit, ...)                                      \
    assert_due(store, (now_ms), (limit), (int64_t[]){ __VA_ARGS__ }, \
               sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

STORE_TEST(an_event_that_comes_again_changes_nothing)
{
    const struct delivery row = row_of(random_uuid(), NOW.ms);
    struct delivery again = row, found;

    migrate(store);
    assert_true(insert(store, &row));
    again.data.text = STR("{\"total\":2}");
    assert_false(insert(store, &again));
    make(store, 1, DELIVERY_SENT);
    assert_false(insert(store, &again));
    found = find(store, 1);
    assert_int_equal(found.state, DELIVERY_SENT);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"), 1);
}

STORE_TEST(another_event_recipient_or_template_is_another_mail)
{
    const struct delivery row = row_of(random_uuid(), NOW.ms);
    struct delivery other = row;

    migrate(store);
    assert_true(insert(store, &row));
    other.template = STR("payment-failed");
    assert_true(insert(store, &other));
    other.recipient = random_uuid();
    assert_true(insert(store, &other));
    other.event_id = random_uuid();
    assert_true(insert(store, &other));
}

STORE_TEST(a_row_is_read_as_it_was_written)
{
    const struct delivery row = row_of(random_uuid(), NOW.ms);

    migrate(store);
    assert_true(insert(store, &row));

    struct delivery found = find(store, 1);

    assert_true(uuid_eq(found.event_id, row.event_id) && uuid_eq(found.recipient, USER));
    assert_text(found.template, "order-confirmation");
    assert_text(found.data.text, "{\"total\":1}");
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_int_equal(found.attempts, 0);
    assert_int_equal(found.next_try_at.ms, NOW.ms);
    assert_null(found.address.at);
}

STORE_TEST(what_waits_longest_is_due_first)
{
    migrate(store);
    insert_new(store, NOW.ms + 20);
    insert_new(store, NOW.ms + 10);
    insert_new(store, NOW.ms + 10);
    insert_new(store, NOW.ms + 30);
    assert_due(store, NOW.ms, 9, NULL, 0);
    DUE(NOW.ms + 10, 9, 2, 3);
    DUE(NOW.ms + 29, 9, 2, 3, 1);
    DUE(NOW.ms + 30, 2, 2, 3);
}

STORE_TEST(what_is_settled_is_not_due)
{
    migrate(store);
    for (int state = DELIVERY_SENT; state <= DELIVERY_DROPPED; state++)
        make(store, insert_new(store, NOW.ms), (enum delivery_state)state);
    assert_due(store, INT64_MAX, 9, NULL, 0);
    DUE(INT64_MAX, 9, insert_new(store, NOW.ms));
}

STORE_TEST(a_sent_row_forgets_its_data_and_a_failed_one_does_not)
{
    migrate(store);
    insert_new(store, NOW.ms);
    insert_new(store, NOW.ms);
    make(store, 1, DELIVERY_SENT);
    make(store, 2, DELIVERY_DEAD);
    assert_null(find(store, 1).data.text.at);
    assert_text(find(store, 2).data.text, "{\"total\":1}");
}

STORE_TEST(what_is_no_longer_pending_stays_as_it_is)
{
    migrate(store);
    struct delivery late = find(store, insert_new(store, NOW.ms));

    make(store, 1, DELIVERY_DROPPED);
    late.state = DELIVERY_SENT;
    note(store, &late);
    assert_int_equal(find(store, 1).state, DELIVERY_DROPPED);
}

STORE_TEST(the_outlook_is_the_next_try_and_whether_one_is_dead)
{
    struct delivery_outlook outlook;
    struct delivery_queue queue;

    migrate(store);
    assert_done(delivery_outlook(&store->call, store->db, NOW, &outlook));
    assert_done(delivery_queue(&store->call, store->db, &queue));
    assert_true(outlook.next_try_at.ms == 0 && !outlook.any_dead);
    assert_true(queue.pending == 0 && queue.since.ms == 0);
    insert_new(store, NOW.ms + 5);
    insert_new(store, NOW.ms + 3);
    make(store, insert_new(store, NOW.ms), DELIVERY_DEAD);
    assert_done(delivery_outlook(&store->call, store->db, NOW, &outlook));
    assert_done(delivery_queue(&store->call, store->db, &queue));
    assert_true(outlook.next_try_at.ms == NOW.ms + 3 && outlook.any_dead);
    assert_done(delivery_outlook(&store->call, store->db, (timestamp){ NOW.ms + 3 }, &outlook));
    assert_int_equal(outlook.next_try_at.ms, NOW.ms + 5);
    assert_true(queue.pending == 2 && queue.since.ms == NOW.ms + 3);
}

STORE_TEST(a_failure_is_tried_again_later_and_not_for_ever)
{
    struct delivery row = row_of(random_uuid(), NOW.ms);

    (void)store;
    delivery_failed(&row, &BUSY, false, NOW, 0);
    assert_int_equal(row.state, DELIVERY_PENDING);
    assert_int_equal(row.attempts, 1);
    assert_text(row.failure, "451 Busy");
    assert_int_equal(row.next_try_at.ms, NOW.ms + delivery_delay_ms(1, 0));
    row.attempts = DELIVERY_ATTEMPTS_MAX - 2;
    delivery_failed(&row, &BUSY, false, NOW, 0);
    assert_int_equal(row.state, DELIVERY_PENDING);
    delivery_failed(&row, &BUSY, false, NOW, 0);
    assert_int_equal(row.state, DELIVERY_DEAD);
    assert_int_equal(row.attempts, DELIVERY_ATTEMPTS_MAX);
    assert_int_equal(row.settled_at.ms, NOW.ms);
}

STORE_TEST(what_cannot_succeed_is_dead_at_once)
{
    struct delivery row = row_of(random_uuid(), NOW.ms);

    (void)store;
    delivery_failed(&row, &UNKNOWN_USER, true, NOW, 0);
    assert_int_equal(row.state, DELIVERY_DEAD);
    assert_int_equal(row.attempts, 1);
    assert_text(row.failure, "550 No such user");
}

STORE_TEST(a_long_failure_is_cut_between_characters)
{
    static char text[DELIVERY_FAILURE_MAX + 3];
    struct delivery row = { 0 };

    (void)store;
    memset(text, 'x', DELIVERY_FAILURE_MAX - 1);
    memcpy(text + DELIVERY_FAILURE_MAX - 1, "\xC8\x99", 3);
    delivery_failed(&row, &(struct error)ERROR(503, text), false, NOW, 0);
    assert_int_equal(row.failure.len, DELIVERY_FAILURE_MAX - 1);
}

STORE_TEST(the_pause_doubles_up_to_an_hour_and_varies_by_a_quarter)
{
    static const int64_t WHOLE_MS[] = { 1000, 2000, 4000, 8000 };
    int64_t all_ms = 0;

    (void)store;
    for (size_t i = 0; i < COUNT_OF(WHOLE_MS); i++) {
        int64_t attempts = (int64_t)i + 1, quarter = WHOLE_MS[i] / 4;

        assert_int_equal(delivery_delay_ms(attempts, 0), WHOLE_MS[i] - quarter);
        assert_int_equal(delivery_delay_ms(attempts, (uint64_t)quarter), WHOLE_MS[i]);
        assert_int_equal(delivery_delay_ms(attempts, (uint64_t)(2 * quarter)),
                         WHOLE_MS[i] + quarter);
        assert_int_equal(delivery_delay_ms(attempts, (uint64_t)(2 * quarter) + 1),
                         WHOLE_MS[i] - quarter);
    }
    for (int64_t attempts = 1; attempts < DELIVERY_ATTEMPTS_MAX; attempts++)
        all_ms += delivery_delay_ms(attempts, DELIVERY_RETRY_MAX_MS / 4);
    assert_in_range(delivery_delay_ms(INT64_MAX, UINT64_MAX), 0.75 * HOUR_MS, 1.25 * HOUR_MS);
    assert_in_range(all_ms, 60LL * HOUR_MS, 84LL * HOUR_MS);
}

static bool trim(struct store *store, int64_t now_ms)
{
    bool more;

    assert_done(delivery_trim(&store->call, store->db, (timestamp){ now_ms }, &more));
    return more;
}

STORE_TEST(settled_rows_go_when_their_event_is_too_old_to_be_mailed)
{
    const int64_t kept_ms = (int64_t)DELIVERY_KEPT_DAYS * 24 * HOUR_MS;

    migrate(store);
    for (int state = DELIVERY_PENDING; state <= DELIVERY_DROPPED; state++)
        make(store, insert_new(store, NOW.ms), (enum delivery_state)state);
    assert_false(trim(store, NOW.ms + kept_ms));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"), 5);
    assert_false(trim(store, NOW.ms + kept_ms + 1));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"), 2);
    assert_int_equal(find(store, 1).state, DELIVERY_PENDING);
    assert_int_equal(find(store, 4).state, DELIVERY_DEAD);
    assert_true(kept_ms > (int64_t)DELIVERY_AGE_MAX_HOURS * HOUR_MS);
}

STORE_TEST(settled_rows_beyond_the_newest_go_in_steps)
{
    migrate(store);
    store_write(store, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                       " WHERE i < 101500) INSERT INTO deliveries SELECT i, 'e' || i, 'u', 't',"
                       " NULL, CASE i WHEN 7 THEN 'pending' ELSE 'sent' END, 0, 1700000000000,"
                       " 1700000000000, 1700000000000, NULL, NULL, NULL, NULL FROM n");
    assert_int_equal(DELIVERY_KEPT_MAX, 100000);
    assert_true(trim(store, NOW.ms));
    assert_false(trim(store, NOW.ms));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"), 100001);
    assert_int_equal(store_number(store, "SELECT min(id) AS value FROM deliveries"), 7);
}

/* --- dead ones ----------------------------------------------------------------------------------- */

static void kill_row(struct store *store, int64_t id)
{
    struct delivery row = find(store, id);

    row.address = STR("ana@example.com");
    delivery_failed(&row, &UNKNOWN_USER, true, NOW, 0);
    note(store, &row);
}

STORE_TEST(dead_mails_are_listed_oldest_first)
{
    struct dead_mail *list;
    size_t count;
    int64_t total;

    migrate(store);
    for (int i = 0; i < 3; i++)
        insert_new(store, NOW.ms);
    assert_done(dead_mail_list(&store->call, store->db, &list, &count, &total));
    assert_true(count == 0 && total == 0);
    kill_row(store, 3);
    kill_row(store, 1);
    assert_done(dead_mail_list(&store->call, store->db, &list, &count, &total));
    assert_true(count == 2 && total == 2);
    assert_true(list[0].id == 1 && list[1].id == 3);
    assert_text(list[0].failure, "550 No such user");
    assert_text(list[0].address, "ana@example.com");
    assert_int_equal(list[0].attempts, 1);
    assert_int_equal(list[0].died_at.ms, NOW.ms);
    assert_null(list[0].data.text.at);
}

STORE_TEST(a_dead_mail_is_shown_with_its_data)
{
    struct dead_mail mail;

    migrate(store);
    insert_new(store, NOW.ms);
    insert_new(store, NOW.ms);
    kill_row(store, 2);
    assert_done(dead_mail_show(&store->call, store->db, 2, &mail));
    assert_text(mail.data.text, "{\"total\":1}");

    error missing = dead_mail_show(&store->call, store->db, 1, &mail);

    assert_int_equal(missing->status, 404);
    assert_string_equal(missing->message, "there is no dead mail 1");
}

STORE_TEST(a_replayed_one_is_due_and_its_attempts_count_anew)
{
    migrate(store);
    insert_new(store, NOW.ms);
    kill_row(store, 1);
    assert_done(dead_mail_replay(&store->call, store->db, 1));

    struct delivery row = find(store, 1);

    assert_int_equal(row.state, DELIVERY_PENDING);
    assert_int_equal(row.attempts, 0);
    assert_int_equal(row.settled_at.ms, 0);
    DUE(INT64_MAX, 9, 1);
    assert_int_equal(dead_mail_replay(&store->call, store->db, 1)->status, 404);
}

STORE_TEST(all_dead_ones_may_be_replayed_at_once)
{
    int64_t count;

    migrate(store);
    for (int i = 0; i < 3; i++)
        insert_new(store, NOW.ms);
    kill_row(store, 1);
    kill_row(store, 2);
    assert_done(dead_mail_replay_all(&store->call, store->db, &count));
    assert_int_equal(count, 2);
    DUE(INT64_MAX, 9, 3, 1, 2);
}

STORE_TEST(a_dropped_one_is_not_sent_and_its_event_has_no_effect)
{
    const struct delivery row = row_of(random_uuid(), NOW.ms);

    migrate(store);
    assert_true(insert(store, &row));
    kill_row(store, 1);
    assert_done(dead_mail_drop(&store->call, store->db, 1));
    assert_int_equal(find(store, 1).state, DELIVERY_DROPPED);
    assert_null(find(store, 1).data.text.at);
    assert_false(insert(store, &row));
    assert_due(store, INT64_MAX, 9, NULL, 0);
    assert_int_equal(dead_mail_drop(&store->call, store->db, 1)->status, 404);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_that_comes_again_changes_nothing),
        cmocka_unit_test(another_event_recipient_or_template_is_another_mail),
        cmocka_unit_test(a_row_is_read_as_it_was_written),
        cmocka_unit_test(what_waits_longest_is_due_first),
        cmocka_unit_test(what_is_settled_is_not_due),
        cmocka_unit_test(a_sent_row_forgets_its_data_and_a_failed_one_does_not),
        cmocka_unit_test(what_is_no_longer_pending_stays_as_it_is),
        cmocka_unit_test(the_outlook_is_the_next_try_and_whether_one_is_dead),
        cmocka_unit_test(a_failure_is_tried_again_later_and_not_for_ever),
        cmocka_unit_test(what_cannot_succeed_is_dead_at_once),
        cmocka_unit_test(a_long_failure_is_cut_between_characters),
        cmocka_unit_test(the_pause_doubles_up_to_an_hour_and_varies_by_a_quarter),
        cmocka_unit_test(settled_rows_go_when_their_event_is_too_old_to_be_mailed),
        cmocka_unit_test(settled_rows_beyond_the_newest_go_in_steps),
        cmocka_unit_test(dead_mails_are_listed_oldest_first),
        cmocka_unit_test(a_dead_mail_is_shown_with_its_data),
        cmocka_unit_test(a_replayed_one_is_due_and_its_attempts_count_anew),
        cmocka_unit_test(all_dead_ones_may_be_replayed_at_once),
        cmocka_unit_test(a_dropped_one_is_not_sent_and_its_event_has_no_effect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
