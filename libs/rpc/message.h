/* Message tables: what a service answers, NestJS's @MessagePattern as a row; event tables: what it listens
 * to, @EventPattern. The first lines of a controller are its API:
 *
 *     #define USER_MESSAGES(ON)                                       \
 *         ON("user.create",   create, create_user, user)              \
 *         ON("user.delete",   delete_user, user_id, nothing)
 *     MESSAGE_TABLE(user_messages, USER_MESSAGES);
 *
 *     #define USER_EVENTS(ON)                                         \
 *         ON("order.created", summarize, order_created)
 *     EVENT_TABLE(user_events, USER_EVENTS);
 *
 * The list is read twice: once for the typed prototypes of the handlers, so that a handler of another type does
 * not compile, and once for the rows. A handler fills `out` on success; its memory is the call's arena.
 *
 * A pattern may have several rows, which answer with more or with less of the same. Who asks in the same process gets
 * the answer of the row whose struct it reads; on the wire the first row answers, and members that nobody
 * reads are ignored.
 *
 * A pattern whose answer is many values, one after the other, stands in a STREAM_TABLE: its handler gets
 * `struct rpc_items *` instead of `out` and hands each value to rpc_item. */
#pragma once

#include "runtime/call.h"
#include "schema/schema.h"

struct rpc_items;

struct message {
    const char *pattern; /* the route: "user.create"; NULL ends a table */
    const struct schema *(*in)(void);
    const struct schema *(*out)(void); /* of the reply, or of each item */
    error (*handle)(struct call *call, const void *in, void *out); /* or, of a stream: */
    error (*each)(struct call *call, const void *in, struct rpc_items *items);
};

struct rpc_packet;

/* Unknown members of an event are ignored: who emits it may be newer. Several rows, of one table or of
 * many services, may have one pattern; each gets the event. */
struct event {
    const char *pattern; /* NULL ends a table */
    const struct schema *(*in)(void);
    error (*handle)(struct call *call, const void *in); /* or, when more than the data counts: */
    error (*receive)(struct call *call, const void *in, const struct rpc_packet *packet,
                     const void *cookie);
    const void *cookie;

    /* Where every replica of a service hears the event: the text by which one of them claims it, in the arena; at ==
     * NULL: each one handles it, NestJS's way. May be NULL, which says the same. */
    str (*claim)(struct arena *arena, const struct rpc_packet *packet, const void *cookie);
};

/* Where the items of a stream go. */
struct rpc_items {
    const struct schema *schema; /* of each */
    error (*put)(struct call *call, struct rpc_items *items, const void *value);
};

/* Hands one item over, waiting while the caller reads more slowly than we produce. The item's table must be
 * that of the row (asserted). An error is the handler's to return. */
error rpc_item(struct call *call, struct rpc_items *items, struct schema_in item);

/* The reply without a value: `undefined` in NestJS. */
struct nothing {
    char unused;
};

const struct schema *nothing_schema(void);

#define MESSAGE_PROTOTYPE_(text, function, input, output)                                 \
    static error function(struct call *call, const struct input *in, struct output *out); \
    static error function##_untyped(struct call *call, const void *in, void *out)         \
    {                                                                                     \
        return function(call, in, out);                                                   \
    }

#define MESSAGE_ROW_(text, function, input, output) \
    { text, input##_schema, output##_schema, function##_untyped, NULL },

#define MESSAGE_TABLE(name, LIST) \
    LIST(MESSAGE_PROTOTYPE_)      \
    const struct message name[] = { LIST(MESSAGE_ROW_){ 0 } }

#define STREAM_PROTOTYPE_(text, function, input, output)                                        \
    static error function(struct call *call, const struct input *in, struct rpc_items *items);  \
    static error function##_untyped(struct call *call, const void *in, struct rpc_items *items) \
    {                                                                                           \
        return function(call, in, items);                                                       \
    }

#define STREAM_ROW_(text, function, input, output) \
    { text, input##_schema, output##_schema, NULL, function##_untyped },

#define STREAM_TABLE(name, LIST) \
    LIST(STREAM_PROTOTYPE_)      \
    const struct message name[] = { LIST(STREAM_ROW_){ 0 } }

#define EVENT_PROTOTYPE_(text, function, input)                        \
    static error function(struct call *call, const struct input *in);  \
    static error function##_untyped(struct call *call, const void *in) \
    {                                                                  \
        return function(call, in);                                     \
    }

#define EVENT_ROW_(text, function, input) \
    { text, input##_schema, function##_untyped, NULL, NULL, NULL },

#define EVENT_TABLE(name, LIST) \
    LIST(EVENT_PROTOTYPE_)      \
    const struct event name[] = { LIST(EVENT_ROW_){ 0 } }
