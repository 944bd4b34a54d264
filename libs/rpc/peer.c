#include "rpc/peer.h"

#include <assert.h>
#include <string.h>

const struct schema *nothing_schema(void)
{
    static const struct schema table = { .name = "nothing", .size = sizeof(struct nothing) };

    return &table;
}

const struct message *rpc_find(const struct message *messages, const char *pattern)
{
    for (const struct message *row = messages; row && row->pattern; row++)
        if (strcmp(row->pattern, pattern) == 0)
            return row;
    return NULL;
}

/* The handler runs on the caller's fiber, with the caller's arena and deadline, as its own service. */
error rpc_send(struct call *call, const struct rpc_peer *peer, const char *pattern,
               struct schema_in in, struct schema_out out)
{
    const struct message *row = rpc_find(peer->messages, pattern);
    void *caller = call->service;

    if (!row)
        return error_new(call->arena, 503, "The %.*s service is not available",
                         STR_ARG(peer->name));
    assert(row->in() == in.schema && row->out() == out.schema);
    call->service = peer->service;
    error failed = row->handle(call, in.value, out.value);

    call->service = caller;
    return failed;
}

error rpc_check(struct arena *arena, const struct message *messages)
{
    for (const struct message *row = messages; row->pattern; row++) {
        if (rpc_find(messages, row->pattern) != row)
            return error_new(arena, 500, "two handlers for the pattern %s", row->pattern);
        TRY(schema_check(row->in(), arena));
        if (row->out()->count)
            TRY(schema_check(row->out(), arena));
    }
    return NULL;
}
