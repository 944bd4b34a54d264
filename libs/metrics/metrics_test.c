#include "metrics/metrics.h"
#include "metrics/histogram.h"
#include "testing/test.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 };

static const struct metrics_labels NO_LABELS = { NULL, 0 };

static const struct metrics_family counter = { "orders_total", METRICS_COUNTER, METRICS_NUMBER,
                                               "Orders." },
                                   gauge = { "queue_seconds", METRICS_GAUGE, METRICS_NS,
                                             "Age of the queue." },
                                   milliseconds = { "start_seconds", METRICS_GAUGE, METRICS_MS,
                                                    "The start." },
                                   histogram_family = { "took_seconds", METRICS_HISTOGRAM,
                                                        METRICS_NS, "How long it took." };

static struct metrics_writer writer;

static int begin(void **state)
{
    (void)state;
    writer = (struct metrics_writer){ .out = buf_new(TEXT_MAX) };
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_free(&writer.out);
    return 0;
}

/* What one sample prints after its head. */
static str line_of(const struct metrics_family *family, struct metrics_labels labels, int64_t value)
{
    metrics_begin(&writer, family);
    metrics_sample(&writer, NO_LABELS, 0);
    buf_clear(&writer.out);
    metrics_sample(&writer, labels, value);
    return buf_text(&writer.out);
}

static void a_family_begins_with_its_help_and_type(void **state)
{
    (void)state;
    metrics_begin(&writer, &counter);
    metrics_sample(&writer, METRICS_LABELS({ "country", STR("RO") }), 3);
    metrics_sample(&writer, METRICS_LABELS({ "country", STR("MD") }), 1);
    metrics_begin(&writer, &gauge);
    metrics_sample(&writer, NO_LABELS, 0);
    assert_text(buf_text(&writer.out), "# HELP orders_total Orders.\n"
                                       "# TYPE orders_total counter\n"
                                       "orders_total{country=\"RO\"} 3\n"
                                       "orders_total{country=\"MD\"} 1\n"
                                       "# HELP queue_seconds Age of the queue.\n"
                                       "# TYPE queue_seconds gauge\n"
                                       "queue_seconds 0\n");
}

static void a_family_without_samples_is_not_there(void **state)
{
    (void)state;
    metrics_begin(&writer, &counter);
    metrics_begin(&writer, &gauge);
    metrics_sample(&writer, NO_LABELS, METRICS_NONE);
    assert_text(buf_text(&writer.out), "");
}

static void label_values_are_escaped(void **state)
{
    static const struct {
        str value;
        const char *line;
    } rows[] = {
        { STR_INIT(""), "orders_total{a=\"\"} 1\n" },
        { STR_INIT("/users/:id"), "orders_total{a=\"/users/:id\"} 1\n" },
        { STR_INIT("say \"no\""), "orders_total{a=\"say \\\"no\\\"\"} 1\n" },
        { STR_INIT("C:\\new"), "orders_total{a=\"C:\\\\new\"} 1\n" },
        { STR_INIT("two\nlines"), "orders_total{a=\"two\\nlines\"} 1\n" },
        { STR_INIT("Bună"), "orders_total{a=\"Bună\"} 1\n" },
        { STR_INIT("\\\"\n"), "orders_total{a=\"\\\\\\\"\\n\"} 1\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(line_of(&counter, METRICS_LABELS({ "a", rows[i].value }), 1), rows[i].line);
}

static void help_is_escaped_but_for_quotation_marks(void **state)
{
    const struct metrics_family odd = { "odd", METRICS_GAUGE, METRICS_NUMBER,
                                        "A \"word\", a \\ and\na line." };

    (void)state;
    metrics_begin(&writer, &odd);
    metrics_sample(&writer, NO_LABELS, 1);
    assert_text(buf_text(&writer.out), "# HELP odd A \"word\", a \\\\ and\\na line.\n"
                                       "# TYPE odd gauge\nodd 1\n");
}

static void the_constant_label_comes_first(void **state)
{
    (void)state;
    writer.constant = (struct metrics_label){ "service", STR("user") };
    assert_text(line_of(&counter, NO_LABELS, 1), "orders_total{service=\"user\"} 1\n");
    assert_text(line_of(&counter, METRICS_LABELS({ "a", STR("b") }, { "c", STR("d") }), 1),
                "orders_total{service=\"user\",a=\"b\",c=\"d\"} 1\n");
}

static void times_are_seconds_without_rounding(void **state)
{
    static const struct {
        const struct metrics_family *family;
        int64_t value;
        const char *line;
    } rows[] = {
        { &gauge, 1, "queue_seconds 0.000000001\n" },
        { &gauge, 1500 * 1000 * 1000, "queue_seconds 1.5\n" },
        { &gauge, 20 * (int64_t)1000000000, "queue_seconds 20\n" },
        { &gauge, -1, "queue_seconds -0.000000001\n" },
        { &gauge, INT64_MAX, "queue_seconds 9223372036.854775807\n" },
        { &milliseconds, 1760000000123, "start_seconds 1760000000.123\n" },
        { &milliseconds, 10, "start_seconds 0.01\n" },
        { &counter, INT64_MAX, "orders_total 9223372036854775807\n" },
        { &counter, -5, "orders_total -5\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_text(line_of(rows[i].family, NO_LABELS, rows[i].value), rows[i].line);
}

static void a_table_has_a_sample_of_each_family(void **state)
{
    static const struct metrics_family table[] = {
        { "a", METRICS_GAUGE, METRICS_NUMBER, "A." },
        { "b", METRICS_GAUGE, METRICS_NUMBER, "B." },
        { "c", METRICS_GAUGE, METRICS_NUMBER, "C." },
        { 0 },
    };

    (void)state;
    metrics_write_one(&writer, table, (const int64_t[]){ 1, METRICS_NONE, 3 });
    assert_text(buf_text(&writer.out), "# HELP a A.\n# TYPE a gauge\na 1\n"
                                       "# HELP c C.\n# TYPE c gauge\nc 3\n");
}

static void rows_stand_together_by_family(void **state)
{
    static const struct metrics_family table[] = {
        { "a", METRICS_GAUGE, METRICS_NUMBER, "A." },
        { "b", METRICS_GAUGE, METRICS_NUMBER, "B." },
        { 0 },
    };
    const struct metrics_row rows[] = {
        { STR("x"), (const int64_t[]){ 1, 2 } },
        { STR("y"), (const int64_t[]){ 3, 4 } },
    };

    (void)state;
    metrics_write_rows(&writer, &(struct metrics_rows){ table, "of", rows, COUNT_OF(rows) });
    assert_text(buf_text(&writer.out),
                "# HELP a A.\n# TYPE a gauge\na{of=\"x\"} 1\na{of=\"y\"} 3\n"
                "# HELP b B.\n# TYPE b gauge\nb{of=\"x\"} 2\nb{of=\"y\"} 4\n");
}

/* --- histograms ------------------------------------------------------------------------------------ */

static void buckets_rise_and_say_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        str text = line_of(&gauge, NO_LABELS, (int64_t)metrics_buckets[i].max_ns);
        size_t start = str_find(text, ' ') + 1;

        assert_true(str_eq(str_slice(text, start, text.len - start - 1), metrics_buckets[i].le));
        if (i)
            assert_true(metrics_buckets[i - 1].max_ns < metrics_buckets[i].max_ns);
    }
}

static void a_time_is_in_the_first_bucket_that_is_not_below_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        struct metrics_histogram histogram = { 0 };

        metrics_observe(&histogram, metrics_buckets[i].max_ns);
        metrics_observe(&histogram, metrics_buckets[i].max_ns + 1);
        assert_int_equal(histogram.counts[i], 1);
        assert_int_equal(histogram.counts[i + 1], 1);
        assert_int_equal(metrics_observed(&histogram), 2);
    }
}

static void a_histogram_is_cumulative_with_sum_and_count(void **state)
{
    struct metrics_histogram histogram = { 0 };

    (void)state;
    metrics_observe(&histogram, 0);
    metrics_observe(&histogram, 100 * 1000);
    metrics_observe(&histogram, 3 * 1000 * 1000);
    metrics_observe(&histogram, (uint64_t)60 * 1000 * 1000 * 1000);
    metrics_begin(&writer, &histogram_family);
    metrics_sample_histogram(&writer, METRICS_LABELS({ "route", STR("/") }), &histogram);
    assert_text(buf_text(&writer.out), "# HELP took_seconds How long it took.\n"
                                       "# TYPE took_seconds histogram\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.0001\"} 2\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.00025\"} 2\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.0005\"} 2\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.001\"} 2\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.0025\"} 2\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.005\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.01\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.025\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.05\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.1\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.25\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"0.5\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"1\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"2.5\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"5\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"10\"} 3\n"
                                       "took_seconds_bucket{route=\"/\",le=\"+Inf\"} 4\n"
                                       "took_seconds_sum{route=\"/\"} 60.0031\n"
                                       "took_seconds_count{route=\"/\"} 4\n");
}

static void a_text_that_is_too_long_has_failed(void **state)
{
    (void)state;
    buf_free(&writer.out);
    writer.out = buf_new(64);
    metrics_begin(&writer, &counter);
    metrics_sample(&writer, NO_LABELS, 1);
    assert_true(buf_failed(&writer.out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_family_begins_with_its_help_and_type, begin, end),
        cmocka_unit_test_setup_teardown(a_family_without_samples_is_not_there, begin, end),
        cmocka_unit_test_setup_teardown(label_values_are_escaped, begin, end),
        cmocka_unit_test_setup_teardown(help_is_escaped_but_for_quotation_marks, begin, end),
        cmocka_unit_test_setup_teardown(the_constant_label_comes_first, begin, end),
        cmocka_unit_test_setup_teardown(times_are_seconds_without_rounding, begin, end),
        cmocka_unit_test_setup_teardown(a_table_has_a_sample_of_each_family, begin, end),
        cmocka_unit_test_setup_teardown(rows_stand_together_by_family, begin, end),
        cmocka_unit_test_setup_teardown(buckets_rise_and_say_what_they_are, begin, end),
        cmocka_unit_test_setup_teardown(a_time_is_in_the_first_bucket_that_is_not_below_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_histogram_is_cumulative_with_sum_and_count, begin, end),
        cmocka_unit_test_setup_teardown(a_text_that_is_too_long_has_failed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
