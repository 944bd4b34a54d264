/* The rules of an order, pure: what a command decides and what an event changes. Nothing here suspends, reads a
 * clock or knows of a store, so that an order's state is a function of its events alone. */
#pragma once

#include "contracts/order.h"
#include "events/aggregate.h"

/* What an order's state is made of: the three events of contracts/order.h. */
extern const struct aggregate order_aggregate;

extern const struct error TOTAL_TOO_LARGE;   /* 400 */
extern const struct error ORDER_NOT_PAYABLE; /* 409: it is not PENDING any more */

/* Whether an order may go from one state to the other. */
bool order_may_become(enum order_status from, enum order_status to);

/* Exact sum of price times quantity; false when it does not fit. */
bool order_total(const struct order_items *items, money *out);

/* The order as its creation leaves it, at that version of its stream. */
struct order order_begin(const struct order_created *data, int64_t version);

/* What every decision is made with. */
struct order_context {
    struct arena *arena; /* of what is made: lists, errors that name something */
    timestamp now;
};

/* Checks what the field table does not: that the total can be written down. The event is written on success only,
 * as in all of these; its texts are the command's. */
error order_decide_create(struct order_context context, const struct new_order *command, uuid id,
                          str currency, struct order_created *event);

/* 409 naming both states when the table of transitions has no such step. */
error order_decide_status(struct order_context context, const struct order *order,
                          enum order_status to, struct order_status_changed *event);

/* The outcome of a charge for the whole of a PENDING order; ORDER_NOT_PAYABLE for any other. */
error order_decide_payment(struct order_context context, const struct order *order, uuid payment_id,
                           bool accepted, struct payment_processed *event);
