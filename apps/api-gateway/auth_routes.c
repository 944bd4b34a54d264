#include "apps/api-gateway/api_gateway.h"
#include "contracts/user.h"
#include "apps/api-gateway/routes.h"
#include "runtime/clock.h"

/* What a login answers (RFC 6749 section 5.1). */
struct access_token {
    str access_token, token_type;
    int64_t expires_in;
};

static SCHEMA(access_token,
              FIELD(access_token, .json = "access_token"),
              FIELD(token_type, .json = "token_type", .example = "Bearer"),
              FIELD(expires_in, .json = "expires_in", .doc = "seconds"));

static error login(struct call *call, struct exchange *exchange);
static error me(struct call *call, struct exchange *exchange);

/* clang-format off */
const struct route auth_routes[] = {
    { HTTP_POST, "/auth/login", ACCESS_ANYONE, .handle = login,
      .body = credentials_schema, .reply = access_token_schema,
      .tag = "Auth", .summary = "Log in", .name = "AuthController_login" },
    { HTTP_GET, "/auth/me", ACCESS_AUTHENTICATED, .handle = me, .reply = user_schema,
      .tag = "Auth", .summary = "The user whose token it is", .name = "AuthController_me" },
    { 0 },
};
/* clang-format on */

static error make_token(struct call *call, const struct user *user, struct access_token *out)
{
    const struct gateway_state *self = gateway(call);
    char id[UUID_TEXT];
    int64_t now = clock_now().ms / 1000;
    const struct jwt_claims claims = {
        .sub = { id, UUID_TEXT },
        .email = user->email,
        .roles = user->roles,
        .iat = now,
        .exp = now + self->token_lifetime_s,
    };

    uuid_print(user->id, id);
    out->token_type = STR("Bearer");
    out->expires_in = self->token_lifetime_s;
    return jwt_sign(self->key, call->arena, &claims, &out->access_token);
}

static error login(struct call *call, struct exchange *exchange)
{
    struct credentials in;
    struct user user;
    struct access_token token;

    TRY(schema_read(credentials_schema(), call->arena, exchange->body, SCHEMA_REFUSE, &in));
    TRY(gateway_send(call, "user.validateCredentials", IN(credentials, &in), OUT(user, &user)));
    TRY(make_token(call, &user, &token));
    return service_reply(call, exchange->response, 200, IN(access_token, &token));
}

static error me(struct call *call, struct exchange *exchange)
{
    struct user_id id = { call->identity->user };
    struct user_details details;

    TRY(gateway_send(call, "user.findById", IN(user_id, &id), OUT(user_details, &details)));
    struct user user = {
        .id = details.id,
        .email = details.email,
        .name = details.name,
        .is_active = details.is_active,
        .roles = details.roles,
        .profile = details.profile,
        .created_at = details.created_at,
        .updated_at = details.updated_at,
    };

    return service_reply(call, exchange->response, 200, IN(user, &user));
}
