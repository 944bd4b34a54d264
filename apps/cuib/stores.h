/* Commands that work on the stores of services without starting the services, also while they run elsewhere. */
#pragma once

#include "service/service.h"

struct stores {
    struct system system;
    int status; /* the exit code, which `work` may set */
    error (*work)(struct call *call, struct stores *stores);
    const struct service *const *services;
    size_t count;
};

/* Opens the stores of the services, runs `work` on a fiber of a loop of its own, closes them. Gives the exit code; what fails is
 * on stderr. `stores` is zeroed. */
int stores_run(struct stores *stores, const struct service *const *services, size_t count,
               error (*work)(struct call *call, struct stores *stores));
