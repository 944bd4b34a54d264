/* A payment touches two systems, ours and the provider's, and either may stop at any point. So it takes three
 * steps, each of which leaves a state that can be continued from:
 *
 *     1. one transaction   the request is written down as pending, with the client's Idempotency-Key
 *     2. the provider      is asked, with the request's id as its idempotency key
 *     3. one transaction   payment.processed and, if accepted, order.statusChanged are appended, the
 *                          request is settled, and the client's key gets its answer
 *
 * Whatever interrupts this (a kill, a timeout, a client that goes away) leaves a pending request. A fiber asks about
 * those again, with the same id, for as long as the provider gives no outcome: an unknown outcome is never guessed.
 * Settling is step 3 for whoever comes first, and nothing for others: an answer may come twice.
 *
 * While a charge is pending the order changes in no other way (payments_refuse_running), so step 3 finds it PENDING.
 * A refund is a request of the same kind, written down in the transaction that cancels a paid order. */
#include "apps/order-service/payments.h"
#include "apps/order-service/idempotency.h"
#include "apps/order-service/order.h"
#include "apps/order-service/order_repository.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "service/service.h"

#include <stdlib.h>

enum {
    SETTLE_TIMEOUT_MS = 5000,
    RETRY_MAX_MS = 5 * 60 * 1000,
    PURGE_EVERY_MS = 60 * 1000,
};

#define TITLE "Payments"
#define DUE_MAX "16" /* requests that one round asks about again */
#define ROUTE "POST /orders/:id/payments"

const struct error PAYMENT_RUNNING = {
    .status = 409,
    .message = "A payment of this order is still being processed",
    .retry_after_s = 1,
};
static const struct error PAYMENT_UNKNOWN = {
    .status = 504,
    .message =
        "The payment provider did not answer; what became of the payment will be known later",
    .retry_after_s = 1,
};

struct payments {
    struct payments_options options;
    struct arena *arena; /* of the fiber's rounds */
    struct call call;    /* what the fiber does now */
    struct wait ended;
    bool stopping;
    uint64_t purge_ms;
};

/* --- requests to the provider -------------------------------------------------------------------- */

enum request_kind { REQUEST_CHARGE = 1, REQUEST_REFUND };
static const char *const kind_names[] = { "", "charge", "refund", NULL };

enum request_state { REQUEST_PENDING = 1, REQUEST_ACCEPTED, REQUEST_DECLINED };
static const char *const state_names[] = { "", "pending", "accepted", "declined", NULL };

struct provider_request {
    uuid id;
    unsigned kind, state;
    uuid order_id, user_id;
    money amount;
    str currency, payment_token;
    uuid charge_id;
    str idempotency_key;
    int64_t tries;
    timestamp next_try_at, created_at, settled_at;
};

static SCHEMA(provider_request,
              FIELD(id),
              FIELD(kind, .names = kind_names),
              FIELD(state, .names = state_names),
              FIELD(order_id),
              FIELD(user_id),
              FIELD(amount),
              FIELD(currency),
              FIELD(payment_token, .optional = true, .secret = true),
              FIELD(charge_id, .optional = true),
              FIELD(idempotency_key, .optional = true),
              FIELD(tries),
              FIELD(next_try_at),
              FIELD(created_at),
              FIELD(settled_at, .optional = true));

static error insert_request(struct db_unit *unit, const struct provider_request *request)
{
    return db_unit_run(unit, IN(provider_request, request),
                       "INSERT INTO provider_requests VALUES (:id, :kind, :state, :order_id,"
                       " :user_id, :amount, :currency, :payment_token, :charge_id,"
                       " :idempotency_key, :tries, :next_try_at, :created_at, :settled_at)");
}

static error find_request(struct db_unit *unit, uuid id, struct provider_request *out)
{
    const struct order_id wanted = { id };

    return db_unit_one(unit, IN(order_id, &wanted), OUT(provider_request, out),
                       "SELECT * FROM provider_requests WHERE id = :id");
}

error payments_refuse_running(struct db_unit *unit, uuid order_id)
{
    const struct provider_request wanted = { .order_id = order_id };
    struct order_id running;
    error missing = db_unit_one(unit, IN(provider_request, &wanted), OUT(order_id, &running),
                                "SELECT id FROM provider_requests WHERE order_id = :order_id"
                                " AND kind = 'charge' AND state = 'pending'");

    return missing == &DB_NO_ROW ? NULL : missing ? missing : &PAYMENT_RUNNING;
}

error payments_refund(struct db_unit *unit, const struct order *order, uuid refund_id,
                      timestamp now)
{
    const struct provider_request wanted = { .order_id = order->id };
    struct provider_request charge;
    error missing = db_unit_one(unit, IN(provider_request, &wanted), OUT(provider_request, &charge),
                                "SELECT * FROM provider_requests WHERE order_id = :order_id"
                                " AND kind = 'charge' AND state = 'accepted'");

    if (missing)
        return missing == &DB_NO_ROW ? NULL : missing;
    return insert_request(unit, &(struct provider_request){ .id = refund_id,
                                                            .kind = REQUEST_REFUND,
                                                            .state = REQUEST_PENDING,
                                                            .order_id = order->id,
                                                            .user_id = order->user_id,
                                                            .amount = charge.amount,
                                                            .currency = charge.currency,
                                                            .charge_id = charge.id,
                                                            .next_try_at = now,
                                                            .created_at = now });
}

/* --- step 1: written down ------------------------------------------------------------------------ */

struct begin {
    const struct process_payment *in;
    struct idempotency key;
    uuid id;
    uint64_t patience_ms; /* before somebody else asks again */
    struct provider_request request;
    str answer; /* the first one to the same key, or at == NULL */
};

static error write_down(struct db_unit *unit, struct begin *job, const struct order *order)
{
    timestamp now = clock_now();

    job->request = (struct provider_request){
        .id = job->id,
        .kind = REQUEST_CHARGE,
        .state = REQUEST_PENDING,
        .order_id = order->id,
        .user_id = order->user_id,
        .amount = order->total,
        .currency = order->currency,
        .payment_token = job->in->payment_token,
        .idempotency_key = job->key.key,
        .tries = 1,
        .next_try_at = { now.ms + (int64_t)job->patience_ms },
        .created_at = now,
    };
    TRY(insert_request(unit, &job->request));
    return idempotency_take(unit, &job->key, now, (str){ NULL, 0 });
}

static error begin_in_unit(struct db_unit *unit, void *argument)
{
    struct begin *job = argument;
    struct order order;

    TRY(idempotency_find(unit, &job->key, clock_now(), &job->answer));
    if (job->answer.at)
        return NULL;
    TRY(order_find_in(unit, job->in->order_id, &order));
    if (!uuid_eq(order.user_id, job->in->user_id))
        return &SERVICE_FORBIDDEN;
    TRY(payments_refuse_running(unit, order.id));
    if (order.status != ORDER_PENDING)
        return &ORDER_NOT_PAYABLE;
    return write_down(unit, job, &order);
}

/* --- step 2: asked ------------------------------------------------------------------------------- */

static enum provider_outcome ask(struct call *call, const struct payments *payments,
                                 const struct provider_request *request, error *why)
{
    const struct payment_provider *provider = &payments->options.provider;
    const struct provider_question question = {
        .id = request->id,
        .order_id = request->order_id,
        .amount = request->amount,
        .currency = request->currency,
        .payment_token = request->payment_token,
        .charge_id = request->charge_id,
        .tries = request->tries,
    };
    uint64_t given_ms = call->deadline_ms;

    if (call_left_ms(call) > payments->options.timeout_ms)
        call->deadline_ms = clock_ms() + payments->options.timeout_ms;
    enum provider_outcome outcome = request->kind == REQUEST_CHARGE
                                        ? provider->charge(call, provider->state, &question, why)
                                        : provider->refund(call, provider->state, &question, why);

    call->deadline_ms = given_ms;
    return outcome;
}

/* --- step 3: settled ----------------------------------------------------------------------------- */

struct settle {
    struct events *events;
    uuid id;
    enum provider_outcome outcome;
    struct events_about about;
    char id_text[UUID_TEXT];
    bool first;              /* whether this settled it */
    struct payment *payment; /* of a charge; or NULL */
};

static struct payment payment_of(const struct provider_request *request)
{
    return (struct payment){
        .id = request->id,
        .order_id = request->order_id,
        .amount = request->amount,
        .currency = request->currency,
        .status = request->state == REQUEST_ACCEPTED ? PAYMENT_SUCCESS : PAYMENT_FAILED,
        .created_at = request->created_at,
    };
}

static str text_of(uuid id, char text[UUID_TEXT])
{
    uuid_print(id, text);
    return (str){ text, UUID_TEXT };
}

/* The payment, and the change of status that it means. Both were caused by what was asked of the provider. */
static error append_payment(struct db_unit *unit, struct settle *job,
                            const struct provider_request *request, struct order *order)
{
    struct order_context context = { db_unit_arena(unit), clock_now() };
    bool accepted = job->outcome == PROVIDER_ACCEPTED;
    struct payment_processed processed;
    struct order_status_changed paid;

    TRY(order_decide_payment(context, order, request->id, accepted, &processed));
    if (accepted)
        TRY(order_decide_status(context, order, ORDER_PAID, &paid));
    const struct schema_in events[] = { IN(payment_processed, &processed),
                                        IN(order_status_changed, &paid) };

    job->about.actor = request->user_id;
    job->about.cause = text_of(request->id, job->id_text);
    return events_append_in(unit, job->events,
                            &(struct events_append){ .aggregate = &order_aggregate,
                                                     .stream_id = order->id,
                                                     .expected = order->version,
                                                     .about = &job->about,
                                                     .events = events,
                                                     .count = accepted ? 2 : 1 });
}

/* The client that asked with a key gets this payment for an answer, then and whenever it asks again. */
static error answer_key(struct db_unit *unit, const struct provider_request *request)
{
    const struct idempotency key = { .user_id = request->user_id,
                                     .route = STR(ROUTE),
                                     .key = request->idempotency_key };
    const struct payment payment = payment_of(request);
    str answer;

    if (!key.key.at)
        return NULL;
    TRY(idempotency_print(db_unit_arena(unit), IN(payment, &payment), &answer));
    return idempotency_answer(unit, &key, answer);
}

static error close_request(struct db_unit *unit, struct provider_request *request,
                           enum provider_outcome outcome)
{
    request->state = outcome == PROVIDER_ACCEPTED ? REQUEST_ACCEPTED : REQUEST_DECLINED;
    request->settled_at = clock_now();
    return db_unit_run(unit, IN(provider_request, request),
                       "UPDATE provider_requests SET state = :state, settled_at = :settled_at,"
                       " payment_token = NULL WHERE id = :id");
}

static error settle_charge(struct db_unit *unit, struct settle *job,
                           struct provider_request *request)
{
    struct order order;

    TRY(order_find_in(unit, request->order_id, &order));
    TRY(append_payment(unit, job, request, &order));
    TRY(close_request(unit, request, job->outcome));
    return answer_key(unit, request);
}

static error settle_in_unit(struct db_unit *unit, void *argument)
{
    struct settle *job = argument;
    struct provider_request request;

    TRY(find_request(unit, job->id, &request));
    job->first = request.state == REQUEST_PENDING;
    if (job->first)
        TRY(request.kind == REQUEST_CHARGE ? settle_charge(unit, job, &request)
                                           : close_request(unit, &request, job->outcome));
    if (job->payment)
        *job->payment = payment_of(&request);
    return NULL;
}

static error settle(struct call *call, struct payments *payments, struct settle *job)
{
    job->events = payments->options.events;
    job->about = events_about(call);
    return events_transaction(call, payments->options.events, settle_in_unit, job);
}

/* --- a client's payment -------------------------------------------------------------------------- */

static error unknown(struct arena *arena, error why)
{
    struct error *made = ARENA_NEW(arena, struct error);

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    *made = PAYMENT_UNKNOWN;
    made->cause = why;
    return made;
}

/* The question has taken the time that a client has; what is known now is worth writing down in any case. */
static error ask_and_settle(struct call *call, struct payments *payments,
                            const struct provider_request *request, struct payment *out)
{
    struct settle job = { .id = request->id, .payment = out };
    error why = NULL;

    job.outcome = ask(call, payments, request, &why);
    if (job.outcome == PROVIDER_UNKNOWN)
        return unknown(call->arena, why);
    struct call settling = call_new(call->arena, SETTLE_TIMEOUT_MS);

    settling.trace = call->trace;
    return settle(&settling, payments, &job);
}

error payments_process(struct call *call, struct payments *payments,
                       const struct process_payment *in, struct payment_answer *out)
{
    struct begin job = {
        .in = in,
        .id = random_uuid(),
        .patience_ms = payments->options.timeout_ms + payments->options.retry_ms,
    };

    TRY(idempotency_of(call->arena, in->user_id, ROUTE, in->idempotency_key,
                       IN(process_payment, in), &job.key));
    TRY(db_transaction(call, payments->options.db, begin_in_unit, &job));
    *out = (struct payment_answer){ 0 };
    if (!job.answer.at)
        return ask_and_settle(call, payments, &job.request, &out->payment);
    out->replayed.text = STR("true");
    return schema_parse(payment_schema(), call->arena, job.answer, SCHEMA_IGNORE, &out->payment);
}

/* --- asking again -------------------------------------------------------------------------------- */

static void log_unless_stopping(const struct payments *payments, error failed)
{
    if (failed && !payments->stopping)
        log_failure(TITLE, "asking the payment provider again", failed);
}

/* A call for the fiber's next step, unless the fiber is to end. */
static struct call *next_call(struct payments *payments)
{
    payments->call = call_new(payments->arena, payments->options.timeout_ms + SETTLE_TIMEOUT_MS);
    payments->call.cancelled = payments->stopping;
    return &payments->call;
}

/* Written before the question, so that one that ends the process is not asked without pause. */
static error note_try(struct call *call, struct payments *payments,
                      struct provider_request *request)
{
    uint64_t delay_ms = payments->options.retry_ms;

    for (int64_t i = 0; i < request->tries && delay_ms < RETRY_MAX_MS; i++)
        delay_ms *= 2;
    request->tries++;
    request->next_try_at.ms = clock_now().ms + (int64_t)delay_ms;
    return db_write(call, payments->options.db, IN(provider_request, request),
                    "UPDATE provider_requests SET tries = :tries, next_try_at = :next_try_at"
                    " WHERE id = :id AND state = 'pending'");
}

static error ask_again(struct payments *payments, struct provider_request *request)
{
    struct call *call = next_call(payments);
    struct settle job = { .id = request->id };
    error why = NULL;

    TRY(note_try(call, payments, request));
    job.outcome = ask(call, payments, request, &why);
    if (job.outcome == PROVIDER_UNKNOWN)
        return why;
    TRY(settle(call, payments, &job));
    if (job.first)
        log_info(TITLE, "a %s was %s after %lld questions", kind_names[request->kind],
                 job.outcome == PROVIDER_ACCEPTED ? "accepted" : "declined",
                 (long long)request->tries);
    return NULL;
}

static error ask_about_due(struct payments *payments)
{
    const struct provider_request now = { .next_try_at = clock_now() };
    struct provider_request *due;
    size_t count;

    TRY(db_all(next_call(payments), payments->options.db, IN(provider_request, &now),
               ROWS(provider_request, &due, &count),
               "SELECT * FROM provider_requests WHERE state = 'pending'"
               " AND next_try_at <= :next_try_at ORDER BY next_try_at LIMIT " DUE_MAX));
    for (size_t i = 0; i < count && !payments->stopping; i++)
        log_unless_stopping(payments, ask_again(payments, &due[i]));
    return NULL;
}

static error take_notices(struct payments *payments)
{
    const struct payment_provider *provider = &payments->options.provider;
    struct provider_notice notice;

    while (provider->notice && !payments->stopping && provider->notice(provider->state, &notice)) {
        struct settle job = { .id = notice.id, .outcome = notice.outcome };
        error failed = settle(next_call(payments), payments, &job);

        if (failed && failed != &DB_NO_ROW)
            return failed;
    }
    return NULL;
}

static error purge_keys(struct payments *payments)
{
    if (clock_ms() < payments->purge_ms)
        return NULL;
    payments->purge_ms = clock_ms() + PURGE_EVERY_MS;
    return idempotency_purge(next_call(payments), payments->options.db, clock_now());
}

static void run_rounds(void *argument)
{
    struct payments *payments = argument;

    while (!payments->stopping) {
        arena_reset(payments->arena);
        log_unless_stopping(payments, take_notices(payments));
        log_unless_stopping(payments, ask_about_due(payments));
        log_unless_stopping(payments, purge_keys(payments));
        call_sleep(next_call(payments), payments->options.retry_ms);
    }
    wait_done(&payments->ended);
}

error payments_start(const struct payments_options *options, struct payments **out)
{
    struct payments *payments = calloc(1, sizeof *payments);

    if (!payments) {
        options->provider.close(options->provider.state);
        return &ERROR_OUT_OF_MEMORY;
    }
    payments->options = *options;
    payments->arena = arena_new(ARENA_CALL_MAX);
    *out = payments;
    if (!payments->arena || fiber_start(run_rounds, payments)) {
        payments->ended.done = true;
        return &ERROR_OUT_OF_MEMORY;
    }
    return NULL;
}

void payments_stop(struct payments *payments)
{
    if (!payments)
        return;
    struct call call = call_new(payments->arena, CALL_TIMEOUT_MS);

    payments->stopping = true;
    call_cancel(&payments->call);
    call_wait_done(&call, &payments->ended);
    payments->options.provider.close(payments->options.provider.state);
    arena_free(payments->arena);
    free(payments);
}
