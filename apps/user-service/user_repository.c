#include "apps/user-service/user_repository.h"
#include "base/hex.h"
#include "runtime/clock.h"

#include <string.h>

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

error user_remove(struct call *call, struct db *db, const struct user_id *id)
{
    struct user_id removed;

    return found(db_write_one(call, db, IN(user_id, id), OUT(user_id, &removed),
                              "DELETE FROM users WHERE id = :id RETURNING id"));
}

/* --- pages --------------------------------------------------------------------------------------- */

/* Where a page ends: its last row. As a cursor: base64url of the time and the id. */
struct user_position {
    timestamp created_at;
    uuid id;
    int64_t limit;
};

SCHEMA(user_position, FIELD(created_at), FIELD(id), FIELD(limit));

enum { POSITION_BYTES = 8 + 16 };

static bool read_cursor(str cursor, struct user_position *out)
{
    uint8_t bytes[POSITION_BYTES + 2];
    size_t len;

    if (cursor.len != base64url_len(POSITION_BYTES) || !base64url_decode(cursor, bytes, &len))
        return false;
    memcpy(&out->created_at.ms, bytes, 8);
    memcpy(out->id.bytes, bytes + 8, 16);
    return true;
}

static error write_cursor(struct arena *arena, const struct user *last, str *out)
{
    uint8_t bytes[POSITION_BYTES];
    size_t len = base64url_len(POSITION_BYTES);
    char *text = arena_alloc(arena, len);

    if (!text)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(bytes, &last->created_at.ms, 8);
    memcpy(bytes + 8, last->id.bytes, 16);
    base64url_encode(bytes, POSITION_BYTES, text);
    *out = (str){ text, len };
    return NULL;
}

/* One row more than asked for tells whether there is another page. */
error user_list(struct call *call, struct db *db, const struct user_page_query *query,
                struct user_page *out)
{
    struct user_position from = { .created_at = { INT64_MAX }, .limit = query->limit + 1 };

    if (query->cursor.at && !read_cursor(query->cursor, &from))
        return &BAD_CURSOR;
    *out = (struct user_page){ 0 };
    TRY(db_all(call, db, IN(user_position, &from), ROWS(user, &out->items.at, &out->items.len),
               "SELECT " USER_COLUMNS " FROM users WHERE (created_at, id) < (:created_at, :id)"
               " ORDER BY created_at DESC, id DESC LIMIT :limit"));
    if ((int64_t)out->items.len <= query->limit)
        return NULL;
    out->items.len--;
    return write_cursor(call->arena, &out->items.at[out->items.len - 1], &out->next_cursor);
}
