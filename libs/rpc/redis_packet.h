/* What arrives on a channel of Redis. A packet of NestJS, or what anybody else has published there: text
 * that is no JSON is an event whose data is that text, JSON with neither `pattern` nor `data` is an event
 * whose data is the whole value, as NestJS takes both. */
#pragma once

#include "rpc/packet.h"

/* Reads it; the packet may point into `payload`, which must live as long as `arena`. ERROR_OUT_OF_MEMORY
 * alone is an error. */
error rpc_redis_packet_read(struct arena *arena, str payload, struct rpc_packet *out);

/* The pattern of an event as JSON, from its route: an object is left as it is. `at` is NULL when the
 * arena refuses. */
str rpc_redis_pattern(struct arena *arena, str route);
