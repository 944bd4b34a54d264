/* Health checks in the shape of @nestjs/terminus 12:
 *
 *     200 {"status":"ok","info":{"memory_heap":{"status":"up"}},"error":{},"details":{…both…}}
 *     503 {"status":"error","info":{},"error":{"database":{"message":"…","responseTime":0,
 *          "status":"down"}},"details":{…both…}}
 *
 * A check may also be degraded: something is wrong, and work is done all the same. It stands in `info`, and makes
 * an `ok` a `degraded`, which is a 200.
 *
 * Checks run one after the other on the caller's fiber, each bounded by HEALTH_CHECK_TIMEOUT_MS
 * and by the call's own deadline. Which checks belong to a question is the caller's choice:
 * /health asks all, /health/ready only whether work can be done, /health/live only whether the
 * process answers (no checks: a slow store must not restart a pod). */
#pragma once

#include "http/message.h"
#include "runtime/call.h"

enum {
    HEALTH_CHECK_TIMEOUT_MS = 1000, /* "timeout of 1000ms exceeded" */
    HEALTH_CHECKS_MAX = 16,
    HEALTH_BODY_MAX = 16 * 1024, /* bytes; a longer answer becomes ERROR_OUT_OF_MEMORY's 503 */
};

/* What a check says beside up or down; zeroed before it runs. */
struct health_result {
    bool has_response_time; /* print `responseTime`, rounded milliseconds, before `status` */
    bool degraded;          /* of a check that returns NULL: not quite up */
    const char *message; /* UTF-8, of a check that is down or degraded, living as long as the call;
                               NULL: the error's own */
};

struct health_check {
    const char *name; /* "database", "memory_heap"; unique */

    /* NULL: up, or degraded. An error: down, with its message; ERROR_DEADLINE reads "timeout of
     * 1000ms exceeded". */
    error (*check)(struct call *call, void *argument, struct health_result *result);
    void *argument;
};

struct health {
    const struct health_check *checks;
    size_t count;       /* 0 to HEALTH_CHECKS_MAX */
    bool shutting_down; /* answers 503 with "status":"shutting_down" and the real details */
};

/* Runs the checks and fills the response: status, JSON body, `Cache-Control: no-cache, no-store,
 * must-revalidate`. Logs a failure as Terminus does, `Health Check has failed!
 * {"database":{…}}`, but not while shutting down. The call's deadline is as before afterwards. */
void health_respond(struct call *call, const struct health *health, struct http_response *response);

/* Heap in use (malloc's arenas and mappings), in bytes. */
size_t health_heap_bytes(void);

/* Resident set at this moment, in bytes; 0 when the kernel does not tell. */
size_t health_rss_bytes(void);

/* Checks whose argument points to a threshold in bytes (size_t). Down above it, as Terminus says
 * it: "Used heap exceeded the set threshold", "Used rss exceeded the set threshold"; the latter
 * also when unknown. */
error health_check_heap(struct call *call, void *threshold, struct health_result *result);
error health_check_rss(struct call *call, void *threshold, struct health_result *result);
