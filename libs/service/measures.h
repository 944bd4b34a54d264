/* What a service counts while it works: its answers by route and its messages by pattern. Everything else that
 * /metrics shows is counted by those who do it. Counting takes no memory but for an answer of a route, method and status
 * that has not been seen before. */
#pragma once

#include "metrics/metrics.h"
#include "service/service.h"

enum {
    MEASURES_TALLIES_MAX =
        1024, /* combinations of route, method and status; further ones are not counted */
};

/* Answers of a route with one method and status. */
struct service_tally {
    struct service_tally *next;
    enum http_method method;
    int status;
    uint64_t count;
};

struct service_measured_route {
    const struct route *
        row; /* NULL: answers to requests that no row fits, or that were refused before it was looked for */
    struct service_tally *tallies;
    struct metrics_histogram duration;
};

/* As HTTP's classes of status. */
enum service_outcome { OUTCOME_OK, OUTCOME_CLIENT_ERROR, OUTCOME_SERVER_ERROR, OUTCOMES };

struct service_measured_pattern {
    const char *name; /* NULL: messages whose pattern nobody has */
    uint64_t outcomes[OUTCOMES];
    struct metrics_histogram duration;
};

/* One element a row of the tables, and a last one for what fits none. */
struct service_measures {
    struct arena *arena;
    const void **route_rows, **pattern_rows; /* what the elements are of */
    struct service_measured_route *routes;
    struct service_measured_pattern *patterns;
    size_t route_count, pattern_count; /* the last ones included */
    unsigned tallies;
};

/* Makes `self->measures`, in the system's arena, for the instance's routes and handlers. */
error service_measure(struct service_instance *self);

/* For http_server_options: `instance` is the service_instance. */
void service_note_answer(const struct http_answered *answered, void *instance);

/* For rpc_handlers. */
void service_note_message(const struct rpc_handled *handled, void *instance);
