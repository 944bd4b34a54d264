#include "apps/order-service/order_commands.h"
#include "apps/order-service/idempotency.h"
#include "apps/order-service/order.h"
#include "apps/order-service/order_repository.h"
#include "runtime/clock.h"
#include "runtime/random.h"

#define ROUTE "POST /orders"

/* --- creating ------------------------------------------------------------------------------------ */

struct creation {
    const struct order_state *service;
    const struct new_order *in;
    struct idempotency key;
    struct events_about about;
    uuid id;
    struct order order;
    str answer; /* the first one to the same key, or at == NULL */
};

static error keep_answer(struct db_unit *unit, const struct creation *job)
{
    str answer;

    if (!job->key.key.at)
        return NULL;
    TRY(idempotency_print(db_unit_arena(unit), IN(order, &job->order), &answer));
    return idempotency_take(unit, &job->key, job->order.created_at, answer);
}

static error create_in_unit(struct db_unit *unit, void *argument)
{
    struct creation *job = argument;
    struct order_context context = { db_unit_arena(unit), clock_now() };
    struct order_created created;

    TRY(idempotency_find(unit, &job->key, context.now, &job->answer));
    if (job->answer.at)
        return NULL;
    TRY(order_decide_create(context, job->in, job->id, job->service->currency, &created));
    job->order = (struct order){ 0 };
    TRY(events_append_in(unit, job->service->events,
                         &(struct events_append){ .aggregate = &order_aggregate,
                                                  .stream_id = job->id,
                                                  .state = &job->order,
                                                  .about = &job->about,
                                                  EVENTS(IN(order_created, &created)) }));
    return keep_answer(unit, job);
}

error order_create(struct call *call, const struct new_order *in, struct order_answer *out)
{
    struct order_state *self = service_state(call);
    struct creation job = { .service = self, .in = in, .id = random_uuid() };

    job.about = events_about(call);
    job.about.actor = in->user_id;
    TRY(idempotency_of(call->arena, in->user_id, ROUTE, in->idempotency_key, IN(new_order, in),
                       &job.key));
    TRY(events_transaction(call, self->events, create_in_unit, &job));
    *out = (struct order_answer){ .order = job.order };
    if (!job.answer.at)
        return NULL;
    out->replayed.text = STR("true");
    return schema_parse(order_schema(), call->arena, job.answer, SCHEMA_IGNORE, &out->order);
}

/* --- steps --------------------------------------------------------------------------------------- */

struct step_job {
    const struct order_step *step;
    struct events *events;
    struct events_about about;
    uuid refund_id;
    struct order *out;
};

static error append_step(struct db_unit *unit, const struct step_job *job, struct order *order)
{
    struct order_context context = { db_unit_arena(unit), clock_now() };
    enum order_status before = order->status;
    struct order_status_changed changed;

    TRY(order_decide_status(context, order, job->step->to, &changed));
    TRY(events_append_in(unit, job->events,
                         &(struct events_append){ .aggregate = &order_aggregate,
                                                  .stream_id = order->id,
                                                  .expected = order->version,
                                                  .state = order,
                                                  .about = &job->about,
                                                  EVENTS(IN(order_status_changed, &changed)) }));
    if (before != ORDER_PAID || order->status != ORDER_CANCELLED)
        return NULL;
    return payments_refund(unit, order, job->refund_id, context.now);
}

static error step_in_unit(struct db_unit *unit, void *argument)
{
    struct step_job *job = argument;
    const struct order_step *step = job->step;
    struct order order;

    TRY(order_find_in(unit, step->id, &order));
    if (!step->any_user && !uuid_eq(order.user_id, step->actor))
        return &SERVICE_FORBIDDEN;
    TRY(payments_refuse_running(unit, order.id));
    TRY(append_step(unit, job, &order));
    *job->out = order;
    return NULL;
}

error order_take_step(struct call *call, const struct order_step *step, struct order *out)
{
    struct order_state *self = service_state(call);
    struct step_job job = { .step = step,
                            .events = self->events,
                            .about = events_about(call),
                            .refund_id = random_uuid(),
                            .out = out };

    job.about.actor = step->actor;
    return events_transaction(call, self->events, step_in_unit, &job);
}
