#include "rpc/client.h"
#include "rpc/dispatch.h"
#include "runtime/clock.h"
#include "runtime/random.h"

enum {
    RETRIES_FREE = 10, /* a window allows that many whatever the share */
    RETRY_PAUSE_MS = 20,
};

const struct error RPC_CONNECTION_CLOSED = ERROR(502, "Connection closed");

error rpc_client_init(struct rpc_client *client, const struct rpc_carrier *carrier,
                      const struct rpc_options *options)
{
    client->carrier = carrier;
    client->options = *options;
    if (!options->timeout_ms)
        client->options.timeout_ms = RPC_TIMEOUT_MS;
    client->scratch = buf_new(ARENA_CALL_MAX);
    return rpc_pending_init(&client->pending);
}

void rpc_client_clear(struct rpc_client *client)
{
    rpc_pending_free(&client->pending);
    buf_free(&client->scratch);
}

void rpc_client_free(struct rpc_client *client)
{
    if (client)
        client->carrier->close(client);
}

static uint64_t time_to_tell(const struct call *call, const struct rpc_request *request)
{
    uint64_t left_ms = call_left_ms(call);

    return left_ms > request->margin_ms ? left_ms - request->margin_ms : left_ms;
}

str rpc_client_packet(struct call *call, struct rpc_client *client,
                      const struct rpc_request *request, str id)
{
    const struct rpc_outgoing packet = {
        .pattern = request->pattern,
        .data = request->data,
        .id = id,
        .metadata = rpc_metadata(call, time_to_tell(call, request), request->event),
    };

    buf_clear(&client->scratch);
    rpc_write_outgoing(&client->scratch, &packet);
    return buf_failed(&client->scratch) ? (str){ NULL, 0 } : buf_text(&client->scratch);
}

/* --- the budget ---------------------------------------------------------------------------------- */

static void turn_window(struct rpc_budget *budget)
{
    uint64_t now = clock_ms(), age = now - budget->since_ms;

    if (age < RPC_BUDGET_WINDOW_MS)
        return;
    *budget = (struct rpc_budget){
        .since_ms = now,
        .calls_before = age < 2 * RPC_BUDGET_WINDOW_MS ? budget->calls : 0,
    };
}

static bool may_retry(struct rpc_budget *budget)
{
    unsigned calls = budget->calls > budget->calls_before ? budget->calls : budget->calls_before;

    turn_window(budget);
    if (budget->retries >= RETRIES_FREE && budget->retries * 100 >= calls * RPC_RETRIES_PERCENT)
        return false;
    budget->retries++;
    return true;
}

/* --- one call ------------------------------------------------------------------------------------ */

/* The caller learns which service it was; the log, what happened to it. */
static error explain(struct call *call, const struct rpc_client *client, error e,
                     uint64_t timeout_ms)
{
    if (e == &ERROR_CANCELLED || e == &ERROR_OUT_OF_MEMORY)
        return e;
    if (e == &ERROR_DEADLINE)
        return error_because(call->arena, e, 504, "The %.*s service did not answer within %llu ms",
                             STR_ARG(client->options.name), (unsigned long long)timeout_ms);
    if (e->status == 502)
        return error_because(call->arena, e, 502, "The connection to the %.*s service was lost",
                             STR_ARG(client->options.name));
    return error_because(call->arena, e, 503, "The %.*s service is not available",
                         STR_ARG(client->options.name));
}

/* Tries until there is an answer, or another try would be wrong. */
static error try_again(struct call *call, struct rpc_client *client, struct rpc_attempt *attempt)
{
    for (int tries = 1;; tries++) {
        attempt->sent = attempt->answered = false;
        error failed = client->carrier->exchange(call, client, attempt);
        bool again = failed && attempt->sent && !attempt->answered &&
                     attempt->request->idempotent && tries < RPC_TRIES_MAX && !call_check(call);

        if (!again || !may_retry(&client->budget))
            return failed;
        TRY(call_sleep(call, random_below(RETRY_PAUSE_MS) + 1));
    }
}

error rpc_client_ask(struct call *call, struct rpc_client *client,
                     const struct rpc_request *request, bool *answered)
{
    uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : client->options.timeout_ms;
    uint64_t given_ms = call->deadline_ms, left_ms = call_left_ms(call);
    struct rpc_attempt attempt = { .request = request };

    turn_window(&client->budget);
    client->budget.calls++;
    if (timeout_ms < left_ms)
        call->deadline_ms = clock_ms() + timeout_ms;
    else
        timeout_ms = left_ms;
    error failed = try_again(call, client, &attempt);

    call->deadline_ms = given_ms;
    *answered = !failed || attempt.answered;
    return *answered ? failed : explain(call, client, failed, timeout_ms);
}

error rpc_client_send(struct call *call, struct rpc_client *client,
                      const struct rpc_request *request)
{
    bool answered;

    return rpc_client_ask(call, client, request, &answered);
}

error rpc_client_emit(struct call *call, struct rpc_client *client, str route, str data)
{
    uint64_t given_ms = call->deadline_ms, left_ms = call_left_ms(call);
    uint64_t timeout_ms =
        client->options.timeout_ms < left_ms ? client->options.timeout_ms : left_ms;

    call->deadline_ms = clock_ms() + timeout_ms;
    error failed = client->carrier->emit(call, client, route, data);

    call->deadline_ms = given_ms;
    return failed ? explain(call, client, failed, timeout_ms) : NULL;
}
