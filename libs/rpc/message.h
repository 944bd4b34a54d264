/* Message tables: what a service answers, NestJS's @MessagePattern as a row. The first lines of a controller
 * are its API:
 *
 *     #define USER_MESSAGES(ON)                                       \
 *         ON("user.create",   create, create_user, user)              \
 *         ON("user.delete",   delete_user, user_id, nothing)
 *     MESSAGE_TABLE(user_messages, USER_MESSAGES);
 *
 * The list is read twice: once for the typed prototypes of the handlers, so that a handler of another type does
 * not compile, and once for the rows. A handler fills `out` on success; its memory is the call's arena. */
#pragma once

#include "runtime/call.h"
#include "schema/schema.h"

struct message {
    const char *pattern; /* "user.create"; NULL ends a table */
    const struct schema *(*in)(void);
    const struct schema *(*out)(void);
    error (*handle)(struct call *call, const void *in, void *out);
};

/* The reply without a value: `undefined` in NestJS. */
struct nothing {
    char unused;
};

const struct schema *nothing_schema(void);

#define MESSAGE_PROTOTYPE_(text, function, input, output)                                          \
    static error function(struct call *call, const struct input *in, struct output *out);          \
    static error function##_untyped(struct call *call, const void *in, void *out)                  \
    {                                                                                              \
        return function(call, in, out);                                                            \
    }

#define MESSAGE_ROW_(text, function, input, output) \
    { text, input##_schema, output##_schema, function##_untyped },

#define MESSAGE_TABLE(name, LIST) \
    LIST(MESSAGE_PROTOTYPE_)      \
    const struct message name[] = { LIST(MESSAGE_ROW_){ 0 } }
