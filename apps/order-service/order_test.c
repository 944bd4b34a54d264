#include "apps/order-service/order.h"

#include "testing/test.h"

#include <string.h>

static const uuid ID = { { 1 } }, OWNER = { { 2 } }, PAYMENT = { { 3 } };
static const timestamp NOW = { 1700000000123 };

static struct create_address ADDRESS = { STR_INIT("Strada 1"), STR_INIT("Cluj"), STR_INIT("400001"),
                                         STR_INIT("RO") };

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(ARENA_CALL_MAX);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct order_context context(void)
{
    return (struct order_context){ arena, NOW };
}

/* As the next event of the order. */
static void apply(struct order *order, const struct schema *schema, const void *data)
{
    const struct recorded event = { .version = order->version + 1 };
    const struct event_type *type = order_aggregate.types;

    while (type->schema() != schema)
        type++;
    type->apply(order, data, &event);
}

static struct order_items items_of(struct order_item *at, size_t len)
{
    return (struct order_items){ at, len };
}

static struct order order_that_is(enum order_status status)
{
    return (struct order){ .id = ID,
                           .user_id = OWNER,
                           .total = { 4990 },
                           .currency = STR("RON"),
                           .status = status,
                           .version = 3 };
}

static void an_order_takes_the_steps_of_the_table_and_no_other(void **state)
{
    static const enum order_status steps[][2] = {
        { ORDER_PENDING, ORDER_PAID },      { ORDER_PAID, ORDER_SHIPPED },
        { ORDER_SHIPPED, ORDER_DELIVERED }, { ORDER_PENDING, ORDER_CANCELLED },
        { ORDER_PAID, ORDER_CANCELLED },
    };
    size_t allowed = 0;

    (void)state;
    for (unsigned from = ORDER_PENDING; from < ORDER_STATUS_COUNT; from++)
        for (unsigned to = ORDER_PENDING; to < ORDER_STATUS_COUNT; to++)
            allowed += order_may_become(from, to);
    assert_int_equal(allowed, COUNT_OF(steps));
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        assert_true(order_may_become(steps[i][0], steps[i][1]));
}

static void a_total_is_exact(void **state)
{
    static const struct {
        int64_t price[2], quantity[2], total;
    } rows[] = {
        { { 10, 20 }, { 1, 1 }, 30 },
        { { 10, 20 }, { 3, 3 }, 90 },
        { { 1, 99 }, { 10000, 10000 }, 1000000 },
        { { 109, 1999 }, { 7, 3 }, 6760 },
        { { 100000000, 0 }, { 10000, 1 }, 1000000000000 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct order_item two[2] = {
            { .price = { rows[i].price[0] }, .quantity = rows[i].quantity[0] },
            { .price = { rows[i].price[1] }, .quantity = rows[i].quantity[1] }
        };
        struct order_items items = items_of(two, 2);
        money total;

        assert_true(order_total(&items, &total));
        assert_int_equal(total.minor, rows[i].total);
    }
}

static void the_largest_order_has_a_total(void **state)
{
    struct create_order_item items[ORDER_ITEMS_MAX];
    struct new_order command = { .items = { items, ORDER_ITEMS_MAX },
                                 .shipping_address = &ADDRESS };
    struct order_created event;

    (void)state;
    for (size_t i = 0; i < ORDER_ITEMS_MAX; i++)
        items[i] = (struct create_order_item){ .price = { 100000000 }, .quantity = 10000 };
    assert_null(order_decide_create(context(), &command, ID, STR("RON"), &event));
    assert_int_equal(event.total.minor, 100000000000000);
}

static void a_total_that_does_not_fit_is_refused(void **state)
{
    static const int64_t prices[][2] = { { INT64_MAX, 1 },
                                         { INT64_MAX / 2 + 1, 2 },
                                         { 100000000000000, 1 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(prices); i++) {
        struct create_order_item two[2] = { { .price = { prices[i][0] }, .quantity = prices[i][1] },
                                            { .price = { 1 }, .quantity = 1 } };
        struct new_order command = { .items = { two, 2 }, .shipping_address = &ADDRESS };
        struct order_created event = { .total = { 7 } };

        assert_ptr_equal(order_decide_create(context(), &command, ID, STR("RON"), &event),
                         &TOTAL_TOO_LARGE);
        assert_int_equal(event.total.minor, 7);
    }
}

static void a_created_order_is_what_was_ordered(void **state)
{
    struct create_order_item item = { STR("book-1"), STR("Ion"), { 4990 }, 2 };
    const struct new_order command = { .items = { &item, 1 },
                                       .shipping_address = &ADDRESS,
                                       .payment_method = PAYMENT_CARD,
                                       .user_id = OWNER };
    struct order_created event;
    struct order order = { .version = 0 };

    (void)state;
    assert_null(order_decide_create(context(), &command, ID, STR("RON"), &event));
    apply(&order, order_created_schema(), &event);
    assert_true(uuid_eq(order.id, ID));
    assert_true(uuid_eq(order.user_id, OWNER));
    assert_int_equal(order.total.minor, 9980);
    assert_text(order.currency, "RON");
    assert_text(order.items.at[0].name, "Ion");
    assert_text(order.shipping_address->city, "Cluj");
    assert_int_equal(order.payment_method, PAYMENT_CARD);
    assert_int_equal(order.status, ORDER_PENDING);
    assert_int_equal(order.version, 1);
    assert_int_equal(order.created_at.ms, NOW.ms);
    assert_int_equal(order.updated_at.ms, NOW.ms);
}

static void a_change_of_status_names_both_states(void **state)
{
    struct order order = order_that_is(ORDER_PENDING);
    struct order_status_changed event;

    (void)state;
    assert_null(order_decide_status(context(), &order, ORDER_PAID, &event));
    assert_int_equal(event.previous_status, ORDER_PENDING);
    assert_int_equal(event.new_status, ORDER_PAID);
    apply(&order, order_status_changed_schema(), &event);
    assert_int_equal(order.status, ORDER_PAID);
    assert_int_equal(order.version, 4);
    assert_int_equal(order.updated_at.ms, NOW.ms);
}

static void a_step_that_is_not_allowed_is_a_conflict(void **state)
{
    struct order order = order_that_is(ORDER_DELIVERED);
    struct order_status_changed event;

    (void)state;
    error refused = order_decide_status(context(), &order, ORDER_CANCELLED, &event);

    assert_int_equal(refused->status, 409);
    assert_string_equal(refused->message, "An order that is DELIVERED cannot become CANCELLED");
}

static void a_payment_is_for_the_whole_order(void **state)
{
    struct order order = order_that_is(ORDER_PENDING);
    struct payment_processed event;

    (void)state;
    assert_null(order_decide_payment(context(), &order, PAYMENT, true, &event));
    assert_int_equal(event.amount.minor, order.total.minor);
    assert_int_equal(event.status, PAYMENT_SUCCESS);
    assert_null(order_decide_payment(context(), &order, PAYMENT, false, &event));
    assert_int_equal(event.status, PAYMENT_FAILED);
}

static void a_payment_by_itself_changes_no_status(void **state)
{
    struct order order = order_that_is(ORDER_PENDING);
    struct payment_processed event;

    (void)state;
    assert_null(order_decide_payment(context(), &order, PAYMENT, false, &event));
    apply(&order, payment_processed_schema(), &event);
    assert_int_equal(order.status, ORDER_PENDING);
    assert_int_equal(order.version, 4);
}

static void only_a_pending_order_can_be_paid(void **state)
{
    (void)state;
    for (unsigned status = ORDER_PAID; status < ORDER_STATUS_COUNT; status++) {
        struct order order = order_that_is(status);
        struct payment_processed event;

        assert_ptr_equal(order_decide_payment(context(), &order, PAYMENT, true, &event),
                         &ORDER_NOT_PAYABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_takes_the_steps_of_the_table_and_no_other),
        cmocka_unit_test(a_total_is_exact),
        cmocka_unit_test(the_largest_order_has_a_total),
        cmocka_unit_test(a_total_that_does_not_fit_is_refused),
        cmocka_unit_test(a_created_order_is_what_was_ordered),
        cmocka_unit_test(a_change_of_status_names_both_states),
        cmocka_unit_test(a_step_that_is_not_allowed_is_a_conflict),
        cmocka_unit_test(a_payment_is_for_the_whole_order),
        cmocka_unit_test(a_payment_by_itself_changes_no_status),
        cmocka_unit_test(only_a_pending_order_can_be_paid),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
