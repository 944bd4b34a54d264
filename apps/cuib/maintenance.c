#include "apps/cuib/maintenance.h"
#include "apps/order-service/order_service.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_MAX = 256 * 1024 * 1024,
    REPORT_EVERY_MS = 1000,
    EXIT_USAGE = 64,  /* sysexits.h: EX_USAGE */
    EXIT_CONFIG = 78, /* sysexits.h: EX_CONFIG */
};

/* Whose stores there are to maintain. */
static const struct service *const SERVICES[] = { &order_service };

enum { SERVICE_COUNT = sizeof SERVICES / sizeof SERVICES[0] };

/* One run of a command. */
struct maintenance {
    struct system system;
    error (*work)(struct call *call, struct maintenance *run);
    const char *projection;
    uint64_t began_ns, reported_ms;
    struct events_progress progress;
    uint64_t problems;
    int status;
};

static int complain(error failed, int status)
{
    log_flush();
    fprintf(stderr, "cuib: %s\n", failed->message);
    for (error cause = failed->cause; cause; cause = cause->cause)
        fprintf(stderr, "cuib: because: %s\n", cause->message);
    return status;
}

/* Runs on a fiber. */
static void run_on_fiber(void *argument)
{
    struct maintenance *run = argument;
    struct call call = call_new(run->system.arena, CALL_TIMEOUT_MAX_MS);
    error failed = service_system_open(&call, &run->system, SERVICES, SERVICE_COUNT);

    if (failed) {
        run->status = complain(failed, EXIT_CONFIG);
        return;
    }
    run->began_ns = clock_ns();
    failed = run->work(&call, run);
    if (failed)
        run->status = complain(failed, EXIT_FAILURE);
    service_system_close(&run->system);
}

static int run_command(struct maintenance *run)
{
    run->system.arena = arena_new(ARENA_MAX);
    if (!run->system.arena || loop_init() || fiber_run_all(run_on_fiber, run)) {
        fprintf(stderr, "cuib: out of memory\n");
        return EXIT_FAILURE;
    }
    loop_close();
    arena_free(run->system.arena);
    return run->status;
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

static error rebuild(struct call *call, struct maintenance *run)
{
    const struct events_rebuild options = { run->projection, note_progress, run };

    run->reported_ms = clock_ms();
    for (size_t i = 0; i < run->system.count; i++)
        TRY(events_rebuild(call, run->system.instances[i].events, &options));
    double took = seconds(run);

    printf("rebuilt %s: %llu streams, %llu events in %.3f s (%.0f events/s)\n",
           run->projection ? run->projection : "all projections",
           (unsigned long long)run->progress.streams, (unsigned long long)run->progress.events,
           took, took > 0 ? (double)run->progress.events / took : 0);
    return NULL;
}

int maintenance_rebuild(int argc, char **argv)
{
    static struct maintenance run = { .work = rebuild };

    if (argc > 1) {
        fprintf(stderr, "cuib rebuild: one projection at a time, or all of them\n");
        return EXIT_USAGE;
    }
    run.projection = argc ? argv[0] : NULL;
    return run_command(&run);
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

static error verify(struct call *call, struct maintenance *run)
{
    for (size_t i = 0; i < run->system.count; i++)
        TRY(verify_one(call, run, &run->system.instances[i]));
    printf("%llu problems\n", (unsigned long long)run->problems);
    if (run->problems)
        run->status = EXIT_FAILURE;
    return NULL;
}

int maintenance_verify(int argc, char **argv)
{
    static struct maintenance run = { .work = verify };

    (void)argv;
    if (argc) {
        fprintf(stderr, "cuib verify: takes no arguments\n");
        return EXIT_USAGE;
    }
    return run_command(&run);
}
