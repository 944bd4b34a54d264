#include "apps/notification-service/mail_health.h"
#include "runtime/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 512, LOOK_TIMEOUT_MS = MAIL_CONNECT_TIMEOUT_MS + MAIL_TIMEOUT_MS };

struct mail_health {
    struct mailer *mailer;
    struct arena *arena; /* of the look */
    struct call call;
    bool looking;
    struct wait looked; /* its end */

    bool known;
    uint64_t known_ms;
    char failure[TEXT_MAX]; /* "": none */
};

error mail_health_new(struct mailer *mailer, struct mail_health **out)
{
    struct mail_health *health = calloc(1, sizeof *health);

    if (!health)
        return &ERROR_OUT_OF_MEMORY;
    health->mailer = mailer;
    health->arena = arena_new(ARENA_CALL_MAX);
    *out = health;
    return health->arena ? NULL : &ERROR_OUT_OF_MEMORY;
}

static void look(void *argument)
{
    struct mail_health *health = argument;

    health->call = call_new(health->arena, LOOK_TIMEOUT_MS);
    error failed = mail_check(&health->call, health->mailer);

    snprintf(health->failure, sizeof health->failure, "%s", failed ? failed->message : "");
    health->known = true;
    health->known_ms = clock_ms();
    health->looking = false;
    arena_reset(health->arena);
    wait_done(&health->looked);
}

void mail_health_free(struct mail_health *health)
{
    if (!health)
        return;
    struct call call = call_new(health->arena, LOOK_TIMEOUT_MS);

    call_cancel(&health->call);
    if (health->looking)
        call_wait_done(&call, &health->looked);
    arena_free(health->arena);
    free(health);
}

static bool is_fresh(const struct mail_health *health)
{
    return health->known && clock_ms() - health->known_ms < MAIL_HEALTH_FRESH_MS;
}

/* One probe waits for the end of a look; others that come meanwhile do with what was known before. */
static error refresh(struct call *call, struct mail_health *health)
{
    if (health->looking)
        return NULL;
    health->looking = true;
    health->looked = (struct wait){ 0 };
    error failed = fiber_start(look, health);

    if (failed) {
        health->looking = false;
        return failed;
    }
    failed = call_wait(call, &health->looked);
    return failed == &ERROR_DEADLINE ? NULL : failed;
}

error mail_health_check(struct call *call, void *argument, struct health_result *result)
{
    struct mail_health *health = argument;
    str copy;

    if (!is_fresh(health))
        TRY(refresh(call, health));
    if (health->known && !health->failure[0])
        return NULL;
    copy = arena_copy(call->arena, health->known ? str_of(health->failure)
                                                 : STR("the mail server has not answered yet"));
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    result->degraded = true;
    result->message = copy.at;
    return NULL;
}

error mail_health_deliveries(struct call *call, void *postman, struct health_result *result)
{
    str why;

    TRY(postman_stuck(call, postman, &why));
    result->degraded = why.at != NULL;
    result->message = why.at;
    return NULL;
}
