/* Deliveries: what is to be mailed to whom, and what became of it. The row of a mail is written before anything is sent;
 * it is the outbox of the mails and the inbox of the events at once. */
#pragma once

#include "database/database.h"
#include "events/events.h"

enum {
    DELIVERY_ATTEMPTS_MAX = 80,     /* then the row is dead: after three days or so */
    DELIVERY_RETRY_FIRST_MS = 1000, /* before the second attempt; doubles, with jitter, up to */
    DELIVERY_RETRY_MAX_MS = 3600 * 1000, /* an hour */
    DELIVERY_AGE_MAX_HOURS = 30 * 24,    /* largest MAIL_MAX_AGE_HOURS */
    DELIVERY_KEPT_DAYS =
        31, /* that a settled row is kept after its event: longer than an event may be
                                             mailed, so an event that comes again finds its row or is too old */
    DELIVERY_KEPT_MAX =
        EVENTS_INBOX_MAX,        /* newest rows that are kept, as many as an inbox has entries */
    DELIVERY_TRIM_MAX = 1000,    /* rows that one trim removes */
    DELIVERY_FAILURE_MAX = 1000, /* bytes of a failure that are kept */
};

enum delivery_state {
    DELIVERY_PENDING = 1,
    DELIVERY_SENT,
    DELIVERY_SKIPPED, /* the event was too old when we heard of it */
    DELIVERY_DEAD,    /* given up; a person has to look */
    DELIVERY_DROPPED, /* … and has said that it shall not be sent */
};

struct delivery {
    int64_t id;
    uuid event_id, recipient; /* the recipient is a user */
    str template;             /* "order-confirmation" */
    json_text data;           /* of the event */
    unsigned state;
    int64_t attempts; /* that have failed */
    timestamp event_at, created_at, next_try_at, settled_at;
    str message_id, address, failure; /* at == NULL: none yet */
};

/* Writes the row of a mail, pending or skipped; once: the same event, recipient and template changes nothing, and
 * `*first` is false. */
error delivery_insert(struct call *call, struct db *db, const struct delivery *delivery,
                      bool *first);

/* The ids of rows that are due, the longest waiting first, at most `limit`. */
error delivery_due(struct call *call, struct db *db, timestamp now, int64_t limit, int64_t **ids,
                   size_t *count);

/* The row, or DB_NO_ROW. */
error delivery_find(struct call *call, struct db *db, int64_t id, struct delivery *out);

/* When there is something to do after `now`. */
struct delivery_outlook {
    timestamp
        next_try_at; /* of the pending row that is due next, later than `now`; 0: there is none */
    bool any_dead;
};
error delivery_outlook(struct call *call, struct db *db, timestamp now,
                       struct delivery_outlook *out);

/* What waits, for people. */
struct delivery_queue {
    int64_t pending;
    timestamp since; /* creation of the oldest pending row; 0: none is pending */
    int64_t dead;
};
error delivery_queue(struct call *call, struct db *db, struct delivery_queue *out);

/* Notes the end of an attempt: state, attempts, next_try_at, settled_at, message_id, address, failure. What is no
 * longer pending stays as it is. */
error delivery_note(struct call *call, struct db *db, const struct delivery *delivery);

/* What is wrong, in one text: of a list of messages the first. */
str delivery_why(error failed);

/* The row after an attempt that failed at `now`: later again, or dead when `permanent` or too often. `luck` is a random
 * number, for the jitter. */
void delivery_failed(struct delivery *delivery, error why, bool permanent, timestamp now,
                     uint64_t luck);

/* The pause after that many failed attempts: it doubles, and varies by a quarter to each side. */
int64_t delivery_delay_ms(int64_t attempts, uint64_t luck);

/* Removes settled rows that are no longer needed, at most DELIVERY_TRIM_MAX; `*more` says that there may be more. Dead
 * rows are kept until somebody decides. */
error delivery_trim(struct call *call, struct db *db, timestamp now, bool *more);
