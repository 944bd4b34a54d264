/* What `cuib call`, `emit` and `listen` have in common: where the services are, and how such a command
 * ends. Their exit codes are those of sysexits.h, but 1 for a peer's own error. */
#pragma once

#include "redis/redis.h"
#include "rpc/client.h"
#include "runtime/stream.h"
#include "runtime/tls.h"

enum {
    WIRE_EXIT_ERROR = 1,        /* the peer has answered with an error */
    WIRE_EXIT_USAGE = 64,       /* EX_USAGE */
    WIRE_EXIT_UNAVAILABLE = 69, /* EX_UNAVAILABLE: no connection, nobody listens */
    WIRE_EXIT_TIMEOUT = 75,     /* EX_TEMPFAIL: no reply in time */
    WIRE_TIMEOUT_S = 5,         /* when --timeout does not say */
    WIRE_WORDS_MAX = 64,
};

/* The commands. Arguments are those after the command's name; each gives the exit code. */
int wire_call(int argc, char **argv);
int wire_emit(int argc, char **argv);
int wire_listen(int argc, char **argv);

/* tcp://host:port, tls://host:port, redis://[[user]:password@]host:port[/database]. */
struct wire_address {
    enum { WIRE_TCP, WIRE_TLS, WIRE_REDIS } kind;
    str host; /* 127.0.0.1 when none is given */
    unsigned port;
    str user, password; /* at == NULL: none */
    unsigned database;
};

/* What stands on the command line. */
struct wire_arguments {
    const char *command; /* "call", for messages */
    struct arena *arena;
    struct wire_address address;
    str words[WIRE_WORDS_MAX]; /* behind the address */
    size_t count;
    uint64_t timeout_ms;
    int status; /* the exit code, set by `run` */
};

/* Reads the arguments, of which `least` to `most` words must follow the address, and runs `run` on a fiber
 * of a loop of its own. Gives the exit code. */
struct wire_command {
    const char *name;
    const char *usage; /* "ADDRESS PATTERN [JSON]" */
    size_t least, most;
    void (*run)(void *arguments);
};
int wire_run(const struct wire_command *command, int argc, char **argv);

/* Prints "cuib call: …" on stderr, with its causes or its list of messages, and sets the exit code. */
void wire_fail(struct wire_arguments *arguments, int status, error e);

/* The status of a failure that is not the peer's own. */
int wire_status_of(error e);

/* A pattern as JSON: an object is taken as it is, everything else is a text. `at` is NULL when the arena
 * refuses. */
str wire_pattern(struct arena *arena, str word);
/* The route of that pattern. */
str wire_route(struct arena *arena, str word);
/* The word's data, `{}` when there is none. A 400 that says where it is not JSON. */
error wire_data(const struct wire_arguments *arguments, size_t index, str *out);

/* The certificates of RPC_TLS_CA, RPC_TLS_CERT and RPC_TLS_KEY (or …_FILE), as the services read them. */
error wire_tls(struct arena *arena, bool server, struct tls_context **out);

/* A Redis client of the address. */
error wire_redis(const struct wire_address *address, struct redis **out);

/* A client to the address, and what it needs. */
struct wire {
    struct redis *redis;
    struct tls_context *tls;
    struct rpc_client *client;
};
error wire_open(struct wire_arguments *arguments, struct wire *out);
void wire_close(struct wire *wire);
