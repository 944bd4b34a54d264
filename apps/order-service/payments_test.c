#include "testing/store.h"

#include "apps/order-service/payments.h"

#include "apps/order-service/order.h"
#include "apps/order-service/order_repository.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "service/service.h"

extern const struct embedded_file order_service_migrations[];

enum { TIMEOUT_MS = 200, RETRY_MS = 10, OTHER_IDS_MAX = 64 };

/* A provider that does as it is told and counts. */
struct fake {
    enum provider_outcome charge, refund;
    enum provider_outcome after; /* of the charge from the question number `turn` on */
    int64_t turn;
    unsigned charges, refunds, closed;
    uuid ids[OTHER_IDS_MAX]; /* of all questions */
    size_t id_count;
    struct provider_notice notice;
    bool has_notice;
};

static void note_id(struct fake *fake, uuid id)
{
    for (size_t i = 0; i < fake->id_count; i++)
        if (uuid_eq(fake->ids[i], id))
            return;
    assert_true(fake->id_count < OTHER_IDS_MAX);
    fake->ids[fake->id_count++] = id;
}

static enum provider_outcome charge(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    struct fake *fake = state;

    (void)call;
    *why = &ERROR_INTERNAL;
    note_id(fake, question->id);
    fake->charges++;
    return fake->turn && question->tries >= fake->turn ? fake->after : fake->charge;
}

static enum provider_outcome refund(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    struct fake *fake = state;

    (void)call;
    (void)question;
    *why = &ERROR_INTERNAL;
    fake->refunds++;
    return fake->refund;
}

static bool notice(void *state, struct provider_notice *out)
{
    struct fake *fake = state;
    bool had = fake->has_notice;

    *out = fake->notice;
    fake->has_notice = false;
    return had;
}

static void close_fake(void *state)
{
    ((struct fake *)state)->closed++;
}

/* --- what runs ----------------------------------------------------------------------------------- */

static const struct aggregate *const AGGREGATES[] = { &order_aggregate, NULL };
static const struct projection *const PROJECTIONS[] = { &order_projection, NULL };

struct shop {
    struct store *store;
    struct events *events;
    struct payments *payments;
    struct fake fake;
    struct order order;
};

static void append(struct shop *shop, struct schema_in event, int64_t expected)
{
    assert_done(events_append(&shop->store->call, shop->events,
                              &(struct events_append){ .aggregate = &order_aggregate,
                                                       .stream_id = shop->order.id,
                                                       .expected = expected,
                                                       .events = &event,
                                                       .count = 1 }));
}

static void read_order(struct shop *shop)
{
    assert_done(order_find(&shop->store->call, shop->store->db, shop->order.id, &shop->order));
}

static void start(struct shop *shop)
{
    const struct payments_options options = {
        .db = shop->store->db,
        .events = shop->events,
        .provider = { &shop->fake, charge, refund, notice, close_fake },
        .timeout_ms = TIMEOUT_MS,
        .retry_ms = RETRY_MS,
    };

    assert_done(payments_start(&options, &shop->payments));
}

/* A shop with one order that is PENDING. */
static void open_shop(struct shop *shop, struct store *store)
{
    struct order_item item = { STR("book-1"), STR("Ion"), { 4990 }, 1 };
    struct address address = { STR("Strada 1"), STR("Cluj"), STR("400001"), STR("RO") };
    const struct order_created created = { .order_id = random_uuid(),
                                           .user_id = random_uuid(),
                                           .items = { &item, 1 },
                                           .total = { 4990 },
                                           .currency = STR("RON"),
                                           .shipping_address = &address,
                                           .payment_method = PAYMENT_CARD,
                                           .created_at = clock_now() };

    shop->store = store;
    shop->order.id = created.order_id;
    assert_done(db_migrate(&store->call, store->db, order_service_migrations));
    assert_done(events_open(store->arena,
                            &(struct events_options){ store->db, AGGREGATES, PROJECTIONS },
                            &shop->events));
    append(shop, IN(order_created, &created), 0);
    read_order(shop);
    start(shop);
}

static void close_shop(struct shop *shop)
{
    payments_stop(shop->payments);
    assert_int_equal(shop->fake.closed, 1);
    events_close(&shop->store->call, shop->events);
}

static error pay(struct shop *shop, struct payment_answer *out)
{
    const struct process_payment in = { .order_id = shop->order.id,
                                        .user_id = shop->order.user_id,
                                        .payment_token = STR("token"),
                                        .idempotency_key = STR("key") };

    return payments_process(&shop->store->call, shop->payments, &in, out);
}

static int64_t pending(struct shop *shop)
{
    return store_number(shop->store,
                        "SELECT count(*) AS value FROM provider_requests WHERE state = 'pending'");
}

static void wait_for_the_end(struct shop *shop)
{
    while (pending(shop))
        assert_done(call_sleep(&shop->store->call, RETRY_MS));
    read_order(shop);
}

static int64_t processed(struct shop *shop)
{
    return store_number(shop->store,
                        "SELECT count(*) AS value FROM events WHERE type = 'payment.processed'");
}

/* --- tests --------------------------------------------------------------------------------------- */

STORE_TEST(an_accepted_charge_makes_the_order_paid)
{
    struct shop shop = { .fake.charge = PROVIDER_ACCEPTED };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_done(pay(&shop, &answer));
    assert_int_equal(answer.payment.status, PAYMENT_SUCCESS);
    assert_int_equal(answer.payment.amount.minor, 4990);
    assert_null(answer.replayed.text.at);
    read_order(&shop);
    assert_int_equal(shop.order.status, ORDER_PAID);
    assert_int_equal(shop.order.version, 3);
    assert_done(pay(&shop, &answer));
    assert_text(answer.replayed.text, "true");
    assert_int_equal(shop.fake.charges, 1);
    close_shop(&shop);
}

STORE_TEST(a_charge_without_an_outcome_is_asked_about_with_one_id_until_it_has_one)
{
    struct shop shop = { .fake = {
                             .charge = PROVIDER_UNKNOWN, .after = PROVIDER_ACCEPTED, .turn = 4 } };
    struct payment_answer answer;

    open_shop(&shop, store);
    error unknown = pay(&shop, &answer);

    assert_int_equal(unknown->status, 504);
    assert_true(unknown->retry_after_s > 0);
    read_order(&shop);
    assert_int_equal(shop.order.status, ORDER_PENDING);
    assert_int_equal(processed(&shop), 0);
    wait_for_the_end(&shop);
    assert_int_equal(shop.order.status, ORDER_PAID);
    assert_int_equal(processed(&shop), 1);
    assert_int_equal(shop.fake.charges, 4);
    assert_int_equal(shop.fake.id_count, 1);
    assert_done(pay(&shop, &answer));
    assert_text(answer.replayed.text, "true");
    assert_int_equal(answer.payment.status, PAYMENT_SUCCESS);
    close_shop(&shop);
}

STORE_TEST(a_charge_that_turns_out_declined_leaves_the_order_pending)
{
    struct shop shop = { .fake = {
                             .charge = PROVIDER_UNKNOWN, .after = PROVIDER_DECLINED, .turn = 2 } };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_int_equal(pay(&shop, &answer)->status, 504);
    wait_for_the_end(&shop);
    assert_int_equal(shop.order.status, ORDER_PENDING);
    assert_int_equal(shop.order.version, 2);
    assert_done(pay(&shop, &answer));
    assert_int_equal(answer.payment.status, PAYMENT_FAILED);
    close_shop(&shop);
}

STORE_TEST(a_charge_of_a_process_that_died_is_settled_by_the_next)
{
    struct shop shop = { .fake.charge = PROVIDER_UNKNOWN };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_int_equal(pay(&shop, &answer)->status, 504);
    payments_stop(shop.payments);
    shop.fake = (struct fake){ .charge = PROVIDER_ACCEPTED };
    start(&shop);
    wait_for_the_end(&shop);
    assert_int_equal(shop.order.status, ORDER_PAID);
    close_shop(&shop);
}

STORE_TEST(an_answer_that_comes_again_changes_nothing)
{
    struct shop shop = { .fake.charge = PROVIDER_ACCEPTED };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_done(pay(&shop, &answer));
    shop.fake.notice = (struct provider_notice){ answer.payment.id, PROVIDER_DECLINED };
    shop.fake.has_notice = true;
    while (shop.fake.has_notice)
        assert_done(call_sleep(&store->call, RETRY_MS));
    assert_done(call_sleep(&store->call, 5 * RETRY_MS));
    read_order(&shop);
    assert_int_equal(shop.order.status, ORDER_PAID);
    assert_int_equal(processed(&shop), 1);
    close_shop(&shop);
}

STORE_TEST(a_notice_about_nothing_that_was_asked_is_ignored)
{
    struct shop shop = { .fake = { .charge = PROVIDER_ACCEPTED, .has_notice = true } };
    struct payment_answer answer;

    open_shop(&shop, store);
    while (shop.fake.has_notice)
        assert_done(call_sleep(&store->call, RETRY_MS));
    assert_done(pay(&shop, &answer));
    close_shop(&shop);
}

STORE_TEST(an_order_of_somebody_else_is_not_paid)
{
    struct shop shop = { .fake.charge = PROVIDER_ACCEPTED };
    struct payment_answer answer;

    open_shop(&shop, store);
    shop.order.user_id = random_uuid();
    assert_ptr_equal(pay(&shop, &answer), &SERVICE_FORBIDDEN);
    shop.order.id = random_uuid();
    assert_ptr_equal(pay(&shop, &answer), &ORDER_NOT_FOUND);
    assert_int_equal(shop.fake.charges, 0);
    close_shop(&shop);
}

struct refund_job {
    const struct order *order;
    uuid id;
};

static error refund_in_unit(struct db_unit *unit, void *argument)
{
    struct refund_job *job = argument;

    return payments_refund(unit, job->order, job->id, clock_now());
}

static void ask_for_a_refund(struct shop *shop)
{
    struct refund_job job = { &shop->order, random_uuid() };

    assert_done(db_transaction(&shop->store->call, shop->store->db, refund_in_unit, &job));
}

STORE_TEST(the_payment_of_a_cancelled_order_is_given_back)
{
    struct shop shop = { .fake = { .charge = PROVIDER_ACCEPTED, .refund = PROVIDER_UNKNOWN } };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_done(pay(&shop, &answer));
    ask_for_a_refund(&shop);
    while (shop.fake.refunds < 2)
        assert_done(call_sleep(&store->call, RETRY_MS));
    assert_int_equal(pending(&shop), 1);
    shop.fake.refund = PROVIDER_ACCEPTED;
    wait_for_the_end(&shop);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM provider_requests"
                                         " WHERE kind = 'refund' AND state = 'accepted'"
                                         " AND amount = 4990"),
                     1);
    close_shop(&shop);
}

STORE_TEST(what_was_never_charged_is_not_given_back)
{
    struct shop shop = { .fake.charge = PROVIDER_DECLINED };
    struct payment_answer answer;

    open_shop(&shop, store);
    assert_done(pay(&shop, &answer));
    ask_for_a_refund(&shop);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM provider_requests"
                                         " WHERE kind = 'refund'"),
                     0);
    close_shop(&shop);
}

static void count_problem(void *cookie, const char *problem)
{
    (void)problem;
    ++*(int *)cookie;
}

STORE_TEST(money_and_status_that_do_not_agree_are_found)
{
    struct shop shop = { .fake.charge = PROVIDER_ACCEPTED };
    struct payment_answer answer;
    int problems = 0;

    open_shop(&shop, store);
    assert_done(pay(&shop, &answer));
    assert_done(payments_verify(&store->call, store->db, count_problem, &problems));
    assert_int_equal(problems, 0);
    store_write(store, "UPDATE orders SET status = 'PENDING'");
    assert_done(payments_verify(&store->call, store->db, count_problem, &problems));
    assert_int_equal(problems, 1);
    store_write(store, "UPDATE orders SET status = 'CANCELLED'");
    assert_done(payments_verify(&store->call, store->db, count_problem, &problems));
    assert_int_equal(problems, 2);
    store_write(store, "DELETE FROM provider_requests");
    assert_done(payments_verify(&store->call, store->db, count_problem, &problems));
    assert_int_equal(problems, 3);
    close_shop(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_charge_makes_the_order_paid),
        cmocka_unit_test(a_charge_without_an_outcome_is_asked_about_with_one_id_until_it_has_one),
        cmocka_unit_test(a_charge_that_turns_out_declined_leaves_the_order_pending),
        cmocka_unit_test(a_charge_of_a_process_that_died_is_settled_by_the_next),
        cmocka_unit_test(an_answer_that_comes_again_changes_nothing),
        cmocka_unit_test(a_notice_about_nothing_that_was_asked_is_ignored),
        cmocka_unit_test(an_order_of_somebody_else_is_not_paid),
        cmocka_unit_test(the_payment_of_a_cancelled_order_is_given_back),
        cmocka_unit_test(what_was_never_charged_is_not_given_back),
        cmocka_unit_test(money_and_status_that_do_not_agree_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
