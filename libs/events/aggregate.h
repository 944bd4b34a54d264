/* Aggregates: what state is made of which events. Pure; no store, no clock. A stream holds the events of
 * one thing (an order), and its state is what applying them one after the other gives:
 *
 *     #define ORDER_EVENTS(ON, ...)                                                \
 *         ON("order.created",       order_created,  apply_created, __VA_ARGS__)    \
 *         ON("order.statusChanged", status_changed, apply_status,  __VA_ARGS__)
 *     AGGREGATE(order, ORDER_EVENTS);
 *
 *     static void apply_status(struct order *order, const struct status_changed *data,
 *                              const struct recorded *event)
 *     {
 *         order->status = data->new_status;
 *         order->updated_at = event->recorded_at;
 *     }
 *
 * makes `const struct aggregate order_aggregate`. The list is read twice: for the typed prototypes of the apply
 * functions and for the rows. An event type has one struct, and a struct one type: that is how an event that is
 * appended finds its type. The struct's field table carries no rules beyond those of its kinds, since what was
 * once recorded must be readable for ever; members may be added as optional ones.
 *
 * When a type's shape changes in another way, the old struct and its table stay, and an upcast makes the
 * new one of it:
 *
 *     #define ORDER_UPCASTS(ON)                                                    \
 *         ON("order.created", 1, order_created_1, order_created, upcast_created_1)
 *     AGGREGATE_WITH_UPCASTS(order, ORDER_EVENTS, ORDER_UPCASTS);
 *
 * The number is that of the old shape. A type's first shape is 1, and each upcast adds one: what is recorded
 * now has the number that follows its last upcast. */
#pragma once

#include "schema/schema.h"

/* An event as it was recorded. */
struct recorded {
    int64_t position; /* in the store: 1, 2, … in the order of commits */
    uuid id;          /* version 7 */
    uuid stream_id;
    int64_t version; /* in its stream: 1, 2, … without a gap */
    str type;
    str data;      /* JSON, as it was written then */
    int64_t shape; /* number of the data's shape */
    str trace;     /* W3C traceparent of the call that caused it; at == NULL: none */
    str cause;     /* what led to it: the id of an event or of a command; at == NULL: a request */
    uuid actor;    /* the user who asked; nil: none */
    timestamp recorded_at;
    bool
        again; /* it comes because a consumer writes anew what it keeps of events: what was had before does not count */
};

/* One type of event. */
struct event_type {
    const char *name; /* "order.created"; NULL ends a table */
    const struct schema *(*schema)(void);
    void (*apply)(void *state, const void *data, const struct recorded *event);
};

struct event_upcast {
    const char *name; /* of the type; NULL ends a table */
    int64_t from;     /* number of the old shape */
    const struct schema *(*old)(void);
    const struct schema *(*next)(void); /* of shape `from` + 1 */
    error (*upcast)(struct arena *arena, const void *old, void *next);
};

struct aggregate {
    const char *name; /* "order" */
    size_t size;      /* of the state; all zero before the first event */
    const struct event_type *types;
    const struct event_upcast *upcasts;
};

#define AGGREGATE(tag, LIST)                                                               \
    LIST(EVENTS_APPLY_, tag)                                                               \
    static const struct event_type tag##_event_types[] = { LIST(EVENTS_TYPE_, tag){ 0 } }; \
    const struct aggregate tag##_aggregate = { #tag, sizeof(struct tag), tag##_event_types, NULL }

#define AGGREGATE_WITH_UPCASTS(tag, LIST, UPCASTS)                                           \
    LIST(EVENTS_APPLY_, tag)                                                                 \
    UPCASTS(EVENTS_UPCAST_)                                                                  \
    static const struct event_type tag##_event_types[] = { LIST(EVENTS_TYPE_, tag){ 0 } };   \
    static const struct event_upcast tag##_upcasts[] = { UPCASTS(EVENTS_UPCAST_ROW_){ 0 } }; \
    const struct aggregate tag##_aggregate = { #tag, sizeof(struct tag), tag##_event_types,  \
                                               tag##_upcasts }

#define EVENTS_APPLY_(text, data_tag, function, state_tag)                                      \
    static void function(struct state_tag *state, const struct data_tag *data,                  \
                         const struct recorded *event);                                         \
    static void function##_untyped(void *state, const void *data, const struct recorded *event) \
    {                                                                                           \
        function(state, data, event);                                                           \
    }

#define EVENTS_TYPE_(text, data_tag, function, state_tag) \
    { text, data_tag##_schema, function##_untyped },

#define EVENTS_UPCAST_(text, number, old_tag, next_tag, function)                                 \
    static error function(struct arena *arena, const struct old_tag *old, struct next_tag *next); \
    static error function##_untyped(struct arena *arena, const void *old, void *next)             \
    {                                                                                             \
        return function(arena, old, next);                                                        \
    }

#define EVENTS_UPCAST_ROW_(text, number, old_tag, next_tag, function) \
    { text, number, old_tag##_schema, next_tag##_schema, function##_untyped },

/* The type of that name, or whose struct that table describes; NULL when the aggregate has none. */
const struct event_type *events_type_named(const struct aggregate *aggregate, str name);
const struct event_type *events_type_of(const struct aggregate *aggregate,
                                        const struct schema *schema);

/* The number of the shape in which that type is recorded now. */
int64_t events_shape_of(const struct aggregate *aggregate, const struct event_type *type);

/* Reads the event's data into a struct of the type's table in `arena`, upcasting an old shape. Data of a shape
 * newer than ours, which another version of the program wrote, is read as far as it is known. Unreadable data
 * are a 500 that names the event. */
error events_decode(struct arena *arena, const struct aggregate *aggregate,
                    const struct event_type *type, const struct recorded *event, void **out);

/* Applies recorded events to `state`, `aggregate->size` bytes, in order. Events of unknown types change nothing.
 * Texts of the state lie in `arena`. */
error events_replay(struct arena *arena, const struct aggregate *aggregate,
                    const struct recorded *events, size_t count, void *state);

/* Looks for mistakes in the tables: schema_check of each, a type or struct that stands twice, upcasts of a type
 * whose numbers are not 1, 2, …, or that do not end in the type's table. */
error events_check(struct arena *arena, const struct aggregate *aggregate);
