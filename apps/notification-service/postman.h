/* The postman takes the deliveries that are due and hands the mails over. */
#pragma once

#include "apps/notification-service/delivery_repository.h"
#include "apps/notification-service/templates.h"
#include "mail/mail.h"
#include "service/service.h"

enum {
    POSTMAN_AT_ONCE = 8, /* mails under way */
    POSTMAN_LOOK_MS =
        2000, /* between looks for rows that were given back, while there are dead ones */
    POSTMAN_PAUSE_MS = 1000,           /* after a failure of our own store */
    POSTMAN_TRIM_EVERY_MS = 60 * 1000, /* while there is work */
    POSTMAN_STUCK_MS = 60 * 1000,      /* that mails may wait without one going out */
};

struct postman;

struct postman_options {
    struct service_instance *self; /* whose process has, or knows, the user service */
    struct db *db;
    struct mailer *mailer;
    const struct templates *templates;
    enum language language; /* of users who have not chosen one */
    str currency;           /* of events that name none */
    str from, domain;
    uint64_t stuck_ms; /* 0: POSTMAN_STUCK_MS */
};

/* Starts its fiber. `options` is copied. */
error postman_start(const struct postman_options *options, struct postman **out);

/* Makes it look for rows: one was inserted. */
void postman_wake(struct postman *postman);

/* Takes nothing new, waits for what is being handed over and notes it. NULL is fine. */
void postman_stop(struct postman *postman);

struct postman_counts {
    uint64_t sent, failed; /* attempts since the start: handed over, not */
    unsigned under_way;
    bool server_away; /* mails wait for it */
};
struct postman_counts postman_counts(const struct postman *postman);

/* Whether mails wait and none has gone out for `stuck_ms`: then `*why` says so, in the call's arena; otherwise
 * at == NULL. */
error postman_stuck(struct call *call, const struct postman *postman, str *why);
