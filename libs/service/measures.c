#include "service/measures.h"

/* --- what there is to count ------------------------------------------------------------------------ */

static size_t count_routes(const struct service_instance *self)
{
    size_t count = 0;

    for (const struct route *const *table = self->routes; *table; table++)
        for (const struct route *row = *table; row->path; row++)
            count++;
    return count;
}

static size_t count_patterns(const struct rpc_handlers *handlers)
{
    size_t count = 0;

    for (const struct message *row = handlers->messages; row && row->pattern; row++)
        count++;
    for (const struct message *row = handlers->streams; row && row->pattern; row++)
        count++;
    for (const struct event *row = handlers->events; row && row->pattern; row++)
        count++;
    return count;
}

static void add_routes(struct service_measures *measures, const struct service_instance *self)
{
    size_t i = 0;

    for (const struct route *const *table = self->routes; *table; table++)
        for (const struct route *row = *table; row->path; row++, i++)
            measures->route_rows[i] = measures->routes[i].row = row;
}

static void add_patterns(struct service_measures *measures, const struct rpc_handlers *handlers)
{
    size_t i = 0;

    for (const struct message *row = handlers->messages; row && row->pattern; row++, i++) {
        measures->pattern_rows[i] = row;
        measures->patterns[i].name = row->pattern;
    }
    for (const struct message *row = handlers->streams; row && row->pattern; row++, i++) {
        measures->pattern_rows[i] = row;
        measures->patterns[i].name = row->pattern;
    }
    for (const struct event *row = handlers->events; row && row->pattern; row++, i++) {
        measures->pattern_rows[i] = row;
        measures->patterns[i].name = row->pattern;
    }
}

error service_measure(struct service_instance *self)
{
    struct arena *arena = self->system->arena;
    struct service_measures *measures = ARENA_NEW(arena, struct service_measures);
    size_t routes = count_routes(self) + 1, patterns = count_patterns(&self->handlers) + 1;

    if (!measures)
        return &ERROR_OUT_OF_MEMORY;
    *measures = (struct service_measures){
        .arena = arena,
        .route_rows = ARENA_ARRAY(arena, const void *, routes),
        .pattern_rows = ARENA_ARRAY(arena, const void *, patterns),
        .routes = ARENA_ARRAY(arena, struct service_measured_route, routes),
        .patterns = ARENA_ARRAY(arena, struct service_measured_pattern, patterns),
        .route_count = routes,
        .pattern_count = patterns,
    };
    if (!measures->route_rows || !measures->pattern_rows || !measures->routes ||
        !measures->patterns)
        return &ERROR_OUT_OF_MEMORY;
    add_routes(measures, self);
    add_patterns(measures, &self->handlers);
    self->measures = measures;
    return NULL;
}

/* --- counting -------------------------------------------------------------------------------------- */

/* Index of the row's element; of the last one when it has none. */
static size_t find(const void *const *rows, size_t count, const void *row)
{
    size_t i = 0;

    while (i < count - 1 && rows[i] != row)
        i++;
    return i;
}

static struct service_tally *new_tally(struct service_measures *measures,
                                       struct service_measured_route *route)
{
    struct service_tally *tally = NULL;

    if (measures->tallies < MEASURES_TALLIES_MAX)
        tally = ARENA_NEW(measures->arena, struct service_tally);
    if (!tally)
        return NULL;
    measures->tallies++;
    tally->next = route->tallies;
    route->tallies = tally;
    return tally;
}

static void count(struct service_measures *measures, struct service_measured_route *route,
                  enum http_method method, int status)
{
    struct service_tally *tally = route->tallies;

    while (tally && (tally->status != status || tally->method != method))
        tally = tally->next;
    if (!tally)
        tally = new_tally(measures, route);
    if (!tally)
        return;
    tally->method = method;
    tally->status = status;
    tally->count++;
}

void service_note_answer(const struct http_answered *answered, void *instance)
{
    struct service_measures *measures = ((struct service_instance *)instance)->measures;
    const struct http_request *request = answered->request;
    size_t i = find(measures->route_rows, measures->route_count, request ? request->route : NULL);
    struct service_measured_route *route = &measures->routes[i];

    count(measures, route, request ? request->method : HTTP_OTHER, answered->status);
    if (answered->duration_ns)
        metrics_observe(&route->duration, answered->duration_ns);
}

static enum service_outcome outcome_of(int status)
{
    if (status < 400)
        return OUTCOME_OK;
    return status < 500 ? OUTCOME_CLIENT_ERROR : OUTCOME_SERVER_ERROR;
}

void service_note_message(const struct rpc_handled *handled, void *instance)
{
    struct service_measures *measures = ((struct service_instance *)instance)->measures;
    const void *row = handled->message ? (const void *)handled->message : handled->event;
    size_t i = find(measures->pattern_rows, measures->pattern_count, row);

    measures->patterns[i].outcomes[outcome_of(handled->status)]++;
    metrics_observe(&measures->patterns[i].duration, handled->duration_ns);
}
