#include "metrics/metrics.h"
#include "metrics/histogram.h"

#include <assert.h>

enum { MS_DIGITS = 3, NS_DIGITS = 9 };

static const char *const TYPES[] = {
    [METRICS_COUNTER] = "counter",
    [METRICS_GAUGE] = "gauge",
    [METRICS_HISTOGRAM] = "histogram",
};

/* --- texts ----------------------------------------------------------------------------------------- */

static void add_text(struct buf *out, const char *text)
{
    buf_add(out, str_of(text));
}

static void add_escaped(struct buf *out, str text, bool quoted)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '\n') {
            BUF_ADD(out, "\\n");
            continue;
        }
        if (c == '\\' || (c == '"' && quoted))
            buf_add_char(out, '\\');
        buf_add_char(out, c);
    }
}

/* `value` is a number of units of which a second has 10^digits. */
static void add_seconds(struct buf *out, int64_t value, int digits)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, second = 1;

    for (int i = 0; i < digits; i++)
        second *= 10;
    if (value < 0)
        buf_add_char(out, '-');
    buf_add_uint(out, size / second);
    size %= second;
    if (size)
        buf_add_char(out, '.');
    while (size) {
        second /= 10;
        buf_add_char(out, (char)('0' + size / second));
        size %= second;
    }
}

static void add_value(struct buf *out, int64_t value, enum metrics_unit unit)
{
    if (unit == METRICS_NUMBER)
        buf_add_int(out, value);
    else
        add_seconds(out, value, unit == METRICS_MS ? MS_DIGITS : NS_DIGITS);
    buf_add_char(out, '\n');
}

/* --- lines ----------------------------------------------------------------------------------------- */

static void add_label(struct buf *out, char *separator, const struct metrics_label *label)
{
    buf_add_char(out, *separator);
    *separator = ',';
    add_text(out, label->name);
    BUF_ADD(out, "=\"");
    add_escaped(out, label->value, true);
    buf_add_char(out, '"');
}

/* All of a sample but its value. */
static void add_series(struct metrics_writer *writer, const char *suffix,
                       struct metrics_labels labels, str le)
{
    struct buf *out = &writer->out;
    char separator = '{';

    add_text(out, writer->family->name);
    add_text(out, suffix);
    if (writer->constant.name)
        add_label(out, &separator, &writer->constant);
    for (size_t i = 0; i < labels.len; i++)
        add_label(out, &separator, &labels.at[i]);
    if (le.at)
        add_label(out, &separator, &(struct metrics_label){ "le", le });
    if (separator == ',')
        buf_add_char(out, '}');
    buf_add_char(out, ' ');
}

static void add_head(struct metrics_writer *writer)
{
    const struct metrics_family *family = writer->family;
    struct buf *out = &writer->out;

    if (writer->begun)
        return;
    writer->begun = true;
    buf_printf(out, "# HELP %s ", family->name);
    add_escaped(out, str_of(family->help), false);
    buf_printf(out, "\n# TYPE %s %s\n", family->name, TYPES[family->type]);
}

/* --- samples --------------------------------------------------------------------------------------- */

void metrics_begin(struct metrics_writer *writer, const struct metrics_family *family)
{
    writer->family = family;
    writer->begun = false;
}

void metrics_sample(struct metrics_writer *writer, struct metrics_labels labels, int64_t value)
{
    assert(writer->family->type != METRICS_HISTOGRAM);
    if (value == METRICS_NONE)
        return;
    add_head(writer);
    add_series(writer, "", labels, (str){ NULL, 0 });
    add_value(&writer->out, value, writer->family->unit);
}

void metrics_sample_histogram(struct metrics_writer *writer, struct metrics_labels labels,
                              const struct metrics_histogram *histogram)
{
    const str none = { NULL, 0 };
    uint64_t below = 0;

    assert(writer->family->type == METRICS_HISTOGRAM);
    add_head(writer);
    for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
        below += histogram->counts[i];
        add_series(writer, "_bucket", labels,
                   i < METRICS_BUCKETS ? metrics_buckets[i].le : STR("+Inf"));
        add_value(&writer->out, (int64_t)below, METRICS_NUMBER);
    }
    add_series(writer, "_sum", labels, none);
    add_value(&writer->out, (int64_t)histogram->sum_ns, METRICS_NS);
    add_series(writer, "_count", labels, none);
    add_value(&writer->out, (int64_t)below, METRICS_NUMBER);
}

void metrics_write_one(struct metrics_writer *writer, const struct metrics_family *families,
                       const int64_t *values)
{
    for (size_t i = 0; families[i].name; i++) {
        metrics_begin(writer, &families[i]);
        metrics_sample(writer, (struct metrics_labels){ NULL, 0 }, values[i]);
    }
}

void metrics_write_rows(struct metrics_writer *writer, const struct metrics_rows *rows)
{
    for (size_t i = 0; rows->families[i].name; i++) {
        metrics_begin(writer, &rows->families[i]);
        for (size_t k = 0; k < rows->len; k++)
            metrics_sample(writer, METRICS_LABELS({ rows->label, rows->at[k].name }),
                           rows->at[k].values[i]);
    }
}
