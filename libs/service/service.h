/* What a service is, in one struct: its name, settings, messages, routes; and the system of services that run in
 * this process. apps/cuib composes them; nothing in a service knows which others share its process. */
#pragma once

#include "base/embed.h"
#include "events/events.h"
#include "events/relay.h"
#include "health/health.h"
#include "http/route.h"
#include "http/server.h"
#include "metrics/metrics.h"
#include "openapi/openapi.h"
#include "rpc/peer.h"
#include "rpc/redis_server.h"
#include "rpc/server.h"

enum {
    SERVICE_COUNT_MAX = 8,
    SERVICE_CHECKS_MAX = 16,
    SERVICE_DELIVERIES_MAX = 16, /* of all event stores of a process */
    SERVICE_TABLES_MAX = 8,      /* of routes, those that every service has included */
};

struct service_instance;

/* A service that hears of the events of another one, wherever it runs. */
struct service_consumer {
    const char *name;         /* "user"; NULL ends a table */
    const char *const *types; /* that it listens to, ended by NULL */
};

struct service {
    const char *name;                       /* the word for the command line: "user" */
    const char *title;                      /* of its log lines: "UserService" */
    const struct schema *(*settings)(void); /* its own, beside system_settings */
    const struct message *messages;         /* what it answers, or NULL */
    const struct message *streams;          /* what it answers by many values, or NULL */
    const struct event *events;             /* what it listens to, or NULL */
    const struct subscription *recorded;    /* what it hears of event stores, or NULL */
    const char *keeps; /* the projection that `recorded` writes, for `cuib rebuild`; or NULL */
    const struct service_consumer *consumers; /* who hears of its event store, or NULL */
    const struct route *const *routes;        /* its HTTP API beside /health, or NULL */
    const struct openapi_info *openapi;       /* served at /api/docs, or NULL */

    /* Establishes who asks, for routes that are not for everybody; or NULL. */
    error (*authenticate)(struct call *call, const struct http_request *request,
                          const struct identity **out);

    /* Opens the store alone, sets `state` and `events`: before `start`, and for maintenance without it. NULL: there is
     * nothing to maintain. */
    error (*open)(struct call *call, struct service_instance *self, const void *settings);

    /* Looks whether the store agrees with itself, beyond what events_verify knows. Hands each problem to `report`. Or
     * NULL. */
    error (*verify)(struct call *call, struct service_instance *self,
                    void (*report)(void *cookie, const char *problem), void *cookie);

    /* Writes what it counts itself, beside what every service shows at /metrics; its samples get the label `service`.
     * Or NULL. */
    error (*metrics)(struct call *call, struct service_instance *self,
                     struct metrics_writer *writer);

    /* Opens what the service needs, sets `state`, `port` and the rest of the instance. `settings` is the filled
     * struct of its table. A failure names what is wrong in one line. */
    error (*start)(struct call *call, struct service_instance *self, const void *settings);

    /* Closes what `open` and `start` opened, also after a failed start. */
    void (*stop)(struct service_instance *self);
};

/* Settings that all services of a process share. */
struct system_settings {
    str cuib_data_dir, bind_address, log_level, log_format;
    str rpc_tls_cert, rpc_tls_key, rpc_tls_ca;
    int64_t port; /* 0: not set */
    int64_t shutdown_delay_ms, shutdown_timeout_ms, health_heap_mb, health_rss_mb;
    str redis_host, redis_password;
    int64_t redis_port, redis_db;
    bool redis_one_answer;
    str event_consumers; /* at == NULL: all */
};

const struct schema *system_settings_schema(void);

struct system;

/* A service that runs in this process; `call->service` of its handlers. */
struct service_instance {
    const struct service *service;
    struct system *system;
    void *state;             /* the service's own */
    struct events *events;   /* its event store, opened by `start`; or NULL */
    unsigned port;           /* to listen on */
    const char *cors_origin; /* FRONTEND_URL */
    struct health_check checks[SERVICE_CHECKS_MAX]; /* the service's own; memory checks are added */
    size_t check_count;
    struct db *db;                     /* that the check "database" asks, or NULL */
    struct service_measures *measures; /* what is counted for /metrics */
    const struct route *routes[SERVICE_TABLES_MAX + 1]; /* all that it serves; ended by NULL */
    struct openapi documents;
    struct http_server *server;
    struct rpc_server *rpc; /* NULL: it answers no messages, and the HTTP server listens itself */
    struct service_port *entry;     /* shared by both */
    struct rpc_handlers handlers;   /* its messages and events, also the recorded ones */
    struct rpc_redis_server *redis; /* its messages on Redis; NULL: not there */
    struct events_reader *reader;   /* its stream of events in Redis; NULL: not there */
    struct buf scratch;             /* where replies are printed */
};

/* A service in another process. */
struct service_remote {
    const char *name;              /* "user" */
    str addresses;                 /* host or host:port, several separated by commas; at == NULL:
                                      over Redis when there is one, else on this machine */
    unsigned port;                 /* of those that name none */
    const char *const *idempotent; /* patterns that may be sent twice, ended by NULL; or NULL */
    struct rpc_client *client;     /* made by service_add_remote */
    bool over_redis;               /* set by service_add_remote */
};

/* Events of a store of this process on their way to a consumer elsewhere. */
struct service_delivery {
    const char *name; /* of the consumer */
    struct events_consumer consumer;
};

/* The services of this process. */
struct system {
    struct arena *arena; /* lives as long as the process */
    struct system_settings settings;
    timestamp started;
    struct service_instance instances[SERVICE_COUNT_MAX];
    size_t count;
    struct service_remote remotes[SERVICE_COUNT_MAX];
    size_t remote_count;
    struct service_delivery deliveries[SERVICE_DELIVERIES_MAX];
    size_t delivery_count;
    struct tls_context *tls_server, *tls_client; /* of messages; NULL: plain */
    struct redis *redis;                         /* NULL: REDIS_HOST is not set */
    size_t heap_max, rss_max;                    /* bytes; thresholds of the health checks */
    bool shutting_down;
};

/* Starts the services in the order given and listens. On failure all that was started is stopped again. */
error service_system_start(struct call *call, struct system *system,
                           const struct service *const *services, size_t count);

/* Health says `shutting_down`, then no new connections, then what runs is finished, then all is closed. */
void service_system_stop(struct call *call, struct system *system);

/* Opens the stores of the services without starting them; service_system_close closes them. */
error service_system_open(struct call *call, struct system *system,
                          const struct service *const *services, size_t count);
void service_system_close(struct system *system);

/* Makes a service in another process known, so that service_peer finds it. Connects when it is first called.
 * For a service's start; a service that runs in this process stays the one that is called, and so does one that is known
 * already. */
error service_add_remote(struct system *system, const struct service_remote *remote);

/* The client to a service in another process that was made known, or NULL. */
struct rpc_client *service_client(const struct system *system, const char *name);

/* The peer that answers `pattern`: the service named before the first dot ("user.create" is for `user`),
 * called directly when it runs in this process. */
struct rpc_peer service_peer(struct system *system, const char *pattern);

/* Whether the service of that name runs in this process. */
bool service_is_here(const struct system *system, const char *name);

/* The state of the service whose handler runs. */
static inline void *service_state(struct call *call)
{
    return ((struct service_instance *)call->service)->state;
}

/* Adds a check to /health and /health/ready. */
void service_add_check(struct service_instance *self, struct health_check check);

/* Adds the check "database" of that store, and its counts to /metrics. */
void service_add_database_check(struct service_instance *self, struct db *db);

/* Adds the check "events": degraded when consumers of the instance's event store make no progress, or dead letters wait. */
void service_add_events_check(struct service_instance *self);

/* Adds the checks of the services that were started before, so that a gateway in front of services in its own
 * process speaks for them. */
void service_add_checks_of_others(struct service_instance *self);

/* The address of a service's store: its own setting, the common one, or (both at == NULL) a file of the
 * service's name in CUIB_DATA_DIR. NUL-terminated. */
error service_store_url(const struct service_instance *self, str own, str common, str *out);

/* The HTTP side of an instance: finds the route, asks who may, validates, sends the message, prints the reply. */
void service_serve(struct call *call, struct http_request *request, struct http_response *response,
                   void *instance);

/* Prints `value` as the response's JSON body. For handlers of routes. */
error service_reply(struct call *call, struct http_response *response, int status,
                    struct schema_in value);

/* Reads the query parameters by their table; 400 when they break its rules. For handlers of routes. */
error service_query(struct call *call, const struct http_request *request, struct schema_out out);

/* Reads a path parameter that is a UUID; 400 as NestJS's ParseUUIDPipe. For handlers of routes. */
error service_uuid(const struct http_request *request, const char *name, uuid *out);

/* Whether the asking identity has that role. */
bool service_has_role(const struct call *call, const char *role);

/* /health, /health/ready and /health/live, which every service answers. */
extern const struct route service_health_routes[];

/* /metrics, likewise. */
extern const struct route service_metrics_routes[];

extern const struct error SERVICE_FORBIDDEN; /* 403 "Forbidden resource" */
