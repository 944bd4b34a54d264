/* Whether status and money agree. The order's row is the replay of its events when events_verify says so; here it is
 * held against what was asked of the payment provider. */
#include "apps/order-service/payments.h"

struct disagreement {
    uuid order_id;
};

static SCHEMA(disagreement, FIELD(order_id));

struct invariant {
    const char *text; /* what is wrong with the orders that `sql` gives */
    const char *sql;
};

#define CHARGED                                                         \
    "(SELECT count(*) FROM provider_requests r WHERE r.order_id = o.id" \
    " AND r.kind = 'charge' AND r.state = 'accepted')"
#define LIMIT " LIMIT 1000"

static const struct invariant INVARIANTS[] = {
    { "was paid for, but is PENDING",
      "SELECT o.id AS order_id FROM orders o WHERE o.status = 'PENDING' AND " CHARGED
      " > 0" LIMIT },
    { "was paid for more than once",
      "SELECT o.id AS order_id FROM orders o WHERE " CHARGED " > 1" LIMIT },
    { "was paid for and cancelled, but its payment is not given back",
      "SELECT o.id AS order_id FROM orders o JOIN provider_requests c ON c.order_id = o.id"
      " WHERE o.status = 'CANCELLED' AND c.kind = 'charge' AND c.state = 'accepted' AND NOT EXISTS"
      " (SELECT 1 FROM provider_requests r WHERE r.kind = 'refund' AND r.charge_id = c.id)" LIMIT },
    { "has a payment that was settled without a payment.processed, or the other way round",
      "SELECT o.id AS order_id FROM orders o WHERE"
      " (SELECT count(*) FROM provider_requests r WHERE r.order_id = o.id AND r.kind = 'charge'"
      " AND r.state <> 'pending') <> (SELECT count(*) FROM events e WHERE e.stream_id = o.id"
      " AND e.type = 'payment.processed')" LIMIT },
    { "has a payment that was asked for but no events",
      "SELECT order_id FROM provider_requests r WHERE NOT EXISTS"
      " (SELECT 1 FROM orders o WHERE o.id = r.order_id)" LIMIT },
};

enum { INVARIANT_COUNT = sizeof INVARIANTS / sizeof INVARIANTS[0] };

struct search {
    const struct invariant *invariant;
    struct disagreement *found;
    size_t count;
};

/* In a unit of work: a read outside of one may not take long. */
static error search_in_unit(struct db_unit *unit, void *argument)
{
    struct search *search = argument;

    return db_unit_all(unit, NO_INPUT, ROWS(disagreement, &search->found, &search->count),
                       search->invariant->sql);
}

error payments_verify(struct call *call, struct db *db,
                      void (*report)(void *cookie, const char *problem), void *cookie)
{
    for (size_t i = 0; i < INVARIANT_COUNT; i++) {
        struct search search = { .invariant = &INVARIANTS[i] };

        TRY(db_transaction(call, db, search_in_unit, &search));
        for (size_t k = 0; k < search.count; k++) {
            char id[UUID_TEXT];

            uuid_print(search.found[k].order_id, id);
            str text =
                arena_printf(call->arena, "order %.*s %s", UUID_TEXT, id, search.invariant->text);

            if (!text.at)
                return &ERROR_OUT_OF_MEMORY;
            report(cookie, text.at);
        }
    }
    return NULL;
}
