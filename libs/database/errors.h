/* The errors of a store. Their texts for the log are causes: a peer sees neither SQL nor the store's
 * words. */
#pragma once

#include "base/error.h"

enum {
    DB_RETRY_S = 1, /* Retry-After of an answer that the store is busy or cannot write */
};

extern const struct error DB_CLOSED; /* 503: after db_close */

/* NestJS's answer to what is our own fault; the text, as printf, is the cause. */
error db_internal_error(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A 503 with `message`, which must be a literal, and Retry-After; `cause` is copied. */
error db_unavailable(struct arena *arena, const char *message, const char *cause);

/* A 409 that db_rename_conflict knows by the name of the constraint. */
error db_conflict(struct arena *arena, str constraint);

/* PostgreSQL's name of the constraint that one of SQLite's messages speaks of:
 *
 *     UNIQUE constraint failed: users.email                           users_email_key
 *     UNIQUE constraint failed: events.stream_id, events.version      events_stream_id_version_key
 *     the same, when it was the primary key                           events_pkey
 *     UNIQUE constraint failed: index 'users_lower_email'             users_lower_email
 *
 * In `arena`; `at` is NULL when there is no memory. A message of another form is the name itself. */
str db_constraint_name(struct arena *arena, const char *message, bool primary);
