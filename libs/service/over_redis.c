#include "service/over_redis.h"
#include "rpc/redis_client.h"
#include "runtime/log.h"

error service_redis_connect(struct system *system)
{
    const struct system_settings *settings = &system->settings;
    const struct redis_options options = {
        .host = settings->redis_host,
        .port = (unsigned)settings->redis_port,
        .password = settings->redis_password,
        .database = (unsigned)settings->redis_db,
    };

    return settings->redis_host.at ? redis_new(&options, &system->redis) : NULL;
}

static error check(struct call *call, void *redis, struct health_result *result)
{
    result->has_response_time = true;
    return redis_check(call, redis);
}

void service_redis_add_check(struct service_instance *self)
{
    if (self->system->redis)
        service_add_check(self, (struct health_check){ "redis", check, self->system->redis });
}

error service_redis_listen(struct service_instance *self)
{
    const struct system *system = self->system;
    const struct rpc_redis_server_options options = {
        .handlers = self->handlers,
        .redis = system->redis,
        .every_replica_answers = !system->settings.redis_one_answer,
    };

    return system->redis ? rpc_redis_server_new(&options, &self->redis) : NULL;
}

static void log_counts(const struct service_instance *self)
{
    struct rpc_redis_server_counts counts = rpc_redis_server_counts(self->redis);

    log_info(self->service->title, "over Redis: %llu messages handled, %llu left to other replicas",
             (unsigned long long)counts.handled, (unsigned long long)counts.suppressed);
}

static void one_drained(void *wait)
{
    wait_done(wait);
}

void service_redis_drain(struct call *call, struct system *system, uint64_t timeout_ms)
{
    struct wait drained[SERVICE_COUNT_MAX] = { 0 };

    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].redis)
            rpc_redis_server_drain(system->instances[i].redis, timeout_ms, one_drained,
                                   &drained[i]);
    for (size_t i = 0; i < system->count; i++) {
        if (!system->instances[i].redis)
            continue;
        call_wait_done(call, &drained[i]);
        log_counts(&system->instances[i]);
    }
}

error service_redis_client(struct system *system, const char *name, struct rpc_client **out)
{
    return rpc_redis_client_new(
        &(struct rpc_redis_options){ .common.name = str_of(name), .redis = system->redis }, out);
}
