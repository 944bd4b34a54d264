#include "testing/store.h"

#include "apps/notification-service/dead_mails.h"
#include "apps/notification-service/mail_health.h"
#include "apps/notification-service/notification_controller.h"
#include "apps/notification-service/notification_service.h"

#include "contracts/order.h"
#include "contracts/user.h"
#include "runtime/clock.h"
#include "runtime/file.h"
#include "runtime/random.h"

#include <sys/stat.h>

extern const struct embedded_file notification_service_migrations[];

enum { HOUR_MS = 3600 * 1000, STEP_MS = 5, STUCK_MS = 200 };

/* --- a process with a user service that does as it is told ---------------------------------------- */

static struct {
    error failure; /* what it answers; NULL: the user */
    unsigned asked;
} users;

#define USER_MESSAGES(ON) ON("user.findById", find_by_id, user_id, user_contact)
MESSAGE_TABLE(test_user_messages, USER_MESSAGES);

static error find_by_id(struct call *call, const struct user_id *in, struct user_contact *out)
{
    (void)call, (void)in;
    users.asked++;
    *out = (struct user_contact){ .email = STR("ana@example.com"), .name = STR("Ana") };
    return users.failure;
}

static const struct service USER_SERVICE = { .name = "user", .messages = test_user_messages };
static const struct service NOTIFICATION_SERVICE = { .name = "notification" };

/* The notification service, its postman at work. */
struct office {
    struct store *store;
    struct system system;
    struct notification_state state;
    str maildir;
};

static void open_office(struct store *store, struct office *office)
{
    struct arena *arena = store_arena(store);
    struct service_instance *self = &office->system.instances[1];

    users.failure = NULL;
    users.asked = 0;
    *office = (struct office){ .store = store };
    office->system.arena = arena;
    office->system.count = 2;
    office->system.instances[0] =
        (struct service_instance){ .service = &USER_SERVICE, .system = &office->system };
    *self = (struct service_instance){ .service = &NOTIFICATION_SERVICE,
                                       .system = &office->system,
                                       .state = &office->state };
    office->maildir = arena_printf(arena, "%s/mail", store->directory.path);
    office->state.db = store->db;
    office->state.max_age_ms = HOUR_MS;
    assert_done(db_migrate(&store->call, store->db, notification_service_migrations));
    assert_done(templates_load(arena, (str){ NULL, 0 }, &office->state.templates));
    assert_done(mailer_new(arena, &(struct mailer_options){ .maildir = office->maildir },
                           &office->state.mailer));
    assert_done(postman_start(&(struct postman_options){ .self = self,
                                                         .db = store->db,
                                                         .mailer = office->state.mailer,
                                                         .templates = &office->state.templates,
                                                         .currency = STR("RON"),
                                                         .from = STR("Cuib <a@b.example>"),
                                                         .domain = STR("b.example"),
                                                         .stuck_ms = STUCK_MS },
                              &office->state.postman));
}

static void close_office(struct office *office)
{
    postman_stop(office->state.postman);
    mailer_free(office->state.mailer);
}

#define OFFICE_TEST(name)                                                     \
    static void name##_in_office(struct store *store, struct office *office); \
    STORE_TEST(name)                                                          \
    {                                                                         \
        struct office *office = ARENA_NEW(store->arena, struct office);       \
                                                                              \
        assert_non_null(office);                                              \
        open_office(store, office);                                           \
        name##_in_office(store, office);                                      \
        close_office(office);                                                 \
    }                                                                         \
    static void name##_in_office(struct store *store, struct office *office)

/* --- what is done to it --------------------------------------------------------------------------- */

static struct recorded event_of_age(int64_t age_ms)
{
    return (struct recorded){ .id = random_uuid(), .recorded_at = { clock_now().ms - age_ms } };
}

/* As the event store does it. */
static void hear(struct office *office, const struct recorded *event, const char *type,
                 const void *data)
{
    const struct subscription *row = notification_subscriptions;
    struct call call = office->store->call;

    call.service = &office->system.instances[1];
    while (!str_is(str_of(type), row->type))
        row++;
    assert_done(row->handle(&call, event, data));
}

static void hear_order(struct office *office, const struct recorded *event, uuid user)
{
    const struct order_created created = {
        .order_id = random_uuid(),
        .user_id = user,
        .total = { 9990 },
        .created_at = event->recorded_at,
    };

    hear(office, event, "order.created", &created);
}

static void hear_payment(struct office *office, enum payment_status status)
{
    const struct recorded event = event_of_age(0);
    const struct payment_processed processed = {
        .order_id = random_uuid(),
        .user_id = random_uuid(),
        .payment_id = random_uuid(),
        .amount = { 9990 },
        .status = status,
        .processed_at = event.recorded_at,
    };

    hear(office, &event, "payment.processed", &processed);
}

static void order(struct office *office)
{
    const struct recorded event = event_of_age(0);

    hear_order(office, &event, random_uuid());
}

#define ROWS_THAT_ARE(state) "SELECT count(*) AS value FROM deliveries WHERE state = '" state "'"

static void wait_until(struct store *store, const char *sql, int64_t value)
{
    while (store_number(store, sql) != value)
        assert_done(call_sleep(&store->call, STEP_MS));
}

#define WAIT_FOR(state, count) wait_until(store, ROWS_THAT_ARE(state), (count))

static bool count_name(str name, void *cookie)
{
    (void)name;
    ++*(unsigned *)cookie;
    return true;
}

static unsigned mails_in(struct office *office)
{
    const char *box = arena_printf(office->store->arena, "%.*s/new", STR_ARG(office->maildir)).at;
    unsigned count = 0;

    assert_done(file_visit(office->store->arena, box, count_name, &count));
    return count;
}

/* --- tests ---------------------------------------------------------------------------------------- */

OFFICE_TEST(an_event_becomes_a_mail)
{
    struct delivery row;

    order(office);
    WAIT_FOR("sent", 1);
    assert_int_equal(mails_in(office), 1);
    assert_done(delivery_find(&store->call, store->db, 1, &row));
    assert_text(row.address, "ana@example.com");
    assert_true(str_ends_with(row.message_id, STR(".order-confirmation@b.example>")));
    assert_int_equal(row.attempts, 0);
    assert_null(row.data.text.at);
}

OFFICE_TEST(an_event_that_is_delivered_twice_is_one_mail)
{
    const struct recorded event = event_of_age(0);
    const uuid user = random_uuid();

    hear_order(office, &event, user);
    hear_order(office, &event, user);
    WAIT_FOR("sent", 1);
    hear_order(office, &event, user);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"), 1);
    assert_int_equal(mails_in(office), 1);
}

OFFICE_TEST(a_payment_has_one_of_two_templates)
{
    hear_payment(office, PAYMENT_SUCCESS);
    hear_payment(office, PAYMENT_FAILED);
    WAIT_FOR("sent", 2);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"
                                         " WHERE id = 1 AND template = 'payment-received'"),
                     1);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM deliveries"
                                         " WHERE id = 2 AND template = 'payment-failed'"),
                     1);
}

OFFICE_TEST(an_old_event_is_noted_and_not_mailed)
{
    const struct recorded old = event_of_age(HOUR_MS + 1000), recent = event_of_age(HOUR_MS - 1000);

    hear_order(office, &old, random_uuid());
    hear_order(office, &recent, random_uuid());
    WAIT_FOR("sent", 1);
    assert_int_equal(mails_in(office), 1);
    assert_int_equal(store_number(store, "SELECT id AS value FROM deliveries"
                                         " WHERE state = 'skipped' AND data IS NULL"),
                     1);
}

OFFICE_TEST(an_event_without_a_time_has_just_happened)
{
    const struct recorded event = { .id = random_uuid() };

    hear_order(office, &event, random_uuid());
    WAIT_FOR("sent", 1);
}

OFFICE_TEST(many_mails_are_each_sent_once)
{
    enum { MANY = 5 * POSTMAN_AT_ONCE };

    for (int i = 0; i < MANY; i++)
        order(office);
    WAIT_FOR("sent", MANY);
    assert_int_equal(mails_in(office), MANY);
    assert_int_equal(users.asked, MANY);
}

OFFICE_TEST(a_user_is_remembered_for_a_while)
{
    const struct recorded first = event_of_age(0), second = event_of_age(0);
    const uuid user = random_uuid();

    hear_order(office, &first, user);
    WAIT_FOR("sent", 1);
    hear_order(office, &second, user);
    WAIT_FOR("sent", 2);
    assert_int_equal(users.asked, 1);
    order(office);
    WAIT_FOR("sent", 3);
    assert_int_equal(users.asked, 2);
}

OFFICE_TEST(a_user_service_that_is_away_is_asked_again)
{
    static const struct error AWAY = ERROR(503, "The user service is not available");
    struct delivery row;

    users.failure = &AWAY;
    order(office);
    wait_until(store, "SELECT sum(attempts) AS value FROM deliveries", 1);
    assert_done(delivery_find(&store->call, store->db, 1, &row));
    assert_int_equal(row.state, DELIVERY_PENDING);
    assert_text(row.failure, AWAY.message);
    users.failure = NULL;
    WAIT_FOR("sent", 1);
    assert_int_equal(mails_in(office), 1);
}

OFFICE_TEST(a_user_who_is_gone_makes_it_dead_until_it_is_given_back)
{
    static const struct error GONE = ERROR(404, "User not found");

    users.failure = &GONE;
    order(office);
    WAIT_FOR("dead", 1);
    assert_int_equal(mails_in(office), 0);
    users.failure = NULL;
    assert_done(dead_mail_replay(&store->call, store->db, 1));
    WAIT_FOR("sent", 1);
    assert_int_equal(mails_in(office), 1);
}

OFFICE_TEST(a_letter_that_cannot_be_written_is_dead_at_once)
{
    order(office);
    WAIT_FOR("sent", 1);
    store_write(store, "INSERT INTO deliveries SELECT 7, event_id, recipient, 'nope', '{}',"
                       " 'pending', 0, event_at, created_at, next_try_at, NULL, NULL, NULL, NULL"
                       " FROM deliveries");
    store_write(store, "INSERT INTO deliveries SELECT 8, event_id, recipient, 'payment-failed',"
                       " '{\"orderId\":1}', 'pending', 0, event_at, created_at, next_try_at, NULL,"
                       " NULL, NULL, NULL FROM deliveries WHERE id = 1");
    postman_wake(office->state.postman);
    WAIT_FOR("dead", 2);
    assert_int_equal(store_number(store, "SELECT max(attempts) AS value FROM deliveries"), 1);
    assert_int_equal(store_number(store, "SELECT id AS value FROM deliveries"
                                         " WHERE failure = 'orderId must be a UUID'"),
                     8);
}

OFFICE_TEST(while_mails_cannot_be_handed_over_they_wait)
{
    enum { MANY = 3 * POSTMAN_AT_ONCE };
    const char *away = testing_path(&store->directory, "away");

    assert_int_equal(rename(office->maildir.at, away), 0);
    for (int i = 0; i < MANY; i++)
        order(office);
    assert_done(call_sleep(&store->call, 1500));
    assert_int_equal(store_number(store, ROWS_THAT_ARE("pending")), MANY);
    assert_in_range(store_number(store, "SELECT sum(attempts) AS value FROM deliveries"), 1,
                    POSTMAN_AT_ONCE);
    assert_int_equal(rename(away, office->maildir.at), 0);
    WAIT_FOR("sent", MANY);
    assert_int_equal(mails_in(office), MANY);
}

static struct health_result deliveries(struct store *store, struct office *office)
{
    struct health_result result = { 0 };

    assert_done(mail_health_deliveries(&store->call, office->state.postman, &result));
    return result;
}

OFFICE_TEST(deliveries_are_degraded_while_mails_wait_and_none_goes_out)
{
    static const struct error AWAY = ERROR(503, "The user service is not available");

    assert_done(call_sleep(&store->call, STUCK_MS + STEP_MS));
    assert_false(deliveries(store, office).degraded); /* nothing waits */
    users.failure = &AWAY;
    order(office);
    assert_false(deliveries(store, office).degraded); /* not for long */
    assert_done(call_sleep(&store->call, STUCK_MS + STEP_MS));
    assert_true(deliveries(store, office).degraded);
    assert_string_equal(deliveries(store, office).message,
                        "mails wait: 1; none has gone out for 0 s");
    users.failure = NULL;
    WAIT_FOR("sent", 1);
    assert_false(deliveries(store, office).degraded);
}

OFFICE_TEST(a_mail_server_that_is_away_makes_it_degraded_and_is_not_asked_by_every_probe)
{
    const char *away = testing_path(&store->directory, "away");
    struct health_result first = { 0 }, second = { 0 }, third = { 0 };
    struct mail_health *health, *other;

    assert_done(mail_health_new(office->state.mailer, &health));
    assert_done(mail_health_new(office->state.mailer, &other));
    assert_done(mail_health_check(&store->call, health, &first));
    assert_false(first.degraded);
    assert_int_equal(rename(office->maildir.at, away), 0);
    assert_done(mail_health_check(&store->call, health, &second));
    assert_false(second.degraded); /* what was known a moment ago */
    assert_done(mail_health_check(&store->call, other, &third));
    assert_true(third.degraded);
    assert_non_null(strstr(third.message, "No such file or directory"));
    assert_int_equal(rename(away, office->maildir.at), 0);
    mail_health_free(health);
    mail_health_free(other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_becomes_a_mail),
        cmocka_unit_test(an_event_that_is_delivered_twice_is_one_mail),
        cmocka_unit_test(a_payment_has_one_of_two_templates),
        cmocka_unit_test(an_old_event_is_noted_and_not_mailed),
        cmocka_unit_test(an_event_without_a_time_has_just_happened),
        cmocka_unit_test(many_mails_are_each_sent_once),
        cmocka_unit_test(a_user_is_remembered_for_a_while),
        cmocka_unit_test(a_user_service_that_is_away_is_asked_again),
        cmocka_unit_test(a_user_who_is_gone_makes_it_dead_until_it_is_given_back),
        cmocka_unit_test(a_letter_that_cannot_be_written_is_dead_at_once),
        cmocka_unit_test(while_mails_cannot_be_handed_over_they_wait),
        cmocka_unit_test(deliveries_are_degraded_while_mails_wait_and_none_goes_out),
        cmocka_unit_test(
            a_mail_server_that_is_away_makes_it_degraded_and_is_not_asked_by_every_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
