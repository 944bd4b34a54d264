#include "service/measures.h"
#include "testing/test.h"

static error show(struct call *call, struct exchange *exchange)
{
    (void)call;
    (void)exchange;
    return NULL;
}

static const struct route first[] = {
    { HTTP_GET, "/users/:id", ACCESS_ANYONE, .handle = show },
    { HTTP_PUT, "/users/:id", ACCESS_ANYONE, .handle = show },
    { 0 },
};
static const struct route second[] = {
    { HTTP_GET, "/health", ACCESS_ANYONE, .handle = show },
    { 0 },
};

static const struct message messages[] = { { .pattern = "user.create" },
                                           { .pattern = "user.find" },
                                           { 0 } };
static const struct event events[] = { { .pattern = "order.created" }, { 0 } };

static struct system house;
static struct service_instance self;

static int begin(void **state)
{
    (void)state;
    house = (struct system){ .arena = arena_new(1024 * 1024) };
    self = (struct service_instance){
        .system = &house,
        .routes = { first, second, NULL },
        .handlers = { .messages = messages, .events = events },
    };
    assert_null(service_measure(&self));
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(house.arena);
    return 0;
}

static void answered(enum http_method method, const struct route *route, int status)
{
    const struct http_request request = { .method = method, .route = route };

    service_note_answer(&(struct http_answered){ &request, status, 1 }, &self);
}

static uint64_t tally(size_t route, enum http_method method, int status)
{
    for (const struct service_tally *at = self.measures->routes[route].tallies; at; at = at->next)
        if (at->method == method && at->status == status)
            return at->count;
    return 0;
}

static void there_is_a_row_for_each_route_and_pattern_and_one_for_the_rest(void **state)
{
    const struct service_measures *measures = self.measures;

    (void)state;
    assert_int_equal(measures->route_count, 4);
    assert_ptr_equal(measures->routes[1].row, &first[1]);
    assert_ptr_equal(measures->routes[2].row, &second[0]);
    assert_null(measures->routes[3].row);
    assert_int_equal(measures->pattern_count, 4);
    assert_string_equal(measures->patterns[2].name, "order.created");
    assert_null(measures->patterns[3].name);
}

static void answers_count_by_route_method_and_status(void **state)
{
    (void)state;
    answered(HTTP_GET, &first[0], 200);
    answered(HTTP_GET, &first[0], 200);
    answered(HTTP_HEAD, &first[0], 200);
    answered(HTTP_GET, &first[0], 404);
    answered(HTTP_PUT, &first[1], 200);
    assert_int_equal(tally(0, HTTP_GET, 200), 2);
    assert_int_equal(tally(0, HTTP_HEAD, 200), 1);
    assert_int_equal(tally(0, HTTP_GET, 404), 1);
    assert_int_equal(tally(1, HTTP_PUT, 200), 1);
    assert_int_equal(tally(2, HTTP_GET, 200), 0);
    assert_int_equal(metrics_observed(&self.measures->routes[0].duration), 4);
}

static void what_has_no_route_counts_with_the_rest(void **state)
{
    static const struct route stranger[] = { { HTTP_GET, "/x", ACCESS_ANYONE, .handle = show } };

    (void)state;
    answered(HTTP_GET, NULL, 404);
    answered(HTTP_GET, stranger, 404);
    service_note_answer(&(struct http_answered){ NULL, 400, 0 }, &self);
    assert_int_equal(tally(3, HTTP_GET, 404), 2);
    assert_int_equal(tally(3, HTTP_OTHER, 400), 1);
    assert_int_equal(metrics_observed(&self.measures->routes[3].duration), 2);
}

static void combinations_end_at_their_limit(void **state)
{
    (void)state;
    answered(HTTP_GET, &first[0], 200);
    for (int status = 1000; status < 1000 + MEASURES_TALLIES_MAX; status++)
        answered(HTTP_GET, NULL, status);
    assert_int_equal(self.measures->tallies, MEASURES_TALLIES_MAX);
    assert_int_equal(tally(3, HTTP_GET, 1000 + MEASURES_TALLIES_MAX - 2), 1);
    assert_int_equal(tally(3, HTTP_GET, 1000 + MEASURES_TALLIES_MAX - 1), 0);
    answered(HTTP_GET, &first[0], 200);
    assert_int_equal(tally(0, HTTP_GET, 200), 2);
}

static void counting_takes_no_memory_the_second_time(void **state)
{
    (void)state;
    answered(HTTP_GET, &first[0], 200);
    size_t used = arena_used(house.arena);

    for (int i = 0; i < 1000; i++)
        answered(HTTP_GET, &first[0], 200);
    service_note_message(&(struct rpc_handled){ &messages[0], NULL, 200, 1 }, &self);
    assert_int_equal(arena_used(house.arena), used);
}

static void messages_count_by_pattern_and_outcome(void **state)
{
    static const struct {
        struct rpc_handled handled;
        size_t row;
        enum service_outcome outcome;
    } rows[] = {
        { { &messages[0], NULL, 200, 1 }, 0, OUTCOME_OK },
        { { &messages[1], NULL, 404, 1 }, 1, OUTCOME_CLIENT_ERROR },
        { { &messages[1], NULL, 499, 1 }, 1, OUTCOME_CLIENT_ERROR },
        { { &messages[1], NULL, 500, 1 }, 1, OUTCOME_SERVER_ERROR },
        { { NULL, &events[0], 504, 1 }, 2, OUTCOME_SERVER_ERROR },
        { { NULL, NULL, 404, 1 }, 3, OUTCOME_CLIENT_ERROR },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct service_measured_pattern *row = &self.measures->patterns[rows[i].row];
        uint64_t before = row->outcomes[rows[i].outcome],
                 observed = metrics_observed(&row->duration);

        service_note_message(&rows[i].handled, &self);
        assert_int_equal(row->outcomes[rows[i].outcome], before + 1);
        assert_int_equal(metrics_observed(&row->duration), observed + 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_a_row_for_each_route_and_pattern_and_one_for_the_rest),
        TEST(answers_count_by_route_method_and_status),
        TEST(what_has_no_route_counts_with_the_rest),
        TEST(combinations_end_at_their_limit),
        TEST(counting_takes_no_memory_the_second_time),
        TEST(messages_count_by_pattern_and_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
