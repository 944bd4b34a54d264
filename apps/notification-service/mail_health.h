/* The service's health: whether mails can be handed over, and whether they go through. Both make it `degraded` at
 * worst: while the mail server is away, events are taken as ever and their mails wait, so nobody has to stop sending
 * us work. */
#pragma once

#include "apps/notification-service/postman.h"
#include "health/health.h"

enum {
    MAIL_HEALTH_FRESH_MS = 10 * 1000, /* that an answer of the mail server holds for probes */
};

struct mail_health;

error mail_health_new(struct mailer *mailer, struct mail_health **out);

/* Waits for a look at the server that is under way. NULL is fine. */
void mail_health_free(struct mail_health *health);

/* The check "mail"; its argument is the mail_health. A fiber of its own asks the server, which may take longer than a
 * probe waits: then the probe reads what was last known. */
error mail_health_check(struct call *call, void *health, struct health_result *result);

/* The check "deliveries"; its argument is the postman. */
error mail_health_deliveries(struct call *call, void *postman, struct health_result *result);
