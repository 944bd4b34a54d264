#include "apps/notification-service/dead_mails.h"
#include "runtime/clock.h"

SCHEMA(dead_mail,
       FIELD(id),
       FIELD(event_id),
       FIELD(recipient),
       FIELD(template),
       FIELD(data, .optional = true),
       FIELD(attempts),
       FIELD(event_at),
       FIELD(died_at),
       FIELD(address, .optional = true),
       FIELD(failure, .optional = true));

/* A row of the table as these functions bind it, and what they count. */
struct dead_row {
    int64_t id, count;
    timestamp now;
};

static SCHEMA(dead_row, FIELD(id), FIELD(count), FIELD(now));

static error found(struct arena *arena, error e, int64_t id)
{
    return e == &DB_NO_ROW ? error_new(arena, 404, "there is no dead mail %lld", (long long)id) : e;
}

error dead_mail_list(struct call *call, struct db *db, struct dead_mail **out, size_t *count,
                     int64_t *total)
{
    struct dead_row all = { .count = DEAD_MAILS_MAX };

    TRY(db_all(call, db, IN(dead_row, &all), ROWS(dead_mail, out, count),
               "SELECT id, event_id, recipient, template, attempts, event_at,"
               " settled_at AS died_at, address, failure FROM deliveries WHERE state = 'dead'"
               " ORDER BY id LIMIT :count"));
    TRY(db_one(call, db, NO_INPUT, OUT(dead_row, &all),
               "SELECT count(*) AS count FROM deliveries WHERE state = 'dead'"));
    *total = all.count;
    return NULL;
}

error dead_mail_show(struct call *call, struct db *db, int64_t id, struct dead_mail *out)
{
    const struct dead_row wanted = { .id = id };
    error missing = db_one(call, db, IN(dead_row, &wanted), OUT(dead_mail, out),
                           "SELECT id, event_id, recipient, template, data, attempts, event_at,"
                           " settled_at AS died_at, address, failure FROM deliveries"
                           " WHERE id = :id AND state = 'dead'");

    return found(call->arena, missing, id);
}

error dead_mail_replay(struct call *call, struct db *db, int64_t id)
{
    struct dead_row row = { .id = id, .now = clock_now() };
    error missing = db_write_one(call, db, IN(dead_row, &row), OUT(dead_row, &row),
                                 "UPDATE deliveries SET state = 'pending', attempts = 0,"
                                 " next_try_at = :now, settled_at = NULL"
                                 " WHERE id = :id AND state = 'dead' RETURNING id");

    return found(call->arena, missing, id);
}

static error replay_all_in_unit(struct db_unit *unit, void *argument)
{
    struct dead_row *row = argument;

    TRY(db_unit_run(unit, IN(dead_row, row),
                    "UPDATE deliveries SET state = 'pending', attempts = 0, next_try_at = :now,"
                    " settled_at = NULL WHERE state = 'dead'"));
    row->count = db_unit_changes(unit);
    return NULL;
}

error dead_mail_replay_all(struct call *call, struct db *db, int64_t *count)
{
    struct dead_row row = { .now = clock_now() };

    TRY(db_transaction(call, db, replay_all_in_unit, &row));
    *count = row.count;
    return NULL;
}

error dead_mail_drop(struct call *call, struct db *db, int64_t id)
{
    struct dead_row row = { .id = id, .now = clock_now() };
    error missing = db_write_one(call, db, IN(dead_row, &row), OUT(dead_row, &row),
                                 "UPDATE deliveries SET state = 'dropped', settled_at = :now,"
                                 " data = NULL WHERE id = :id AND state = 'dead' RETURNING id");

    return found(call->arena, missing, id);
}
