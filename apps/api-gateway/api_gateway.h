/* The API gateway: HTTP in, messages out. */
#pragma once

#include "auth/jwt.h"
#include "service/service.h"

extern const struct service api_gateway;

/* What its API document shows; also for `cuib openapi`. */
extern const struct openapi_info api_gateway_openapi;

/* What the gateway holds while it runs. */
struct gateway_state {
    struct jwt_key *key;
    int64_t token_lifetime_s;
};

static inline struct gateway_state *gateway(struct call *call)
{
    return service_state(call);
}

/* The bearer strategy: a valid token of a user who still exists and is active. The user is asked for on every
 * request, so that a token dies with its user. Every defect is JWT_UNAUTHORIZED. */
error gateway_authenticate(struct call *call, const struct http_request *request,
                           const struct identity **out);

/* Sends a message to the service that answers its pattern. */
error gateway_send(struct call *call, const char *pattern, struct schema_in in,
                   struct schema_out out);
