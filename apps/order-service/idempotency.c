#include "apps/order-service/idempotency.h"
#include "auth/digest.h"

const struct error IDEMPOTENCY_OTHER_BODY =
    ERROR(422, "Idempotency-Key was used for another request already");
const struct error IDEMPOTENCY_RUNNING = {
    .status = 409,
    .message = "A request with this Idempotency-Key is still running",
    .retry_after_s = 1,
};

static const int64_t LIFETIME_MS = (int64_t)IDEMPOTENCY_HOURS * 60 * 60 * 1000;

struct idempotency_row {
    uuid user_id;
    str route, key, fingerprint, answer;
    timestamp created_at;
};

static SCHEMA(idempotency_row,
              FIELD(user_id),
              FIELD(route),
              FIELD(key),
              FIELD(fingerprint, .optional = true),
              FIELD(answer, .optional = true),
              FIELD(created_at, .optional = true));

static struct idempotency_row row_of(const struct idempotency *request)
{
    return (struct idempotency_row){ .user_id = request->user_id,
                                     .route = request->route,
                                     .key = request->key,
                                     .fingerprint = request->fingerprint };
}

error idempotency_print(struct arena *arena, struct schema_in answer, str *out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);
    str copy = { NULL, 0 };

    schema_write_secrets(answer.schema, answer.value, &text);
    if (!buf_failed(&text))
        copy = arena_copy(arena, buf_text(&text));
    buf_free(&text);
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = copy;
    return NULL;
}

error idempotency_of(struct arena *arena, uuid user_id, const char *route, str key,
                     struct schema_in in, struct idempotency *out)
{
    struct idempotency made = { .user_id = user_id, .route = str_of(route), .key = key };
    str text;

    if (key.at) {
        TRY(idempotency_print(arena, in, &text));
        TRY(auth_digest(arena, text, &made.fingerprint));
    }
    *out = made;
    return NULL;
}

error idempotency_find(struct db_unit *unit, const struct idempotency *request, timestamp now,
                       str *answer)
{
    const struct idempotency_row wanted = row_of(request);
    struct idempotency_row row;

    *answer = (str){ NULL, 0 };
    if (!request->key.at)
        return NULL;
    error missing = db_unit_one(unit, IN(idempotency_row, &wanted), OUT(idempotency_row, &row),
                                "SELECT * FROM idempotency_keys WHERE user_id = :user_id"
                                " AND route = :route AND key = :key");

    if (missing)
        return missing == &DB_NO_ROW ? NULL : missing;
    if (row.answer.at && now.ms - row.created_at.ms >= LIFETIME_MS)
        return NULL;
    if (!str_eq(row.fingerprint, request->fingerprint))
        return &IDEMPOTENCY_OTHER_BODY;
    if (!row.answer.at)
        return &IDEMPOTENCY_RUNNING;
    *answer = row.answer;
    return NULL;
}

error idempotency_take(struct db_unit *unit, const struct idempotency *request, timestamp now,
                       str answer)
{
    struct idempotency_row row = row_of(request);

    if (!request->key.at)
        return NULL;
    row.answer = answer;
    row.created_at = now;
    return db_unit_run(unit, IN(idempotency_row, &row),
                       "INSERT INTO idempotency_keys VALUES (:user_id, :route, :key, :fingerprint,"
                       " :answer, :created_at) ON CONFLICT DO UPDATE SET"
                       " fingerprint = excluded.fingerprint, answer = excluded.answer,"
                       " created_at = excluded.created_at");
}

error idempotency_answer(struct db_unit *unit, const struct idempotency *request, str answer)
{
    struct idempotency_row row = row_of(request);

    if (!request->key.at)
        return NULL;
    row.answer = answer;
    return db_unit_run(unit, IN(idempotency_row, &row),
                       "UPDATE idempotency_keys SET answer = :answer WHERE user_id = :user_id"
                       " AND route = :route AND key = :key");
}

error idempotency_purge(struct call *call, struct db *db, timestamp now)
{
    const struct idempotency_row row = { .created_at = { now.ms - LIFETIME_MS } };

    return db_write(call, db, IN(idempotency_row, &row),
                    "DELETE FROM idempotency_keys WHERE (user_id, route, key) IN"
                    " (SELECT user_id, route, key FROM idempotency_keys"
                    " WHERE created_at <= :created_at AND answer IS NOT NULL LIMIT 1000)");
}
