#include "apps/cuib/stores.h"
#include "runtime/log.h"
#include "runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_MAX = 256 * 1024 * 1024,
    EXIT_CONFIG = 78, /* sysexits.h: EX_CONFIG */
};

static int complain(error failed, int status)
{
    log_flush();
    fprintf(stderr, "cuib: %s\n", failed->message);
    for (error cause = failed->cause; cause; cause = cause->cause)
        fprintf(stderr, "cuib: because: %s\n", cause->message);
    return status;
}

static void run_on_fiber(void *argument)
{
    struct stores *stores = argument;
    struct call call = call_new(stores->system.arena, CALL_TIMEOUT_MAX_MS);
    error failed = service_system_open(&call, &stores->system, stores->services, stores->count);

    if (failed) {
        stores->status = complain(failed, EXIT_CONFIG);
        return;
    }
    failed = stores->work(&call, stores);
    if (failed)
        stores->status = complain(failed, EXIT_FAILURE);
    service_system_close(&stores->system);
}

int stores_run(struct stores *stores, const struct service *const *services, size_t count,
               error (*work)(struct call *call, struct stores *stores))
{
    stores->services = services;
    stores->count = count;
    stores->work = work;
    stores->system.arena = arena_new(ARENA_MAX);
    if (!stores->system.arena || loop_init() || fiber_run_all(run_on_fiber, stores)) {
        fprintf(stderr, "cuib: out of memory\n");
        return EXIT_FAILURE;
    }
    loop_close();
    arena_free(stores->system.arena);
    return stores->status;
}
