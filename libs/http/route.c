/* Rows are tried in their order, as Express tries its layers: the path first, then the method. A path that fits
 * but whose parameter cannot be decoded ends the search with a 400, whatever the row's method. */
#include "http/route.h"
#include "http/percent.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static str cut_segment(str *rest)
{
    size_t len = str_find(*rest, '/');
    str segment = str_slice(*rest, 0, len);

    *rest = str_slice(*rest, len, rest->len);
    return segment;
}

/* "id" of a pattern that goes on with ":id". */
static str param_name(str *rest)
{
    str segment = cut_segment(rest);

    return str_slice(segment, 1, segment.len);
}

/* Whether the raw path fits, one slash more at its end allowed; the parameters are then the request's, not yet
 * decoded. */
static bool path_fits(const char *pattern, struct http_request *request)
{
    str path = request->path, rest = str_of(pattern);

    request->param_count = 0;
    while (rest.len) {
        if (rest.at[0] == ':') {
            struct http_param *param = &request->params[request->param_count];

            if (request->param_count == HTTP_PARAMS_MAX)
                return false;
            param->name = param_name(&rest);
            param->value = cut_segment(&path);
            if (param->value.len == 0)
                return false;
            request->param_count++;
        } else {
            if (path.len == 0 || lower(path.at[0]) != lower(rest.at[0]))
                return false;
            path = str_slice(path, 1, path.len);
            rest = str_slice(rest, 1, rest.len);
        }
    }
    return path.len == 0 || str_eq(path, STR("/"));
}

static error decode_params(struct arena *arena, struct http_request *request)
{
    for (size_t i = 0; i < request->param_count; i++)
        TRY(http_decode_param(arena, request->params[i].value, &request->params[i].value));
    return NULL;
}

static bool method_fits(const struct route *route, const struct http_request *request)
{
    return request->method != HTTP_OTHER &&
           (route->method == request->method ||
            (route->method == HTTP_GET && request->method == HTTP_HEAD));
}

error http_route(struct arena *arena, const struct route *const *tables,
                 struct http_request *request, const struct route **out)
{
    for (; *tables; tables++)
        for (const struct route *route = *tables; route->path; route++) {
            if (!path_fits(route->path, request))
                continue;
            TRY(decode_params(arena, request));
            if (method_fits(route, request)) {
                *out = request->route = route;
                return NULL;
            }
        }
    request->param_count = 0;
    return error_new(arena, 404, "Cannot %.*s %.*s", STR_ARG(request->method_name),
                     STR_ARG(request->target));
}
