/* Errors are values that are returned: NULL is success. A fixed error is a constant, compared by its
 * address and free of cost; others are made in the call's arena. The same value becomes the body of an
 * HTTP answer and the `err` of an RPC reply, so it carries an HTTP status from the start.
 *
 *     const struct error USER_NOT_FOUND = ERROR(404, "User not found");
 *
 *     TRY(user_find(call, &id, &user));
 */
#pragma once

#include "base/arena.h"

/* The three body shapes that NestJS has (its exceptions; exceptions without a reason; everything that
 * did not come from an HttpException). */
enum error_form {
    ERROR_NAMED,   /* {"message":…,"error":"Not Found","statusCode":404} */
    ERROR_UNNAMED, /* {"message":…,"statusCode":401} */
    ERROR_BRIEF,   /* {"statusCode":500,"message":…} */
};

struct error {
    int status;                /* HTTP status, 400 to 599 */
    enum error_form form;      /* shape of the body */
    const char *message;       /* UTF-8, never NULL */
    const strs *messages;      /* a list sent instead of `message` (validation), or NULL */
    unsigned retry_after_s;    /* > 0: sent as Retry-After */
    const struct error *cause; /* what led to it: for the log, never for a peer; or NULL */
};

typedef const struct error *error;

#define ERROR(code, text)                   \
    {                                       \
        .status = (code), .message = (text) \
    }

/* Hands an error of `expression` to the caller. The only macro that hides a `return`. */
#define TRY(expression)            \
    do {                           \
        error try_ = (expression); \
        if (try_)                  \
            return try_;           \
    } while (0)

extern const struct error ERROR_OUT_OF_MEMORY; /* 503: an arena, buffer or the heap is exhausted */
extern const struct error ERROR_INTERNAL;      /* 500 "Internal server error" */
extern const struct error ERROR_DEADLINE;      /* 504: the call's time is up */
extern const struct error ERROR_CANCELLED;     /* 499: whoever asked is gone; nobody reads it */

/* The standard reason phrase ("Not Found"), or "Error" for a status NestJS has no exception for. */
const char *error_name(int status);

/* An error in `arena`, its text as printf. ERROR_OUT_OF_MEMORY when the arena refuses. */
error error_new(struct arena *arena, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_new, and keeps why: `cause` shows in the log line alone. */
error error_because(struct arena *arena, error cause, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A 400 with a list of messages; `messages` must live as long as `arena`. */
error error_list(struct arena *arena, int status, strs messages);
