#include "testing/account.h"

#include <string.h>

extern const struct embedded_file order_service_migrations[];
extern const struct embedded_file user_service_migrations[];

SCHEMA(testing_opened_1, FIELD(first_name), FIELD(last_name));
SCHEMA(testing_opened, FIELD(owner));
SCHEMA(testing_moved, FIELD(amount), FIELD(note, .optional = true));

#define ACCOUNT_EVENTS(ON, ...)                                     \
    ON("account.opened", testing_opened, apply_opened, __VA_ARGS__) \
    ON("account.moved", testing_moved, apply_moved, __VA_ARGS__)
#define ACCOUNT_UPCASTS(ON) ON("account.opened", 1, testing_opened_1, testing_opened, upcast_opened)
AGGREGATE_WITH_UPCASTS(testing_account, ACCOUNT_EVENTS, ACCOUNT_UPCASTS);

#define ACCOUNT_ROWS(ON)                                 \
    ON("account.opened", insert_account, testing_opened) \
    ON("account.moved", move_money, testing_moved)
PROJECTION(testing_accounts, "accounts", &testing_account_aggregate, ACCOUNT_ROWS,
           { "accounts", "id" }, { "movements", "account_id" });

static void apply_opened(struct testing_account *state, const struct testing_opened *data,
                         const struct recorded *event)
{
    state->owner = data->owner;
    state->updated_at = event->recorded_at;
}

static void apply_moved(struct testing_account *state, const struct testing_moved *data,
                        const struct recorded *event)
{
    state->balance += data->amount;
    state->movements++;
    state->updated_at = event->recorded_at;
}

static error upcast_opened(struct arena *arena, const struct testing_opened_1 *old,
                           struct testing_opened *next)
{
    next->owner =
        arena_printf(arena, "%.*s %.*s", STR_ARG(old->first_name), STR_ARG(old->last_name));
    return next->owner.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

struct account_row {
    uuid id;
    str owner;
    int64_t version, amount;
};
static SCHEMA(account_row, FIELD(id), FIELD(owner), FIELD(version), FIELD(amount));

static error insert_account(struct db_unit *unit, const struct recorded *event,
                            const struct testing_opened *data)
{
    struct account_row row = { .id = event->stream_id,
                               .owner = data->owner,
                               .version = event->version };

    return db_unit_run(unit, IN(account_row, &row),
                       "INSERT INTO accounts VALUES (:id, :owner, 0, :version)");
}

static error move_money(struct db_unit *unit, const struct recorded *event,
                        const struct testing_moved *data)
{
    struct account_row row = { .id = event->stream_id,
                               .version = event->version,
                               .amount = data->amount };

    TRY(db_unit_run(unit, IN(account_row, &row),
                    "INSERT INTO movements VALUES (:id, :version, :amount)"));
    return db_unit_run(unit, IN(account_row, &row),
                       "UPDATE accounts SET balance = balance + :amount, version = :version"
                       " WHERE id = :id");
}

static const char accounts_sql[] =
    "CREATE TABLE accounts (id TEXT PRIMARY KEY, owner TEXT NOT NULL,"
    " balance INTEGER NOT NULL CHECK (balance >= 0), version INTEGER NOT NULL) STRICT;"
    "CREATE TABLE movements (account_id TEXT NOT NULL REFERENCES accounts, version INTEGER,"
    " amount INTEGER NOT NULL, PRIMARY KEY (account_id, version)) STRICT;"
    "CREATE TABLE effects (event_id TEXT NOT NULL, amount INTEGER NOT NULL) STRICT;";

static struct embedded_file migration_named(const struct embedded_file *files, const char *name)
{
    while (files->name && strcmp(files->name, name) != 0)
        files++;
    return *files;
}

error testing_migrate_accounts(struct call *call, struct db *db)
{
    const struct embedded_file migrations[] = {
        migration_named(order_service_migrations, "001_events.sql"),
        migration_named(user_service_migrations, "002_inbox.sql"),
        { "accounts.sql", (const unsigned char *)accounts_sql, sizeof accounts_sql - 1 },
        { 0 },
    };

    return db_migrate(call, db, migrations);
}

error testing_open_accounts(struct call *call, struct db *db, struct events **out)
{
    static const struct aggregate *const aggregates[] = { &testing_account_aggregate, NULL };
    static const struct projection *const projections[] = { &testing_accounts, NULL };
    const struct events_options options = { db, aggregates, projections };

    TRY(testing_migrate_accounts(call, db));
    return events_open(call->arena, &options, out);
}
