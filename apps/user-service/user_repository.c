#include "apps/user-service/user_repository.h"
#include "database/cursor.h"
#include "events/events.h"
#include "runtime/clock.h"

const struct error USER_NOT_FOUND = ERROR(404, "User not found");
const struct error EMAIL_TAKEN = ERROR(409, "User with this email already exists");

static const struct error BAD_CURSOR =
    ERROR(400, "cursor must be the nextCursor of an earlier page");

#define USER_COLUMNS "id, email, name, is_active, roles, profile, created_at, updated_at"
#define NEWEST_ORDERS "20"

SCHEMA(user_row,
       FIELD(id),
       FIELD(email),
       FIELD(name),
       FIELD(password_hash, .secret = true),
       FIELD(is_active),
       FIELD(roles),
       FIELD(profile, .of = profile_schema, .optional = true),
       FIELD(created_at),
       FIELD(updated_at));

/* What db_one answers for no row, in this service's words. */
static error found(error e)
{
    return e == &DB_NO_ROW ? &USER_NOT_FOUND : e;
}

error user_insert(struct call *call, struct db *db, const struct user_row *row, struct user *out)
{
    error e = db_write_one(call, db, IN(user_row, row), OUT(user, out),
                           "INSERT INTO users (id, email, name, password_hash, is_active, roles,"
                           " profile, created_at, updated_at)"
                           " VALUES (:id, :email, :name, :password_hash, :is_active, :roles,"
                           " :profile, :created_at, :updated_at) RETURNING " USER_COLUMNS);

    return db_rename_conflict(e, "users_email_key", &EMAIL_TAKEN);
}

error user_find(struct call *call, struct db *db, const struct user_id *id, struct user *out)
{
    return found(db_one(call, db, IN(user_id, id), OUT(user, out),
                        "SELECT " USER_COLUMNS " FROM users WHERE id = :id"));
}

error user_find_details(struct call *call, struct db *db, const struct user_id *id,
                        struct user_details *out)
{
    TRY(found(db_one(call, db, IN(user_id, id), OUT(user_details, out),
                     "SELECT " USER_COLUMNS " FROM users WHERE id = :id")));
    return db_all(call, db, IN(user_id, id), ROWS(order_summary, &out->orders.at, &out->orders.len),
                  "SELECT id, total, currency, status, created_at FROM user_orders"
                  " WHERE user_id = :id ORDER BY created_at DESC, id DESC LIMIT " NEWEST_ORDERS);
}

error user_find_by_email(struct call *call, struct db *db, const struct user_email *email,
                         struct user *out)
{
    return found(db_one(call, db, IN(user_email, email), OUT(user, out),
                        "SELECT " USER_COLUMNS " FROM users WHERE email = :email"));
}

error user_find_row_by_email(struct call *call, struct db *db, const struct user_email *email,
                             struct user_row *out)
{
    return found(db_one(call, db, IN(user_email, email), OUT(user_row, out),
                        "SELECT " USER_COLUMNS ", password_hash FROM users WHERE email = :email"));
}

/* --- changing ------------------------------------------------------------------------------------ */

struct change_job {
    const struct change_user *change;
    str password_hash;
    struct user *out;
};

static bool given(const struct update_user *changes, const char *member)
{
    return changes->given & schema_bit(update_user_schema(), member);
}

static void apply(const struct update_user *changes, str password_hash, struct user_row *row)
{
    if (given(changes, "email"))
        row->email = changes->email;
    if (given(changes, "password"))
        row->password_hash = password_hash;
    if (given(changes, "name"))
        row->name = changes->name;
    if (given(changes, "profile"))
        row->profile = changes->profile;
    if (given(changes, "is_active"))
        row->is_active = changes->is_active;
    if (given(changes, "roles"))
        row->roles = changes->roles;
}

static error change_in_unit(struct db_unit *unit, void *argument)
{
    struct change_job *job = argument;
    const struct update_user *changes = job->change->update_user_dto;
    struct user_id id = { job->change->id };
    struct user_row row;

    TRY(db_unit_one(unit, IN(user_id, &id), OUT(user_row, &row),
                    "SELECT " USER_COLUMNS ", password_hash FROM users WHERE id = :id"));
    apply(changes, job->password_hash, &row);
    if (changes->given)
        row.updated_at = clock_now();
    return db_unit_one(unit, IN(user_row, &row), OUT(user, job->out),
                       "UPDATE users SET email = :email, name = :name,"
                       " password_hash = :password_hash, is_active = :is_active, roles = :roles,"
                       " profile = :profile, updated_at = :updated_at"
                       " WHERE id = :id RETURNING " USER_COLUMNS);
}

error user_change(struct call *call, struct db *db, const struct change_user *change,
                  str password_hash, struct user *out)
{
    struct change_job job = { change, password_hash, out };
    error e = db_transaction(call, db, change_in_unit, &job);

    return db_rename_conflict(found(e), "users_email_key", &EMAIL_TAKEN);
}

static error remove_in_unit(struct db_unit *unit, void *argument)
{
    const struct user_id *id = argument;
    struct user_id removed;

    TRY(db_unit_one(unit, IN(user_id, id), OUT(user_id, &removed),
                    "DELETE FROM users WHERE id = :id RETURNING id"));
    return db_unit_run(unit, IN(user_id, id), "DELETE FROM user_orders WHERE user_id = :id");
}

error user_remove(struct call *call, struct db *db, const struct user_id *id)
{
    struct user_id removed = *id;

    return found(db_transaction(call, db, remove_in_unit, &removed));
}

/* --- orders -------------------------------------------------------------------------------------- */

#define INBOX "orders"

static const struct error NOT_HEARD_OF = ERROR(409, "The order has not been heard of yet");

struct user_order {
    uuid id, user_id;
    money total;
    str currency, status;
    timestamp created_at;
    int64_t version; /* of the last event that counted */
};

static SCHEMA(user_order,
              FIELD(id),
              FIELD(user_id),
              FIELD(total),
              FIELD(currency),
              FIELD(status),
              FIELD(created_at),
              FIELD(version));

struct order_job {
    const struct recorded *event;
    struct user_order row;
};

/* Whether the event has yet to have its effect. */
static error is_news(struct db_unit *unit, const struct recorded *event, bool *news)
{
    *news = true;
    return event->again ? NULL : events_inbox(unit, INBOX, event->id, news);
}

/* Nothing is kept for a user who is gone. */
#define INSERT_ORDER                                                                      \
    "INSERT INTO user_orders (id, user_id, total, currency, status, created_at, version)" \
    " SELECT :id, :user_id, :total, :currency, :status, :created_at, :version"            \
    " WHERE EXISTS (SELECT 1 FROM users WHERE id = :user_id) ON CONFLICT (id) DO "

static error add_in_unit(struct db_unit *unit, void *argument)
{
    const struct order_job *job = argument;
    bool news;

    TRY(is_news(unit, job->event, &news));
    if (!news)
        return NULL;
    if (job->event->again)
        return db_unit_run(unit, IN(user_order, &job->row),
                           INSERT_ORDER "UPDATE SET user_id = :user_id, total = :total,"
                                        " currency = :currency, status = :status,"
                                        " created_at = :created_at, version = :version");
    return db_unit_run(unit, IN(user_order, &job->row), INSERT_ORDER "NOTHING");
}

/* No row has changed: because a later event has had its effect, or the user is gone; or else it is too early. */
static error explain_no_change(struct db_unit *unit, const struct user_order *row)
{
    struct user_id found;
    error none = db_unit_one(unit, IN(user_order, row), OUT(user_id, &found),
                             "SELECT id FROM users WHERE id = :user_id"
                             " AND NOT EXISTS (SELECT 1 FROM user_orders WHERE id = :id)");

    if (none == &DB_NO_ROW)
        return NULL;
    return none ? none : &NOT_HEARD_OF;
}

static error change_order_in_unit(struct db_unit *unit, void *argument)
{
    const struct order_job *job = argument;
    struct user_id changed;
    bool news;

    TRY(is_news(unit, job->event, &news));
    if (!news)
        return NULL;
    error none = db_unit_one(unit, IN(user_order, &job->row), OUT(user_id, &changed),
                             "UPDATE user_orders SET status = :status, version = :version"
                             " WHERE id = :id AND version < :version RETURNING id");

    return none == &DB_NO_ROW ? explain_no_change(unit, &job->row) : none;
}

error user_order_add(struct call *call, struct db *db, const struct recorded *event,
                     const struct order_created *created)
{
    struct order_job job = {
        .event = event,
        .row = {
            .id = created->order_id,
            .user_id = created->user_id,
            .total = created->total,
            .currency = created->currency,
            .status = str_of(order_status_names[ORDER_PENDING]),
            .created_at = created->created_at.ms ? created->created_at : event->recorded_at,
            .version = event->version,
        },
    };

    return db_transaction(call, db, add_in_unit, &job);
}

error user_order_change(struct call *call, struct db *db, const struct recorded *event,
                        const struct order_status_changed *changed)
{
    struct order_job job = {
        .event = event,
        .row = {
            .id = changed->order_id,
            .user_id = changed->user_id,
            .status = str_of(order_status_names[changed->new_status]),
            .version = event->version,
        },
    };

    return db_transaction(call, db, change_order_in_unit, &job);
}

/* --- pages --------------------------------------------------------------------------------------- */

/* What a page begins after, and how much is asked of it. */
struct user_position {
    timestamp created_at;
    uuid id;
    int64_t limit;
};

SCHEMA(user_position, FIELD(created_at), FIELD(id), FIELD(limit));

static error position_of(const struct user_page_query *query, struct user_position *out)
{
    struct db_cursor from = { .created_at = { INT64_MAX } };

    if (query->cursor.at && !db_cursor_parse(query->cursor, &from))
        return &BAD_CURSOR;
    *out = (struct user_position){ from.created_at, from.id, query->limit + 1 };
    return NULL;
}

/* One row more than asked for tells whether there is another page. */
error user_list(struct call *call, struct db *db, const struct user_page_query *query,
                struct user_page *out)
{
    struct user_position from;

    TRY(position_of(query, &from));
    *out = (struct user_page){ 0 };
    TRY(db_all(call, db, IN(user_position, &from), ROWS(user, &out->items.at, &out->items.len),
               "SELECT " USER_COLUMNS " FROM users WHERE (created_at, id) < (:created_at, :id)"
               " ORDER BY created_at DESC, id DESC LIMIT :limit"));
    if ((int64_t)out->items.len <= query->limit)
        return NULL;
    out->items.len--;
    const struct user *last = &out->items.at[out->items.len - 1];

    return db_cursor_print(call->arena, &(struct db_cursor){ last->created_at, last->id },
                           &out->next_cursor);
}
