#include "metrics/histogram.h"

#define US ((uint64_t)1000)
#define MS (1000 * US)
#define S (1000 * MS)

const struct metrics_bucket metrics_buckets[METRICS_BUCKETS] = {
    { 100 * US, STR_INIT("0.0001") },  { 250 * US, STR_INIT("0.00025") },
    { 500 * US, STR_INIT("0.0005") },  { 1 * MS, STR_INIT("0.001") },
    { 2500 * US, STR_INIT("0.0025") }, { 5 * MS, STR_INIT("0.005") },
    { 10 * MS, STR_INIT("0.01") },     { 25 * MS, STR_INIT("0.025") },
    { 50 * MS, STR_INIT("0.05") },     { 100 * MS, STR_INIT("0.1") },
    { 250 * MS, STR_INIT("0.25") },    { 500 * MS, STR_INIT("0.5") },
    { 1 * S, STR_INIT("1") },          { 2500 * MS, STR_INIT("2.5") },
    { 5 * S, STR_INIT("5") },          { 10 * S, STR_INIT("10") },
};

/* From below: nearly all answers are in the first buckets. */
void metrics_observe(struct metrics_histogram *histogram, uint64_t ns)
{
    size_t i = 0;

    while (i < METRICS_BUCKETS && ns > metrics_buckets[i].max_ns)
        i++;
    histogram->counts[i]++;
    histogram->sum_ns += ns;
}

uint64_t metrics_observed(const struct metrics_histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}
