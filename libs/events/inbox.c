/* The inbox: which events have had their effect in this database. It is trimmed by the way: every TRIM_EVERY-th
 * entry removes the oldest ones beyond EVENTS_INBOX_MAX, as many as have come since. */
#include "events/events.h"

enum { TRIM_EVERY = 64 };

struct inbox_row {
    int64_t number;
    str consumer;
    uuid event_id;
    int64_t keep, at_most;
};

static SCHEMA(inbox_row,
              FIELD(number),
              FIELD(consumer),
              FIELD(event_id),
              FIELD(keep),
              FIELD(at_most));

error events_inbox(struct db_unit *unit, const char *consumer, uuid event_id, bool *first)
{
    struct inbox_row row = { .consumer = str_of(consumer),
                             .event_id = event_id,
                             .keep = EVENTS_INBOX_MAX,
                             .at_most = 2 * TRIM_EVERY };

    TRY(db_unit_run(unit, IN(inbox_row, &row),
                    "INSERT INTO inbox (consumer, event_id) VALUES (:consumer, :event_id)"
                    " ON CONFLICT DO NOTHING"));
    *first = db_unit_changes(unit) > 0;
    if (!*first)
        return NULL;
    TRY(db_unit_one(unit, NO_INPUT, OUT(inbox_row, &row), "SELECT last_insert_rowid() AS number"));
    if (row.number % TRIM_EVERY)
        return NULL;
    return db_unit_run(unit, IN(inbox_row, &row),
                       "DELETE FROM inbox WHERE number IN (SELECT number FROM inbox"
                       " WHERE number <= :number - :keep ORDER BY number LIMIT :at_most)");
}
