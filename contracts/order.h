/* Orders and payments as they cross a border: bodies of the HTTP API, payloads of the order service's messages,
 * and the events that it emits. The events are what is stored, too, so a member that an event has once had
 * stays. */
#pragma once

#include "schema/schema.h"

enum {
    ORDER_PAGE_MAX = 100,
    ORDER_ITEMS_MAX = 100,
    IDEMPOTENCY_KEY_MAX = 255,
};

/* PENDING → PAID → SHIPPED → DELIVERED; PENDING | PAID → CANCELLED. */
enum order_status {
    ORDER_ANY, /* no status: every one, in a query */
    ORDER_PENDING,
    ORDER_PAID,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    ORDER_CANCELLED,
    ORDER_STATUS_COUNT,
};
extern const char *const order_status_names[];

enum payment_method {
    PAYMENT_METHOD_NONE,
    PAYMENT_CARD,             /* paid by POST /orders/:id/payments */
    PAYMENT_BANK_TRANSFER,    /* marked PAID by an admin when the money has arrived */
    PAYMENT_CASH_ON_DELIVERY, /* marked PAID by an admin when the courier has agreed to collect */
};
extern const char *const payment_method_names[];

enum payment_status {
    PAYMENT_STATUS_NONE,
    PAYMENT_SUCCESS,
    PAYMENT_FAILED, /* declined: the order stays PENDING and may be paid again */
};
extern const char *const payment_status_names[];

/* What a client orders, with rules. What is recorded of it has tables of its own without any: it must be readable
 * for ever, also when the rules have become narrower. */
struct create_order_item {
    str product_id, name;
    money price; /* of one */
    int64_t quantity;
};

struct create_order_items {
    struct create_order_item *at;
    size_t len;
};

struct create_address {
    str street, city, postal_code, country;
};

/* Body of POST /orders. */
struct create_order {
    struct create_order_items items;
    struct create_address *shipping_address;
    unsigned payment_method;
};

/* Payload of order.create: the article's CreateOrderDto with the user's id. */
struct new_order {
    struct create_order_items items;
    struct create_address *shipping_address;
    unsigned payment_method;
    uuid user_id;
    str idempotency_key; /* at == NULL: none */
};

struct order_item {
    str product_id, name;
    money price;
    int64_t quantity;
};

struct order_items {
    struct order_item *at;
    size_t len;
};

struct address {
    str street, city, postal_code, country;
};

struct order {
    uuid id, user_id;
    struct order_items items;
    money total;
    str currency; /* ISO 4217 */
    struct address *shipping_address;
    unsigned payment_method, status;
    int64_t version; /* how many events the order has */
    timestamp created_at, updated_at;
};

/* What order.create answers: an order, and `replayed: true` when it is the first answer to the same key. */
struct order_answer {
    struct order order;
    json_text replayed; /* "true", or at == NULL */
};

/* Payload of order.findById and order.history. */
struct order_id {
    uuid id;
};

/* Payload of order.findVersion: the order as it was after that many events. */
struct order_at {
    uuid id;
    int64_t version;
};

/* On whose behalf a command comes from another process; in the same one the call's identity counts. Without a
 * `user_id` it is a service's own doing. */
struct order_command {
    uuid id, user_id;
    bool is_admin; /* may change orders of others */
};

/* Body of PUT /orders/:id/status. */
struct order_status_body {
    unsigned status;
};

/* Payload of order.updateStatus. */
struct update_order_status {
    uuid id;
    unsigned status;
    uuid user_id;
};

/* Payloads of order.findByUser and order.findAll; `status` may be ORDER_ANY. The cursor is opaque. */
struct user_orders_query {
    uuid user_id;
    int64_t limit;
    str cursor;
    unsigned status;
};

struct orders_query {
    int64_t limit;
    str cursor; /* at == NULL: the first page */
    unsigned status;
};

struct orders {
    struct order *at;
    size_t len;
};

struct order_page {
    struct orders items;
    str next_cursor; /* at == NULL on the last page */
};

/* Body of POST /orders/:id/payments. */
struct create_payment {
    str payment_token;
};

/* Payload of order.processPayment. */
struct process_payment {
    uuid order_id, user_id;
    str payment_token, idempotency_key;
};

struct payment {
    uuid id, order_id;
    money amount;
    str currency;
    unsigned status;
    timestamp created_at;
};

struct payment_answer {
    struct payment payment;
    json_text replayed; /* as in order_answer */
};

/* --- events -------------------------------------------------------------------------------------- */

/* Those of another's order service may have no items, no name of an item (at == NULL), currency (likewise), address,
 * method, payment id (nil) or time (0). Ours have all of it. */
struct order_created {
    uuid order_id, user_id;
    struct order_items items;
    money total;
    str currency;
    struct address *shipping_address;
    unsigned payment_method;
    timestamp created_at;
};

struct order_status_changed {
    uuid order_id, user_id;
    unsigned previous_status, new_status;
    timestamp changed_at;
};

struct payment_processed {
    uuid order_id, user_id, payment_id;
    money amount;
    str currency;
    unsigned status;
    timestamp processed_at;
};

/* One event of an order, as GET /orders/:id/events shows it. */
struct history_entry {
    uuid id;
    str type;
    int64_t version;
    json_text data;
    timestamp recorded_at;
    uuid actor; /* the user who asked for it; nil: nobody did */
    str cause; /* what led to it: the id of an event, of a payment; at == NULL: the request itself */
};

struct history_entries {
    struct history_entry *at;
    size_t len;
};

/* What order.history answers; over HTTP the list alone. */
struct order_history {
    struct history_entries events;
};

const struct schema *create_order_item_schema(void);
const struct schema *create_address_schema(void);
const struct schema *order_item_schema(void);
const struct schema *address_schema(void);
const struct schema *create_order_schema(void);
const struct schema *new_order_schema(void);
const struct schema *order_schema(void);
const struct schema *order_answer_schema(void);
const struct schema *order_id_schema(void);
const struct schema *order_at_schema(void);
const struct schema *order_command_schema(void);
const struct schema *order_status_body_schema(void);
const struct schema *update_order_status_schema(void);
const struct schema *user_orders_query_schema(void);
const struct schema *orders_query_schema(void);
const struct schema *order_page_schema(void);
const struct schema *create_payment_schema(void);
const struct schema *process_payment_schema(void);
const struct schema *payment_schema(void);
const struct schema *payment_answer_schema(void);
const struct schema *order_created_schema(void);
const struct schema *order_status_changed_schema(void);
const struct schema *payment_processed_schema(void);
const struct schema *history_entry_schema(void);
const struct schema *order_history_schema(void);
