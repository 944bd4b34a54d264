/* Payments, from the request to an end that is known. */
#pragma once

#include "apps/order-service/payment_provider.h"
#include "events/events.h"

extern const struct error PAYMENT_RUNNING; /* 409 with Retry-After: a charge has no outcome yet */

struct payments;

struct payments_options {
    struct db *db;
    struct events *events;
    struct payment_provider provider; /* taken over: closed by payments_stop */
    uint64_t timeout_ms;              /* for one answer of the provider */
    uint64_t retry_ms;                /* between rounds, and before the second question; doubles */
};

/* Starts the fiber that asks the provider again about what has no outcome, what earlier processes left included. */
error payments_start(const struct payments_options *options, struct payments **out);

/* Ends the fiber and waits for it. NULL is fine. */
void payments_stop(struct payments *payments);

/* Charges the whole of a PENDING order. A decline is an answer with the status FAILED. Errors: ORDER_NOT_FOUND,
 * 403 when the order is not of `in->user_id`, ORDER_NOT_PAYABLE, PAYMENT_RUNNING, those of idempotency_find, and a
 * 504 with Retry-After when the provider gave no outcome: then the order's payment is running, and the same
 * Idempotency-Key will be answered when it is known. */
error payments_process(struct call *call, struct payments *payments,
                       const struct process_payment *in, struct payment_answer *out);

/* In a unit that is about to change an order's status: PAYMENT_RUNNING while a charge of it has no outcome, since
 * what that will be decides about the status. */
error payments_refuse_running(struct db_unit *unit, uuid order_id);

/* In a unit that cancels an order: its accepted charge, if there is one, will be refunded. */
error payments_refund(struct db_unit *unit, const struct order *order, uuid refund_id,
                      timestamp now);

/* Looks for orders whose status and money do not agree, and hands a line about each to `report`. */
error payments_verify(struct call *call, struct db *db,
                      void (*report)(void *cookie, const char *problem), void *cookie);
