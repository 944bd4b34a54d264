/* Idempotency-Key: a request that is sent again with the same key gets the first answer, and its effect happens
 * once. The answer is written in the transaction of the effect, so there is never one without the other. A key is
 * a user's own and belongs to one route; it is forgotten after IDEMPOTENCY_HOURS. Only what had an effect is
 * kept: a refusal had none, and asking again finds out whether it still holds. */
#pragma once

#include "database/database.h"

enum { IDEMPOTENCY_HOURS = 24 };

extern const struct error IDEMPOTENCY_OTHER_BODY; /* 422 */
extern const struct error IDEMPOTENCY_RUNNING;    /* 409 with Retry-After */

/* One request with a key; without one (`key.at` NULL) all functions do nothing. */
struct idempotency {
    uuid user_id;
    str route; /* "POST /orders" */
    str key;
    str fingerprint;
};

/* The request `in` of that user and route. Its fingerprint is that of its validated members, so that a body that is
 * written differently is the same. */
error idempotency_of(struct arena *arena, uuid user_id, const char *route, str key,
                     struct schema_in in, struct idempotency *out);

/* Looks the key up: `*answer` is the first answer, or at == NULL when this request is the first. */
error idempotency_find(struct db_unit *unit, const struct idempotency *request, timestamp now,
                       str *answer);

/* Takes the key, with its answer or, at == NULL, for a request that will be answered later. */
error idempotency_take(struct db_unit *unit, const struct idempotency *request, timestamp now,
                       str answer);

/* The answer to a request that took its key without one. */
error idempotency_answer(struct db_unit *unit, const struct idempotency *request, str answer);

/* The text of an answer, in the arena. */
error idempotency_print(struct arena *arena, struct schema_in answer, str *out);

/* Forgets answers that are too old. Removes a bounded number at a time. */
error idempotency_purge(struct call *call, struct db *db, timestamp now);
