/* Requests and messages. */
#include "service/measures.h"
#include "service/metrics.h"

#include <stdio.h>

static const char OTHER[] = "other";

/* --- HTTP ------------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct metrics_family HTTP_REQUESTS = {
    "http_requests_total", METRICS_COUNTER, METRICS_NUMBER,
    "Requests that were answered; route \"other\" are those that no route fits or that were refused before it was looked for.",
};
static const struct metrics_family HTTP_DURATION = {
    "http_request_duration_seconds", METRICS_HISTOGRAM, METRICS_NS,
    "From the whole request's arrival to its answer; HEAD counts with GET.",
};

enum { HTTP_CONNECTIONS, HTTP_IN_FLIGHT, HTTP_VALUES };

static const struct metrics_family HTTP[] = {
    [HTTP_CONNECTIONS] = { "http_connections", METRICS_GAUGE, METRICS_NUMBER, "Connections that are open." },
    [HTTP_IN_FLIGHT] =   { "http_requests_in_flight", METRICS_GAUGE, METRICS_NUMBER, "Requests that are being handled, this one included." },
    [HTTP_VALUES] = { 0 },
};
/* clang-format on */

static const char *const METHODS[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = OTHER,
};

static str path_of(const struct service_measured_route *route)
{
    return str_of(route->row ? route->row->path : OTHER);
}

static void write_tallies(struct scrape *scrape, const struct service_measured_route *route)
{
    for (const struct service_tally *tally = route->tallies; tally; tally = tally->next) {
        char status[16];

        snprintf(status, sizeof status, "%d", tally->status);
        metrics_sample(&scrape->writer,
                       METRICS_LABELS({ "method", str_of(METHODS[tally->method]) },
                                      { "route", path_of(route) }, { "status", str_of(status) }),
                       (int64_t)tally->count);
    }
}

static void write_duration(struct scrape *scrape, const struct service_measured_route *route)
{
    const char *method = route->row ? METHODS[route->row->method] : OTHER;

    if (metrics_observed(&route->duration))
        metrics_sample_histogram(
            &scrape->writer,
            METRICS_LABELS({ "method", str_of(method) }, { "route", path_of(route) }),
            &route->duration);
}

error service_write_http(struct scrape *scrape)
{
    const struct service_instance *self = scrape->self;
    const struct service_measures *measures = self->measures;
    const int64_t values[] = {
        [HTTP_CONNECTIONS] = (int64_t)http_server_connections(self->server),
        [HTTP_IN_FLIGHT] = (int64_t)http_server_active(self->server),
    };

    metrics_write_one(&scrape->writer, HTTP, values);
    metrics_begin(&scrape->writer, &HTTP_REQUESTS);
    for (size_t i = 0; i < measures->route_count; i++)
        write_tallies(scrape, &measures->routes[i]);
    metrics_begin(&scrape->writer, &HTTP_DURATION);
    for (size_t i = 0; i < measures->route_count; i++)
        write_duration(scrape, &measures->routes[i]);
    return NULL;
}

/* --- messages -------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct metrics_family RPC_MESSAGES = {
    "rpc_messages_total", METRICS_COUNTER, METRICS_NUMBER,
    "Messages and events that came over the wire, TCP's or Redis's; pattern \"other\" are those that nobody has.",
};
static const struct metrics_family RPC_DURATION = {
    "rpc_message_duration_seconds", METRICS_HISTOGRAM, METRICS_NS, "How long their handlers took.",
};

enum { RPC_CONNECTIONS, RPC_IN_FLIGHT, RPC_VALUES };

static const struct metrics_family RPC[] = {
    [RPC_CONNECTIONS] = { "rpc_connections", METRICS_GAUGE, METRICS_NUMBER, "TCP connections that carry messages." },
    [RPC_IN_FLIGHT] =   { "rpc_messages_in_flight", METRICS_GAUGE, METRICS_NUMBER, "Messages over TCP that are being handled." },
    [RPC_VALUES] = { 0 },
};

enum { REDIS_ACTIVE, REDIS_HANDLED, SUPPRESSED, DROPPED, REPLIES_LOST, RPC_REDIS_VALUES };

static const struct metrics_family RPC_REDIS[] = {
    [REDIS_ACTIVE] =  { "rpc_redis_messages_in_flight", METRICS_GAUGE, METRICS_NUMBER, "Messages over Redis that are being handled." },
    [REDIS_HANDLED] = { "rpc_redis_messages_total", METRICS_COUNTER, METRICS_NUMBER, "Messages over Redis that were for this replica." },
    [SUPPRESSED] =    { "rpc_redis_duplicates_suppressed_total", METRICS_COUNTER, METRICS_NUMBER, "Requests that another replica answered." },
    [DROPPED] =       { "rpc_redis_messages_dropped_total", METRICS_COUNTER, METRICS_NUMBER, "Messages beyond the limits." },
    [REPLIES_LOST] =  { "rpc_redis_replies_lost_total", METRICS_COUNTER, METRICS_NUMBER, "Replies for which there was no connection." },
    [RPC_REDIS_VALUES] = { 0 },
};
/* clang-format on */

static const char *const OUTCOME_NAMES[] = {
    [OUTCOME_OK] = "ok",
    [OUTCOME_CLIENT_ERROR] = "client_error",
    [OUTCOME_SERVER_ERROR] = "server_error",
};

static str name_of(const struct service_measured_pattern *pattern)
{
    return str_of(pattern->name ? pattern->name : OTHER);
}

static void write_outcomes(struct scrape *scrape, const struct service_measured_pattern *pattern)
{
    for (int i = 0; i < OUTCOMES; i++)
        if (pattern->outcomes[i])
            metrics_sample(&scrape->writer,
                           METRICS_LABELS({ "pattern", name_of(pattern) },
                                          { "outcome", str_of(OUTCOME_NAMES[i]) }),
                           (int64_t)pattern->outcomes[i]);
}

static void write_messages(struct scrape *scrape)
{
    const struct service_measures *measures = scrape->self->measures;

    metrics_begin(&scrape->writer, &RPC_MESSAGES);
    for (size_t i = 0; i < measures->pattern_count; i++)
        write_outcomes(scrape, &measures->patterns[i]);
    metrics_begin(&scrape->writer, &RPC_DURATION);
    for (size_t i = 0; i < measures->pattern_count; i++)
        if (metrics_observed(&measures->patterns[i].duration))
            metrics_sample_histogram(&scrape->writer,
                                     METRICS_LABELS({ "pattern", name_of(&measures->patterns[i]) }),
                                     &measures->patterns[i].duration);
}

static void write_rpc_redis(struct scrape *scrape)
{
    const struct rpc_redis_server_counts counts = rpc_redis_server_counts(scrape->self->redis);
    const int64_t values[] = {
        [REDIS_ACTIVE] = (int64_t)counts.active,       [REDIS_HANDLED] = (int64_t)counts.handled,
        [SUPPRESSED] = (int64_t)counts.suppressed,     [DROPPED] = (int64_t)counts.dropped,
        [REPLIES_LOST] = (int64_t)counts.replies_lost,
    };

    metrics_write_one(&scrape->writer, RPC_REDIS, values);
}

error service_write_rpc(struct scrape *scrape)
{
    const struct service_instance *self = scrape->self;

    if (!self->rpc)
        return NULL;
    const int64_t values[] = {
        [RPC_CONNECTIONS] = (int64_t)rpc_server_connections(self->rpc),
        [RPC_IN_FLIGHT] = (int64_t)rpc_server_active(self->rpc),
    };

    metrics_write_one(&scrape->writer, RPC, values);
    write_messages(scrape);
    if (self->redis)
        write_rpc_redis(scrape);
    return NULL;
}
