/* Prometheus's text format, version 0.0.4:
 *
 *     # HELP http_requests_total Requests that were answered.
 *     # TYPE http_requests_total counter
 *     http_requests_total{service="user",method="GET",route="/health",status="200"} 3
 *
 * Nothing is registered. Whoever has counts keeps them as it likes, in whole numbers, and at a scrape they are written
 * by tables of families:
 *
 *     static const struct metrics_family STORE[] = {
 *         { "database_commits_total", METRICS_COUNTER, METRICS_NUMBER, "Transactions that reached the disk." },
 *         { "database_units_queued", METRICS_GAUGE, METRICS_NUMBER, "Units of work that wait now." },
 *         { 0 },
 *     };
 *     const int64_t values[] = { (int64_t)counts.commits, counts.queued };
 *
 *     metrics_write_one(&writer, STORE, values);
 *
 * Times are counted in the unit that the family names and printed in seconds, without rounding. Names are the
 * program's own text and not checked; label values may be anything. */
#pragma once

#include "base/buf.h"

enum { METRICS_BUCKETS = 16 }; /* of a histogram, beside +Inf */

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* What a family's values are. */
enum metrics_unit { METRICS_NUMBER, METRICS_MS, METRICS_NS };

#define METRICS_NONE INT64_MIN /* as a value: there is no such sample now */

struct metrics_family {
    const char *name; /* ends in _total for a counter; NULL ends a table */
    enum metrics_type type;
    enum metrics_unit unit;
    const char *help; /* one sentence */
};

struct metrics_label {
    const char *name;
    str value;
};

struct metrics_labels {
    const struct metrics_label *at;
    size_t len;
};

#define METRICS_LABELS(...)                                                           \
    ((struct metrics_labels){ (const struct metrics_label[]){ __VA_ARGS__ },          \
                              sizeof((const struct metrics_label[]){ __VA_ARGS__ }) / \
                                  sizeof(struct metrics_label) })

/* --- histograms ------------------------------------------------------------------------------------ */

/* Times, counted in buckets that begin at a tenth of a millisecond and contain those that prom-client has by default.
 * All zero: nothing observed. */
struct metrics_histogram {
    uint64_t counts[METRICS_BUCKETS + 1]; /* each of its own bucket alone; the last is +Inf's */
    uint64_t sum_ns;
};

/* Takes a few nanoseconds. */
void metrics_observe(struct metrics_histogram *histogram, uint64_t ns);

uint64_t metrics_observed(const struct metrics_histogram *histogram);

/* --- writing --------------------------------------------------------------------------------------- */

struct metrics_writer {
    struct buf out;                      /* its failure is the text's; whoever made it frees it */
    struct metrics_label constant;       /* the first label of each sample; name == NULL: none */
    const struct metrics_family *family; /* that is being written */
    bool begun;                          /* it has a sample */
};

/* The samples that follow are of this family; no family may come twice. HELP and TYPE are written with the first of them. */
void metrics_begin(struct metrics_writer *writer, const struct metrics_family *family);

/* One sample of a counter or a gauge. No two of a family may have the same labels. */
void metrics_sample(struct metrics_writer *writer, struct metrics_labels labels, int64_t value);

/* The samples of a histogram: buckets, each with the counts of those below it, sum and count. */
void metrics_sample_histogram(struct metrics_writer *writer, struct metrics_labels labels,
                              const struct metrics_histogram *histogram);

/* A table of families with a sample each, values[i] that of families[i]. */
void metrics_write_one(struct metrics_writer *writer, const struct metrics_family *families,
                       const int64_t *values);

/* The same with a sample for each of several things, which a label tells apart. */
struct metrics_rows {
    const struct metrics_family *families;
    const char *label; /* "subscriber" */
    const struct metrics_row {
        str name; /* the label's value */
        const int64_t *values;
    } * at;
    size_t len;
};
void metrics_write_rows(struct metrics_writer *writer, const struct metrics_rows *rows);
