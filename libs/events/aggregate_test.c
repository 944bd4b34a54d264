#include "testing/test.h"

#include "events/aggregate.h"

#include <string.h>

struct counter {
    int64_t value;
    str label;
};

/* "counter.added" has had three shapes. */
struct added_1 {
    str by;
};
struct added_2 {
    int64_t by;
};
struct added {
    int64_t amount;
    str label;
};
struct reset {
    int64_t to;
};

static SCHEMA(added_1, FIELD(by));
static SCHEMA(added_2, FIELD(by));
static SCHEMA(added, FIELD(amount), FIELD(label, .optional = true));
static SCHEMA(reset, FIELD(to));

#define COUNTER_EVENTS(ON, ...)                          \
    ON("counter.added", added, apply_added, __VA_ARGS__) \
    ON("counter.reset", reset, apply_reset, __VA_ARGS__)
#define COUNTER_UPCASTS(ON)                                  \
    ON("counter.added", 1, added_1, added_2, upcast_added_1) \
    ON("counter.added", 2, added_2, added, upcast_added_2)
AGGREGATE_WITH_UPCASTS(counter, COUNTER_EVENTS, COUNTER_UPCASTS);

static void apply_added(struct counter *state, const struct added *data,
                        const struct recorded *event)
{
    (void)event;
    state->value += data->amount;
    state->label = data->label;
}

static void apply_reset(struct counter *state, const struct reset *data,
                        const struct recorded *event)
{
    (void)event;
    state->value = data->to;
}

static const struct error NO_NUMBER = ERROR(500, "not a number");

static error upcast_added_1(struct arena *arena, const struct added_1 *old, struct added_2 *next)
{
    uint64_t value;

    (void)arena;
    if (!str_to_uint(old->by, INT64_MAX, &value))
        return &NO_NUMBER;
    next->by = (int64_t)value;
    return NULL;
}

static error upcast_added_2(struct arena *arena, const struct added_2 *old, struct added *next)
{
    (void)arena;
    next->amount = old->by;
    next->label = STR("old");
    return NULL;
}

static struct recorded event_of(int64_t version, const char *type, int64_t shape, const char *data)
{
    return (struct recorded){
        .version = version, .type = str_of(type), .shape = shape, .data = str_of(data)
    };
}

static error replay(struct arena *arena, struct recorded event, struct counter *state)
{
    return events_replay(arena, &counter_aggregate, &event, 1, state);
}

static void every_shape_of_an_event_is_applied(void **unused)
{
    static const struct {
        int64_t shape;
        const char *data, *label;
    } rows[] = {
        { 1, "{\"by\":\"5\"}", "old" },
        { 2, "{\"by\":5}", "old" },
        { 3, "{\"amount\":5,\"label\":\"new\"}", "new" },
        { 4, "{\"amount\":5,\"label\":\"newer\",\"more\":true}", "newer" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct counter counter = { 0 };

        assert_null(
            replay(arena, event_of(1, "counter.added", rows[i].shape, rows[i].data), &counter));
        assert_int_equal(counter.value, 5);
        assert_text(counter.label, rows[i].label);
    }
    arena_free(arena);
}

static void events_are_applied_in_order_and_unknown_ones_passed_over(void **unused)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    const struct recorded events[] = {
        event_of(1, "counter.added", 3, "{\"amount\":5}"),
        event_of(2, "counter.reset", 1, "{\"to\":100}"),
        event_of(3, "counter.painted", 1, "no JSON at all"),
        event_of(4, "counter.added", 3, "{\"amount\":-1}"),
    };
    struct counter counter = { 0 };

    (void)unused;
    assert_null(events_replay(arena, &counter_aggregate, events, COUNT_OF(events), &counter));
    assert_int_equal(counter.value, 99);
    arena_free(arena);
}

static void unreadable_data_are_a_500_that_names_the_event(void **unused)
{
    static const struct {
        int64_t shape;
        const char *data;
    } rows[] = {
        { 3, "{\"amount\":\"five\"}" }, { 3, "{" }, { 3, "{}" }, { 2, "{\"amount\":5}" },
        { 1, "{\"by\":\"five\"}" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct counter counter = { 0 };
        error why =
            replay(arena, event_of(7, "counter.added", rows[i].shape, rows[i].data), &counter);

        assert_non_null(why);
        assert_int_equal(why->status, 500);
        assert_non_null(strstr(why->message, "Event 7 of stream"));
        assert_non_null(strstr(why->message, "counter.added"));
        assert_int_equal(counter.value, 0);
    }
    arena_free(arena);
}

static void a_shape_follows_the_last_upcast(void **unused)
{
    (void)unused;
    assert_int_equal(events_shape_of(&counter_aggregate,
                                     events_type_named(&counter_aggregate, STR("counter.added"))),
                     3);
    assert_int_equal(
        events_shape_of(&counter_aggregate, events_type_of(&counter_aggregate, reset_schema())), 1);
    assert_null(events_type_named(&counter_aggregate, STR("counter.painted")));
    assert_null(events_type_of(&counter_aggregate, added_1_schema()));
}

/* --- mistakes ------------------------------------------------------------------------------------ */

static const struct event_type twice[] = {
    { "counter.reset", reset_schema, apply_reset_untyped },
    { "counter.reset", added_schema, apply_added_untyped },
    { 0 },
};
static const struct event_type one_struct[] = {
    { "counter.reset", reset_schema, apply_reset_untyped },
    { "counter.zeroed", reset_schema, apply_reset_untyped },
    { 0 },
};
static const struct event_upcast of_nothing[] = {
    { "counter.painted", 1, added_1_schema, added_2_schema, upcast_added_1_untyped },
    { 0 },
};
static const struct event_upcast hole[] = {
    { "counter.added", 1, added_1_schema, added_2_schema, upcast_added_1_untyped },
    { "counter.added", 3, added_2_schema, added_schema, upcast_added_2_untyped },
    { 0 },
};
static const struct event_upcast short_of[] = {
    { "counter.added", 1, added_1_schema, added_2_schema, upcast_added_1_untyped },
    { 0 },
};
static const struct event_upcast from_zero[] = {
    { "counter.added", 0, added_2_schema, added_schema, upcast_added_2_untyped },
    { 0 },
};

static void mistakes_in_tables_are_found(void **unused)
{
    static const struct {
        const struct event_type *types;
        const struct event_upcast *upcasts;
        const char *says;
    } rows[] = {
        { twice, NULL, "counter.reset stands twice" },
        { one_struct, NULL, "two events have the struct reset" },
        { counter_event_types, of_nothing, "unknown event counter.painted" },
        { counter_event_types, hole, "upcast" },
        { counter_event_types, short_of, "is not what follows" },
        { counter_event_types, from_zero, "not numbered" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)unused;
    assert_null(events_check(arena, &counter_aggregate));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct aggregate wrong = { "wrong", sizeof(struct counter), rows[i].types,
                                   rows[i].upcasts };
        error why = events_check(arena, &wrong);

        assert_non_null(why);
        if (!strstr(why->message, rows[i].says))
            fail_msg("'%s' says not '%s'", why->message, rows[i].says);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_an_event_is_applied),
        cmocka_unit_test(events_are_applied_in_order_and_unknown_ones_passed_over),
        cmocka_unit_test(unreadable_data_are_a_500_that_names_the_event),
        cmocka_unit_test(a_shape_follows_the_last_upcast),
        cmocka_unit_test(mistakes_in_tables_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
