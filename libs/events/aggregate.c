#include "events/aggregate.h"

#include <string.h>

const struct event_type *events_type_named(const struct aggregate *aggregate, str name)
{
    for (const struct event_type *type = aggregate->types; type->name; type++) {
        if (str_is(name, type->name))
            return type;
    }
    return NULL;
}

const struct event_type *events_type_of(const struct aggregate *aggregate,
                                        const struct schema *schema)
{
    for (const struct event_type *type = aggregate->types; type->name; type++) {
        if (type->schema() == schema)
            return type;
    }
    return NULL;
}

static const struct event_upcast *upcast_from(const struct aggregate *aggregate,
                                              const struct event_type *type, int64_t shape)
{
    for (const struct event_upcast *up = aggregate->upcasts; up && up->name; up++) {
        if (up->from == shape && strcmp(up->name, type->name) == 0)
            return up;
    }
    return NULL;
}

int64_t events_shape_of(const struct aggregate *aggregate, const struct event_type *type)
{
    int64_t shape = 1;

    while (upcast_from(aggregate, type, shape))
        shape++;
    return shape;
}

/* --- reading ------------------------------------------------------------------------------------- */

static error unreadable(struct arena *arena, const struct recorded *event, error why)
{
    char stream[UUID_TEXT];

    if (why == &ERROR_OUT_OF_MEMORY)
        return why;
    uuid_print(event->stream_id, stream);
    return error_because(arena, why, 500, "Event %lld of stream %.*s (%.*s) is unreadable",
                         (long long)event->version, UUID_TEXT, stream, STR_ARG(event->type));
}

/* The 400 of a field table would blame whoever asks. */
static error read_shape(struct arena *arena, const struct schema *schema,
                        const struct recorded *event, void **out)
{
    void *data = arena_zalloc(arena, 1, schema->size);

    if (!data)
        return &ERROR_OUT_OF_MEMORY;
    error why = schema_parse(schema, arena, event->data, SCHEMA_IGNORE, data);

    if (why)
        return unreadable(arena, event, why);
    *out = data;
    return NULL;
}

error events_decode(struct arena *arena, const struct aggregate *aggregate,
                    const struct event_type *type, const struct recorded *event, void **out)
{
    const struct event_upcast *up = upcast_from(aggregate, type, event->shape);
    void *data = NULL;

    TRY(read_shape(arena, up ? up->old() : type->schema(), event, &data));
    for (int64_t shape = event->shape; up; up = upcast_from(aggregate, type, ++shape)) {
        void *next = arena_zalloc(arena, 1, up->next()->size);

        if (!next)
            return &ERROR_OUT_OF_MEMORY;
        error why = up->upcast(arena, data, next);

        if (why)
            return unreadable(arena, event, why);
        data = next;
    }
    *out = data;
    return NULL;
}

error events_replay(struct arena *arena, const struct aggregate *aggregate,
                    const struct recorded *events, size_t count, void *state)
{
    for (size_t i = 0; i < count; i++) {
        const struct event_type *type = events_type_named(aggregate, events[i].type);
        void *data;

        if (!type)
            continue;
        TRY(events_decode(arena, aggregate, type, &events[i], &data));
        type->apply(state, data, &events[i]);
    }
    return NULL;
}

/* --- checking ------------------------------------------------------------------------------------ */

static error check_type(struct arena *arena, const struct aggregate *aggregate,
                        const struct event_type *type)
{
    TRY(schema_check(type->schema(), arena));
    if (events_type_named(aggregate, str_of(type->name)) != type)
        return error_new(arena, 500, "Aggregate %s: the event %s stands twice", aggregate->name,
                         type->name);
    if (events_type_of(aggregate, type->schema()) != type)
        return error_new(arena, 500, "Aggregate %s: two events have the struct %s", aggregate->name,
                         type->schema()->name);
    return NULL;
}

/* An upcast makes what the next one takes, and the last one what the program knows. */
static error check_upcast(struct arena *arena, const struct aggregate *aggregate,
                          const struct event_upcast *up)
{
    const struct event_type *type = events_type_named(aggregate, str_of(up->name));

    TRY(schema_check(up->old(), arena));
    if (!type)
        return error_new(arena, 500, "Aggregate %s: an upcast of the unknown event %s",
                         aggregate->name, up->name);
    if (upcast_from(aggregate, type, up->from) != up || up->from < 1 ||
        up->from >= events_shape_of(aggregate, type))
        return error_new(arena, 500, "Aggregate %s: the upcasts of %s are not numbered 1, 2, …",
                         aggregate->name, up->name);
    const struct event_upcast *after = upcast_from(aggregate, type, up->from + 1);

    if (up->next() != (after ? after->old() : type->schema()))
        return error_new(arena, 500,
                         "Aggregate %s: what upcast %lld of %s makes is not what follows",
                         aggregate->name, (long long)up->from, up->name);
    return NULL;
}

error events_check(struct arena *arena, const struct aggregate *aggregate)
{
    for (const struct event_type *type = aggregate->types; type->name; type++)
        TRY(check_type(arena, aggregate, type));
    for (const struct event_upcast *up = aggregate->upcasts; up && up->name; up++)
        TRY(check_upcast(arena, aggregate, up));
    return NULL;
}
