/* Requests that wait for their replies, found again by the id that each reply carries. Whatever the carrier:
 * a connection delivers what it receives, Redis what all clients of a route receive. */
#pragma once

#include "base/list.h"
#include "rpc/packet.h"
#include "runtime/call.h"

enum {
    RPC_ID_TEXT = 21, /* characters of an id, hexadecimal like NestJS's */
    RPC_PENDING_BUCKETS = 256,
};

struct rpc_pending {
    struct link buckets[RPC_PENDING_BUCKETS];
    uint64_t next;                /* number of the next request */
    char prefix[RPC_ID_TEXT + 1]; /* random, so that ids of all clients differ */
    struct arena *scratch;
};

/* One value of a reply. */
struct rpc_item_received {
    const struct json *value; /* NULL: an item without a value */
    struct rpc_item_received *next;
};

/* One request; lies on the stack of the fiber that waits. */
struct rpc_entry {
    struct link in_bucket;
    struct link in_group; /* for whoever sent it: the requests of one connection */
    char id[RPC_ID_TEXT + 1];
    struct arena *arena;                     /* replies are read into it */
    struct wait wait;                        /* done when something below has changed */
    struct rpc_item_received *first, **last; /* values not yet taken */
    error failed;                            /* the peer's error, or why there will be no reply */
    bool answered;                           /* by the peer: `failed` is its own */
    bool ended;
};

error rpc_pending_init(struct rpc_pending *pending);
void rpc_pending_free(struct rpc_pending *pending);

/* Gives the entry an id and files it; `arena` is its call's. To be removed before its memory goes. */
void rpc_pending_add(struct rpc_pending *pending, struct rpc_entry *entry, struct arena *arena);
void rpc_pending_remove(struct rpc_entry *entry);

/* Hands the text of a reply to the entry that waits for it, NULL in `*out` when none does. RPC_NOT_JSON
 * when the text is no reply. */
error rpc_pending_deliver(struct rpc_pending *pending, str text, struct rpc_entry **out);

/* Ends the wait of an entry: there will be no reply. */
void rpc_pending_fail(struct rpc_entry *entry, error e);

/* Waits for the end of the replies, handing each value to `item` (NULL: they are dropped). NULL when all
 * went well; the peer's error; the error of `item`; or the call's own deadline or cancellation. */
error rpc_pending_wait(struct call *call, struct rpc_entry *entry,
                       error (*item)(void *cookie, const struct json *value), void *cookie);
