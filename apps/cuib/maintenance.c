#include "apps/cuib/maintenance.h"
#include "apps/cuib/stores.h"
#include "apps/order-service/order_service.h"
#include "apps/user-service/user_service.h"
#include "runtime/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORT_EVERY_MS = 1000,
    EXIT_USAGE = 64, /* sysexits.h: EX_USAGE */
};

/* Whose stores there are to maintain. */
static const struct service *const SERVICES[] = { &order_service };

enum { SERVICE_COUNT = sizeof SERVICES / sizeof SERVICES[0] };

/* Who keeps something of their events. */
static const struct service *const KEEPERS[] = { &user_service };

/* One run of a command. */
struct maintenance {
    struct stores stores; /* the first member, so that `work` finds the rest */
    const char *projection;
    uint64_t began_ns, reported_ms;
    struct events_progress progress;
    uint64_t problems;
};

static int run_command(struct maintenance *run,
                       error (*work)(struct call *call, struct stores *stores))
{
    run->began_ns = clock_ns();
    return stores_run(&run->stores, SERVICES, SERVICE_COUNT, work);
}

static double seconds(const struct maintenance *run)
{
    return (double)(clock_ns() - run->began_ns) / 1e9;
}

/* --- rebuild -------------------------------------------------------------------------------------- */

static void note_progress(void *cookie, const struct events_progress *progress)
{
    struct maintenance *run = cookie;

    run->progress = *progress;
    if (clock_ms() < run->reported_ms + REPORT_EVERY_MS)
        return;
    run->reported_ms = clock_ms();
    fprintf(stderr, "%llu of %llu events\n", (unsigned long long)progress->events,
            (unsigned long long)progress->total);
}

static void print_rebuilt(const struct maintenance *run)
{
    double took = seconds(run);

    printf("rebuilt %s: %llu events in %.3f s (%.0f events/s)\n",
           run->projection ? run->projection : "all projections",
           (unsigned long long)run->progress.events, took,
           took > 0 ? (double)run->progress.events / took : 0);
}

static error rebuild(struct call *call, struct stores *stores)
{
    struct maintenance *run = (struct maintenance *)stores;
    const struct events_rebuild options = { run->projection, note_progress, run };

    run->reported_ms = clock_ms();
    for (size_t i = 0; i < stores->system.count; i++)
        TRY(events_rebuild(call, stores->system.instances[i].events, &options));
    print_rebuilt(run);
    return NULL;
}

/* What a service keeps of the events of another one's store. */
static error rebuild_kept(struct call *call, struct stores *stores)
{
    struct maintenance *run = (struct maintenance *)stores;
    struct service_instance *keeper = &stores->system.instances[stores->system.count - 1];
    const struct events_redelivery redelivery = {
        .rows = keeper->service->recorded,
        .service = keeper,
        .report = note_progress,
        .cookie = run,
    };

    run->reported_ms = clock_ms();
    for (size_t i = 0; i < stores->system.count; i++)
        if (stores->system.instances[i].events)
            TRY(events_redeliver(call, stores->system.instances[i].events, &redelivery));
    print_rebuilt(run);
    return NULL;
}

static int rebuild_for(struct maintenance *run, const struct service *keeper)
{
    const struct service *const services[] = { &order_service, keeper };

    run->began_ns = clock_ns();
    return stores_run(&run->stores, services, 2, rebuild_kept);
}

int maintenance_rebuild(int argc, char **argv)
{
    static struct maintenance run;

    if (argc > 1) {
        fprintf(stderr, "cuib rebuild: one projection at a time, or all of them\n");
        return EXIT_USAGE;
    }
    run.projection = argc ? argv[0] : NULL;
    for (size_t i = 0; run.projection && i < sizeof KEEPERS / sizeof KEEPERS[0]; i++)
        if (strcmp(run.projection, KEEPERS[i]->keeps) == 0)
            return rebuild_for(&run, KEEPERS[i]);
    return run_command(&run, rebuild);
}

/* --- verify --------------------------------------------------------------------------------------- */

static void print_problem(void *cookie, const char *text)
{
    struct maintenance *run = cookie;

    run->problems++;
    printf("%s\n", text);
}

static error verify_one(struct call *call, struct maintenance *run,
                        struct service_instance *instance)
{
    const struct events_verify options = { print_problem, run };
    struct events_verified found;

    TRY(events_verify(call, instance->events, &options, &found));
    if (instance->service->verify)
        TRY(instance->service->verify(call, instance, print_problem, run));
    printf("verified %s: %llu streams, %llu events (%llu of unknown types) in %.3f s\n",
           instance->service->name, (unsigned long long)found.streams,
           (unsigned long long)found.events, (unsigned long long)found.unknown, seconds(run));
    return NULL;
}

static error verify(struct call *call, struct stores *stores)
{
    struct maintenance *run = (struct maintenance *)stores;

    for (size_t i = 0; i < stores->system.count; i++)
        TRY(verify_one(call, run, &stores->system.instances[i]));
    printf("%llu problems\n", (unsigned long long)run->problems);
    if (run->problems)
        stores->status = EXIT_FAILURE;
    return NULL;
}

int maintenance_verify(int argc, char **argv)
{
    static struct maintenance run;

    (void)argv;
    if (argc) {
        fprintf(stderr, "cuib verify: takes no arguments\n");
        return EXIT_USAGE;
    }
    return run_command(&run, verify);
}
