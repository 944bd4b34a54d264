/* The notification service: mails about orders and payments, for events that it hears. */
#pragma once

#include "apps/notification-service/postman.h"
#include "service/service.h"

extern const struct service notification_service;

/* What the service holds while it runs. */
struct notification_state {
    struct db *db; /* all there is when the store alone is open: dead_mails.h works on it */
    struct mailer *mailer;
    struct templates templates;
    struct postman *postman;
    struct mail_health *health;
    int64_t max_age_ms; /* of an event that is still mailed */
    unsigned handling;  /* events that handlers are writing down now */
    struct wait handled;
};

/* Where the mails of a running service go, for people: a directory, or smtp://host:port. */
str notification_mails_go_to(const struct service_instance *self);
