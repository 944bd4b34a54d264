/* GET /metrics. What modules count is read when somebody asks, so between two scrapes this costs nothing; the exception,
 * answers and messages by route and pattern, is in measures.c.
 *
 * A process may run several services, each with a port of its own. A port shows the numbers of its service, with the label
 * `service`, and those of the process, without it: so all ports can be scraped and nothing of a service is counted twice, the
 * queries are the same whether the services share a process or not, and what they share is not pretended to be one
 * service's.
 *
 * Labels are bounded by the program's own tables. A path that fits no route and a pattern that nobody has are `other`. */
#include "service/metrics.h"

#include "runtime/log.h"

enum { METRICS_BODY_MAX = 1024 * 1024 };

/* --- events ---------------------------------------------------------------------------------------- */

/* clang-format off */
enum { WAITING, PARKED, DEAD, STILL, AWAY, DELIVERED, FAILED, EVENTS_VALUES };

static const struct metrics_family EVENTS[] = {
    [WAITING] =   { "events_waiting", METRICS_GAUGE, METRICS_NUMBER, "Events that the subscriber has not had." },
    [PARKED] =    { "events_parked_streams", METRICS_GAUGE, METRICS_NUMBER, "Streams that wait since an event of theirs has failed, those with dead letters included." },
    [DEAD] =      { "events_dead_letters", METRICS_GAUGE, METRICS_NUMBER, "Events that were given up." },
    [STILL] =     { "events_stalled_seconds", METRICS_GAUGE, METRICS_MS, "Time since an event was last handled or parked, while some wait." },
    [AWAY] =      { "events_consumer_away_seconds", METRICS_GAUGE, METRICS_MS, "Time since the subscriber could not be reached; 0 when it can be." },
    [DELIVERED] = { "events_delivered_total", METRICS_COUNTER, METRICS_NUMBER, "Events that the subscriber has handled." },
    [FAILED] =    { "events_failed_total", METRICS_COUNTER, METRICS_NUMBER, "Attempts to deliver an event that failed." },
    [EVENTS_VALUES] = { 0 },
};

enum { STREAM_HANDLED, STREAM_FAILED, STREAM_CLAIMED, STREAM_RUNNING, STREAM_VALUES };

static const struct metrics_family STREAM[] = {
    [STREAM_HANDLED] = { "events_received_total", METRICS_COUNTER, METRICS_NUMBER, "Events over Redis Streams that were handled." },
    [STREAM_FAILED] =  { "events_receive_failures_total", METRICS_COUNTER, METRICS_NUMBER, "Events over Redis Streams whose handler failed." },
    [STREAM_CLAIMED] = { "events_taken_over_total", METRICS_COUNTER, METRICS_NUMBER, "Of both, those that another replica had left." },
    [STREAM_RUNNING] = { "events_in_flight", METRICS_GAUGE, METRICS_NUMBER, "Events over Redis Streams that are being handled." },
    [STREAM_VALUES] = { 0 },
};
/* clang-format on */

static void write_stream(struct scrape *scrape)
{
    const struct events_reader_counts counts = events_reader_counts(scrape->self->reader);
    const int64_t values[] = {
        [STREAM_HANDLED] = (int64_t)counts.handled,
        [STREAM_FAILED] = (int64_t)counts.failed,
        [STREAM_CLAIMED] = (int64_t)counts.claimed,
        [STREAM_RUNNING] = (int64_t)counts.running,
    };

    metrics_write_one(&scrape->writer, STREAM, values);
}

static error write_subscribers(struct scrape *scrape)
{
    int64_t values[EVENTS_SUBSCRIBERS_MAX][EVENTS_VALUES];
    struct metrics_row rows[EVENTS_SUBSCRIBERS_MAX];
    struct events_status *all;
    size_t count;

    TRY(events_status(scrape->call, scrape->self->events, &all, &count));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct metrics_row){ str_of(all[i].subscriber), values[i] };
        values[i][WAITING] = all[i].waiting;
        values[i][PARKED] = (int64_t)all[i].parked;
        values[i][DEAD] = (int64_t)all[i].dead;
        values[i][STILL] = (int64_t)all[i].still_ms;
        values[i][AWAY] = (int64_t)all[i].away_ms;
        values[i][DELIVERED] = (int64_t)all[i].delivered;
        values[i][FAILED] = (int64_t)all[i].failed;
    }
    metrics_write_rows(&scrape->writer,
                       &(struct metrics_rows){ EVENTS, "subscriber", rows, count });
    return NULL;
}

static error write_events(struct scrape *scrape)
{
    if (scrape->self->reader)
        write_stream(scrape);
    return scrape->self->events ? write_subscribers(scrape) : NULL;
}

/* --- the store ------------------------------------------------------------------------------------- */

/* clang-format off */
enum { UNITS, COMMITS, QUEUED, STORE_VALUES };

static const struct metrics_family STORE[] = {
    [UNITS] =   { "database_units_total", METRICS_COUNTER, METRICS_NUMBER, "Units of work that have run, failed ones included." },
    [COMMITS] = { "database_commits_total", METRICS_COUNTER, METRICS_NUMBER, "Transactions that reached the disk, each of one or many units." },
    [QUEUED] =  { "database_units_queued", METRICS_GAUGE, METRICS_NUMBER, "Units of work that wait." },
    [STORE_VALUES] = { 0 },
};
/* clang-format on */

static error write_store(struct scrape *scrape)
{
    if (!scrape->self->db)
        return NULL;
    const struct db_counts counts = db_counts(scrape->self->db);
    const int64_t values[] = {
        [UNITS] = (int64_t)counts.units,
        [COMMITS] = (int64_t)counts.commits,
        [QUEUED] = counts.queued,
    };

    metrics_write_one(&scrape->writer, STORE, values);
    return NULL;
}

static error write_own(struct scrape *scrape)
{
    const struct service *service = scrape->self->service;

    return service->metrics ? service->metrics(scrape->call, scrape->self, &scrape->writer) : NULL;
}

/* --- the page -------------------------------------------------------------------------------------- */

static const struct {
    error (*write)(struct scrape *scrape);
    bool of_service; /* and not of the process */
} PARTS[] = {
    { service_write_process, false },
    { service_write_redis, false },
    { service_write_peers, false },
    { service_write_http, true },
    { service_write_rpc, true },
    { write_events, true },
    { write_store, true },
    { write_own, true },
};

/* A part that cannot be had is left out: the rest is wanted all the more. */
static void write_all(struct scrape *scrape)
{
    const struct service *service = scrape->self->service;

    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        scrape->writer.constant = (struct metrics_label){
            .name = PARTS[i].of_service ? "service" : NULL,
            .value = str_of(service->name),
        };
        error failed = PARTS[i].write(scrape);

        if (failed)
            log_failure(service->title, "metrics", failed);
    }
}

static error show(struct call *call, struct exchange *exchange)
{
    struct scrape scrape = {
        .call = call,
        .self = call->service,
        .writer.out = buf_new(METRICS_BODY_MAX),
    };
    struct http_response *response = exchange->response;

    write_all(&scrape);
    str body = { NULL, 0 };

    if (!buf_failed(&scrape.writer.out))
        body = arena_copy(call->arena, buf_text(&scrape.writer.out));
    buf_free(&scrape.writer.out);
    if (!body.at)
        return &ERROR_OUT_OF_MEMORY;
    http_respond(response, 200, "text/plain; version=0.0.4; charset=utf-8", body);
    http_add_header(response, STR("Cache-Control"), STR("no-store"));
    response->no_etag = true;
    return NULL;
}

const struct route service_metrics_routes[] = {
    { HTTP_GET, "/metrics", ACCESS_ANYONE, .handle = show, .tag = "Metrics",
      .summary = "Counts and times in Prometheus's text format",
      .name = "MetricsController_index" },
    { 0 },
};
