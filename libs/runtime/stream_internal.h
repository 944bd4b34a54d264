/* How a listener makes streams. */
#pragma once

#include "runtime/stream.h"

enum { STREAM_PEER_TEXT = 56 }; /* "[ipv6]:port" and a NUL */

/* A stream over a connected, non-blocking socket, which it owns from now on. `released(cookie)` is called
 * when it is gone. NULL when there is no memory; then the socket is still the caller's. */
struct stream *stream_new(int fd, const char *peer, void (*released)(void *cookie), void *cookie);
