/* From the event stores of this process to everybody who hears of them: services in this process directly, those
 * elsewhere over Redis Streams where there is Redis, else over the TCP wire; and with Redis on NestJS's pub/sub channels, too,
 * for whoever listens there. */
#pragma once

#include "service/service.h"

/* Subscribes them all. To be called when the services have been started. */
error service_deliver(struct call *call, struct system *system);

/* Starts to read the service's stream in Redis, where there is one and it has a table `recorded`. */
error service_read_stream(struct service_instance *self);

/* Ends the reading, for all services; what runs is finished. */
void service_drain_streams(struct call *call, struct system *system, uint64_t timeout_ms);

/* Frees what the two have made. To be called when the services have been stopped. */
void service_delivery_close(struct system *system);
