/* Any JSON value has a route or none; a route that is an object's is a fixed point, and collation is
 * antisymmetric. */
#include "rpc/pattern.h"

#include <stdlib.h>

enum { ARENA_FUZZ_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void check_order(str text)
{
    str a = str_slice(text, 0, text.len / 2), b = str_slice(text, text.len / 2, SIZE_MAX);

    if (sign(rpc_collate(a, b)) != -sign(rpc_collate(b, a)) || rpc_collate(text, text))
        abort();
}

static void check_route(struct arena *arena, str text)
{
    const struct json *pattern;

    if (json_parse(arena, text, &pattern))
        return;
    str route = rpc_route(arena, pattern);

    if (!route.at)
        return;
    struct json again = { .type = JSON_STRING, .text = route };

    /* No longer JSON: a limit was met, or a line break stayed raw. */
    if (json_parse(arena, route, &pattern) || pattern->type != JSON_OBJECT)
        return;
    if (!str_eq(rpc_route(arena, &again), route))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_FUZZ_MAX);
    str text = { (const char *)data, size };

    if (!arena)
        abort();
    check_order(text);
    text = json_repair_utf8(arena, text);
    if (text.at)
        check_route(arena, text);
    arena_free(arena);
    return 0;
}
