#include "rpc/complaints.h"
#include "runtime/clock.h"
#include "runtime/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, HEX_BYTES = 16 };

static str host_of(const char *peer)
{
    const char *port = strrchr(peer, ':');

    return port ? (str){ peer, (size_t)(port - peer) } : str_of(peer);
}

/* The place of that host, or the one whose line is oldest. */
static struct rpc_complaint *place_of(struct rpc_complaints *complaints, str host)
{
    struct rpc_complaint *oldest = &complaints->of[0];

    for (size_t i = 0; i < RPC_COMPLAINTS_PEERS; i++) {
        struct rpc_complaint *place = &complaints->of[i];

        if (place->logged_ms && str_is(host, place->host))
            return place;
        if (place->logged_ms < oldest->logged_ms)
            oldest = place;
    }
    *oldest = (struct rpc_complaint){ 0 };
    snprintf(oldest->host, sizeof oldest->host, "%.*s", STR_ARG(host));
    return oldest;
}

void rpc_complain(struct rpc_complaints *complaints, const char *peer, const char *format, ...)
{
    struct rpc_complaint *place = place_of(complaints, host_of(peer));
    uint64_t now = clock_ms() + 1; /* 0 says that there was none */
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (place->logged_ms && now < place->logged_ms + RPC_COMPLAINT_EVERY_MS) {
        place->kept_back++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (place->kept_back)
        log_error("Server", "%s (from %s, and %u more since)", line, peer, place->kept_back);
    else
        log_error("Server", "%s (from %s)", line, peer);
    place->logged_ms = now;
    place->kept_back = 0;
}

void rpc_print_hex(str bytes, char out[RPC_HEX_TEXT])
{
    str first = str_slice(bytes, 0, HEX_BYTES);

    out[0] = '\0';
    for (size_t i = 0; i < first.len; i++)
        snprintf(out + (i ? 3 * i - 1 : 0), 4, i ? " %02x" : "%02x", (unsigned char)first.at[i]);
}
