/* The user service's store. Every function runs as one statement or one transaction. */
#pragma once

#include "contracts/order.h"
#include "contracts/user.h"
#include "database/database.h"
#include "events/events.h"

/* A user as it is stored. */
struct user_row {
    uuid id;
    str email, name, password_hash;
    bool is_active;
    strs roles;
    struct profile *profile;
    timestamp created_at, updated_at;
};

const struct schema *user_row_schema(void);

extern const struct error USER_NOT_FOUND; /* 404 */
extern const struct error EMAIL_TAKEN;    /* 409 */

error user_insert(struct call *call, struct db *db, const struct user_row *row, struct user *out);
error user_find(struct call *call, struct db *db, const struct user_id *id, struct user *out);
error user_find_details(struct call *call, struct db *db, const struct user_id *id,
                        struct user_details *out);
error user_find_by_email(struct call *call, struct db *db, const struct user_email *email,
                         struct user *out);

/* With the password's hash: for checking credentials only. */
error user_find_row_by_email(struct call *call, struct db *db, const struct user_email *email,
                             struct user_row *out);

/* Writes the given fields of `changes`; `password_hash` stands for the given password. */
error user_change(struct call *call, struct db *db, const struct change_user *change,
                  str password_hash, struct user *out);

error user_remove(struct call *call, struct db *db, const struct user_id *id);

/* A page of users, newest first. 400 when the cursor was not made by an earlier page. */
error user_list(struct call *call, struct db *db, const struct user_page_query *query,
                struct user_page *out);

/* The orders among a user's details, as their events tell of them. An event that comes again changes nothing, nor does an
 * older one than the last that counted; unless it comes because the orders are written anew (`event->again`). A change of
 * an order that has not been heard of is a 409, to be tried again. An order that names no time was created when its event
 * was recorded. */
error user_order_add(struct call *call, struct db *db, const struct recorded *event,
                     const struct order_created *created);
error user_order_change(struct call *call, struct db *db, const struct recorded *event,
                        const struct order_status_changed *changed);
