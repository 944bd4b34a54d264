#include "apps/api-gateway/api_gateway.h"
#include "contracts/user.h"
#include "runtime/clock.h"

static error find_user(struct call *call, const struct jwt_claims *claims, struct user *out)
{
    struct user_id id;

    if (!uuid_parse(claims->sub, &id.id))
        return &JWT_UNAUTHORIZED;
    error failed = gateway_send(call, "user.findById", IN(user_id, &id), OUT(user, out));

    return failed && failed->status == 404 ? &JWT_UNAUTHORIZED : failed;
}

/* E-mail and roles are those of now, not those of the day on which the token was made. */
error gateway_authenticate(struct call *call, const struct http_request *request,
                           const struct identity **out)
{
    str token = jwt_bearer(http_header(request, STR("authorization")));
    struct jwt_claims claims;
    struct user user;

    if (!token.at)
        return &JWT_UNAUTHORIZED;
    TRY(jwt_verify(gateway(call)->key, call->arena, token, clock_now(), &claims));
    TRY(find_user(call, &claims, &user));
    if (!user.is_active)
        return &JWT_UNAUTHORIZED;
    struct identity *identity = ARENA_NEW(call->arena, struct identity);

    if (!identity)
        return &ERROR_OUT_OF_MEMORY;
    *identity = (struct identity){ user.id, user.email, user.roles };
    *out = identity;
    return NULL;
}
