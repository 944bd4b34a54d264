/* The orders as they are now: the projection of their events, and the queries on it. */
#pragma once

#include "contracts/order.h"
#include "database/database.h"
#include "events/events.h"

extern const struct error ORDER_NOT_FOUND; /* 404 */

extern const struct projection order_projection;

error order_find(struct call *call, struct db *db, uuid id, struct order *out);

/* In a unit of work: as the events appended before left it. */
error order_find_in(struct db_unit *unit, uuid id, struct order *out);

/* A page of one user's orders, or of all; newest first, of one status unless it is ORDER_ANY. 400 when the cursor
 * was not made by an earlier page. */
error order_list_of_user(struct call *call, struct db *db, const struct user_orders_query *query,
                         struct order_page *out);
error order_list(struct call *call, struct db *db, const struct orders_query *query,
                 struct order_page *out);
