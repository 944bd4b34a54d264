#include "health/health.h"

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "testing/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10 * 1000, HEADERS_MAX = 1024, LOG_MAX = 4096 };

/* What the fiber of a test asks and is answered. */
static struct {
    struct arena *arena;
    struct call call;
    struct health health;
    struct http_response response;
    uint64_t took_ms;
    char log[LOG_MAX];
} test;

static int set_up(void **state)
{
    (void)state;
    memset(&test, 0, sizeof test);
    test.arena = arena_new(ARENA_CALL_MAX);
    test.call = call_new(test.arena, TIMEOUT_MS);
    test.response = (struct http_response){ .status = 200, .headers = buf_new(HEADERS_MAX) };
    return test.arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&test.response.headers);
    arena_free(test.arena);
    return 0;
}

static void on_fiber(void *argument)
{
    uint64_t start_ns = clock_ns();

    (void)argument;
    health_respond(&test.call, &test.health, &test.response);
    test.took_ms = (clock_ns() - start_ns) / (1000 * 1000);
}

/* Asks, with what is written to stderr going to test.log. */
static void ask(const struct health_check *checks, size_t count)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    ssize_t len;

    assert_non_null(file);
    test.health.checks = checks;
    test.health.count = count;
    log_flush();
    dup2(fileno(file), STDERR_FILENO);
    assert_null(fiber_run_all(on_fiber, NULL));
    log_flush();
    dup2(saved, STDERR_FILENO);
    close(saved);
    len = pread(fileno(file), test.log, LOG_MAX - 1, 0);
    fclose(file);
    assert_true(len >= 0);
}

#define ASK(checks) ask(checks, COUNT_OF(checks))

/* The body with each response time replaced by `#`: they depend on the machine. */
static const char *body(void)
{
    static const char TIME[] = "\"responseTime\":";
    static char text[HEALTH_BODY_MAX];
    str rest = test.response.body;
    size_t len = 0;

    while (rest.len) {
        text[len++] = rest.at[0];
        rest = str_slice(rest, 1, rest.len);
        if (len >= strlen(TIME) && memcmp(text + len - strlen(TIME), TIME, strlen(TIME)) == 0) {
            text[len++] = '#';
            while (rest.len && rest.at[0] >= '0' && rest.at[0] <= '9')
                rest = str_slice(rest, 1, rest.len);
        }
    }
    text[len] = '\0';
    return text;
}

static void assert_answer(int status, const char *expected)
{
    assert_int_equal(test.response.status, status);
    assert_string_equal(body(), expected);
    assert_string_equal(test.response.content_type, HTTP_JSON);
    assert_true(str_is(buf_text(&test.response.headers),
                       "Cache-Control: no-cache, no-store, must-revalidate\r\n"));
}

static error be_up(struct call *call, void *argument, struct health_result *result)
{
    (void)call;
    result->has_response_time = argument != NULL;
    return NULL;
}

static error be_down(struct call *call, void *argument, struct health_result *result)
{
    static const struct error REFUSED = ERROR(503, "connection refused");

    (void)call;
    result->has_response_time = argument != NULL;
    return &REFUSED;
}

static error be_down_in_own_words(struct call *call, void *message, struct health_result *result)
{
    (void)call;
    result->message = message;
    return &ERROR_DEADLINE;
}

static error be_degraded(struct call *call, void *argument, struct health_result *result)
{
    (void)call;
    result->has_response_time = argument != NULL;
    result->degraded = true;
    result->message = argument;
    return NULL;
}

static error sleep_for(struct call *call, void *delay_ms, struct health_result *result)
{
    result->has_response_time = true;
    return call_sleep(call, *(const uint64_t *)delay_ms);
}

static char timed[] = "prints its response time";

static void no_checks_are_ok(void **state)
{
    (void)state;
    ask(NULL, 0);
    assert_answer(200, "{\"status\":\"ok\",\"info\":{},\"error\":{},\"details\":{}}");
    assert_string_equal(test.log, "");
}

static void checks_that_are_up_stand_in_info_and_details(void **state)
{
    static const struct health_check CHECKS[] = {
        { "database", be_up, timed },
        { "memory_heap", be_up, NULL },
        { "memory_rss", be_up, NULL },
    };

    (void)state;
    ASK(CHECKS);
    assert_answer(200, "{\"status\":\"ok\",\"info\":{\"database\":{\"responseTime\":#,\"status\":"
                       "\"up\"},\"memory_heap\":{\"status\":\"up\"},\"memory_rss\":{\"status\":"
                       "\"up\"}},\"error\":{},\"details\":{\"database\":{\"responseTime\":#,"
                       "\"status\":\"up\"},\"memory_heap\":{\"status\":\"up\"},\"memory_rss\":{"
                       "\"status\":\"up\"}}}");
    assert_string_equal(test.log, "");
}

/* The down ones come last in details although they were asked first. */
static void checks_that_are_down_make_it_a_503(void **state)
{
    static const struct health_check CHECKS[] = {
        { "database", be_down, timed },
        { "memory_heap", be_down, NULL },
        { "memory_rss", be_up, NULL },
    };

    (void)state;
    ASK(CHECKS);
    assert_answer(503,
                  "{\"status\":\"error\",\"info\":{\"memory_rss\":{\"status\":\"up\"}},"
                  "\"error\":{\"database\":{\"message\":\"connection refused\","
                  "\"responseTime\":#,\"status\":\"down\"},\"memory_heap\":{\"message\":"
                  "\"connection refused\",\"status\":\"down\"}},"
                  "\"details\":{\"memory_rss\":{\"status\":\"up\"},\"database\":{\"message\":"
                  "\"connection refused\",\"responseTime\":#,\"status\":\"down\"},"
                  "\"memory_heap\":{\"message\":\"connection refused\",\"status\":\"down\"}}}");
}

static void all_down_leaves_info_empty(void **state)
{
    static const struct health_check CHECKS[] = { { "database", be_down, NULL } };

    (void)state;
    ASK(CHECKS);
    assert_answer(503, "{\"status\":\"error\",\"info\":{},\"error\":{\"database\":{\"message\":"
                       "\"connection refused\",\"status\":\"down\"}},\"details\":{\"database\":{"
                       "\"message\":\"connection refused\",\"status\":\"down\"}}}");
}

/* As @nestjs/terminus 12.1: info holds it, and the order of the checks stays. */
static void a_degraded_check_stands_in_info_and_is_a_200(void **state)
{
    static char message[] = "3 wait";
    static const struct health_check CHECKS[] = {
        { "deliveries", be_degraded, message },
        { "mail", be_degraded, NULL },
        { "database", be_up, NULL },
    };

    (void)state;
    ASK(CHECKS);
    assert_answer(200, "{\"status\":\"degraded\",\"info\":{\"deliveries\":{\"message\":\"3 wait\","
                       "\"responseTime\":#,\"status\":\"degraded\"},\"mail\":{\"status\":"
                       "\"degraded\"},\"database\":{\"status\":\"up\"}},\"error\":{},\"details\":{"
                       "\"deliveries\":{\"message\":\"3 wait\",\"responseTime\":#,\"status\":"
                       "\"degraded\"},\"mail\":{\"status\":\"degraded\"},\"database\":{\"status\":"
                       "\"up\"}}}");
    assert_string_equal(test.log, "");
}

static void down_outweighs_degraded(void **state)
{
    static const struct health_check CHECKS[] = { { "a", be_degraded, NULL },
                                                  { "b", be_down, NULL } };

    (void)state;
    ASK(CHECKS);
    assert_answer(503, "{\"status\":\"error\",\"info\":{\"a\":{\"status\":\"degraded\"}},"
                       "\"error\":{\"b\":{\"message\":\"connection refused\",\"status\":\"down\"}},"
                       "\"details\":{\"a\":{\"status\":\"degraded\"},\"b\":{\"message\":"
                       "\"connection refused\",\"status\":\"down\"}}}");
}

static void shutting_down_outweighs_degraded(void **state)
{
    static const struct health_check CHECKS[] = { { "a", be_degraded, NULL } };

    (void)state;
    test.health.shutting_down = true;
    ASK(CHECKS);
    assert_answer(503, "{\"status\":\"shutting_down\",\"info\":{\"a\":{\"status\":\"degraded\"}},"
                       "\"error\":{},\"details\":{\"a\":{\"status\":\"degraded\"}}}");
}

static void a_failure_is_logged_as_terminus_does(void **state)
{
    static const struct health_check CHECKS[] = { { "a", be_up, NULL }, { "b", be_down, NULL } };

    (void)state;
    ASK(CHECKS);
    assert_non_null(strstr(test.log, "ERROR"));
    assert_non_null(strstr(test.log, "Health Check has failed! {\"a\":{\"status\":\"up\"},\"b\":{"
                                     "\"message\":\"connection refused\",\"status\":\"down\"}}\n"));
}

static void shutting_down_is_a_503_with_the_real_details(void **state)
{
    static const struct health_check CHECKS[] = { { "a", be_up, NULL }, { "b", be_down, NULL } };

    (void)state;
    test.health.shutting_down = true;
    ask(CHECKS, 1);
    assert_answer(503, "{\"status\":\"shutting_down\",\"info\":{\"a\":{\"status\":\"up\"}},"
                       "\"error\":{},\"details\":{\"a\":{\"status\":\"up\"}}}");
    buf_clear(&test.response.headers);
    ask(CHECKS, 2);
    assert_answer(503, "{\"status\":\"shutting_down\",\"info\":{\"a\":{\"status\":\"up\"}},"
                       "\"error\":{\"b\":{\"message\":\"connection refused\",\"status\":\"down\"}},"
                       "\"details\":{\"a\":{\"status\":\"up\"},\"b\":{\"message\":"
                       "\"connection refused\",\"status\":\"down\"}}}");
    assert_string_equal(test.log, "");
}

static void texts_are_escaped(void **state)
{
    static char message[] = "no \"such\"\\table:\n\x01ș";
    static const struct health_check CHECKS[] = { { "a\"b", be_down_in_own_words, message } };

    (void)state;
    ASK(CHECKS);
    assert_answer(503, "{\"status\":\"error\",\"info\":{},\"error\":{\"a\\\"b\":{\"message\":"
                       "\"no \\\"such\\\"\\\\table:\\n\\u0001ș\",\"status\":\"down\"}},"
                       "\"details\":{\"a\\\"b\":{\"message\":"
                       "\"no \\\"such\\\"\\\\table:\\n\\u0001ș\",\"status\":\"down\"}}}");
}

static const char LATE[] =
    "{\"status\":\"error\",\"info\":{\"b\":{\"status\":\"up\"}},\"error\":{\"a\":{\"message\":"
    "\"timeout of 1000ms exceeded\",\"responseTime\":#,\"status\":\"down\"}},\"details\":{\"b\":{"
    "\"status\":\"up\"},\"a\":{\"message\":\"timeout of 1000ms exceeded\",\"responseTime\":#,"
    "\"status\":\"down\"}}}";

static void a_slow_check_is_ended_after_a_second(void **state)
{
    static uint64_t delay_ms = 5 * TIMEOUT_MS;
    static const struct health_check CHECKS[] = { { "a", sleep_for, &delay_ms },
                                                  { "b", be_up, NULL } };
    uint64_t deadline_ms = test.call.deadline_ms;

    (void)state;
    ASK(CHECKS);
    assert_answer(503, LATE);
    assert_in_range(test.took_ms, 999, 3000);
    assert_true(test.call.deadline_ms == deadline_ms);
}

static void the_calls_own_deadline_ends_a_check_sooner(void **state)
{
    static uint64_t delay_ms = 5 * TIMEOUT_MS;
    static const struct health_check CHECKS[] = { { "a", sleep_for, &delay_ms },
                                                  { "b", be_up, NULL } };

    (void)state;
    clock_update();
    test.call = call_new(test.arena, 50);
    ASK(CHECKS);
    assert_answer(503, LATE);
    assert_in_range(test.took_ms, 40, 900);
}

static void the_response_time_is_in_milliseconds(void **state)
{
    static uint64_t delay_ms = 60;
    static const struct health_check CHECKS[] = { { "a", sleep_for, &delay_ms } };
    static const char FRONT[] = "{\"status\":\"ok\",\"info\":{\"a\":{\"responseTime\":";

    (void)state;
    ASK(CHECKS);
    assert_true(str_starts_with(test.response.body, str_of(FRONT)));

    str digits = str_slice(test.response.body, sizeof FRONT - 1, test.response.body.len);
    uint64_t time_ms;

    assert_true(str_to_uint(str_slice(digits, 0, str_find(digits, ',')), UINT64_MAX, &time_ms));
    assert_in_range(time_ms, delay_ms - 1, test.took_ms + 1);
}

static void an_answer_without_end_is_refused(void **state)
{
    static char message[HEALTH_BODY_MAX];
    static const struct health_check CHECKS[] = { { "a", be_down_in_own_words, message } };

    (void)state;
    memset(message, 'x', sizeof message - 1);
    ASK(CHECKS);
    assert_answer(503, "{\"message\":\"Out of memory\",\"error\":\"Service Unavailable\","
                       "\"statusCode\":503}");
}

static void memory_below_the_threshold_is_up(void **state)
{
    static size_t threshold = SIZE_MAX;
    static const struct health_check CHECKS[] = { { "memory_heap", health_check_heap, &threshold },
                                                  { "memory_rss", health_check_rss, &threshold } };

    (void)state;
    ASK(CHECKS);
    assert_answer(200, "{\"status\":\"ok\",\"info\":{\"memory_heap\":{\"status\":\"up\"},"
                       "\"memory_rss\":{\"status\":\"up\"}},\"error\":{},\"details\":{"
                       "\"memory_heap\":{\"status\":\"up\"},\"memory_rss\":{\"status\":\"up\"}}}");
}

/* glibc's malloc by the name under which sanitizers, which bring a heap of their own, leave it
 * alone. */
void *__libc_malloc(size_t size);
void __libc_free(void *block);

enum { SMALL = 64 * 1024, LARGE = 32 * 1024 * 1024 };

static void used_heap_above_the_threshold_is_down(void **state)
{
    static size_t threshold = SMALL - 1;
    static const struct health_check CHECKS[] = {
        { "memory_heap", health_check_heap, &threshold },
    };
    void *block = __libc_malloc(SMALL);

    (void)state;
    ASK(CHECKS);
    __libc_free(block);
    assert_answer(503, "{\"status\":\"error\",\"info\":{},\"error\":{\"memory_heap\":{\"message\":"
                       "\"Used heap exceeded the set threshold\",\"status\":\"down\"}},"
                       "\"details\":{\"memory_heap\":{\"message\":"
                       "\"Used heap exceeded the set threshold\",\"status\":\"down\"}}}");
}

static void used_rss_above_the_threshold_is_down(void **state)
{
    static size_t threshold = 4096;
    static const struct health_check CHECKS[] = { { "memory_rss", health_check_rss, &threshold } };

    (void)state;
    ASK(CHECKS);
    assert_answer(503, "{\"status\":\"error\",\"info\":{},\"error\":{\"memory_rss\":{\"message\":"
                       "\"Used rss exceeded the set threshold\",\"status\":\"down\"}},"
                       "\"details\":{\"memory_rss\":{\"message\":"
                       "\"Used rss exceeded the set threshold\",\"status\":\"down\"}}}");
}

/* Of the heap and, when they are large, of mappings. */
static void the_heap_grows_and_shrinks_with_malloc(void **state)
{
    static const size_t SIZES[] = { SMALL, LARGE };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        size_t before = health_heap_bytes();
        void *block = __libc_malloc(SIZES[i]);
        size_t with = health_heap_bytes();

        __libc_free(block);
        assert_in_range(with - before, SIZES[i], SIZES[i] + 8192);
        assert_int_equal(health_heap_bytes(), before);
    }
}

static void the_resident_set_grows_and_shrinks_with_use(void **state)
{
    size_t before = health_rss_bytes();
    char *pages = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(before > 0 && pages != MAP_FAILED);
    assert_true(health_rss_bytes() < before + LARGE / 2); /* mapped and not yet used */
    memset(pages, 1, LARGE);

    size_t with = health_rss_bytes();

    assert_false(munmap(pages, LARGE));
    assert_true(with > before + LARGE / 10 * 9);
    assert_true(health_rss_bytes() < with - LARGE / 2);
}

static int start_loop(void **state)
{
    (void)state;
    return loop_init() ? -1 : 0;
}

static int end_loop(void **state)
{
    (void)state;
    loop_close();
    return 0;
}

#define ASKING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ASKING(no_checks_are_ok),
        ASKING(checks_that_are_up_stand_in_info_and_details),
        ASKING(checks_that_are_down_make_it_a_503),
        ASKING(a_degraded_check_stands_in_info_and_is_a_200),
        ASKING(down_outweighs_degraded),
        ASKING(shutting_down_outweighs_degraded),
        ASKING(all_down_leaves_info_empty),
        ASKING(a_failure_is_logged_as_terminus_does),
        ASKING(shutting_down_is_a_503_with_the_real_details),
        ASKING(texts_are_escaped),
        ASKING(a_slow_check_is_ended_after_a_second),
        ASKING(the_calls_own_deadline_ends_a_check_sooner),
        ASKING(the_response_time_is_in_milliseconds),
        ASKING(an_answer_without_end_is_refused),
        ASKING(memory_below_the_threshold_is_up),
        ASKING(used_heap_above_the_threshold_is_down),
        ASKING(used_rss_above_the_threshold_is_down),
        ASKING(the_heap_grows_and_shrinks_with_malloc),
        ASKING(the_resident_set_grows_and_shrinks_with_use),
    };

    return cmocka_run_group_tests(tests, start_loop, end_loop);
}
