/* Queries, urlencoded bodies and paths, which all decode what a stranger has escaped. What comes out must be UTF-8,
 * and JSON where it says so. */
#include "http/form.h"
#include "http/percent.h"
#include "http/route.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static error nothing(struct call *call, struct exchange *exchange)
{
    (void)call;
    (void)exchange;
    return NULL;
}

static const struct route routes[] = {
    { .method = HTTP_GET, .path = "/u/:id", .handle = nothing },
    { .method = HTTP_GET, .path = "/u/:id/x/:other", .handle = nothing },
    { 0 },
};
static const struct route *const tables[] = { routes, NULL };

static void check_utf8(str text)
{
    if (text.at && !str_is_utf8(text))
        abort();
}

static void check_query(struct arena *arena, str text)
{
    struct http_request request = { .query = text };

    check_utf8(http_query(&request, arena, STR("a")));
    check_utf8(http_decode_query(arena, text));
}

static void check_form(struct arena *arena, str text)
{
    const struct json *value;
    str json;

    if (http_form_to_json(arena, text, &json))
        return;
    if (json_parse(arena, json, &value) || value->type != JSON_OBJECT)
        abort();
}

static void check_route(struct arena *arena, str text)
{
    struct http_request request = { .method = HTTP_GET, .target = text, .path = text };
    const struct route *found;

    if (http_route(arena, tables, &request, &found))
        return;
    for (size_t i = 0; i < request.param_count; i++)
        if (str_find(request.params[i].value, '%') == request.params[i].value.len &&
            str_is_utf8(text))
            check_utf8(request.params[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(16 * 1024 * 1024);
    str text = { (const char *)data, size };

    check_query(arena, text);
    check_form(arena, text);
    check_route(arena, text);
    arena_free(arena);
    return 0;
}
