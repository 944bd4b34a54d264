/* Orders belong to somebody, which their path does not tell: so their rows are for every user who is logged in, and
 * the handlers find out whose they are. The order service asks the same question where it can see the identity,
 * in the same process; on the wire a command says on whose behalf it is, and what a query gives is checked here. */
#include "apps/api-gateway/api_gateway.h"
#include "apps/api-gateway/routes.h"
#include "contracts/order.h"
#include "contracts/user.h"

static error create(struct call *call, struct exchange *exchange);
static error list(struct call *call, struct exchange *exchange);
static error find(struct call *call, struct exchange *exchange);
static error history(struct call *call, struct exchange *exchange);
static error pay(struct call *call, struct exchange *exchange);
static error cancel(struct call *call, struct exchange *exchange);
static error change_status(struct call *call, struct exchange *exchange);

/* Query of GET /orders/:id. */
struct version_query {
    int64_t version; /* 0: the newest */
};

static SCHEMA(version_query,
              FIELD(version, RULES(IS_INT, AT_LEAST(1)), .optional = true,
                    .doc = "the order as it was after that many events"));

/* clang-format off */
const struct route order_routes[] = {
    { HTTP_POST, "/orders", ACCESS_AUTHENTICATED, .handle = create,
      .body = create_order_schema, .reply = order_schema, .status = 201,
      .tag = "Orders", .summary = "Order something; the header Idempotency-Key makes a retry safe",
      .name = "OrdersController_create" },
    { HTTP_GET, "/orders", ACCESS_AUTHENTICATED, .handle = list,
      .query = orders_query_schema, .reply = order_page_schema,
      .tag = "Orders", .summary = "One's own orders, newest first; for an admin everybody's",
      .name = "OrdersController_findAll" },
    { HTTP_GET, "/orders/:id", ACCESS_AUTHENTICATED, .handle = find,
      .payload = order_id_schema, .query = version_query_schema, .reply = order_schema,
      .tag = "Orders", .summary = "One order, now or as it was", .name = "OrdersController_findOne" },
    { HTTP_GET, "/orders/:id/events", ACCESS_AUTHENTICATED, .handle = history,
      .payload = order_id_schema, .reply = order_history_schema,
      .tag = "Orders", .summary = "All that happened to an order, oldest first",
      .name = "OrdersController_history" },
    { HTTP_POST, "/orders/:id/payments", ACCESS_AUTHENTICATED, .handle = pay,
      .payload = order_id_schema, .body = create_payment_schema, .reply = payment_schema, .status = 201,
      .tag = "Orders", .summary = "Pay one's own order; the header Idempotency-Key makes a retry safe",
      .name = "OrdersController_pay" },
    { HTTP_POST, "/orders/:id/cancel", ACCESS_AUTHENTICATED, .handle = cancel,
      .payload = order_id_schema, .reply = order_schema,
      .tag = "Orders", .summary = "Cancel an order that is PENDING or PAID",
      .name = "OrdersController_cancel" },
    { HTTP_PUT, "/orders/:id/status", ACCESS_ADMIN, .handle = change_status,
      .payload = order_id_schema, .body = order_status_body_schema, .reply = order_schema,
      .tag = "Orders", .summary = "Take the next step of an order",
      .name = "OrdersController_updateStatus" },
    { 0 },
};
/* clang-format on */

static const struct error BAD_KEY =
    ERROR(400, "Idempotency-Key must be 1 to 255 visible ASCII characters");

/* The Idempotency-Key; at == NULL when the request has none. */
static error key_of(const struct http_request *request, str *out)
{
    str key = http_header(request, STR("idempotency-key"));

    if (!key.at)
        return *out = key, NULL;
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX)
        return &BAD_KEY;
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] < '!' || key.at[i] > '~')
            return &BAD_KEY;
    *out = key;
    return NULL;
}

static void mark_replay(struct http_response *response, json_text replayed)
{
    if (replayed.text.at)
        http_add_header(response, STR("Idempotency-Replayed"), STR("true"));
}

static error reply_order(struct call *call, struct exchange *exchange, const struct order *order)
{
    return service_reply(call, exchange->response, 200, IN(order, order));
}

static error own(const struct call *call, const struct order *order)
{
    bool mine = uuid_eq(order->user_id, call->identity->user);

    return mine || service_has_role(call, ROLE_ADMIN) ? NULL : &SERVICE_FORBIDDEN;
}

/* The order that the path names, if it may be shown to who asks. */
static error find_own(struct call *call, const struct exchange *exchange, struct order *out)
{
    struct order_id in;
    struct order order;

    TRY(service_uuid(exchange->request, "id", &in.id));
    TRY(gateway_send(call, "order.findById", IN(order_id, &in), OUT(order, &order)));
    TRY(own(call, &order));
    *out = order;
    return NULL;
}

/* --- commands ------------------------------------------------------------------------------------ */

static error create(struct call *call, struct exchange *exchange)
{
    struct create_order body;
    struct new_order in;
    struct order_answer answer;

    TRY(schema_read(create_order_schema(), call->arena, exchange->body, SCHEMA_REFUSE, &body));
    in = (struct new_order){ .items = body.items,
                             .shipping_address = body.shipping_address,
                             .payment_method = body.payment_method,
                             .user_id = call->identity->user };
    TRY(key_of(exchange->request, &in.idempotency_key));
    TRY(gateway_send(call, "order.create", IN(new_order, &in), OUT(order_answer, &answer)));
    mark_replay(exchange->response, answer.replayed);
    return service_reply(call, exchange->response, 201, IN(order, &answer.order));
}

static error pay(struct call *call, struct exchange *exchange)
{
    struct create_payment body;
    struct process_payment in = { .user_id = call->identity->user };
    struct payment_answer answer;

    TRY(service_uuid(exchange->request, "id", &in.order_id));
    TRY(schema_read(create_payment_schema(), call->arena, exchange->body, SCHEMA_REFUSE, &body));
    in.payment_token = body.payment_token;
    TRY(key_of(exchange->request, &in.idempotency_key));
    TRY(gateway_send(call, "order.processPayment", IN(process_payment, &in),
                     OUT(payment_answer, &answer)));
    mark_replay(exchange->response, answer.replayed);
    return service_reply(call, exchange->response, 201, IN(payment, &answer.payment));
}

static error cancel(struct call *call, struct exchange *exchange)
{
    struct order_command in = { .user_id = call->identity->user,
                                .is_admin = service_has_role(call, ROLE_ADMIN) };
    struct order order;

    TRY(service_uuid(exchange->request, "id", &in.id));
    TRY(gateway_send(call, "order.cancel", IN(order_command, &in), OUT(order, &order)));
    return reply_order(call, exchange, &order);
}

static error change_status(struct call *call, struct exchange *exchange)
{
    struct order_status_body body;
    struct update_order_status in = { .user_id = call->identity->user };
    struct order order;

    TRY(service_uuid(exchange->request, "id", &in.id));
    TRY(schema_read(order_status_body_schema(), call->arena, exchange->body, SCHEMA_REFUSE, &body));
    in.status = body.status;
    TRY(gateway_send(call, "order.updateStatus", IN(update_order_status, &in), OUT(order, &order)));
    return reply_order(call, exchange, &order);
}

/* --- queries ------------------------------------------------------------------------------------- */

static error send_list(struct call *call, const struct orders_query *query, struct order_page *out)
{
    const struct user_orders_query of_user = { .user_id = call->identity->user,
                                               .limit = query->limit,
                                               .cursor = query->cursor,
                                               .status = query->status };

    if (service_has_role(call, ROLE_ADMIN))
        return gateway_send(call, "order.findAll", IN(orders_query, query), OUT(order_page, out));
    return gateway_send(call, "order.findByUser", IN(user_orders_query, &of_user),
                        OUT(order_page, out));
}

static error list(struct call *call, struct exchange *exchange)
{
    struct orders_query query;
    struct order_page page;

    TRY(service_query(call, exchange->request, OUT(orders_query, &query)));
    TRY(send_list(call, &query, &page));
    return service_reply(call, exchange->response, 200, IN(order_page, &page));
}

static error find(struct call *call, struct exchange *exchange)
{
    struct version_query query;
    struct order order;
    uuid id;

    TRY(service_uuid(exchange->request, "id", &id));
    TRY(service_query(call, exchange->request, OUT(version_query, &query)));
    TRY(find_own(call, exchange, &order));
    const struct order_at at = { order.id, query.version };

    if (query.version)
        TRY(gateway_send(call, "order.findVersion", IN(order_at, &at), OUT(order, &order)));
    return reply_order(call, exchange, &order);
}

static error history(struct call *call, struct exchange *exchange)
{
    struct order order;
    struct order_history events;

    TRY(find_own(call, exchange, &order));
    TRY(gateway_send(call, "order.history", IN(order_id, &(struct order_id){ order.id }),
                     OUT(order_history, &events)));
    return service_reply(call, exchange->response, 200, IN(order_history, &events));
}
