/* The parts of GET /metrics (metrics.c), each with tables of families of its own. A part that fails has written nothing. */
#pragma once

#include "metrics/metrics.h"
#include "service/service.h"

struct scrape {
    struct call *call;
    struct service_instance *self;
    struct metrics_writer writer;
};

/* metrics_process.c: the same on the port of each service. */
error service_write_process(struct scrape *scrape);
error service_write_redis(struct scrape *scrape);
error service_write_peers(struct scrape *scrape);

/* metrics_traffic.c */
error service_write_http(struct scrape *scrape);
error service_write_rpc(struct scrape *scrape);
