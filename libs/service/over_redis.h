/* The services of a process on Redis, where REDIS_HOST is set: one `struct redis` for all of them, a server
 * for each that has messages, clients for services elsewhere, and a check in /health and /health/ready. */
#pragma once

#include "service/service.h"

/* Starts to connect. Redis need not be there: what needs it waits, and readiness says so. */
error service_redis_connect(struct system *system);

/* Adds the check. */
void service_redis_add_check(struct service_instance *self);

/* Subscribes to the routes of the service's messages and events. */
error service_redis_listen(struct service_instance *self);

/* Unsubscribes and finishes what runs, for all services. */
void service_redis_drain(struct call *call, struct system *system, uint64_t timeout_ms);

/* A client for a service elsewhere. */
error service_redis_client(struct system *system, const char *name, struct rpc_client **out);
