#include "apps/order-service/order_service.h"
#include "apps/order-service/order.h"
#include "apps/order-service/order_controller.h"
#include "apps/order-service/order_repository.h"

#include <stdlib.h>

extern const struct embedded_file order_service_migrations[];

/* Who hears of orders. */
static const char *const USER_HEARS[] = { "order.created", "order.statusChanged", NULL };
static const char *const NOTIFICATION_HEARS[] = { "order.created", "payment.processed", NULL };
static const struct service_consumer CONSUMERS[] = { { "user", USER_HEARS },
                                                     { "notification", NOTIFICATION_HEARS },
                                                     { 0 } };

struct order_settings {
    int64_t order_service_port, payment_timeout_ms, payment_retry_ms;
    str order_database_url, database_url, currency, payment_url, payment_api_key;
    str user_service_host, notification_service_host;
    int64_t user_service_port, notification_service_port;
};

/* Unlike IS_URL it lets hosts through that have no top-level domain: those of a cluster. */
static bool is_http_url(str text)
{
    return (str_starts_with(text, STR("http://")) && text.len > 7) ||
           (str_starts_with(text, STR("https://")) && text.len > 8);
}

static SCHEMA(order_settings,
              FIELD(order_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)),
                    .fallback = "3002", .doc = "port of the order service"),
              FIELD(payment_timeout_ms, RULES(IS_INT, AT_LEAST(10), AT_MOST(60000)),
                    .fallback = "5000", .doc = "how long the payment provider may take to answer"),
              FIELD(payment_retry_ms, RULES(IS_INT, AT_LEAST(10), AT_MOST(60000)),
                    .fallback = "1000",
                    .doc = "pause before the provider is asked again what became of a payment; doubles"),
              FIELD(order_database_url, .optional = true,
                    .doc = "store of the order service; unset: a file in CUIB_DATA_DIR"),
              FIELD(database_url, .optional = true,
                    .doc = "store of a service that has no setting of its own"),
              FIELD(currency, RULES(IS_ISO4217), .fallback = "RON", .doc = "of new orders"),
              FIELD(payment_url, RULES(MATCHES("/^https?:\\/\\/.+/", is_http_url)), .optional = true,
                    .doc = "address of the payment provider; unset: a sandbox without money"),
              FIELD(payment_api_key, .optional = true, .secret = true,
                    .doc = "bearer token for the payment provider"),
              FIELD(user_service_host, .optional = true,
                    .doc = "where the user service hears of orders, when not in this process and without"
                           " Redis; unset: 127.0.0.1"),
              FIELD(user_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3001",
                    .doc = "its port, where USER_SERVICE_HOST names none"),
              FIELD(notification_service_host, .optional = true,
                    .doc = "the same of the notification service"),
              FIELD(notification_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)),
                    .fallback = "3003",
                    .doc = "its port, where NOTIFICATION_SERVICE_HOST names none"));

static const struct aggregate *const AGGREGATES[] = { &order_aggregate, NULL };
static const struct projection *const PROJECTIONS[] = { &order_projection, NULL };

static error choose_provider(struct arena *arena, const struct order_settings *settings,
                             struct payment_provider *out)
{
    if (!settings->payment_url.at)
        return sandbox_provider_new(out);
    return http_provider_new(arena, settings->payment_url, settings->payment_api_key, out);
}

static error start_payments(struct arena *arena, struct order_state *state,
                            const struct order_settings *settings)
{
    struct payments_options options = {
        .db = state->db,
        .events = state->events,
        .timeout_ms = (uint64_t)settings->payment_timeout_ms,
        .retry_ms = (uint64_t)settings->payment_retry_ms,
    };

    TRY(choose_provider(arena, settings, &options.provider));
    return payments_start(&options, &state->payments);
}

static error open_store(struct call *call, struct service_instance *self, const void *filled)
{
    const struct order_settings *settings = filled;
    struct order_state *state = calloc(1, sizeof *state);
    str url;

    self->state = state;
    if (!state)
        return &ERROR_OUT_OF_MEMORY;
    TRY(service_store_url(self, settings->order_database_url, settings->database_url, &url));
    TRY(db_open(self->system->arena, url.at, &state->db));
    TRY(db_migrate(call, state->db, order_service_migrations));
    TRY(events_open(self->system->arena,
                    &(struct events_options){ state->db, AGGREGATES, PROJECTIONS },
                    &state->events));
    self->events = state->events;
    return NULL;
}

static error verify(struct call *call, struct service_instance *self,
                    void (*report)(void *cookie, const char *problem), void *cookie)
{
    const struct order_state *state = self->state;

    return payments_verify(call, state->db, report, cookie);
}

static error find_consumer(struct system *system, const char *name, str addresses, int64_t port)
{
    if (service_is_here(system, name))
        return NULL;
    return service_add_remote(
        system,
        &(struct service_remote){ .name = name, .addresses = addresses, .port = (unsigned)port });
}

static error find_consumers(struct system *system, const struct order_settings *settings)
{
    TRY(find_consumer(system, "user", settings->user_service_host, settings->user_service_port));
    return find_consumer(system, "notification", settings->notification_service_host,
                         settings->notification_service_port);
}

static error start(struct call *call, struct service_instance *self, const void *filled)
{
    const struct order_settings *settings = filled;
    struct order_state *state = self->state;

    (void)call;
    self->port = (unsigned)settings->order_service_port;
    state->currency = settings->currency;
    service_add_database_check(self, state->db);
    TRY(find_consumers(self->system, settings));
    return start_payments(self->system->arena, state, settings);
}

static void stop(struct service_instance *self)
{
    struct order_state *state = self->state;

    if (!state)
        return;
    struct call call = call_new(self->system->arena, CALL_TIMEOUT_MS);

    payments_stop(state->payments);
    events_close(&call, state->events);
    db_close(state->db);
    free(state);
}

const struct service order_service = {
    .name = "order",
    .title = "OrderService",
    .settings = order_settings_schema,
    .messages = order_messages,
    .consumers = CONSUMERS,
    .open = open_store,
    .verify = verify,
    .start = start,
    .stop = stop,
};
