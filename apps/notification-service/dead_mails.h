/* Mails that were given up: for the command line. Each function works on the opened store alone (`struct
 * notification_state`'s `db`), also while the service runs: its postman looks every POSTMAN_LOOK_MS for rows that were
 * given back, as long as there are dead ones. */
#pragma once

#include "database/database.h"

enum { DEAD_MAILS_MAX = 1000 }; /* that one list shows */

struct dead_mail {
    int64_t id;       /* by which the functions below know it */
    uuid event_id;    /* the event that caused it */
    uuid recipient;   /* the user whose mail it is */
    str template;     /* "order-confirmation" */
    json_text data;   /* of the event; dead_mail_list leaves it out */
    int64_t attempts; /* that have failed */
    timestamp event_at, died_at;
    str address; /* where it was to go; at == NULL: that was not known yet */
    str failure; /* what the last attempt came to */
};

const struct schema *dead_mail_schema(void);

/* The oldest DEAD_MAILS_MAX of them, oldest first; `*total` counts all. */
error dead_mail_list(struct call *call, struct db *db, struct dead_mail **out, size_t *count,
                     int64_t *total);

/* One of them, its event's data included. 404 "there is no dead mail 7" when there is none. */
error dead_mail_show(struct call *call, struct db *db, int64_t id, struct dead_mail *out);

/* Gives it back to be sent at once, its attempts counted anew. 404 likewise. */
error dead_mail_replay(struct call *call, struct db *db, int64_t id);

/* All of them; `*count` says how many. */
error dead_mail_replay_all(struct call *call, struct db *db, int64_t *count);

/* It shall not be sent. The row stays for a while without the event's data, so that the event, should it come again,
 * has no effect. 404 likewise. */
error dead_mail_drop(struct call *call, struct db *db, int64_t id);
