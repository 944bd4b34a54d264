#include "apps/order-service/order_controller.h"
#include "apps/order-service/order.h"
#include "apps/order-service/order_commands.h"
#include "apps/order-service/order_repository.h"

#define ORDER_MESSAGES(ON)                                                       \
    ON("order.create", create, new_order, order_answer)                          \
    ON("order.findById", find_by_id, order_id, order)                            \
    ON("order.findVersion", find_version, order_at, order)                       \
    ON("order.findByUser", find_by_user, user_orders_query, order_page)          \
    ON("order.findAll", find_all, orders_query, order_page)                      \
    ON("order.updateStatus", update_status, update_order_status, order)          \
    ON("order.processPayment", process_payment, process_payment, payment_answer) \
    ON("order.cancel", cancel, order_command, order)                             \
    ON("order.history", history, order_id, order_history)

MESSAGE_TABLE(order_messages, ORDER_MESSAGES);

static struct order_state *state(struct call *call)
{
    return service_state(call);
}

/* --- who may ------------------------------------------------------------------------------------- */

static bool is_nil(uuid id)
{
    return uuid_eq(id, (uuid){ { 0 } });
}

/* Whether the call's identity may see and change what belongs to `owner`. A call without one comes from another
 * process, where a gateway has asked the same; its payload says on whose behalf. */
static error admit(const struct call *call, uuid owner)
{
    bool admitted =
        !call->identity || uuid_eq(call->identity->user, owner) || service_has_role(call, "admin");

    return admitted ? NULL : &SERVICE_FORBIDDEN;
}

static error admit_admin(const struct call *call)
{
    return !call->identity || service_has_role(call, "admin") ? NULL : &SERVICE_FORBIDDEN;
}

static uuid actor_of(const struct call *call, uuid named)
{
    return call->identity ? call->identity->user : named;
}

static error find(struct call *call, uuid id, struct order *out)
{
    struct order order;

    TRY(order_find(call, state(call)->db, id, &order));
    TRY(admit(call, order.user_id));
    *out = order;
    return NULL;
}

/* --- commands ------------------------------------------------------------------------------------ */

static error create(struct call *call, const struct new_order *in, struct order_answer *out)
{
    TRY(admit(call, in->user_id));
    return order_create(call, in, out);
}

static error update_status(struct call *call, const struct update_order_status *in,
                           struct order *out)
{
    const struct order_step step = {
        .id = in->id, .to = in->status, .actor = actor_of(call, in->user_id), .any_user = true
    };

    TRY(admit_admin(call));
    return order_take_step(call, &step, out);
}

static error cancel(struct call *call, const struct order_command *in, struct order *out)
{
    bool here = call->identity != NULL;
    struct order_step step = { .id = in->id,
                               .to = ORDER_CANCELLED,
                               .actor = actor_of(call, in->user_id) };

    step.any_user = here ? service_has_role(call, "admin") : in->is_admin || is_nil(in->user_id);
    return order_take_step(call, &step, out);
}

/* An order is paid by its owner alone. */
static error process_payment(struct call *call, const struct process_payment *in,
                             struct payment_answer *out)
{
    struct process_payment payment = *in;

    payment.user_id = actor_of(call, in->user_id);
    return payments_process(call, state(call)->payments, &payment, out);
}

/* --- queries ------------------------------------------------------------------------------------- */

static error find_by_id(struct call *call, const struct order_id *in, struct order *out)
{
    return find(call, in->id, out);
}

static error find_version(struct call *call, const struct order_at *in, struct order *out)
{
    struct order now;

    TRY(find(call, in->id, &now));
    if (in->version > now.version)
        return error_new(call->arena, 404, "The order has no version %lld", (long long)in->version);
    return events_load(call, state(call)->events, &order_aggregate, in->id, in->version, out, NULL);
}

static error find_by_user(struct call *call, const struct user_orders_query *in,
                          struct order_page *out)
{
    TRY(admit(call, in->user_id));
    return order_list_of_user(call, state(call)->db, in, out);
}

static error find_all(struct call *call, const struct orders_query *in, struct order_page *out)
{
    TRY(admit_admin(call));
    return order_list(call, state(call)->db, in, out);
}

static struct history_entry entry_of(const struct recorded *event)
{
    return (struct history_entry){
        .id = event->id,
        .type = event->type,
        .version = event->version,
        .data = { event->data },
        .recorded_at = event->recorded_at,
        .actor = event->actor,
        .cause = event->cause,
    };
}

static error history(struct call *call, const struct order_id *in, struct order_history *out)
{
    struct order order;
    struct recorded *events;
    size_t count;

    TRY(find(call, in->id, &order));
    TRY(events_history(call, state(call)->events, &order_aggregate, in->id, &events, &count));
    struct history_entry *entries = ARENA_ARRAY(call->arena, struct history_entry, count);

    if (!entries)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++)
        entries[i] = entry_of(&events[i]);
    out->events = (struct history_entries){ entries, count };
    return NULL;
}
