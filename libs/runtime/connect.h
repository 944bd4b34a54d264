/* Connections that we open: names become addresses, addresses become streams. The errors say what Node's
 * say ("getaddrinfo ENOTFOUND user-service", "connect ECONNREFUSED 127.0.0.1:3001"); they are for
 * whoever knows which service was meant to wrap, and for the log. */
#pragma once

#include "runtime/call.h"
#include "runtime/stream.h"

enum {
    CONNECT_ADDRESSES_MAX = 64, /* of one name; further ones are left out */
};

/* All addresses of `host` as texts ("10.0.0.7", "::1") in the call's arena, in the resolver's order and
 * without doubles; an address is its own. Asks the system's resolver on a thread of libuv's pool, no longer
 * than the call may wait. */
error connect_resolve(struct call *call, str host, strs *out);

/* A connected stream, waiting for it no longer than the call may. Whoever takes it calls stream_adopt, or
 * closes it, before it suspends. */
error stream_connect(struct call *call, const char *address, unsigned port, struct stream **out);
