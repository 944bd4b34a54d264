/* What counting costs each request. Prints nanoseconds, one operation a line. */
#include "runtime/clock.h"
#include "service/measures.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 10 * 1000 * 1000, ROUTES = 24 };

static error show(struct call *call, struct exchange *exchange)
{
    (void)call;
    (void)exchange;
    return NULL;
}

static void report(const char *what, uint64_t start_ns)
{
    printf("%-52s %6.1f ns\n", what, (double)(clock_ns() - start_ns) / ROUNDS);
}

static void bench_clock(void)
{
    volatile uint64_t now;
    uint64_t start = clock_ns();

    for (int i = 0; i < ROUNDS; i++)
        now = clock_ns();
    (void)now;
    report("clock_ns, read once a request and once a turn", start);
}

static void bench_histogram(void)
{
    struct metrics_histogram histogram = { 0 };
    uint64_t start = clock_ns();

    for (int i = 0; i < ROUNDS; i++)
        metrics_observe(&histogram, (uint64_t)i % 1024 * 1024);
    report("metrics_observe of 0 to 1 ms", start);
}

static void bench_answer(struct service_instance *self, const struct route *route, const char *what)
{
    const struct http_request request = { .method = HTTP_GET, .route = route };
    uint64_t start = clock_ns();

    for (int i = 0; i < ROUNDS; i++)
        service_note_answer(&(struct http_answered){ &request, i % 8 ? 200 : 404, 100 * 1000 },
                            self);
    report(what, start);
}

int main(void)
{
    struct route routes[ROUTES + 1] = { 0 };
    struct system system = { .arena = arena_new(1024 * 1024) };
    struct service_instance self = { .system = &system, .routes = { routes, NULL } };

    for (int i = 0; i < ROUTES; i++)
        routes[i] = (struct route){ HTTP_GET, "/x", ACCESS_ANYONE, .handle = show };
    if (service_measure(&self))
        return 1;
    bench_clock();
    bench_histogram();
    bench_answer(&self, &routes[0], "service_note_answer, first of 24 routes");
    bench_answer(&self, &routes[ROUTES - 1], "service_note_answer, last of 24 routes");
    arena_free(system.arena);
    return 0;
}
