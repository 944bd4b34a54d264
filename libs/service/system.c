#include "rpc/tcp_client.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "service/delivery.h"
#include "service/measures.h"
#include "service/over_redis.h"
#include "service/port.h"
#include "service/service.h"
#include "service/settings.h"

#include <assert.h>
#include <string.h>

static const char *const LOG_LEVELS[] = {
    "fatal", "error", "warn", "log", "debug", "verbose", NULL
};
static const char *const LOG_FORMATS[] = { "text", "json", NULL };

SCHEMA(system_settings,
       FIELD(cuib_data_dir, .fallback = "./var", .doc = "where stores, keys and mails lie"),
       FIELD(bind_address, RULES(IS_IP), .fallback = "127.0.0.1", .doc = "address to listen on"),
       FIELD(log_level, RULES(IS_IN(LOG_LEVELS)), .fallback = "log",
             .doc = "fatal, error, warn, log, debug or verbose"),
       FIELD(log_format, RULES(IS_IN(LOG_FORMATS)), .fallback = "text", .doc = "text or json"),
       FIELD(port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "0",
             .doc = "port of a service that is alone in its process; 0: its own setting"),
       FIELD(rpc_tls_cert, .optional = true,
             .doc = "PEM certificate; with RPC_TLS_KEY the ports of messages speak TLS"),
       FIELD(rpc_tls_key, .optional = true, .secret = true, .doc = "its PEM key"),
       FIELD(rpc_tls_ca, .optional = true,
             .doc = "PEM authorities; calls to other services use TLS, callers must have a certificate"),
       FIELD(shutdown_delay_ms, RULES(IS_INT, AT_LEAST(0), AT_MOST(600000)), .fallback = "0",
             .doc = "after SIGTERM, how long /health says shutting_down before the ports close"),
       FIELD(shutdown_timeout_ms, RULES(IS_INT, AT_LEAST(0), AT_MOST(600000)), .fallback = "10000",
             .doc = "how long running requests may take to finish"),
       FIELD(health_heap_mb, RULES(IS_INT, AT_LEAST(1), AT_MOST(1000000)), .fallback = "256",
             .doc = "memory_heap is down above it"),
       FIELD(health_rss_mb, RULES(IS_INT, AT_LEAST(1), AT_MOST(1000000)), .fallback = "512",
             .doc = "memory_rss is down above it"),
       FIELD(redis_host, .optional = true,
             .doc = "Redis, over which messages then go, too; unset: TCP alone"),
       FIELD(redis_port, RULES(IS_INT, AT_LEAST(1), AT_MOST(65535)), .fallback = "6379",
             .doc = "its port"),
       FIELD(redis_password, .optional = true, .secret = true, .doc = "its password"),
       FIELD(redis_db, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "0",
             .doc = "number of the database in it"),
       FIELD(redis_one_answer, RULES(IS_BOOLEAN), .fallback = "true",
             .doc = "of several replicas one answers a request over Redis, and handles what a NestJS"
                    " service emits; false: all, as NestJS"),
       FIELD(event_consumers, .optional = true,
             .doc = "services elsewhere that events are sent to, separated by commas, or none;"
                    " unset: all that are known (user,notification)"));

static int index_of(const char *const *names, str name)
{
    for (int i = 0; names[i]; i++)
        if (str_is(name, names[i]))
            return i;
    return 0;
}

static error load_system_settings(struct system *system)
{
    struct system_settings *settings = &system->settings;

    TRY(settings_load(system_settings_schema(), system->arena, settings));
    log_setup((enum log_level)index_of(LOG_LEVELS, settings->log_level),
              (enum log_format)index_of(LOG_FORMATS, settings->log_format));
    system->heap_max = (size_t)settings->health_heap_mb * 1024 * 1024;
    system->rss_max = (size_t)settings->health_rss_mb * 1024 * 1024;
    return NULL;
}

/* With a certificate we serve TLS, with authorities we ask for it; with both, each side knows the other. */
static error load_certificates(struct system *system)
{
    const struct system_settings *settings = &system->settings;
    struct tls_options options = {
        .certificate = settings->rpc_tls_cert,
        .key = settings->rpc_tls_key,
        .authorities = settings->rpc_tls_ca,
    };

    if (options.authorities.at)
        TRY(tls_context_new(system->arena, &options, &system->tls_client));
    options.server = true;
    if (options.certificate.at || options.key.at)
        TRY(tls_context_new(system->arena, &options, &system->tls_server));
    return NULL;
}

/* Tables are the program's own text: a mistake in one ends the start. */
static error check_tables(struct arena *arena, const struct service *service)
{
    TRY(rpc_check(arena, service->messages));
    TRY(rpc_check(arena, service->streams));
    TRY(rpc_check_events(arena, service->events));
    for (const struct route *const *table = service->routes; table && *table; table++)
        TRY(http_routes_check(arena, *table));
    return service->settings ? schema_check(service->settings(), arena) : NULL;
}

void service_add_check(struct service_instance *self, struct health_check check)
{
    assert(self->check_count < SERVICE_CHECKS_MAX);
    self->checks[self->check_count++] = check;
}

static error check_database(struct call *call, void *db, struct health_result *result)
{
    result->has_response_time = true;
    return db_ping(call, db);
}

void service_add_database_check(struct service_instance *self, struct db *db)
{
    self->db = db;
    service_add_check(self, (struct health_check){ "database", check_database, db });
}

error service_store_url(const struct service_instance *self, str own, str common, str *out)
{
    const struct system *system = self->system;

    *out = own.at ? own : common;
    if (!out->at)
        *out = arena_printf(system->arena, "sqlite:%.*s/%s.sqlite",
                            STR_ARG(system->settings.cuib_data_dir), self->service->name);
    return out->at ? NULL : &ERROR_OUT_OF_MEMORY;
}

static bool about_memory(const struct health_check *check)
{
    return check->check == health_check_heap || check->check == health_check_rss;
}

static bool has_check(const struct service_instance *self, const char *name)
{
    for (size_t i = 0; i < self->check_count; i++)
        if (str_is(str_of(name), self->checks[i].name))
            return true;
    return false;
}

/* Whether it asks the very same thing under another service's name, as two services that share Redis do. */
static bool asks_already(const struct service_instance *self, const struct health_check *check)
{
    for (size_t i = 0; i < self->check_count; i++)
        if (self->checks[i].check == check->check && self->checks[i].argument == check->argument)
            return true;
    return false;
}

/* A name that is taken is qualified by its service: "order_database". */
static void add_check_of(struct service_instance *self, const struct service_instance *other,
                         struct health_check check)
{
    str qualified = arena_printf(self->system->arena, "%s_%s", other->service->name, check.name);

    if (has_check(self, check.name) && qualified.at)
        check.name = qualified.at;
    service_add_check(self, check);
}

void service_add_checks_of_others(struct service_instance *self)
{
    for (struct service_instance *other = self->system->instances; other < self; other++)
        for (size_t i = 0; i < other->check_count; i++)
            if (!about_memory(&other->checks[i]) && !asks_already(self, &other->checks[i]))
                add_check_of(self, other, other->checks[i]);
}

/* Checks its tables, reads its settings, opens its store. */
static error open_service(struct call *call, struct service_instance *self, void **settings)
{
    const struct service *service = self->service;
    struct system *system = self->system;

    *settings = NULL;
    TRY(check_tables(system->arena, service));
    if (service->settings) {
        *settings = arena_zalloc(system->arena, 1, service->settings()->size);
        if (!*settings)
            return &ERROR_OUT_OF_MEMORY;
        TRY(settings_load(service->settings(), system->arena, *settings));
    }
    return service->open ? service->open(call, self, *settings) : NULL;
}

static error make_handlers(struct service_instance *self)
{
    const struct service *service = self->service;

    self->handlers = (struct rpc_handlers){
        .messages = service->messages,
        .streams = service->streams,
        .service = self,
        .title = service->title,
        .handled = service_note_message,
    };
    return events_handlers(self->system->arena, service->recorded, service->events,
                           &self->handlers.events);
}

/* Those that every service has come first. */
static void gather_routes(struct service_instance *self)
{
    const struct route *const *own = self->service->routes;
    size_t count = 0;

    self->routes[count++] = service_health_routes;
    self->routes[count++] = service_metrics_routes;
    for (; own && *own; own++) {
        assert(count < SERVICE_TABLES_MAX);
        self->routes[count++] = *own;
    }
}

static error start_service(struct call *call, struct service_instance *self)
{
    const struct service *service = self->service;
    struct system *system = self->system;
    void *settings;

    TRY(open_service(call, self, &settings));
    TRY(make_handlers(self));
    gather_routes(self);
    TRY(service_measure(self));
    service_redis_add_check(self);
    TRY(service->start(call, self, settings));
    if (self->events)
        service_add_events_check(self);
    service_add_check(self,
                      (struct health_check){ "memory_heap", health_check_heap, &system->heap_max });
    service_add_check(self,
                      (struct health_check){ "memory_rss", health_check_rss, &system->rss_max });
    return service->openapi ? openapi_new(system->arena, service->openapi, &self->documents) : NULL;
}

static bool has_messages(const struct service *service)
{
    return service->messages || service->streams || service->events || service->recorded;
}

/* One port for both of its languages. */
static error open_port(struct service_instance *self, const struct service_port_options *options)
{
    const struct rpc_server_options rpc = { .handlers = self->handlers };
    struct service_port_options both = *options;

    TRY(rpc_server_new(&rpc, &self->rpc));
    both.rpc = self->rpc;
    both.http = self->server;
    both.tls = self->system->tls_server;
    TRY(service_port_new(self->system->arena, &both, &self->entry));
    self->port = service_port_number(self->entry);
    TRY(service_redis_listen(self));
    return service_read_stream(self);
}

static error listen_for(struct service_instance *self)
{
    const struct system_settings *settings = &self->system->settings;
    bool alone = self->system->count == 1 && settings->port;
    const struct service_port_options place = {
        .address = settings->bind_address.at,
        .port = alone ? (unsigned)settings->port : self->port,
    };
    const struct http_server_options options = {
        .address = has_messages(self->service) ? NULL : place.address,
        .port = place.port,
        .cors_origin = self->cors_origin,
        .handle = service_serve,
        .answered = service_note_answer,
        .cookie = self,
    };

    TRY(http_server_new(self->system->arena, &options, &self->server));
    if (has_messages(self->service))
        return open_port(self, &place);
    self->port = http_server_port(self->server);
    return NULL;
}

static error prepare(struct system *system, const struct service *const *services, size_t count)
{
    assert(count <= SERVICE_COUNT_MAX);
    system->started = clock_now();
    TRY(load_system_settings(system));
    TRY(load_certificates(system));
    system->count = count;
    for (size_t i = 0; i < count; i++)
        system->instances[i] = (struct service_instance){ .service = services[i],
                                                          .system = system,
                                                          .scratch = buf_new(ARENA_CALL_MAX) };
    return NULL;
}

/* All of the system's start but undoing it. */
static error start_all(struct call *call, struct system *system)
{
    TRY(service_redis_connect(system));
    for (size_t i = 0; i < system->count; i++)
        TRY(start_service(call, &system->instances[i]));
    TRY(service_deliver(call, system));
    for (size_t i = 0; i < system->count; i++)
        TRY(listen_for(&system->instances[i]));
    return NULL;
}

/* Before the services that hear of events, so that none refuses one because it is stopping. */
static void close_events(struct system *system)
{
    struct call call = call_new(system->arena, CALL_TIMEOUT_MS);

    for (size_t i = 0; i < system->count; i++)
        events_close(&call, system->instances[i].events);
}

static void close_all(struct system *system)
{
    close_events(system);
    for (size_t i = system->count; i-- > 0;) {
        struct service_instance *self = &system->instances[i];

        service_port_free(self->entry);
        http_server_free(self->server);
        rpc_server_free(self->rpc);
        rpc_redis_server_free(self->redis);
        openapi_free(&self->documents);
        self->service->stop(self);
        buf_free(&self->scratch);
    }
    service_delivery_close(system);
    while (system->remote_count)
        rpc_client_free(system->remotes[--system->remote_count].client);
    redis_free(system->redis);
    tls_context_free(system->tls_client);
    tls_context_free(system->tls_server);
}

error service_system_start(struct call *call, struct system *system,
                           const struct service *const *services, size_t count)
{
    error failed = prepare(system, services, count);

    if (!failed)
        failed = start_all(call, system);
    if (failed)
        close_all(system);
    return failed;
}

error service_system_open(struct call *call, struct system *system,
                          const struct service *const *services, size_t count)
{
    error failed = prepare(system, services, count);
    void *settings;

    for (size_t i = 0; i < system->count && !failed; i++)
        failed = open_service(call, &system->instances[i], &settings);
    if (failed)
        close_all(system);
    return failed;
}

void service_system_close(struct system *system)
{
    close_all(system);
}

static void one_drained(void *wait)
{
    wait_done(wait);
}

/* Everybody stops accepting at once; then what runs is finished. */
static void drain_all(struct call *call, struct system *system)
{
    uint64_t timeout_ms = (uint64_t)system->settings.shutdown_timeout_ms;
    struct wait entries[SERVICE_COUNT_MAX] = { 0 };
    struct wait drained[2][SERVICE_COUNT_MAX] = { 0 };

    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].entry)
            service_port_drain(system->instances[i].entry, one_drained, &entries[i]);
    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].entry)
            call_wait_done(call, &entries[i]);
    for (size_t i = 0; i < system->count; i++) {
        struct service_instance *self = &system->instances[i];

        http_server_drain(self->server, timeout_ms, one_drained, &drained[0][i]);
        if (self->rpc)
            rpc_server_drain(self->rpc, timeout_ms, one_drained, &drained[1][i]);
    }
    service_redis_drain(call, system, timeout_ms);
    service_drain_streams(call, system, timeout_ms);
    for (size_t i = 0; i < system->count; i++) {
        call_wait_done(call, &drained[0][i]);
        if (system->instances[i].rpc)
            call_wait_done(call, &drained[1][i]);
    }
}

void service_system_stop(struct call *call, struct system *system)
{
    system->shutting_down = true;
    call->deadline_ms = UINT64_MAX;
    call_sleep(call, (uint64_t)system->settings.shutdown_delay_ms);
    drain_all(call, system);
    close_all(system);
}

static struct service_instance *find_instance(const struct system *system, str name)
{
    for (size_t i = 0; i < system->count; i++)
        if (str_is(name, system->instances[i].service->name))
            return (struct service_instance *)&system->instances[i];
    return NULL;
}

bool service_is_here(const struct system *system, const char *name)
{
    return find_instance(system, str_of(name));
}

static struct service_remote *find_remote(const struct system *system, str name)
{
    for (size_t i = 0; i < system->remote_count; i++)
        if (str_is(name, system->remotes[i].name))
            return (struct service_remote *)&system->remotes[i];
    return NULL;
}

struct rpc_client *service_client(const struct system *system, const char *name)
{
    const struct service_remote *remote = find_remote(system, str_of(name));

    return remote ? remote->client : NULL;
}

error service_add_remote(struct system *system, const struct service_remote *remote)
{
    const struct rpc_tcp_options options = {
        .common.name = str_of(remote->name),
        .addresses = remote->addresses.at ? remote->addresses : STR("127.0.0.1"),
        .port = remote->port,
        .tls = system->tls_client,
    };
    struct service_remote added = *remote;

    struct service_remote *known = find_remote(system, str_of(remote->name));

    if (known) {
        known->idempotent = known->idempotent ? known->idempotent : remote->idempotent;
        return NULL;
    }
    assert(system->remote_count < SERVICE_COUNT_MAX);
    added.over_redis = system->redis && !remote->addresses.at;
    if (added.over_redis)
        TRY(service_redis_client(system, remote->name, &added.client));
    else
        TRY(rpc_tcp_client_new(system->arena, &options, &added.client));
    system->remotes[system->remote_count++] = added;
    return NULL;
}

static struct rpc_peer remote_peer(const struct system *system, str name)
{
    const struct service_remote *remote = find_remote(system, name);

    if (!remote)
        return (struct rpc_peer){ .name = name };
    return (struct rpc_peer){ .name = name,
                              .client = remote->client,
                              .idempotent = remote->idempotent };
}

struct rpc_peer service_peer(struct system *system, const char *pattern)
{
    str text = str_of(pattern), name = str_slice(text, 0, str_find(text, '.'));
    struct service_instance *instance = find_instance(system, name);

    if (!instance)
        return remote_peer(system, name);
    return (struct rpc_peer){ .name = name,
                              .messages = instance->service->messages,
                              .service = instance };
}
