#include "apps/api-gateway/api_gateway.h"
#include "contracts/user.h"
#include "apps/api-gateway/routes.h"

static error list(struct call *call, struct exchange *exchange);
static error change(struct call *call, struct exchange *exchange);

/* Query of GET /users: one user by e-mail, or a page. */
struct users_query {
    str email;
    int64_t limit;
    str cursor;
};

static SCHEMA(users_query,
              FIELD(email, RULES(IS_STRING), .optional = true,
                    .doc = "answer this one user instead of a page"),
              FIELD(limit, RULES(IS_INT, AT_LEAST(1), AT_MOST(USER_PAGE_MAX)), .fallback = "20"),
              FIELD(cursor, RULES(IS_STRING), .optional = true,
                    .doc = "nextCursor of the page before"));

/* clang-format off */
const struct route user_routes[] = {
    { HTTP_POST, "/users", ACCESS_ANYONE, "user.create",
      .body = create_user_schema, .reply = user_schema, .status = 201,
      .tag = "Users", .summary = "Register", .name = "UsersController_create" },
    { HTTP_GET, "/users", ACCESS_ADMIN, .handle = list,
      .query = users_query_schema, .reply = user_page_schema,
      .tag = "Users", .summary = "Users, newest first", .name = "UsersController_findAll" },
    { HTTP_GET, "/users/:id", ACCESS_SELF_OR_ADMIN, "user.findById",
      .payload = user_id_schema, .reply = user_details_schema,
      .tag = "Users", .summary = "One user with the newest orders", .name = "UsersController_findOne" },
    { HTTP_PUT, "/users/:id", ACCESS_SELF_OR_ADMIN, .handle = change,
      .payload = change_user_schema, .body = update_user_schema, .reply = user_schema,
      .tag = "Users", .summary = "Change some fields", .name = "UsersController_update" },
    { HTTP_DELETE, "/users/:id", ACCESS_SELF_OR_ADMIN, "user.delete",
      .payload = user_id_schema, .status = 204,
      .tag = "Users", .summary = "Delete the account", .name = "UsersController_remove" },
    { 0 },
};
/* clang-format on */

static error find_by_email(struct call *call, struct exchange *exchange, str email)
{
    struct user_email in = { email };
    struct user user;

    TRY(gateway_send(call, "user.findByEmail", IN(user_email, &in), OUT(user, &user)));
    return service_reply(call, exchange->response, 200, IN(user, &user));
}

static error list(struct call *call, struct exchange *exchange)
{
    struct users_query query;
    struct user_page page;

    TRY(service_query(call, exchange->request, OUT(users_query, &query)));
    if (query.email.at)
        return find_by_email(call, exchange, query.email);
    struct user_page_query in = { query.limit, query.cursor };

    TRY(gateway_send(call, "user.findAll", IN(user_page_query, &in), OUT(user_page, &page)));
    return service_reply(call, exchange->response, 200, IN(user_page, &page));
}

/* Roles and activity are an administrator's to change. */
static bool needs_admin(const struct update_user *changes)
{
    const struct schema *schema = update_user_schema();

    return changes->given & (schema_bit(schema, "roles") | schema_bit(schema, "is_active"));
}

static error change(struct call *call, struct exchange *exchange)
{
    struct update_user changes;
    struct change_user in = { .update_user_dto = &changes };
    struct user user;

    uuid_parse(http_param(exchange->request, STR("id")), &in.id);
    TRY(schema_read(update_user_schema(), call->arena, exchange->body, SCHEMA_REFUSE, &changes));
    if (needs_admin(&changes) && !service_has_role(call, ROLE_ADMIN))
        return &SERVICE_FORBIDDEN;
    TRY(gateway_send(call, "user.update", IN(change_user, &in), OUT(user, &user)));
    return service_reply(call, exchange->response, 200, IN(user, &user));
}
