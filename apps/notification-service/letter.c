#include "apps/notification-service/letter.h"
#include "contracts/order.h"

const char *const letter_names[] = { "order-confirmation", "payment-received", "payment-failed",
                                     NULL };

static const struct error TOO_MUCH = ERROR(400, "an item's price times its quantity is too large");

/* --- the tables ---------------------------------------------------------------------------------- */

struct letter_user {
    str name, email;
};

struct letter_item {
    str product_id, name, quantity, price, amount;
};

struct letter_items {
    struct letter_item *at;
    size_t len;
};

struct letter_method {
    bool card, bank_transfer, cash_on_delivery;
};

struct letter_order {
    str id, created_at;
    struct letter_items items;
    str total, currency;
    struct address *shipping_address;
    struct letter_method *payment_method;
};

struct order_letter {
    struct letter_user *user;
    struct letter_order *order;
};

struct letter_paid_order {
    str id;
};

struct letter_payment {
    str id, amount, currency, processed_at;
};

struct payment_letter {
    struct letter_user *user;
    struct letter_paid_order *order;
    struct letter_payment *payment;
};

static SCHEMA(letter_user, FIELD(name, .optional = true), FIELD(email));

static SCHEMA(letter_item,
              FIELD(product_id),
              FIELD(name),
              FIELD(quantity),
              FIELD(price),
              FIELD(amount));

static SCHEMA(letter_method, FIELD(card), FIELD(bank_transfer), FIELD(cash_on_delivery));

static SCHEMA(letter_order,
              FIELD(id),
              FIELD(created_at),
              LIST(items, .of = letter_item_schema, .optional = true),
              FIELD(total),
              FIELD(currency),
              FIELD(shipping_address, .of = address_schema, .optional = true),
              FIELD(payment_method, .of = letter_method_schema, .optional = true));

static SCHEMA(order_letter,
              FIELD(user, .of = letter_user_schema),
              FIELD(order, .of = letter_order_schema));

static SCHEMA(letter_paid_order, FIELD(id));

static SCHEMA(letter_payment,
              FIELD(id, .optional = true),
              FIELD(amount),
              FIELD(currency),
              FIELD(processed_at));

static SCHEMA(payment_letter,
              FIELD(user, .of = letter_user_schema),
              FIELD(order, .of = letter_paid_order_schema),
              FIELD(payment, .of = letter_payment_schema));

/* The time that an event tells, else the event's own. */
static str print_time(struct arena *arena, timestamp told, const struct letter_facts *facts)
{
    return text_of_time(arena, told.ms ? told : facts->event_at, facts->language);
}

/* --- an order ------------------------------------------------------------------------------------ */

static error fill_item(struct arena *arena, const struct order_item *from, enum language language,
                       struct letter_item *out)
{
    money amount;

    if (!money_times(from->price, from->quantity, &amount))
        return &TOO_MUCH;
    *out = (struct letter_item){
        .product_id = from->product_id,
        .name = from->name.len ? from->name : from->product_id,
        .quantity = text_of_integer(arena, from->quantity, language),
        .price = text_of_money(arena, from->price, language),
        .amount = text_of_money(arena, amount, language),
    };
    return out->quantity.at && out->price.at && out->amount.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error fill_items(struct arena *arena, const struct order_items *from, enum language language,
                        struct letter_items *out)
{
    if (!from->at)
        return NULL;
    struct letter_item *items = ARENA_ARRAY(arena, struct letter_item, from->len);

    if (!items)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < from->len; i++)
        TRY(fill_item(arena, &from->at[i], language, &items[i]));
    *out = (struct letter_items){ items, from->len };
    return NULL;
}

/* The letter's texts point into it, and its structs lie in the arena: who prints it does so at once. */
static error print_values(struct arena *arena, struct schema_in values, const struct json **out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    schema_write(values.schema, values.value, &text);
    str copy = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));

    buf_free(&text);
    return copy.at ? json_parse(arena, copy, out) : &ERROR_OUT_OF_MEMORY;
}

static error order_values(struct arena *arena, const struct letter_facts *facts,
                          const struct json **out)
{
    struct letter_user user = { facts->name, facts->email };
    struct letter_method method;
    struct letter_order order = { 0 };
    struct order_letter letter = { &user, &order };
    struct order_created event;

    TRY(schema_parse(order_created_schema(), arena, facts->event, SCHEMA_IGNORE, &event));
    method = (struct letter_method){
        .card = event.payment_method == PAYMENT_CARD,
        .bank_transfer = event.payment_method == PAYMENT_BANK_TRANSFER,
        .cash_on_delivery = event.payment_method == PAYMENT_CASH_ON_DELIVERY,
    };
    order.id = text_of_uuid(arena, event.order_id);
    order.created_at = print_time(arena, event.created_at, facts);
    order.total = text_of_money(arena, event.total, facts->language);
    order.currency = event.currency.at ? event.currency : facts->currency;
    order.shipping_address = event.shipping_address;
    order.payment_method = event.payment_method ? &method : NULL;
    TRY(fill_items(arena, &event.items, facts->language, &order.items));
    if (!order.id.at || !order.created_at.at || !order.total.at)
        return &ERROR_OUT_OF_MEMORY;
    return print_values(arena, IN(order_letter, &letter), out);
}

/* --- a payment ----------------------------------------------------------------------------------- */

static error fill_payment(struct arena *arena, const struct letter_facts *facts,
                          const struct payment_processed *event, struct letter_payment *out)
{
    const uuid none = { 0 };
    bool named = !uuid_eq(event->payment_id, none);

    *out = (struct letter_payment){
        .amount = text_of_money(arena, event->amount, facts->language),
        .currency = event->currency.at ? event->currency : facts->currency,
        .processed_at = print_time(arena, event->processed_at, facts),
    };
    if (named)
        out->id = text_of_uuid(arena, event->payment_id);
    if (!out->amount.at || !out->processed_at.at || (named && !out->id.at))
        return &ERROR_OUT_OF_MEMORY;
    return NULL;
}

static error payment_values(struct arena *arena, const struct letter_facts *facts,
                            const struct json **out)
{
    struct letter_user user = { facts->name, facts->email };
    struct letter_paid_order order;
    struct letter_payment payment;
    struct payment_letter letter = { &user, &order, &payment };
    struct payment_processed event;

    TRY(schema_parse(payment_processed_schema(), arena, facts->event, SCHEMA_IGNORE, &event));
    TRY(fill_payment(arena, facts, &event, &payment));
    order.id = text_of_uuid(arena, event.order_id);
    if (!order.id.at)
        return &ERROR_OUT_OF_MEMORY;
    return print_values(arena, IN(payment_letter, &letter), out);
}

/* --- all of them --------------------------------------------------------------------------------- */

#define ORDER_EXAMPLE                                                                          \
    "{\"orderId\":\"0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a\","                                   \
    "\"userId\":\"0198c8ee-1f2a-7b0c-8d4e-5a6b7c8d9e0f\",\"items\":["                          \
    "{\"productId\":\"book-1\",\"name\":\"Ion\",\"price\":49.9,\"quantity\":2},"               \
    "{\"productId\":\"book-2\",\"name\":\"P\xC4\x83"                                           \
    "durea sp\xC3\xA2nzura\xC8\x9Bilor & alte pove\xC8\x99ti\",\"price\":1134.7,"              \
    "\"quantity\":1}],\"total\":1234.5,\"currency\":\"RON\",\"shippingAddress\":{"             \
    "\"street\":\"Strada Lung\xC4\x83 1\",\"city\":\"Ia\xC8\x99i\",\"postalCode\":\"700001\"," \
    "\"country\":\"RO\"},\"paymentMethod\":\"card\",\"createdAt\":\"2026-11-25T14:05:00.000Z\"}"

#define PAYMENT_EXAMPLE(status)                                                 \
    "{\"orderId\":\"0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a\","                    \
    "\"userId\":\"0198c8ee-1f2a-7b0c-8d4e-5a6b7c8d9e0f\","                      \
    "\"paymentId\":\"0198c8f1-77aa-7d10-b2c3-d4e5f6a7b8c9\",\"amount\":1234.5," \
    "\"currency\":\"RON\",\"status\":\"" status "\",\"processedAt\":\"2026-11-25T14:06:30.000Z\"}"

static const struct kind {
    const struct schema *(*schema)(void);
    error (*values)(struct arena *arena, const struct letter_facts *facts, const struct json **out);
    const char *example;
} KINDS[LETTER_COUNT] = {
    [LETTER_ORDER_CONFIRMATION] = { order_letter_schema, order_values, ORDER_EXAMPLE },
    [LETTER_PAYMENT_RECEIVED] = { payment_letter_schema, payment_values,
                                  PAYMENT_EXAMPLE("SUCCESS") },
    [LETTER_PAYMENT_FAILED] = { payment_letter_schema, payment_values, PAYMENT_EXAMPLE("FAILED") },
};

bool letter_named(str name, enum letter *out)
{
    for (int i = 0; i < LETTER_COUNT; i++) {
        if (!str_is(name, letter_names[i]))
            continue;
        *out = (enum letter)i;
        return true;
    }
    return false;
}

const struct schema *letter_schema(enum letter letter)
{
    return KINDS[letter].schema();
}

error letter_values(struct arena *arena, enum letter letter, const struct letter_facts *facts,
                    const struct json **out)
{
    return KINDS[letter].values(arena, facts, out);
}

struct letter_facts letter_example(enum letter letter, enum language language)
{
    return (struct letter_facts){
        .event = str_of(KINDS[letter].example),
        .name = STR("Ana Pop"),
        .email = STR("ana@example.com"),
        .language = language,
        .currency = STR("RON"),
    };
}
