/* What changes an order: each command is one transaction that reads the order, decides and appends. */
#pragma once

#include "apps/order-service/order_service.h"

/* Creates an order for `in->user_id`, or gives the first answer to its Idempotency-Key again. */
error order_create(struct call *call, const struct new_order *in, struct order_answer *out);

/* A change of an order's status. */
struct order_step {
    uuid id;
    enum order_status to;
    uuid actor;    /* nil: a service */
    bool any_user; /* whether orders of others than the actor may be changed */
};

/* Takes the step and gives the order after it. Cancelling a paid order has its payment refunded. Errors:
 * ORDER_NOT_FOUND, 403, PAYMENT_RUNNING, and a 409 when the step is not allowed. */
error order_take_step(struct call *call, const struct order_step *step, struct order *out);
