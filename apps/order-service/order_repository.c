#include "apps/order-service/order_repository.h"
#include "apps/order-service/order.h"
#include "database/cursor.h"

const struct error ORDER_NOT_FOUND = ERROR(404, "Order not found");

static const struct error BAD_CURSOR =
    ERROR(400, "cursor must be the nextCursor of an earlier page");

#define ORDER_COLUMNS                                                                          \
    "id, user_id, items, total, currency, shipping_address, payment_method, status, version, " \
    "created_at, updated_at"

/* --- the projection ------------------------------------------------------------------------------ */

#define ORDER_ROWS(ON)                                             \
    ON("order.created", insert_order, order_created)               \
    ON("order.statusChanged", change_status, order_status_changed) \
    ON("payment.processed", note_payment, payment_processed)

PROJECTION(order_projection, "orders", &order_aggregate, ORDER_ROWS, { "orders", "id" });

/* What an event of an existing order changes in its row. */
struct order_change {
    uuid id;
    unsigned status;
    int64_t version;
    timestamp updated_at;
};

static SCHEMA(order_change,
              FIELD(id),
              FIELD(status, .names = order_status_names, .optional = true),
              FIELD(version),
              FIELD(updated_at));

static error insert_order(struct db_unit *unit, const struct recorded *event,
                          const struct order_created *data)
{
    const struct order row = order_begin(data, event->version);

    return db_unit_run(unit, IN(order, &row),
                       "INSERT INTO orders (" ORDER_COLUMNS
                       ") VALUES (:id, :user_id, :items, :total,"
                       " :currency, :shipping_address, :payment_method, :status, :version,"
                       " :created_at, :updated_at)");
}

static error change_status(struct db_unit *unit, const struct recorded *event,
                           const struct order_status_changed *data)
{
    const struct order_change change = { event->stream_id, data->new_status, event->version,
                                         data->changed_at };

    return db_unit_run(unit, IN(order_change, &change),
                       "UPDATE orders SET status = :status, version = :version,"
                       " updated_at = :updated_at WHERE id = :id");
}

static error note_payment(struct db_unit *unit, const struct recorded *event,
                          const struct payment_processed *data)
{
    const struct order_change change = { .id = event->stream_id,
                                         .version = event->version,
                                         .updated_at = data->processed_at };

    return db_unit_run(unit, IN(order_change, &change),
                       "UPDATE orders SET version = :version, updated_at = :updated_at"
                       " WHERE id = :id");
}

/* --- one order ----------------------------------------------------------------------------------- */

static const char find_sql[] = "SELECT " ORDER_COLUMNS " FROM orders WHERE id = :id";

static error found(error e)
{
    return e == &DB_NO_ROW ? &ORDER_NOT_FOUND : e;
}

error order_find(struct call *call, struct db *db, uuid id, struct order *out)
{
    return found(
        db_one(call, db, IN(order_id, &(struct order_id){ id }), OUT(order, out), find_sql));
}

error order_find_in(struct db_unit *unit, uuid id, struct order *out)
{
    return found(
        db_unit_one(unit, IN(order_id, &(struct order_id){ id }), OUT(order, out), find_sql));
}

/* --- pages --------------------------------------------------------------------------------------- */

/* What a page begins after, how much is asked of it and of whom. */
struct order_position {
    uuid user_id;
    unsigned status;
    timestamp created_at;
    uuid id;
    int64_t limit;
};

static SCHEMA(order_position,
              FIELD(user_id, .optional = true),
              FIELD(status, .names = order_status_names, .optional = true),
              FIELD(created_at),
              FIELD(id),
              FIELD(limit));

/* One statement for each index that can give the page in its order. */
#define PAGE(condition)                                     \
    "SELECT " ORDER_COLUMNS " FROM orders WHERE " condition \
    " (created_at, id) < (:created_at, :id) ORDER BY created_at DESC, id DESC LIMIT :limit"

static const char *const PAGES[2][2] = {
    { PAGE(""), PAGE("status = :status AND") },
    { PAGE("user_id = :user_id AND"), PAGE("user_id = :user_id AND +status = :status AND") },
};

/* One row more than asked for tells whether there is another page. */
static error list_page(struct call *call, struct db *db, const char *sql,
                       const struct order_position *from, struct order_page *out)
{
    struct order_page page = { 0 };

    TRY(db_all(call, db, IN(order_position, from), ROWS(order, &page.items.at, &page.items.len),
               sql));
    if ((int64_t)page.items.len == from->limit) {
        page.items.len--;
        const struct order *last = &page.items.at[page.items.len - 1];

        TRY(db_cursor_print(call->arena, &(struct db_cursor){ last->created_at, last->id },
                            &page.next_cursor));
    }
    *out = page;
    return NULL;
}

static error begin_after(str cursor, struct order_position *position)
{
    struct db_cursor from = { .created_at = { INT64_MAX } };

    if (cursor.at && !db_cursor_parse(cursor, &from))
        return &BAD_CURSOR;
    position->created_at = from.created_at;
    position->id = from.id;
    return NULL;
}

error order_list_of_user(struct call *call, struct db *db, const struct user_orders_query *query,
                         struct order_page *out)
{
    struct order_position from = { .user_id = query->user_id,
                                   .status = query->status,
                                   .limit = query->limit + 1 };

    TRY(begin_after(query->cursor, &from));
    return list_page(call, db, PAGES[1][query->status != ORDER_ANY], &from, out);
}

error order_list(struct call *call, struct db *db, const struct orders_query *query,
                 struct order_page *out)
{
    struct order_position from = { .status = query->status, .limit = query->limit + 1 };

    TRY(begin_after(query->cursor, &from));
    return list_page(call, db, PAGES[0][query->status != ORDER_ANY], &from, out);
}
