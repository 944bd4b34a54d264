/* The buckets of all histograms, for metrics.c. */
#pragma once

#include "metrics/metrics.h"

struct metrics_bucket {
    uint64_t max_ns; /* inclusive */
    str le;          /* the same in seconds */
};

extern const struct metrics_bucket metrics_buckets[METRICS_BUCKETS];
