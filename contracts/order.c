#include "contracts/order.h"

/* clang-format off */
const char *const order_status_names[] = {
    "", "PENDING", "PAID", "SHIPPED", "DELIVERED", "CANCELLED", NULL
};
const char *const payment_method_names[] = {
    "", "card", "bank_transfer", "cash_on_delivery", NULL
};
/* clang-format on */
const char *const payment_status_names[] = { "", "SUCCESS", "FAILED", NULL };

/* The rules that several tables have in common. */
#define SHORT_TEXT RULES(IS_STRING, LENGTH(1, 200))
#define KEY_RULES RULES(IS_STRING, LENGTH(1, IDEMPOTENCY_KEY_MAX)), .optional = true
#define PAGE_LIMIT RULES(IS_INT, AT_LEAST(1), AT_MOST(ORDER_PAGE_MAX)), .fallback = "20"
#define PAGE_CURSOR \
    RULES(IS_STRING, IS_NOT_EMPTY), .optional = true, .doc = "nextCursor of the page before"
#define STATUS .names = order_status_names
#define STATUS_FILTER .names = order_status_names, .optional = true, .doc = "orders in this state"
#define METHOD .names = payment_method_names
#define PAID_STATUS .names = payment_status_names

SCHEMA(create_order_item,
       FIELD(product_id, SHORT_TEXT, .example = "book-1"),
       FIELD(name, SHORT_TEXT, .example = "Ion"),
       FIELD(price, RULES(MAX_DECIMALS(2), IS_POSITIVE, AT_MOST(1000000)),
             .doc = "of one, with at most 2 decimals", .example = "49.9"),
       FIELD(quantity, RULES(IS_INT, AT_LEAST(1), AT_MOST(10000)), .example = "2"));

SCHEMA(create_address,
       FIELD(street, SHORT_TEXT, .example = "Strada Lungă 1"),
       FIELD(city, SHORT_TEXT, .example = "Iași"),
       FIELD(postal_code, SHORT_TEXT, .example = "700001"),
       FIELD(country, RULES(IS_ISO31661_ALPHA2), .doc = "ISO 3166-1 alpha-2", .example = "RO"));

/* clang-format off */
#define ORDERED_ROWS                                                                    \
    LIST(items, RULES(IS_ARRAY, ARRAY_MIN_SIZE(1), ARRAY_MAX_SIZE(ORDER_ITEMS_MAX)),    \
         .of = create_order_item_schema),                                               \
    FIELD(shipping_address, .of = create_address_schema),                               \
    FIELD(payment_method, METHOD, .example = "card")
/* clang-format on */

SCHEMA(create_order, ORDERED_ROWS);

SCHEMA(new_order,
       ORDERED_ROWS,
       FIELD(user_id),
       FIELD(idempotency_key, KEY_RULES));

SCHEMA(order_item,
       FIELD(product_id),
       FIELD(name),
       FIELD(price),
       FIELD(quantity));

SCHEMA(address,
       FIELD(street),
       FIELD(city),
       FIELD(postal_code),
       FIELD(country));

SCHEMA(order,
       FIELD(id),
       FIELD(user_id),
       LIST(items, .of = order_item_schema),
       FIELD(total),
       FIELD(currency, .example = "RON"),
       FIELD(shipping_address, .of = address_schema),
       FIELD(payment_method, METHOD),
       FIELD(status, STATUS),
       FIELD(version, .doc = "how many events the order has"),
       FIELD(created_at),
       FIELD(updated_at));

/* The order's own members, one level up. */
SCHEMA(order_answer,
       FIELD(order.id, .json = "id"),
       FIELD(order.user_id, .json = "userId"),
       LIST(order.items, .json = "items", .of = order_item_schema),
       FIELD(order.total, .json = "total"),
       FIELD(order.currency, .json = "currency"),
       FIELD(order.shipping_address, .json = "shippingAddress", .of = address_schema),
       FIELD(order.payment_method, .json = "paymentMethod", METHOD),
       FIELD(order.status, .json = "status", STATUS),
       FIELD(order.version, .json = "version"),
       FIELD(order.created_at, .json = "createdAt"),
       FIELD(order.updated_at, .json = "updatedAt"),
       FIELD(replayed, .optional = true));

BARE(order_id, FIELD(id));

SCHEMA(order_at,
       FIELD(id),
       FIELD(version, RULES(IS_INT, AT_LEAST(1))));

SCHEMA(order_command,
       FIELD(id),
       FIELD(user_id, .optional = true),
       FIELD(is_admin, .fallback = "false"));

SCHEMA(order_status_body, FIELD(status, STATUS));

SCHEMA(update_order_status,
       FIELD(id),
       FIELD(status, STATUS),
       FIELD(user_id, .optional = true));

SCHEMA(user_orders_query,
       FIELD(user_id),
       FIELD(limit, PAGE_LIMIT),
       FIELD(cursor, PAGE_CURSOR),
       FIELD(status, STATUS_FILTER));

SCHEMA(orders_query,
       FIELD(limit, PAGE_LIMIT),
       FIELD(cursor, PAGE_CURSOR),
       FIELD(status, STATUS_FILTER));

SCHEMA(order_page,
       LIST(items, .of = order_schema),
       FIELD(next_cursor, .optional = true, .nullable = true));

SCHEMA(create_payment,
       FIELD(payment_token, SHORT_TEXT, .doc = "of the payment provider", .example = "tok_success"));

SCHEMA(process_payment,
       FIELD(order_id),
       FIELD(user_id, .optional = true),
       FIELD(payment_token, SHORT_TEXT, .secret = true),
       FIELD(idempotency_key, KEY_RULES));

SCHEMA(payment,
       FIELD(id),
       FIELD(order_id),
       FIELD(amount),
       FIELD(currency, .example = "RON"),
       FIELD(status, PAID_STATUS),
       FIELD(created_at));

SCHEMA(payment_answer,
       FIELD(payment.id, .json = "id"),
       FIELD(payment.order_id, .json = "orderId"),
       FIELD(payment.amount, .json = "amount"),
       FIELD(payment.currency, .json = "currency"),
       FIELD(payment.status, .json = "status", PAID_STATUS),
       FIELD(payment.created_at, .json = "createdAt"),
       FIELD(replayed, .optional = true));

/* --- events -------------------------------------------------------------------------------------- */

/* What we record has all members and exact amounts. Another's order service may leave members out (the optional ones),
 * and its amounts are what JavaScript makes of sums, or texts. */

/* An item of such an event: the order's own members, read with more patience. */
struct recorded_item {
    struct order_item item;
};

static SCHEMA(recorded_item,
              FIELD(item.product_id, .json = "productId"),
              FIELD(item.name, .json = "name", .optional = true),
              FIELD(item.price, .json = "price", .lenient = true),
              FIELD(item.quantity, .json = "quantity"));

SCHEMA(order_created,
       FIELD(order_id),
       FIELD(user_id),
       LIST(items, .of = recorded_item_schema, .optional = true),
       FIELD(total, .lenient = true),
       FIELD(currency, .optional = true),
       FIELD(shipping_address, .of = address_schema, .optional = true),
       FIELD(payment_method, METHOD, .optional = true),
       FIELD(created_at, .optional = true));

SCHEMA(order_status_changed,
       FIELD(order_id),
       FIELD(user_id),
       FIELD(previous_status, STATUS),
       FIELD(new_status, STATUS),
       FIELD(changed_at));

SCHEMA(payment_processed,
       FIELD(order_id),
       FIELD(user_id),
       FIELD(payment_id, .optional = true),
       FIELD(amount, .lenient = true),
       FIELD(currency, .optional = true),
       FIELD(status, PAID_STATUS),
       FIELD(processed_at, .optional = true));

SCHEMA(history_entry,
       FIELD(id),
       FIELD(type, .example = "order.created"),
       FIELD(version, .example = "1"),
       FIELD(data, RULES(IS_OBJECT), .doc = "depends on the type"),
       FIELD(recorded_at),
       FIELD(actor, .optional = true, .doc = "the user who asked for it"),
       FIELD(cause, .optional = true, .doc = "id of the event or the payment that led to it"));

BARE(order_history, LIST(events, .of = history_entry_schema));
