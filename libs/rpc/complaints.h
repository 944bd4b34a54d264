/* Complaints about peers, in the log: one line a peer and minute, so that garbage cannot flood it. */
#pragma once

#include "base/str.h"

enum {
    RPC_COMPLAINTS_PEERS =
        64, /* hosts remembered; of more, the one heard longest ago is forgotten */
    RPC_COMPLAINT_EVERY_MS = 60 * 1000,
};

struct rpc_complaints {
    struct rpc_complaint {
        char host[48];
        uint64_t logged_ms; /* 0: an unused place */
        unsigned kept_back; /* complaints since */
    } of[RPC_COMPLAINTS_PEERS];
};

/* Logs an error line about `peer` ("127.0.0.1:40312"; the port does not count), as printf, unless one has
 * been logged within the minute. */
void rpc_complain(struct rpc_complaints *complaints, const char *peer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum { RPC_HEX_TEXT = 48 };

/* The first 16 bytes as "30 23 7b …", NUL-terminated: what garbage looked like. */
void rpc_print_hex(str bytes, char out[RPC_HEX_TEXT]);
