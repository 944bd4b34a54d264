/* What can be wrong with a table of routes, found when the service starts. */
#include "http/route.h"

static error fault(struct arena *arena, const struct route *route, const char *what)
{
    return error_new(arena, 500, "route %s: %s", route->path, what);
}

static bool next_segment(str *rest, str *segment)
{
    return str_next_piece(rest, '/', segment);
}

static bool is_param(str segment)
{
    return segment.len && segment.at[0] == ':';
}

/* Whether every path that fits `later` fits `earlier`, so that the later row is never reached. */
static bool hides(const struct route *earlier, const struct route *later)
{
    str a = str_of(earlier->path), b = str_of(later->path), x, y;

    if (earlier->method != later->method)
        return false;
    while (next_segment(&a, &x)) {
        if (!next_segment(&b, &y))
            return false;
        if (!is_param(x) && (is_param(y) || !str_eq_nocase(x, y)))
            return false;
    }
    return !b.at;
}

static error check_path(struct arena *arena, const struct route *route)
{
    str rest = str_of(route->path), segment;
    unsigned params = 0;

    if (rest.len == 0 || rest.at[0] != '/')
        return fault(arena, route, "the path does not start with a slash");
    if (rest.len > 1 && str_ends_with(rest, STR("/")))
        return fault(arena, route, "the path ends in a slash");
    while (next_segment(&rest, &segment)) {
        if (!is_param(segment))
            continue;
        if (segment.len == 1)
            return fault(arena, route, "a parameter has no name");
        if (++params > HTTP_PARAMS_MAX)
            return fault(arena, route, "there are too many parameters");
    }
    return NULL;
}

static bool has_id(const struct route *route)
{
    str rest = str_of(route->path), segment;

    while (next_segment(&rest, &segment))
        if (str_eq(segment, STR(":id")))
            return true;
    return false;
}

static error check_row(struct arena *arena, const struct route *route)
{
    TRY(check_path(arena, route));
    if (route->method >= HTTP_OTHER)
        return fault(arena, route, "there is no such method");
    if (route->access == ACCESS_UNSET)
        return fault(arena, route, "it does not say who may use it");
    if (route->access == ACCESS_SELF_OR_ADMIN && !has_id(route))
        return fault(arena, route, "its access is for the owner of :id, which the path lacks");
    if (!route->pattern == !route->handle)
        return fault(arena, route, "it needs either a pattern or a function, not both");
    return NULL;
}

error http_routes_check(struct arena *arena, const struct route *routes)
{
    for (const struct route *route = routes; route->path; route++) {
        TRY(check_row(arena, route));
        for (const struct route *earlier = routes; earlier != route; earlier++)
            if (hides(earlier, route))
                return error_new(arena, 500, "route %s: %s takes all its requests", route->path,
                                 earlier->path);
    }
    return NULL;
}
