#include "testing/store.h"

#include "apps/order-service/order_repository.h"

#include "apps/order-service/order.h"
#include "runtime/random.h"

extern const struct embedded_file order_service_migrations[];

static const struct aggregate *const AGGREGATES[] = { &order_aggregate, NULL };
static const struct projection *const PROJECTIONS[] = { &order_projection, NULL };

enum { USERS = 2, ORDERS = 12 };

static const uuid USER[USERS] = { { { 1, 0, 0, 0, 0, 0, 0x40, 0, 0x80 } },
                                  { { 2, 0, 0, 0, 0, 0, 0x40, 0, 0x80 } } };

static struct events *open_events(struct store *store)
{
    struct events *events;

    assert_done(db_migrate(&store->call, store->db, order_service_migrations));
    assert_done(events_open(
        store->arena, &(struct events_options){ store->db, AGGREGATES, PROJECTIONS }, &events));
    return events;
}

static void append(struct store *store, struct events *events, uuid id, int64_t expected,
                   struct schema_in event)
{
    assert_done(events_append(&store->call, events,
                              &(struct events_append){ .aggregate = &order_aggregate,
                                                       .stream_id = id,
                                                       .expected = expected,
                                                       .events = &event,
                                                       .count = 1 }));
}

static uuid place(struct store *store, struct events *events, uuid user, int64_t at_ms)
{
    struct order_item items[] = { { STR("a"), STR("Ion"), { 10 }, 1 },
                                  { STR("b"), STR("\xC8\x98tef"), { 20 }, 1 } };
    struct address address = { STR("Strada 1"), STR("Cluj"), STR("400001"), STR("RO") };
    const struct order_created created = { .order_id = random_uuid(),
                                           .user_id = user,
                                           .items = { items, 2 },
                                           .total = { 30 },
                                           .currency = STR("RON"),
                                           .shipping_address = &address,
                                           .payment_method = PAYMENT_CARD,
                                           .created_at = { at_ms } };

    append(store, events, created.order_id, 0, IN(order_created, &created));
    return created.order_id;
}

static void change(struct store *store, struct events *events, uuid id, unsigned to)
{
    const struct order_status_changed changed = { .order_id = id,
                                                  .user_id = USER[0],
                                                  .previous_status = ORDER_PENDING,
                                                  .new_status = to,
                                                  .changed_at = { 1700000009999 } };

    append(store, events, id, 1, IN(order_status_changed, &changed));
}

static str as_json(struct store *store, const struct order *order)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    schema_write(order_schema(), order, &text);
    str copy = arena_copy(store->arena, buf_text(&text));

    buf_free(&text);
    return copy;
}

STORE_TEST(the_row_of_an_order_is_its_replay)
{
    struct events *events = open_events(store);
    uuid id = place(store, events, USER[0], 1700000000000);
    struct order row, replayed;

    change(store, events, id, ORDER_PAID);
    assert_done(order_find(&store->call, store->db, id, &row));
    assert_done(
        events_load(&store->call, events, &order_aggregate, id, EVENTS_NEWEST, &replayed, NULL));
    assert_int_equal(row.status, ORDER_PAID);
    assert_int_equal(row.version, 2);
    assert_int_equal(row.updated_at.ms, 1700000009999);
    assert_true(str_eq(as_json(store, &row), as_json(store, &replayed)));
    events_close(&store->call, events);
}

STORE_TEST(an_order_that_does_not_exist_is_not_found)
{
    struct events *events = open_events(store);
    struct order order;

    assert_ptr_equal(order_find(&store->call, store->db, random_uuid(), &order), &ORDER_NOT_FOUND);
    events_close(&store->call, events);
}

/* Orders of two users in turn, three of them at each time. */
static struct events *fill(struct store *store, uuid ids[ORDERS])
{
    struct events *events = open_events(store);

    for (int i = 0; i < ORDERS; i++)
        ids[i] = place(store, events, USER[i % USERS], 1700000000000 + i / 3);
    return events;
}

STORE_TEST(pages_of_any_size_give_every_order_once_newest_first)
{
    uuid ids[ORDERS];
    struct events *events = fill(store, ids);

    for (int64_t limit = 1; limit <= ORDERS + 1; limit++) {
        struct orders_query query = { .limit = limit };
        int next = ORDERS;

        do {
            struct order_page page;

            assert_done(order_list(&store->call, store->db, &query, &page));
            for (size_t i = 0; i < page.items.len; i++)
                assert_true(uuid_eq(page.items.at[i].id, ids[--next]));
            query.cursor = page.next_cursor;
        } while (query.cursor.at);
        assert_int_equal(next, 0);
    }
    events_close(&store->call, events);
}

STORE_TEST(a_user_has_ones_own_orders_alone)
{
    uuid ids[ORDERS];
    struct events *events = fill(store, ids);
    struct user_orders_query query = { .user_id = USER[1], .limit = ORDERS };
    struct order_page page;

    assert_done(order_list_of_user(&store->call, store->db, &query, &page));
    assert_int_equal(page.items.len, ORDERS / USERS);
    assert_null(page.next_cursor.at);
    for (size_t i = 0; i < page.items.len; i++)
        assert_true(uuid_eq(page.items.at[i].user_id, USER[1]));
    events_close(&store->call, events);
}

STORE_TEST(a_status_narrows_both_lists)
{
    uuid ids[ORDERS];
    struct events *events = fill(store, ids);
    struct orders_query all = { .limit = ORDERS, .status = ORDER_CANCELLED };
    struct user_orders_query mine = { .user_id = USER[0],
                                      .limit = ORDERS,
                                      .status = ORDER_CANCELLED };
    struct order_page page;

    change(store, events, ids[2], ORDER_CANCELLED);
    change(store, events, ids[5], ORDER_CANCELLED);
    assert_done(order_list(&store->call, store->db, &all, &page));
    assert_int_equal(page.items.len, 2);
    assert_true(uuid_eq(page.items.at[0].id, ids[5]));
    assert_done(order_list_of_user(&store->call, store->db, &mine, &page));
    assert_int_equal(page.items.len, 1);
    assert_true(uuid_eq(page.items.at[0].id, ids[2]));
    events_close(&store->call, events);
}

STORE_TEST(a_cursor_that_nobody_made_is_refused)
{
    struct events *events = open_events(store);
    struct orders_query query = { .limit = 1, .cursor = STR("abc") };
    struct order_page page;

    assert_int_equal(order_list(&store->call, store->db, &query, &page)->status, 400);
    events_close(&store->call, events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_of_an_order_is_its_replay),
        cmocka_unit_test(an_order_that_does_not_exist_is_not_found),
        cmocka_unit_test(pages_of_any_size_give_every_order_once_newest_first),
        cmocka_unit_test(a_user_has_ones_own_orders_alone),
        cmocka_unit_test(a_status_narrows_both_lists),
        cmocka_unit_test(a_cursor_that_nobody_made_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
