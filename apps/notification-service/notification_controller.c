#include "apps/notification-service/notification_controller.h"
#include "apps/notification-service/notification_service.h"
#include "contracts/order.h"
#include "runtime/clock.h"

#define NOTIFICATION_EVENTS(ON)                              \
    ON("order.created", handle_order_created, order_created) \
    ON("payment.processed", handle_payment_processed, payment_processed)

SUBSCRIPTIONS(notification_subscriptions, NOTIFICATION_EVENTS);

static const struct error STOPPING = ERROR(503, "The notification service is stopping");

static error print(struct arena *arena, struct schema_in data, str *out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    schema_write(data.schema, data.value, &text);
    *out = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* An event without a time of its own has just happened. */
static error make_row(struct call *call, const struct notification_state *state,
                      const struct recorded *event, struct schema_in data, struct delivery *row)
{
    timestamp now = clock_now();

    row->event_id = event->id;
    row->event_at = event->recorded_at.ms ? event->recorded_at : now;
    row->created_at = row->next_try_at = now;
    row->state = DELIVERY_PENDING;
    if (now.ms - row->event_at.ms <= state->max_age_ms)
        return print(call->arena, data, &row->data.text);
    row->state = DELIVERY_SKIPPED;
    row->settled_at = now;
    return NULL;
}

static error write_down(struct call *call, struct notification_state *state,
                        const struct delivery *row)
{
    bool first;

    TRY(delivery_insert(call, state->db, row, &first));
    if (first && row->state == DELIVERY_PENDING)
        postman_wake(state->postman);
    return NULL;
}

/* The state stays while a handler uses it: stopping waits for those that run, and later ones find none. */
static error notify(struct call *call, const struct recorded *event, struct delivery *row,
                    struct schema_in data)
{
    struct notification_state *state = service_state(call);

    if (!state)
        return &STOPPING;
    TRY(make_row(call, state, event, data, row));
    state->handling++;
    error failed = write_down(call, state, row);

    if (--state->handling == 0)
        wait_done(&state->handled);
    return failed;
}

static error handle_order_created(struct call *call, const struct recorded *event,
                                  const struct order_created *data)
{
    struct delivery row = {
        .recipient = data->user_id,
        .template = str_of(letter_names[LETTER_ORDER_CONFIRMATION]),
    };

    return notify(call, event, &row, IN(order_created, data));
}

static error handle_payment_processed(struct call *call, const struct recorded *event,
                                      const struct payment_processed *data)
{
    enum letter letter =
        data->status == PAYMENT_SUCCESS ? LETTER_PAYMENT_RECEIVED : LETTER_PAYMENT_FAILED;
    struct delivery row = {
        .recipient = data->user_id,
        .template = str_of(letter_names[letter]),
    };

    return notify(call, event, &row, IN(payment_processed, data));
}
