/* Patterns and routes. A caller names what it wants by a pattern, a text or any JSON value; both sides
 * bring it into one normal form, the route, and compare routes (NestJS's transformPatternToRoute). A
 * route is also the name of the channel on Redis. */
#pragma once

#include "base/buf.h"
#include "json/json.h"

enum {
    RPC_PATTERN_DEPTH_MAX = 5, /* objects below the root; deeper ones become [MAX_DEPTH_REACHED] */
    RPC_PATTERN_KEYS_MAX = 20, /* an object with more becomes [TOO_MANY_KEYS] */
};

/* The route of a pattern that has arrived. A string that is itself JSON is parsed first: "7.0" is 7,
 * and "true" is no route at all. `at` is NULL when the pattern has none (true, false, null, or no
 * pattern), or the arena refused. */
str rpc_route(struct arena *arena, const struct json *pattern);

/* The route of a pattern of our own, without that first step. */
str rpc_route_of(struct arena *arena, const struct json *pattern);

/* The order of keys: ICU's root collation for ASCII; characters beyond it come last, by their bytes.
 * Negative, zero or positive. */
int rpc_collate(str a, str b);
