/* Who moves the money. A provider is asked to charge or to refund, and every request has an id that the provider
 * uses as its idempotency key: asked again with the same id, it gives the first outcome again and moves no
 * money. That is what makes it possible to find out later what became of a request. */
#pragma once

#include "contracts/order.h"
#include "runtime/call.h"

enum provider_outcome {
    PROVIDER_UNKNOWN, /* no answer, or none that says so: money may have moved or not */
    PROVIDER_ACCEPTED,
    PROVIDER_DECLINED,
};

struct provider_question {
    uuid id; /* the idempotency key */
    uuid order_id;
    money amount;
    str currency;
    str payment_token; /* of a charge */
    uuid charge_id;    /* of a refund: what is given back */
    int64_t tries;     /* how often this has been asked, this time included */
};

/* An answer that came by itself, later or once more. */
struct provider_notice {
    uuid id;
    enum provider_outcome outcome;
};

struct payment_provider {
    void *state;

    /* Ask and wait, within the call's deadline. PROVIDER_UNKNOWN has its reason in `*why`, for the log. */
    enum provider_outcome (*charge)(struct call *call, void *state,
                                    const struct provider_question *question, error *why);
    enum provider_outcome (*refund)(struct call *call, void *state,
                                    const struct provider_question *question, error *why);

    /* Takes one notice that has come; false when there is none. NULL: this provider sends none. */
    bool (*notice)(void *state, struct provider_notice *out);

    void (*close)(void *state);
};

/* A provider without money, for development and tests; what happens is in the token:
 *
 *     tok_success            accepted
 *     tok_visa, tok_mastercard   likewise
 *     tok_declined           declined
 *     tok_timeout            no answer in time; it is accepted, which only a later question tells
 *     tok_timeout_declined   no answer in time; it is declined
 *     tok_twice              accepted, and the answer comes a second time by itself
 *
 * Any other token is declined. The outcome is a function of the token, so it is the same after a restart. */
error sandbox_provider_new(struct payment_provider *out);

/* A provider at an address; http_provider.c says what it is asked. `arena`, `url` and `api_key` (at == NULL: none) live
 * longer than the provider. */
error http_provider_new(struct arena *arena, str url, str api_key, struct payment_provider *out);
