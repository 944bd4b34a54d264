#include "health/health.h"

#include "json/json.h"
#include "runtime/clock.h"
#include "runtime/log.h"

#include <assert.h>

enum state { UP, DEGRADED, DOWN };

static const char *const STATE_TEXT[] = { "up", "degraded", "down" };

/* What came of one check. */
struct outcome {
    const char *name;
    enum state state;
    const char *message; /* or NULL */
    bool has_response_time;
    uint64_t response_time_ms;
};

struct outcomes {
    struct outcome at[HEALTH_CHECKS_MAX];
    size_t len;
};

enum status { OK, WORSE, FAILED, SHUTTING_DOWN };

static const char *const STATUS_TEXT[] = { "ok", "degraded", "error", "shutting_down" };

struct report {
    enum status status;
    bool degraded;              /* one of `ups` is */
    struct outcomes ups, downs; /* what stands in `info`, and in `error` */
};

static_assert(HEALTH_CHECK_TIMEOUT_MS == 1000, "TIMEOUT says so");

static const char TIMEOUT[] = "timeout of 1000ms exceeded";

static const char *message_of(error failed, const struct health_result *result)
{
    if (!failed)
        return result->degraded ? result->message : NULL;
    if (result->message)
        return result->message;
    return failed == &ERROR_DEADLINE ? TIMEOUT : failed->message;
}

static struct outcome run_check(struct call *call, const struct health_check *check)
{
    struct health_result result = { 0 };
    uint64_t deadline_ms = call->deadline_ms, limit_ms = clock_ms() + HEALTH_CHECK_TIMEOUT_MS;
    uint64_t start_ns = clock_ns();

    if (limit_ms < deadline_ms)
        call->deadline_ms = limit_ms;

    error failed = check->check(call, check->argument, &result);

    call->deadline_ms = deadline_ms;
    return (struct outcome){
        .name = check->name,
        .state = failed            ? DOWN
                 : result.degraded ? DEGRADED
                                   : UP,
        .message = message_of(failed, &result),
        .has_response_time = result.has_response_time,
        .response_time_ms = (clock_ns() - start_ns + 500 * 1000) / (1000 * 1000),
    };
}

static void write_outcome(struct buf *out, const struct outcome *outcome)
{
    json_write_string(out, str_of(outcome->name));
    BUF_ADD(out, ":{");
    if (outcome->message) {
        BUF_ADD(out, "\"message\":");
        json_write_string(out, str_of(outcome->message));
        buf_add_char(out, ',');
    }
    if (outcome->has_response_time) {
        BUF_ADD(out, "\"responseTime\":");
        buf_add_uint(out, outcome->response_time_ms);
        buf_add_char(out, ',');
    }
    BUF_ADD(out, "\"status\":");
    json_write_string(out, str_of(STATE_TEXT[outcome->state]));
    buf_add_char(out, '}');
}

static void write_members(struct buf *out, const struct outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->len; i++) {
        if (i)
            buf_add_char(out, ',');
        write_outcome(out, &outcomes->at[i]);
    }
}

/* Ups before downs, whatever their order among the checks. */
static void write_details(struct buf *out, const struct report *report)
{
    buf_add_char(out, '{');
    write_members(out, &report->ups);
    if (report->ups.len && report->downs.len)
        buf_add_char(out, ',');
    write_members(out, &report->downs);
    buf_add_char(out, '}');
}

static void write_report(struct buf *out, const struct report *report)
{
    BUF_ADD(out, "{\"status\":");
    json_write_string(out, str_of(STATUS_TEXT[report->status]));
    BUF_ADD(out, ",\"info\":{");
    write_members(out, &report->ups);
    BUF_ADD(out, "},\"error\":{");
    write_members(out, &report->downs);
    BUF_ADD(out, "},\"details\":");
    write_details(out, report);
    buf_add_char(out, '}');
}

static enum status status_of(const struct health *health, const struct report *report)
{
    if (health->shutting_down)
        return SHUTTING_DOWN;
    if (report->downs.len)
        return FAILED;
    return report->degraded ? WORSE : OK;
}

static void run_checks(struct call *call, const struct health *health, struct report *report)
{
    for (size_t i = 0; i < health->count; i++) {
        struct outcome outcome = run_check(call, &health->checks[i]);
        struct outcomes *list = outcome.state == DOWN ? &report->downs : &report->ups;

        list->at[list->len++] = outcome;
        report->degraded |= outcome.state == DEGRADED;
    }
    report->status = status_of(health, report);
}

static void log_report(const struct report *report)
{
    struct buf details = buf_new(HEALTH_BODY_MAX);

    write_details(&details, report);
    log_error("HealthCheckService", "Health Check has failed! %.*s", STR_ARG(buf_text(&details)));
    buf_free(&details);
}

static void answer(struct call *call, const struct report *report, struct http_response *response)
{
    struct buf text = buf_new(HEALTH_BODY_MAX);

    write_report(&text, report);

    str body = buf_failed(&text) ? (str){ 0 } : arena_copy(call->arena, buf_text(&text));

    buf_free(&text);
    if (body.at)
        http_respond(response, report->status <= WORSE ? 200 : 503, HTTP_JSON, body);
    else
        http_respond_error(call->arena, response, &ERROR_OUT_OF_MEMORY);
}

void health_respond(struct call *call, const struct health *health, struct http_response *response)
{
    struct report report = { 0 };

    assert(health->count <= HEALTH_CHECKS_MAX);
    run_checks(call, health, &report);
    if (report.status == FAILED)
        log_report(&report);
    answer(call, &report, response);
    http_add_header(response, STR("Cache-Control"), STR("no-cache, no-store, must-revalidate"));
}
