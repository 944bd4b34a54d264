/* The log: one line per event, in NestJS's text or as JSON, gathered and written once per loop turn;
 * a fatal one is written at once, since the process may be about to end. From any thread.
 * Errors and fatal lines go to stderr, all others to stdout, as NestJS does it. */
#pragma once

#include "base/error.h"

enum log_level { LOG_FATAL, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_VERBOSE };
enum log_format { LOG_TEXT, LOG_JSON };

/* Lines above `level` are dropped. Before other threads are started. */
void log_setup(enum log_level level, enum log_format format);

bool log_enabled(enum log_level level);

/* `context` is what NestJS prints in brackets: the part of the program that speaks. As printf; line breaks
 * and control characters in the text are escaped, so that one event stays one line. */
void log_line(enum log_level level, const char *context, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(context, ...) log_line(LOG_ERROR, context, __VA_ARGS__)
#define log_warn(context, ...) log_line(LOG_WARN, context, __VA_ARGS__)
#define log_info(context, ...) log_line(LOG_INFO, context, __VA_ARGS__)
#define log_debug(context, ...)                        \
    do {                                               \
        if (log_enabled(LOG_DEBUG))                    \
            log_line(LOG_DEBUG, context, __VA_ARGS__); \
    } while (0)

/* Logs an error with its causes: "what: message: cause: cause"; of a list of messages the first stands behind the message:
 * "what: Bad Request: total must be a number". */
void log_failure(const char *context, const char *what, error e);

/* Writes out what is gathered; the loop does it each turn. */
void log_flush(void);
