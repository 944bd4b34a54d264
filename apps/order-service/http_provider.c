/* A provider that speaks HTTP. What is asked, and what its answers mean:
 *
 *     POST <PAYMENT_URL>/charges   Idempotency-Key: <id>   Authorization: Bearer <PAYMENT_API_KEY>
 *          {"id","orderId","amount","currency","paymentToken"}
 *     POST <PAYMENT_URL>/refunds   likewise
 *          {"id","orderId","chargeId","amount","currency"}
 *
 *     200, 201   {"status":"accepted"} or {"status":"declined"}
 *     402        declined
 *     all else   no outcome: another status or body, no answer in time, no connection
 *
 * A question without an outcome is asked again at once, with the same id, while there is time; then it is left to the
 * later rounds of payments.c. After BREAKER_FAILURES questions in a row without an outcome nobody is asked for
 * BREAKER_PAUSE_MS; then one question finds out whether it is over. */
#include "apps/order-service/payment_provider.h"
#include "http/client.h"
#include "runtime/clock.h"

#include <stdlib.h>

enum {
    TRIES_MAX = 3,
    TRY_PAUSE_MS = 50,
    BREAKER_FAILURES = 5,
    BREAKER_PAUSE_MS = 5000,
};

static const struct error NOT_ASKED =
    ERROR(503, "The payment provider has failed too often lately");

struct http_provider {
    struct http_client *client;
    str url, api_key;
    unsigned failures;  /* in a row */
    uint64_t closed_ms; /* when the breaker lets the next question through */
};

/* --- what crosses the wire ----------------------------------------------------------------------- */

struct charge_body {
    uuid id, order_id;
    money amount;
    str currency, payment_token;
};

static SCHEMA(charge_body,
              FIELD(id),
              FIELD(order_id),
              FIELD(amount),
              FIELD(currency),
              FIELD(payment_token));

struct refund_body {
    uuid id, order_id, charge_id;
    money amount;
    str currency;
};

static SCHEMA(refund_body,
              FIELD(id),
              FIELD(order_id),
              FIELD(charge_id),
              FIELD(amount),
              FIELD(currency));

static const char *const outcome_names[] = { [PROVIDER_UNKNOWN] = "",
                                             [PROVIDER_ACCEPTED] = "accepted",
                                             [PROVIDER_DECLINED] = "declined",
                                             NULL };

struct provider_answer {
    unsigned status;
};

static SCHEMA(provider_answer, FIELD(status, .names = outcome_names));

static error print_body(struct arena *arena, struct schema_in in, str *out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    schema_write(in.schema, in.value, &text);
    *out = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));
    buf_free(&text);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* An answer of a stranger: anything that is not one of the three is no outcome. */
static enum provider_outcome read_answer(struct call *call, const struct http_client_answer *answer,
                                         error *why)
{
    struct provider_answer body;

    if (answer->status == 402)
        return PROVIDER_DECLINED;
    if (answer->status != 200 && answer->status != 201) {
        *why = error_new(call->arena, 502, "The payment provider answered with the status %d",
                         answer->status);
        return PROVIDER_UNKNOWN;
    }
    *why = schema_parse(provider_answer_schema(), call->arena, answer->body, SCHEMA_IGNORE, &body);
    if (*why)
        *why =
            error_because(call->arena, *why, 502, "The payment provider answered something else");
    return *why ? PROVIDER_UNKNOWN : body.status;
}

/* --- the breaker --------------------------------------------------------------------------------- */

static bool breaker_lets_through(struct http_provider *provider)
{
    if (provider->failures < BREAKER_FAILURES)
        return true;
    if (clock_ms() < provider->closed_ms)
        return false;
    provider->closed_ms =
        clock_ms() + BREAKER_PAUSE_MS; /* for the others, until this one is back */
    return true;
}

static void breaker_note(struct http_provider *provider, enum provider_outcome outcome)
{
    if (outcome != PROVIDER_UNKNOWN)
        provider->failures = 0;
    else if (++provider->failures >= BREAKER_FAILURES)
        provider->closed_ms = clock_ms() + BREAKER_PAUSE_MS;
}

/* --- asking -------------------------------------------------------------------------------------- */

static error make_request(struct arena *arena, const struct http_provider *provider,
                          const char *path, uuid id, struct http_client_request *out)
{
    char text[UUID_TEXT];

    uuid_print(id, text);
    out->url = arena_printf(arena, "%.*s%s", STR_ARG(provider->url), path).at;
    out->headers[0] = "Content-Type: application/json";
    out->headers[1] = arena_printf(arena, "Idempotency-Key: %.*s", UUID_TEXT, text).at;
    if (provider->api_key.at)
        out->headers[2] =
            arena_printf(arena, "Authorization: Bearer %.*s", STR_ARG(provider->api_key)).at;
    bool made = out->url && out->headers[1] && (out->headers[2] || !provider->api_key.at);

    return made ? NULL : &ERROR_OUT_OF_MEMORY;
}

static enum provider_outcome ask_once(struct call *call, struct http_provider *provider,
                                      const struct http_client_request *request, error *why)
{
    struct http_client_answer answer;
    enum provider_outcome outcome = PROVIDER_UNKNOWN;

    if (!breaker_lets_through(provider)) {
        *why = &NOT_ASKED;
        return PROVIDER_UNKNOWN;
    }
    *why = http_client_post(call, provider->client, request, &answer);
    if (!*why)
        outcome = read_answer(call, &answer, why);
    breaker_note(provider, outcome);
    return outcome;
}

static enum provider_outcome ask(struct call *call, struct http_provider *provider,
                                 const struct http_client_request *request, error *why)
{
    for (int tries = 1;; tries++) {
        enum provider_outcome outcome = ask_once(call, provider, request, why);

        if (outcome != PROVIDER_UNKNOWN || *why == &NOT_ASKED || tries == TRIES_MAX)
            return outcome;
        if (call_sleep(call, TRY_PAUSE_MS))
            return PROVIDER_UNKNOWN;
    }
}

static enum provider_outcome charge(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    const struct charge_body body = { question->id, question->order_id, question->amount,
                                      question->currency, question->payment_token };
    struct http_client_request request = { 0 };

    *why = make_request(call->arena, state, "/charges", question->id, &request);
    if (!*why)
        *why = print_body(call->arena, IN(charge_body, &body), &request.body);
    return *why ? PROVIDER_UNKNOWN : ask(call, state, &request, why);
}

static enum provider_outcome refund(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    const struct refund_body body = { question->id, question->order_id, question->charge_id,
                                      question->amount, question->currency };
    struct http_client_request request = { 0 };

    *why = make_request(call->arena, state, "/refunds", question->id, &request);
    if (!*why)
        *why = print_body(call->arena, IN(refund_body, &body), &request.body);
    return *why ? PROVIDER_UNKNOWN : ask(call, state, &request, why);
}

static void close_provider(void *state)
{
    struct http_provider *provider = state;

    http_client_free(provider->client);
    free(provider);
}

error http_provider_new(struct arena *arena, str url, str api_key, struct payment_provider *out)
{
    struct http_provider *provider = calloc(1, sizeof *provider);

    if (!provider)
        return &ERROR_OUT_OF_MEMORY;
    provider->url = str_ends_with(url, STR("/")) ? str_slice(url, 0, url.len - 1) : url;
    provider->api_key = api_key;
    error failed = http_client_new(arena, &provider->client);

    if (failed) {
        free(provider);
        return failed;
    }
    *out = (struct payment_provider){ provider, charge, refund, NULL, close_provider };
    return NULL;
}
