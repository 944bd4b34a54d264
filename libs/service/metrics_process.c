/* What the services of a process share: the process, Redis, the connections to services elsewhere. */
#include "service/metrics.h"

#include "rpc/tcp_client.h"
#include "runtime/clock.h"
#include "runtime/file.h"

#include <sys/resource.h>

/* clang-format off */
static const struct metrics_family BUILD[] = {
    { "cuib_build_info", METRICS_GAUGE, METRICS_NUMBER, "1, with the version of the program." },
    { 0 },
};

enum { CPU, RESIDENT, OPEN_FDS, MAX_FDS, STARTED, HEAP, FIBERS, LAG, PROCESS_VALUES };

static const struct metrics_family PROCESS[] = {
    [CPU] =      { "process_cpu_seconds_total", METRICS_COUNTER, METRICS_NS, "User and system CPU time." },
    [RESIDENT] = { "process_resident_memory_bytes", METRICS_GAUGE, METRICS_NUMBER, "Resident memory." },
    [OPEN_FDS] = { "process_open_fds", METRICS_GAUGE, METRICS_NUMBER, "Open file descriptors." },
    [MAX_FDS] =  { "process_max_fds", METRICS_GAUGE, METRICS_NUMBER, "How many may be open." },
    [STARTED] =  { "process_start_time_seconds", METRICS_GAUGE, METRICS_MS, "When the process started, since 1970." },
    [HEAP] =     { "cuib_heap_bytes", METRICS_GAUGE, METRICS_NUMBER, "Memory of the heap that is in use." },
    [FIBERS] =   { "cuib_fibers", METRICS_GAUGE, METRICS_NUMBER, "Fibers that have started and not ended." },
    [LAG] =      { "cuib_eventloop_lag_seconds", METRICS_GAUGE, METRICS_NS,
                   "How long the event loop took for the turn after this scrape began." },
    [PROCESS_VALUES] = { 0 },
};
/* clang-format on */

static int64_t cpu_ns(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used))
        return METRICS_NONE;
    return ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

static bool count_name(str name, void *count)
{
    (void)name;
    ++*(int64_t *)count;
    return true;
}

/* Without the one that the look itself takes. */
static int64_t open_fds(struct arena *arena)
{
    int64_t count = -1;

    return file_visit(arena, "/proc/self/fd", count_name, &count) ? METRICS_NONE : count;
}

static int64_t max_fds(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT64_MAX ? METRICS_NONE
                                                                          : (int64_t)limit.rlim_cur;
}

/* Everything that is ready runs before us. */
static int64_t lag_ns(void)
{
    uint64_t start_ns = clock_ns();

    fiber_yield();
    return (int64_t)(clock_ns() - start_ns);
}

error service_write_process(struct scrape *scrape)
{
    const struct metrics_row build = { STR(CUIB_VERSION), (const int64_t[]){ 1 } };
    size_t rss = health_rss_bytes();
    const int64_t values[] = {
        [CPU] = cpu_ns(),
        [RESIDENT] = rss ? (int64_t)rss : METRICS_NONE,
        [OPEN_FDS] = open_fds(scrape->call->arena),
        [MAX_FDS] = max_fds(),
        [STARTED] = scrape->self->system->started.ms,
        [HEAP] = (int64_t)health_heap_bytes(),
        [FIBERS] = (int64_t)fiber_count(),
        [LAG] = lag_ns(),
    };

    metrics_write_rows(&scrape->writer, &(struct metrics_rows){ BUILD, "version", &build, 1 });
    metrics_write_one(&scrape->writer, PROCESS, values);
    return NULL;
}

/* clang-format off */
enum { REDIS_UP, RECONNECTIONS, SUBSCRIPTIONS, REDIS_VALUES };

static const struct metrics_family REDIS[] = {
    [REDIS_UP] =      { "redis_up", METRICS_GAUGE, METRICS_NUMBER, "1 while the connections to Redis are up." },
    [RECONNECTIONS] = { "redis_reconnections_total", METRICS_COUNTER, METRICS_NUMBER, "Connections to Redis that were made anew." },
    [SUBSCRIPTIONS] = { "redis_subscriptions", METRICS_GAUGE, METRICS_NUMBER, "Channels that are listened to." },
    [REDIS_VALUES] = { 0 },
};
/* clang-format on */

error service_write_redis(struct scrape *scrape)
{
    const struct redis *redis = scrape->self->system->redis;

    if (!redis)
        return NULL;
    const struct redis_counts counts = redis_counts(redis);
    const int64_t values[] = {
        [REDIS_UP] = counts.up,
        [RECONNECTIONS] = (int64_t)counts.reconnections,
        [SUBSCRIPTIONS] = (int64_t)counts.subscriptions,
    };

    metrics_write_one(&scrape->writer, REDIS, values);
    return NULL;
}

/* clang-format off */
enum { ADDRESSES, CONNECTED, PEER_VALUES };

static const struct metrics_family PEERS[] = {
    [ADDRESSES] = { "rpc_peer_addresses", METRICS_GAUGE, METRICS_NUMBER,
                    "Addresses of a service that is called over TCP; none before the first call." },
    [CONNECTED] = { "rpc_peer_connected", METRICS_GAUGE, METRICS_NUMBER, "Those with a connection." },
    [PEER_VALUES] = { 0 },
};
/* clang-format on */

error service_write_peers(struct scrape *scrape)
{
    const struct system *system = scrape->self->system;
    int64_t values[SERVICE_COUNT_MAX][PEER_VALUES];
    struct metrics_row rows[SERVICE_COUNT_MAX];
    size_t count = 0;

    for (size_t i = 0; i < system->remote_count; i++) {
        const struct service_remote *remote = &system->remotes[i];

        if (remote->over_redis)
            continue;
        const struct rpc_tcp_counts counts = rpc_tcp_client_counts(remote->client);

        values[count][ADDRESSES] = (int64_t)counts.addresses;
        values[count][CONNECTED] = (int64_t)counts.connected;
        rows[count] = (struct metrics_row){ str_of(remote->name), values[count] };
        count++;
    }
    metrics_write_rows(&scrape->writer, &(struct metrics_rows){ PEERS, "peer", rows, count });
    return NULL;
}
