/* An aggregate for the tests of the event store: an account that is opened and has money moved. Its projection is
 * two tables, `accounts` (whose balance may not be negative) and `movements`. */
#pragma once

#include "base/embed.h"
#include "events/events.h"

struct testing_account {
    str owner;
    int64_t balance, movements;
    timestamp updated_at;
};

/* "account.opened" in its first shape had two names. */
struct testing_opened_1 {
    str first_name, last_name;
};
struct testing_opened {
    str owner;
};

/* "account.moved" */
struct testing_moved {
    int64_t amount;
    str note; /* at == NULL: none */
};

const struct schema *testing_opened_1_schema(void);
const struct schema *testing_opened_schema(void);
const struct schema *testing_moved_schema(void);

extern const struct aggregate testing_account_aggregate;
extern const struct projection testing_accounts;

/* Tables of the event store, the inbox, the projection, and `effects` (event_id, amount). */
error testing_migrate_accounts(struct call *call, struct db *db);

/* The store with that aggregate and projection. */
error testing_open_accounts(struct call *call, struct db *db, struct events **out);
