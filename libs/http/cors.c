#include "http/cors.h"
#include "http/syntax.h"

#define ORIGIN "Access-Control-Allow-Origin: %s\r\n"
#define CREDENTIALS "Access-Control-Allow-Credentials: true\r\n"
#define METHODS "Access-Control-Allow-Methods: GET,POST,PUT,DELETE\r\n"
#define ASKED_HEADERS "Access-Control-Request-Headers"

static bool fits_header(str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!http_is_value(value.at[i]))
            return false;
    return true;
}

error http_cors_new(struct arena *arena, const char *origin, struct http_cors *out)
{
    bool any = origin && str_is(STR("*"), origin);

    if (!origin || !*origin) {
        *out = (struct http_cors){ .answer = STR(""), .preflight = STR("") };
        return NULL;
    }
    if (!fits_header(str_of(origin)))
        return error_new(arena, 500, "the CORS origin cannot stand in a header");
    struct http_cors made = {
        .enabled = true,
        .answer = any ? arena_printf(arena, ORIGIN CREDENTIALS, origin)
                      : arena_printf(arena, ORIGIN "Vary: Origin\r\n" CREDENTIALS, origin),
        .preflight =
            any ? arena_printf(arena, ORIGIN CREDENTIALS METHODS "Vary: " ASKED_HEADERS "\r\n",
                               origin)
                : arena_printf(arena,
                               ORIGIN "Vary: Origin, " ASKED_HEADERS "\r\n" CREDENTIALS METHODS,
                               origin),
    };

    if (!made.answer.at || !made.preflight.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = made;
    return NULL;
}

bool http_cors_is_preflight(const struct http_cors *cors, const struct http_request *request)
{
    return cors->enabled && request->method == HTTP_OPTIONS;
}

void http_cors_respond(const struct http_request *request, struct http_response *response)
{
    str asked = http_header(request, STR(ASKED_HEADERS));

    response->status = 204;
    if (asked.len)
        http_add_header(response, STR("Access-Control-Allow-Headers"), asked);
    http_add_header(response, STR("Content-Length"), STR("0"));
}
