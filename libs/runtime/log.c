#include "runtime/log.h"
#include "base/buf.h"
#include "runtime/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4096,      /* of the message; longer ones are cut */
    GATHERED_MAX = 1024 * 1024, /* per stream; written out at once when full */
    GATHERED_HIGH = 64 * 1024,
};

/* Other threads log too (migrations, the committer), hence the lock. */
static struct {
    pthread_mutex_t lock;
    enum log_level level;
    enum log_format format;
    struct buf out[2];    /* 0: stdout, 1: stderr */
    atomic_bool gathered; /* whether one of them may hold something; saves the lock in most turns */
} sink = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .level = LOG_INFO,
    .out = { { .max = GATHERED_MAX }, { .max = GATHERED_MAX } },
};

/* NestJS's names, right-aligned to seven characters in the text form. */
static const struct {
    const char *text, *json;
} LEVELS[] = {
    [LOG_FATAL] = { "  FATAL", "fatal" }, [LOG_ERROR] = { "  ERROR", "error" },
    [LOG_WARN] = { "   WARN", "warn" },   [LOG_INFO] = { "    LOG", "log" },
    [LOG_DEBUG] = { "  DEBUG", "debug" }, [LOG_VERBOSE] = { "VERBOSE", "verbose" },
};

void log_setup(enum log_level level, enum log_format format)
{
    sink.level = level;
    sink.format = format;
}

bool log_enabled(enum log_level level)
{
    return level <= sink.level;
}

static void write_out(int fd, struct buf *out)
{
    size_t sent = 0;

    while (sent < out->len) {
        ssize_t put = write(fd, out->at + sent, out->len - sent);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            break; /* nobody to tell */
        sent += (size_t)put;
    }
    buf_clear(out);
}

void log_flush(void)
{
    if (!atomic_load_explicit(&sink.gathered, memory_order_relaxed))
        return;
    pthread_mutex_lock(&sink.lock);
    atomic_store_explicit(&sink.gathered, false, memory_order_relaxed);
    write_out(STDOUT_FILENO, &sink.out[0]);
    write_out(STDERR_FILENO, &sink.out[1]);
    pthread_mutex_unlock(&sink.lock);
}

/* Control characters would let a peer forge lines; quotes matter in JSON only. Bytes of a text that is not
 * UTF-8 become U+FFFD in JSON, which could not carry them. */
static void add_escaped(struct buf *out, str text, bool json)
{
    bool replace = json && !str_is_utf8(text);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\u%04x", c);
        else if (replace && c >= 0x80)
            BUF_ADD(out, "\\ufffd");
        else if (json && (c == '"' || c == '\\'))
            buf_printf(out, "\\%c", c);
        else
            buf_add_char(out, (char)c);
    }
}

static void add_text_line(struct buf *out, enum log_level level, const char *context, str message)
{
    time_t now = (time_t)(clock_now().ms / 1000);
    struct tm local;
    char date[16], clock[24];

    localtime_r(&now, &local);
    strftime(date, sizeof date, "%m/%d/%Y", &local);
    strftime(clock, sizeof clock, "%I:%M:%S %p", &local);
    buf_printf(out, "[Cuib] %d  - %s, %s %s [%s] ", (int)getpid(), date,
               clock[0] == '0' ? clock + 1 : clock, LEVELS[level].text, context);
    add_escaped(out, message, false);
    buf_add_char(out, '\n');
}

static void add_json_line(struct buf *out, enum log_level level, const char *context, str message)
{
    buf_printf(out, "{\"level\":\"%s\",\"pid\":%d,\"timestamp\":%lld,\"message\":\"",
               LEVELS[level].json, (int)getpid(), (long long)clock_now().ms);
    add_escaped(out, message, true);
    buf_printf(out, "\",\"context\":\"%s\"}\n", context);
}

static void log_message(enum log_level level, const char *context, str message)
{
    pthread_mutex_lock(&sink.lock);
    struct buf *out = &sink.out[level <= LOG_ERROR];

    if (sink.format == LOG_JSON)
        add_json_line(out, level, context, message);
    else
        add_text_line(out, level, context, message);
    atomic_store_explicit(&sink.gathered, true, memory_order_relaxed);
    if (out->failed || out->len > GATHERED_HIGH || level == LOG_FATAL)
        write_out(level <= LOG_ERROR ? STDERR_FILENO : STDOUT_FILENO, out);
    pthread_mutex_unlock(&sink.lock);
}

/* `text` without its last character if the cut may have gone through it. */
static str whole_characters(str text)
{
    while (text.len && ((unsigned char)text.at[text.len - 1] & 0xC0) == 0x80)
        text.len--;
    if (text.len && ((unsigned char)text.at[text.len - 1] & 0xC0) == 0xC0)
        text.len--;
    return text;
}

void log_line(enum log_level level, const char *context, const char *format, ...)
{
    char message[LINE_MAX_BYTES];
    va_list arguments;

    if (!log_enabled(level))
        return;
    va_start(arguments, format);
    int len = vsnprintf(message, sizeof message, format, arguments);

    va_end(arguments);
    if (len < 0)
        return;
    if ((size_t)len < sizeof message)
        log_message(level, context, (str){ message, (size_t)len });
    else
        log_message(level, context, whole_characters((str){ message, sizeof message - 1 }));
}

void log_failure(const char *context, const char *what, error e)
{
    char why[LINE_MAX_BYTES];
    size_t len = 0;

    for (error at = e; at && len < sizeof why - 1; at = at->cause) {
        bool list = at->messages && at->messages->len;
        str first = list ? at->messages->at[0] : STR("");
        int put = snprintf(why + len, sizeof why - len, ": %s%s%.*s", at->message, list ? ": " : "",
                           STR_ARG(first));

        len += put > 0 ? (size_t)put : 0;
    }
    log_line(LOG_ERROR, context, "%s%s", what, why);
}
