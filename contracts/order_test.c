/* What events of orders may look like, and what requests may not. */
#include "contracts/order.h"

#include "testing/test.h"

#define ORDER "0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a"
#define USER "0198c8ee-1f2a-7b0c-8d4e-5a6b7c8d9e0f"
#define WHOSE "\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\""
#define ADDRESS \
    "\"street\":\"Strada Lungă 1\",\"city\":\"Iași\",\"postalCode\":\"700001\",\"country\":\"RO\""

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

static str written(const struct schema *schema, const void *value)
{
    struct buf out = buf_new(ARENA_CALL_MAX);

    schema_write(schema, value, &out);
    assert_false(buf_failed(&out));
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

/* Read, and written again. */
static str again(const struct schema *schema, const char *text)
{
    void *value = arena_zalloc(arena, 1, schema->size);

    assert_non_null(value);
    assert_null(schema_parse(schema, arena, str_of(text), SCHEMA_IGNORE, value));
    return written(schema, value);
}

static void what_we_record_is_written_as_it_was_read(void **state)
{
    static const char *const CREATED =
        "{" WHOSE ",\"items\":[{\"productId\":\"book-1\",\"name\":\"Ion\",\"price\":49.9,"
        "\"quantity\":2}],\"total\":99.8,\"currency\":\"RON\",\"shippingAddress\":{" ADDRESS "},"
        "\"paymentMethod\":\"card\",\"createdAt\":\"2026-11-25T14:05:00.000Z\"}";
    static const char *const PROCESSED =
        "{" WHOSE ",\"paymentId\":\"0198c8f1-77aa-7d10-b2c3-d4e5f6a7b8c9\",\"amount\":99.8,"
        "\"currency\":\"RON\",\"status\":\"SUCCESS\","
        "\"processedAt\":\"2026-11-25T14:06:30.000Z\"}";

    (void)state;
    assert_text(again(order_created_schema(), CREATED), CREATED);
    assert_text(again(payment_processed_schema(), PROCESSED), PROCESSED);
}

static void an_event_of_another_service_may_say_less_and_say_it_loosely(void **state)
{
    (void)state;
    assert_text(again(order_created_schema(),
                      "{" WHOSE ",\"total\":0.30000000000000004,\"items\":[{\"productId\":\"a\","
                      "\"price\":\"0.10\",\"quantity\":3,\"stock\":7}]}"),
                "{" WHOSE ",\"items\":[{\"productId\":\"a\",\"price\":0.1,\"quantity\":3}],"
                "\"total\":0.3}");
    assert_text(again(order_created_schema(), "{" WHOSE ",\"total\":\"5.00\"}"),
                "{" WHOSE ",\"total\":5}");
    assert_text(again(payment_processed_schema(),
                      "{" WHOSE ",\"amount\":\"19.999\",\"status\":\"FAILED\"}"),
                "{" WHOSE ",\"amount\":20,\"status\":\"FAILED\"}");
}

struct row {
    const struct schema *(*schema)(void);
    const char *text, *message;
};

static void check_refusals(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *out = arena_zalloc(arena, 1, rows[i].schema()->size);
        error failed =
            schema_parse(rows[i].schema(), arena, str_of(rows[i].text), SCHEMA_IGNORE, out);

        assert_non_null(failed);
        assert_int_equal(failed->messages->len, 1);
        assert_text(failed->messages->at[0], rows[i].message);
    }
}

static void an_event_that_cannot_be_understood_is_refused(void **state)
{
    static const struct row rows[] = {
        { payment_processed_schema,
          "{" WHOSE ",\"amount\":5,\"status\":\"SUCCESS\",\"paymentId\":\"pay_123\"}",
          "paymentId must be a UUID" },
        { payment_processed_schema, "{" WHOSE ",\"amount\":\"5 lei\",\"status\":\"SUCCESS\"}",
          "amount must be a number conforming to the specified constraints" },
        { order_created_schema, "{" WHOSE "}",
          "total must be a number conforming to the specified constraints" },
        { order_created_schema, "{" WHOSE ",\"total\":1,\"createdAt\":\"yesterday\"}",
          "createdAt must be a valid ISO 8601 date string" },
    };

    (void)state;
    check_refusals(rows, COUNT_OF(rows));
}

#define PRICED(price)                                                  \
    "{\"items\":[{\"productId\":\"a\",\"name\":\"A\",\"price\":" price \
    ",\"quantity\":1}],\"shippingAddress\":{" ADDRESS "},\"paymentMethod\":\"card\"}"

static void a_request_has_exact_amounts_and_names(void **state)
{
    static const char *const NO_PRICE =
        "items.0.price must be a number conforming to the specified constraints";
    const struct row rows[] = {
        { create_order_schema, PRICED("0.30000000000000004"), NO_PRICE },
        { create_order_schema, PRICED("1.005"), NO_PRICE },
        { order_item_schema, "{\"productId\":\"a\",\"price\":1,\"quantity\":1}",
          "name must be a string" },
        { order_item_schema, "{\"productId\":\"a\",\"name\":\"A\",\"price\":\"1\",\"quantity\":1}",
          "price must be a number conforming to the specified constraints" },
    };
    struct create_order order;
    error failed;

    (void)state;
    check_refusals(rows, COUNT_OF(rows));
    assert_null(
        schema_parse(create_order_schema(), arena, STR(PRICED("5.25")), SCHEMA_REFUSE, &order));
    assert_int_equal(order.items.at[0].price.minor, 525);
    failed =
        schema_parse(create_order_schema(), arena, STR(PRICED("\"5.00\"")), SCHEMA_REFUSE, &order);
    assert_non_null(failed);
    assert_text(failed->messages->at[failed->messages->len - 1], NO_PRICE);
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    assert_null(schema_check(order_created_schema(), arena));
    assert_null(schema_check(payment_processed_schema(), arena));
}

#define TESTING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TESTING(what_we_record_is_written_as_it_was_read),
        TESTING(an_event_of_another_service_may_say_less_and_say_it_loosely),
        TESTING(an_event_that_cannot_be_understood_is_refused),
        TESTING(a_request_has_exact_amounts_and_names),
        TESTING(the_tables_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
