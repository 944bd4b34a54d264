/* One request on its way through a service, in NestJS's order: body parser, route, guard, validation, the
 * message, the reply. */
#include "auth/jwt.h"
#include "runtime/log.h"
#include "runtime/trace.h"
#include "service/service.h"

#include <assert.h>
#include <string.h>

const struct error SERVICE_FORBIDDEN = ERROR(403, "Forbidden resource");

static const struct error NOT_A_UUID = ERROR(400, "Validation failed (uuid is expected)");

/* --- health: on every service -------------------------------------------------------------------- */

static error health_all(struct call *call, struct exchange *exchange)
{
    struct service_instance *self = call->service;
    const struct health health = { self->checks, self->check_count, self->system->shutting_down };

    health_respond(call, &health, exchange->response);
    return NULL;
}

/* Memory says nothing about whether work can be done, so readiness leaves its two checks out. */
static error health_ready(struct call *call, struct exchange *exchange)
{
    struct service_instance *self = call->service;
    const struct health health = { self->checks, self->check_count - 2,
                                   self->system->shutting_down };

    health_respond(call, &health, exchange->response);
    return NULL;
}

static error health_live(struct call *call, struct exchange *exchange)
{
    const struct health alive = { 0 };

    health_respond(call, &alive, exchange->response);
    return NULL;
}

const struct route service_health_routes[] = {
    { HTTP_GET, "/health", ACCESS_ANYONE, .handle = health_all, .tag = "Health",
      .summary = "Every check", .name = "HealthController_check" },
    { HTTP_GET, "/health/ready", ACCESS_ANYONE, .handle = health_ready, .tag = "Health",
      .summary = "Whether the service can do its work", .name = "HealthController_ready" },
    { HTTP_GET, "/health/live", ACCESS_ANYONE, .handle = health_live, .tag = "Health",
      .summary = "Whether the process answers", .name = "HealthController_live" },
    { 0 },
};

/* --- who may ------------------------------------------------------------------------------------- */

bool service_has_role(const struct call *call, const char *role)
{
    for (size_t i = 0; call->identity && i < call->identity->roles.len; i++)
        if (str_is(call->identity->roles.at[i], role))
            return true;
    return false;
}

error service_uuid(const struct http_request *request, const char *name, uuid *out)
{
    return uuid_parse(http_param(request, str_of(name)), out) ? NULL : &NOT_A_UUID;
}

static error self_or_admin(const struct call *call, const struct http_request *request)
{
    uuid id;

    TRY(service_uuid(request, "id", &id));
    if (uuid_eq(id, call->identity->user) || service_has_role(call, "admin"))
        return NULL;
    return &SERVICE_FORBIDDEN;
}

static error admit(struct call *call, const struct route *route, const struct http_request *request)
{
    const struct service_instance *self = call->service;

    if (route->access == ACCESS_ANYONE)
        return NULL;
    if (!self->service->authenticate)
        return &SERVICE_FORBIDDEN;
    TRY(self->service->authenticate(call, request, &call->identity));
    switch (route->access) {
    case ACCESS_AUTHENTICATED: return NULL;
    case ACCESS_SELF_OR_ADMIN: return self_or_admin(call, request);
    case ACCESS_ADMIN: return service_has_role(call, "admin") ? NULL : &SERVICE_FORBIDDEN;
    default: return &SERVICE_FORBIDDEN;
    }
}

/* --- from request to payload --------------------------------------------------------------------- */

static error read_body(struct call *call, const struct schema *schema, const struct json *body,
                       void **out)
{
    *out = arena_zalloc(call->arena, 1, schema->size);
    if (!*out)
        return &ERROR_OUT_OF_MEMORY;
    return schema_read(schema, call->arena, body, SCHEMA_REFUSE, *out);
}

/* A member of the payload: the validated body where their tables are the same, else the path parameter
 * of its name, which is a UUID. */
static error fill_member(struct call *call, const struct field *field, const struct route *route,
                         const struct exchange *exchange, char *payload)
{
    if (field->of && field->of == route->body) {
        void *body;

        TRY(read_body(call, route->body(), exchange->body, &body));
        memcpy(payload + field->offset, &body, sizeof body);
        return NULL;
    }
    uuid id;

    assert(field->kind == SCHEMA_UUID);
    TRY(service_uuid(exchange->request, field->name, &id));
    memcpy(payload + field->offset, &id, sizeof id);
    return NULL;
}

static error make_payload(struct call *call, const struct route *route,
                          const struct exchange *exchange, struct schema_in *out)
{
    void *payload;

    if (!route->payload) {
        out->schema = route->body();
        TRY(read_body(call, out->schema, exchange->body, &payload));
        out->value = payload;
        return NULL;
    }
    out->schema = route->payload();
    payload = arena_zalloc(call->arena, 1, out->schema->size);
    if (!payload)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < out->schema->count; i++)
        TRY(fill_member(call, &out->schema->fields[i], route, exchange, payload));
    out->value = payload;
    return NULL;
}

struct query_source {
    struct call *call;
    const struct http_request *request;
};

static str find_parameter(void *cookie, const struct field *field)
{
    const struct query_source *source = cookie;
    struct buf name = buf_new(HTTP_TARGET_MAX);

    schema_json_name(field, &name);
    str value = http_query(source->request, source->call->arena, buf_text(&name));

    buf_free(&name);
    return value;
}

error service_query(struct call *call, const struct http_request *request, struct schema_out out)
{
    struct query_source source = { call, request };
    const struct schema_texts texts = { find_parameter, &source, schema_json_name };

    return schema_read_texts(out.schema, call->arena, &texts, out.value);
}

/* --- from payload to reply ----------------------------------------------------------------------- */

error service_reply(struct call *call, struct http_response *response, int status,
                    struct schema_in value)
{
    struct service_instance *self = call->service;

    buf_clear(&self->scratch);
    schema_write(value.schema, value.value, &self->scratch);
    if (buf_failed(&self->scratch))
        return &ERROR_OUT_OF_MEMORY;
    str body = arena_copy(call->arena, buf_text(&self->scratch));

    if (!body.at)
        return &ERROR_OUT_OF_MEMORY;
    http_respond(response, status, HTTP_JSON, body);
    return NULL;
}

static error forward(struct call *call, const struct route *route, struct exchange *exchange)
{
    struct service_instance *self = call->service;
    struct rpc_peer peer = service_peer(self->system, route->pattern);
    const struct schema *reply = route->reply ? route->reply() : nothing_schema();
    struct schema_in payload;
    int status = route->status ? route->status : 200;

    TRY(make_payload(call, route, exchange, &payload));
    void *out = arena_zalloc(call->arena, 1, reply->size);

    if (!out)
        return &ERROR_OUT_OF_MEMORY;
    TRY(rpc_send(call, &peer, route->pattern, payload, (struct schema_out){ reply, out }));
    if (reply->count)
        return service_reply(call, exchange->response, status, (struct schema_in){ reply, out });
    exchange->response->status = status;
    return NULL;
}

/* --- the whole way ------------------------------------------------------------------------------- */

static error serve(struct call *call, struct exchange *exchange)
{
    struct service_instance *self = call->service;
    const struct route *route;
    /* Looked for first, so that a body's failure counts as the route's; told second. */
    error missing = http_route(call->arena, self->routes, exchange->request, &route);

    TRY(http_body(call->arena, exchange->request, &exchange->body));
    TRY(missing);
    TRY(admit(call, route, exchange->request));
    if (route->handle)
        return route->handle(call, exchange);
    return forward(call, route, exchange);
}

static void log_server_error(struct call *call, const struct http_request *request, error e)
{
    const struct service_instance *self = call->service;
    char trace[TRACE_TEXT + 1];
    str what;

    if (!trace_is_set(&call->trace))
        call->trace = trace_new();
    trace_print(&call->trace, trace);
    what = arena_printf(call->arena, "%.*s %.*s (trace %s)", STR_ARG(request->method_name),
                        STR_ARG(request->path), trace);
    log_failure(self->service->title, what.at ? what.at : "request", e);
}

void service_serve(struct call *call, struct http_request *request, struct http_response *response,
                   void *instance)
{
    struct service_instance *self = instance;
    struct exchange exchange = { request, response, NULL };

    call->service = self;
    trace_parse(http_header(request, STR("traceparent")), &call->trace);
    if (self->service->openapi && openapi_serve(&self->documents, request, response))
        return;
    error failed = serve(call, &exchange);

    if (!failed)
        return;
    if (failed->status >= 500)
        log_server_error(call, request, failed);
    http_respond_error(call->arena, response, failed);
}
