#include "apps/order-service/order.h"

#define ORDER_EVENTS(ON, ...)                                                          \
    ON("order.created", order_created, apply_created, __VA_ARGS__)                     \
    ON("order.statusChanged", order_status_changed, apply_status_changed, __VA_ARGS__) \
    ON("payment.processed", payment_processed, apply_payment, __VA_ARGS__)

AGGREGATE(order, ORDER_EVENTS);

const struct error TOTAL_TOO_LARGE = ERROR(400, "The total of the order is too large");
const struct error ORDER_NOT_PAYABLE =
    ERROR(409, "Only an order that is PENDING can be paid; this one is not");

/* A total is an integer of minor units that JavaScript can hold exactly as a number of two decimals, too. */
static const int64_t TOTAL_MAX_MINOR = 100000000000000; /* 100 items of 10,000 at 1,000,000.00 */

/* clang-format off */
#define STEP(status) (1u << (status))
static const unsigned NEXT[ORDER_STATUS_COUNT] = {
    [ORDER_PENDING]   = STEP(ORDER_PAID) | STEP(ORDER_CANCELLED),
    [ORDER_PAID]      = STEP(ORDER_SHIPPED) | STEP(ORDER_CANCELLED),
    [ORDER_SHIPPED]   = STEP(ORDER_DELIVERED),
    [ORDER_DELIVERED] = 0,
    [ORDER_CANCELLED] = 0,
};
/* clang-format on */

bool order_may_become(enum order_status from, enum order_status to)
{
    return NEXT[from] & STEP(to);
}

bool order_total(const struct order_items *items, money *out)
{
    money sum = { 0 };

    for (size_t i = 0; i < items->len; i++) {
        money line;

        if (!money_times(items->at[i].price, items->at[i].quantity, &line) ||
            !money_add(sum, line, &sum))
            return false;
    }
    *out = sum;
    return true;
}

static error copy_items(struct arena *arena, const struct create_order_items *from,
                        struct order_items *out)
{
    struct order_item *items = ARENA_ARRAY(arena, struct order_item, from->len);

    if (!items)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < from->len; i++) {
        const struct create_order_item *item = &from->at[i];

        items[i] = (struct order_item){ item->product_id, item->name, item->price, item->quantity };
    }
    *out = (struct order_items){ items, from->len };
    return NULL;
}

static error copy_address(struct arena *arena, const struct create_address *from,
                          struct address **out)
{
    struct address *address = ARENA_NEW(arena, struct address);

    if (!address)
        return &ERROR_OUT_OF_MEMORY;
    *address = (struct address){ from->street, from->city, from->postal_code, from->country };
    *out = address;
    return NULL;
}

error order_decide_create(struct order_context context, const struct new_order *command, uuid id,
                          str currency, struct order_created *event)
{
    struct order_created made = {
        .order_id = id,
        .user_id = command->user_id,
        .currency = currency,
        .payment_method = command->payment_method,
        .created_at = context.now,
    };

    TRY(copy_items(context.arena, &command->items, &made.items));
    TRY(copy_address(context.arena, command->shipping_address, &made.shipping_address));
    if (!order_total(&made.items, &made.total) || made.total.minor > TOTAL_MAX_MINOR)
        return &TOTAL_TOO_LARGE;
    *event = made;
    return NULL;
}

error order_decide_status(struct order_context context, const struct order *order,
                          enum order_status to, struct order_status_changed *event)
{
    if (!order_may_become(order->status, to))
        return error_new(context.arena, 409, "An order that is %s cannot become %s",
                         order_status_names[order->status], order_status_names[to]);
    *event = (struct order_status_changed){
        .order_id = order->id,
        .user_id = order->user_id,
        .previous_status = order->status,
        .new_status = to,
        .changed_at = context.now,
    };
    return NULL;
}

error order_decide_payment(struct order_context context, const struct order *order, uuid payment_id,
                           bool accepted, struct payment_processed *event)
{
    if (order->status != ORDER_PENDING)
        return &ORDER_NOT_PAYABLE;
    *event = (struct payment_processed){
        .order_id = order->id,
        .user_id = order->user_id,
        .payment_id = payment_id,
        .amount = order->total,
        .currency = order->currency,
        .status = accepted ? PAYMENT_SUCCESS : PAYMENT_FAILED,
        .processed_at = context.now,
    };
    return NULL;
}

struct order order_begin(const struct order_created *data, int64_t version)
{
    return (struct order){
        .id = data->order_id,
        .user_id = data->user_id,
        .items = data->items,
        .total = data->total,
        .currency = data->currency,
        .shipping_address = data->shipping_address,
        .payment_method = data->payment_method,
        .status = ORDER_PENDING,
        .version = version,
        .created_at = data->created_at,
        .updated_at = data->created_at,
    };
}

static void apply_created(struct order *order, const struct order_created *data,
                          const struct recorded *event)
{
    *order = order_begin(data, event->version);
}

static void apply_status_changed(struct order *order, const struct order_status_changed *data,
                                 const struct recorded *event)
{
    order->status = data->new_status;
    order->updated_at = data->changed_at;
    order->version = event->version;
}

/* What a payment means for the order is said by the change of status beside it. */
static void apply_payment(struct order *order, const struct payment_processed *data,
                          const struct recorded *event)
{
    order->updated_at = data->processed_at;
    order->version = event->version;
}
