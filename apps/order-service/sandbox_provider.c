#include "apps/order-service/payment_provider.h"

#include <stdlib.h>

enum { NOTICES_MAX = 256 };

struct sandbox {
    struct provider_notice notices[NOTICES_MAX];
    size_t count;
};

struct token {
    const char *text;
    enum provider_outcome outcome;
    bool late;  /* the first question is not answered */
    bool twice; /* the answer comes again */
};

/* clang-format off */
static const struct token TOKENS[] = {
    { .text = "tok_success",          .outcome = PROVIDER_ACCEPTED },
    { .text = "tok_visa",             .outcome = PROVIDER_ACCEPTED },
    { .text = "tok_mastercard",       .outcome = PROVIDER_ACCEPTED },
    { .text = "tok_declined",         .outcome = PROVIDER_DECLINED },
    { .text = "tok_timeout",          .outcome = PROVIDER_ACCEPTED, .late = true },
    { .text = "tok_timeout_declined", .outcome = PROVIDER_DECLINED, .late = true },
    { .text = "tok_twice",            .outcome = PROVIDER_ACCEPTED, .twice = true },
    { .text = NULL,                   .outcome = PROVIDER_DECLINED },
};
/* clang-format on */

static const struct token *find_token(str text)
{
    const struct token *token = TOKENS;

    while (token->text && !str_is(text, token->text))
        token++;
    return token;
}

/* A notice that finds no room is lost, as one on a network may be. */
static void send_notice(struct sandbox *sandbox, uuid id, enum provider_outcome outcome)
{
    if (sandbox->count < NOTICES_MAX)
        sandbox->notices[sandbox->count++] = (struct provider_notice){ id, outcome };
}

static enum provider_outcome charge(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    const struct token *token = find_token(question->payment_token);

    if (token->late && question->tries == 1) {
        *why = call_sleep(call, call_left_ms(call) + TIMER_TICK_MS);
        return PROVIDER_UNKNOWN;
    }
    if (token->twice)
        send_notice(state, question->id, token->outcome);
    return token->outcome;
}

static enum provider_outcome refund(struct call *call, void *state,
                                    const struct provider_question *question, error *why)
{
    (void)call;
    (void)state;
    (void)question;
    (void)why;
    return PROVIDER_ACCEPTED;
}

static bool notice(void *state, struct provider_notice *out)
{
    struct sandbox *sandbox = state;

    if (!sandbox->count)
        return false;
    *out = sandbox->notices[--sandbox->count];
    return true;
}

static void close_sandbox(void *state)
{
    free(state);
}

error sandbox_provider_new(struct payment_provider *out)
{
    struct sandbox *sandbox = calloc(1, sizeof *sandbox);

    if (!sandbox)
        return &ERROR_OUT_OF_MEMORY;
    *out = (struct payment_provider){ sandbox, charge, refund, notice, close_sandbox };
    return NULL;
}
