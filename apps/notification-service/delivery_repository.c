#include "apps/notification-service/delivery_repository.h"

enum { DAY_MS = 24 * 3600 * 1000, JITTER_SHARE = 4 };

static const char *const state_names[] = {
    "", "pending", "sent", "skipped", "dead", "dropped", NULL
};

static SCHEMA(delivery,
              FIELD(id),
              FIELD(event_id),
              FIELD(recipient),
              FIELD(template),
              FIELD(data, .optional = true),
              FIELD(state, .names = state_names),
              FIELD(attempts),
              FIELD(event_at),
              FIELD(created_at),
              FIELD(next_try_at),
              FIELD(settled_at, .optional = true),
              FIELD(message_id, .optional = true),
              FIELD(address, .optional = true),
              FIELD(failure, .optional = true));

/* --- from the event to the row ------------------------------------------------------------------- */

struct insert_job {
    const struct delivery *delivery;
    bool first;
};

static error insert_in_unit(struct db_unit *unit, void *argument)
{
    struct insert_job *job = argument;

    TRY(db_unit_run(unit, IN(delivery, job->delivery),
                    "INSERT INTO deliveries (event_id, recipient, template, data, state, attempts,"
                    " event_at, created_at, next_try_at, settled_at)"
                    " VALUES (:event_id, :recipient, :template, :data, :state, :attempts,"
                    " :event_at, :created_at, :next_try_at, :settled_at)"
                    " ON CONFLICT DO NOTHING"));
    job->first = db_unit_changes(unit) > 0;
    return NULL;
}

error delivery_insert(struct call *call, struct db *db, const struct delivery *delivery,
                      bool *first)
{
    struct insert_job job = { .delivery = delivery };

    TRY(db_transaction(call, db, insert_in_unit, &job));
    *first = job.first;
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------- */

struct due_row {
    int64_t id, limit;
    timestamp now;
};

static SCHEMA(due_row, FIELD(id), FIELD(limit), FIELD(now));

error delivery_due(struct call *call, struct db *db, timestamp now, int64_t limit, int64_t **ids,
                   size_t *count)
{
    const struct due_row wanted = { .limit = limit, .now = now };
    struct due_row *rows;
    size_t found;

    TRY(db_all(call, db, IN(due_row, &wanted), ROWS(due_row, &rows, &found),
               "SELECT id FROM deliveries WHERE state = 'pending' AND next_try_at <= :now"
               " ORDER BY next_try_at, id LIMIT :limit"));
    int64_t *due = ARENA_ARRAY(call->arena, int64_t, found);

    if (!due)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < found; i++)
        due[i] = rows[i].id;
    *ids = due;
    *count = found;
    return NULL;
}

error delivery_find(struct call *call, struct db *db, int64_t id, struct delivery *out)
{
    const struct delivery wanted = { .id = id };

    return db_one(call, db, IN(delivery, &wanted), OUT(delivery, out),
                  "SELECT * FROM deliveries WHERE id = :id");
}

static SCHEMA(delivery_outlook, FIELD(next_try_at, .optional = true), FIELD(any_dead));

/* A minimum by itself is one step into its index, however many rows wait. */
error delivery_outlook(struct call *call, struct db *db, timestamp now,
                       struct delivery_outlook *out)
{
    const struct due_row wanted = { .now = now };

    return db_one(call, db, IN(due_row, &wanted), OUT(delivery_outlook, out),
                  "SELECT (SELECT min(next_try_at) FROM deliveries WHERE state = 'pending'"
                  " AND next_try_at > :now) AS next_try_at,"
                  " EXISTS (SELECT 1 FROM deliveries WHERE state = 'dead') AS any_dead");
}

static SCHEMA(delivery_queue, FIELD(pending), FIELD(since, .optional = true), FIELD(dead));

error delivery_queue(struct call *call, struct db *db, struct delivery_queue *out)
{
    return db_one(call, db, NO_INPUT, OUT(delivery_queue, out),
                  "SELECT (SELECT count(*) FROM deliveries WHERE state = 'pending') AS pending,"
                  " (SELECT min(created_at) FROM deliveries WHERE state = 'pending') AS since,"
                  " (SELECT count(*) FROM deliveries WHERE state = 'dead') AS dead");
}

/* --- what became of it --------------------------------------------------------------------------- */

/* The event's data has served its purpose when the mail is sent. */
error delivery_note(struct call *call, struct db *db, const struct delivery *delivery)
{
    return db_write(call, db, IN(delivery, delivery),
                    "UPDATE deliveries SET state = :state, attempts = :attempts,"
                    " next_try_at = :next_try_at, settled_at = :settled_at,"
                    " message_id = :message_id, address = :address, failure = :failure,"
                    " data = CASE :state WHEN 'sent' THEN NULL ELSE data END"
                    " WHERE id = :id AND state = 'pending'");
}

int64_t delivery_delay_ms(int64_t attempts, uint64_t luck)
{
    int64_t delay_ms = DELIVERY_RETRY_FIRST_MS;

    for (int64_t i = 1; i < attempts && delay_ms < DELIVERY_RETRY_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > DELIVERY_RETRY_MAX_MS)
        delay_ms = DELIVERY_RETRY_MAX_MS;
    int64_t share = delay_ms / JITTER_SHARE;

    return delay_ms - share + (int64_t)(luck % (uint64_t)(2 * share + 1));
}

/* The beginning of a message, no character cut in two. */
static str beginning(str text)
{
    size_t len = text.len < DELIVERY_FAILURE_MAX ? text.len : DELIVERY_FAILURE_MAX;

    while (len < text.len && len && (text.at[len] & 0xC0) == 0x80)
        len--;
    return str_slice(text, 0, len);
}

str delivery_why(error failed)
{
    bool many = failed->messages && failed->messages->len;

    return many ? failed->messages->at[0] : str_of(failed->message);
}

void delivery_failed(struct delivery *delivery, error why, bool permanent, timestamp now,
                     uint64_t luck)
{
    delivery->attempts++;
    delivery->failure = beginning(delivery_why(why));
    if (permanent || delivery->attempts >= DELIVERY_ATTEMPTS_MAX) {
        delivery->state = DELIVERY_DEAD;
        delivery->settled_at = now;
    } else {
        delivery->next_try_at.ms = now.ms + delivery_delay_ms(delivery->attempts, luck);
    }
}

/* --- trimming ------------------------------------------------------------------------------------ */

struct trim_job {
    int64_t kept, at_most;
    timestamp before;
    bool more;
};

static SCHEMA(trim_job, FIELD(kept), FIELD(at_most), FIELD(before), FIELD(more));

static error trim_in_unit(struct db_unit *unit, void *argument)
{
    struct trim_job *job = argument;
    const struct schema_in in = IN(trim_job, job);

    TRY(db_unit_run(unit, in,
                    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries"
                    " WHERE id <= (SELECT max(id) FROM deliveries) - :kept"
                    " AND state IN ('sent', 'skipped', 'dropped') ORDER BY id LIMIT :at_most)"));
    job->more = db_unit_changes(unit) == job->at_most;
    TRY(db_unit_run(unit, in,
                    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries"
                    " WHERE state IN ('sent', 'skipped', 'dropped') AND event_at < :before"
                    " ORDER BY event_at LIMIT :at_most)"));
    job->more |= db_unit_changes(unit) == job->at_most;
    return NULL;
}

error delivery_trim(struct call *call, struct db *db, timestamp now, bool *more)
{
    struct trim_job job = {
        .kept = DELIVERY_KEPT_MAX,
        .at_most = DELIVERY_TRIM_MAX,
        .before = { now.ms - (int64_t)DELIVERY_KEPT_DAYS * DAY_MS },
    };

    TRY(db_transaction(call, db, trim_in_unit, &job));
    *more = job.more;
    return NULL;
}
