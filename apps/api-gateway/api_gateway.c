#include "apps/api-gateway/api_gateway.h"
#include "base/hex.h"
#include "apps/api-gateway/routes.h"
#include "runtime/file.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdlib.h>

enum { MADE_SECRET_BYTES = 32 };

struct gateway_settings {
    int64_t gateway_port, user_service_port, order_service_port;
    str user_service_host, order_service_host, frontend_url, jwt_secret, jwt_expires_in;
};

static SCHEMA(gateway_settings,
              FIELD(gateway_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3000",
                    .doc = "port of the gateway"),
              FIELD(user_service_host, .optional = true,
                    .doc = "where the user service is, when not in this process; several separated by commas;"
                           " unset: reached over Redis where REDIS_HOST is set, else on 127.0.0.1"),
              FIELD(user_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3001",
                    .doc = "its port, where USER_SERVICE_HOST names none"),
              FIELD(order_service_host, .fallback = "127.0.0.1",
                    .doc = "where the order service is, when not in this process"),
              FIELD(order_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3002",
                    .doc = "its port, where ORDER_SERVICE_HOST names none"),
              FIELD(frontend_url, .optional = true,
                    .doc = "origin that browsers may call from; unset: no CORS headers"),
              FIELD(jwt_secret, .optional = true, .secret = true,
                    .doc = "key of the tokens, 32 bytes or more; unset: made and kept in CUIB_DATA_DIR"),
              FIELD(jwt_expires_in, .fallback = "1h", .doc = "lifetime of a token: 90s, 15m, 1h, 7d"));

static const struct route *const TABLES[] = { auth_routes, user_routes, order_routes, NULL };

/* What the document shows: those and what every service has. */
static const struct route *const DOCUMENTED[] = {
    auth_routes, user_routes, order_routes, service_health_routes, service_metrics_routes, NULL
};

const struct openapi_info api_gateway_openapi = {
    .title = "Cuib",
    .description = "Users, orders and notifications behind one gateway.",
    .version = CUIB_VERSION,
    .routes = DOCUMENTED,
};

error gateway_send(struct call *call, const char *pattern, struct schema_in in,
                   struct schema_out out)
{
    struct service_instance *self = call->service;
    struct rpc_peer peer = service_peer(self->system, pattern);

    return rpc_send(call, &peer, pattern, in, out);
}

static error make_secret(struct arena *arena, const char *path, str *out)
{
    uint8_t bytes[MADE_SECRET_BYTES];
    char text[2 * MADE_SECRET_BYTES];

    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    *out = arena_copy(arena, (str){ text, sizeof text });
    if (!out->at)
        return &ERROR_OUT_OF_MEMORY;
    log_info("Gateway", "a key for tokens was made and is kept in %s", path);
    return file_write_private(arena, path, *out);
}

/* A key that nobody chose is fine where gateway and users share a process and a data directory; anywhere else
 * two gateways would not accept each other's tokens. */
static error kept_secret(struct system *system, str *out)
{
    const char *directory = system->settings.cuib_data_dir.at;
    str path = arena_printf(system->arena, "%s/jwt-secret", directory);

    if (!service_is_here(system, "user"))
        return error_new(
            system->arena, 500,
            "JWT_SECRET (or JWT_SECRET_FILE) is not set; without it tokens cannot be checked");
    if (!path.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(file_make_directory(system->arena, directory));
    error missing = file_read(system->arena, path.at, JWT_TOKEN_MAX, out);

    return missing && missing->status == 404 ? make_secret(system->arena, path.at, out) : missing;
}

/* What may be asked twice without harm. */
static const char *const IDEMPOTENT[] = {
    "user.findById",  "user.findByEmail", "user.findAll",
    "order.findById", "order.findByUser", "order.findVersion",
    "order.findAll",  "order.history",    NULL,
};

static error find_service(struct system *system, const char *name, str addresses, int64_t port)
{
    if (service_is_here(system, name))
        return NULL;
    return service_add_remote(system, &(struct service_remote){ .name = name,
                                                                .addresses = addresses,
                                                                .port = (unsigned)port,
                                                                .idempotent = IDEMPOTENT });
}

static error find_services(struct system *system, const struct gateway_settings *settings)
{
    TRY(find_service(system, "user", settings->user_service_host, settings->user_service_port));
    return find_service(system, "order", settings->order_service_host,
                        settings->order_service_port);
}

static error start(struct call *call, struct service_instance *self, const void *filled)
{
    const struct gateway_settings *settings = filled;
    struct gateway_state *state = calloc(1, sizeof *state);
    str secret = settings->jwt_secret;

    (void)call;
    self->state = state;
    if (!state)
        return &ERROR_OUT_OF_MEMORY;
    self->port = (unsigned)settings->gateway_port;
    self->cors_origin = settings->frontend_url.at;
    if (!jwt_duration(settings->jwt_expires_in, &state->token_lifetime_s))
        return error_new(self->system->arena, 500,
                         "JWT_EXPIRES_IN must be a time like 90s, 15m, 1h or 7d, not '%.*s'",
                         STR_ARG(settings->jwt_expires_in));
    if (!secret.at)
        TRY(kept_secret(self->system, &secret));
    error refused = jwt_key_new(self->system->arena, secret, &state->key);

    if (refused)
        return error_new(self->system->arena, refused->status, "JWT_SECRET: %s", refused->message);
    TRY(find_services(self->system, settings));
    service_add_checks_of_others(self);
    return NULL;
}

static void stop(struct service_instance *self)
{
    struct gateway_state *state = self->state;

    if (state)
        jwt_key_free(state->key);
    free(state);
}

const struct service api_gateway = {
    .name = "gateway",
    .title = "Gateway",
    .settings = gateway_settings_schema,
    .routes = TABLES,
    .openapi = &api_gateway_openapi,
    .authenticate = gateway_authenticate,
    .start = start,
    .stop = stop,
};
