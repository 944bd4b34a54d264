#include "apps/cuib/wire.h"
#include "http/percent.h"
#include "rpc/pattern.h"
#include "rpc/redis_client.h"
#include "rpc/redis_packet.h"
#include "rpc/tcp_client.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "service/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TCP_PORT = 3000, /* NestJS's, when none is named */
    TIMEOUT_MAX_S = 24 * 60 * 60,
    DATABASE_MAX = 65535,
};

static const struct scheme {
    const char *name;
    int kind;
    unsigned port;
} SCHEMES[] = {
    { "tcp://", WIRE_TCP, TCP_PORT },
    { "tls://", WIRE_TLS, TCP_PORT },
    { "redis://", WIRE_REDIS, REDIS_PORT },
};

enum { SCHEME_COUNT = sizeof SCHEMES / sizeof SCHEMES[0] };

/* --- addresses ------------------------------------------------------------------------------------ */

static str rest_from(str text, size_t start)
{
    return str_slice(text, start, SIZE_MAX);
}

static error not_an_address(struct arena *arena, const char *text)
{
    return error_new(arena, 400,
                     "'%s' is no address: tcp://host:port, tls://host:port or "
                     "redis://[:password@]host:port[/database] is",
                     text);
}

static bool read_host(str text, struct wire_address *out)
{
    size_t bracket = str_starts_with(text, STR("[")) ? str_find(text, ']') : 0;
    size_t colon = bracket + str_find(rest_from(text, bracket), ':');
    uint64_t port;

    if (bracket == text.len && text.len)
        return false;
    out->host = bracket ? str_slice(text, 1, bracket - 1) : str_slice(text, 0, colon);
    if (bracket && bracket + 1 < text.len && colon != bracket + 1)
        return false;
    if (!out->host.len)
        out->host = STR("127.0.0.1");
    if (colon >= text.len)
        return true;
    if (!str_to_uint(rest_from(text, colon + 1), UINT16_MAX, &port))
        return false;
    out->port = (unsigned)port;
    return true;
}

static bool read_user(struct arena *arena, str text, struct wire_address *out)
{
    size_t colon = str_find(text, ':');

    if (colon == text.len || out->kind != WIRE_REDIS)
        return false;
    return !http_decode_param(arena, str_slice(text, 0, colon), &out->user) &&
           !http_decode_param(arena, rest_from(text, colon + 1), &out->password);
}

static bool read_database(str text, struct wire_address *out)
{
    uint64_t number = 0;

    if (text.len && (out->kind != WIRE_REDIS || !str_to_uint(text, DATABASE_MAX, &number)))
        return false;
    out->database = (unsigned)number;
    return true;
}

/* [user:password@]host[:port][/database]; of several `@` the last one counts, as in a URL. */
static bool read_authority(struct arena *arena, str text, struct wire_address *out)
{
    size_t slash = str_find(text, '/'), at = 0;
    str authority = str_slice(text, 0, slash);

    for (size_t i = 0; i < authority.len; i++)
        if (authority.at[i] == '@')
            at = i + 1;
    if (at && !read_user(arena, str_slice(authority, 0, at - 1), out))
        return false;
    return read_host(rest_from(authority, at), out) &&
           read_database(rest_from(text, slash + 1), out);
}

static error read_address(struct arena *arena, const char *text, struct wire_address *out)
{
    for (int i = 0; i < SCHEME_COUNT; i++) {
        str scheme = str_of(SCHEMES[i].name);

        if (!str_starts_with(str_of(text), scheme))
            continue;
        *out = (struct wire_address){ .kind = SCHEMES[i].kind, .port = SCHEMES[i].port };
        if (read_authority(arena, rest_from(str_of(text), scheme.len), out))
            return NULL;
    }
    return not_an_address(arena, text);
}

/* --- arguments ------------------------------------------------------------------------------------ */

static error read_timeout(struct arena *arena, const char *text, uint64_t *out)
{
    char *end = NULL;
    double seconds = text ? strtod(text, &end) : 0;

    if (!text || *end || !(seconds > 0) || seconds > TIMEOUT_MAX_S)
        return error_new(arena, 400, "--timeout takes seconds, more than 0 and at most %d",
                         TIMEOUT_MAX_S);
    *out = (uint64_t)(seconds * 1000 + 0.5);
    if (!*out)
        *out = 1;
    return NULL;
}

static error read_word(struct wire_arguments *arguments, const struct wire_command *command,
                       const char *word, bool first)
{
    if (first)
        return read_address(arguments->arena, word, &arguments->address);
    if (arguments->count == command->most)
        return error_new(arguments->arena, 400, "'%s' is too much", word);
    arguments->words[arguments->count++] = str_of(word);
    return NULL;
}

static error read_arguments(struct wire_arguments *arguments, const struct wire_command *command,
                            int argc, char **argv)
{
    bool options = true, any = false;

    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--timeout") == 0) {
            i++;
            TRY(read_timeout(arguments->arena, i < argc ? argv[i] : NULL, &arguments->timeout_ms));
        } else if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            return error_new(arguments->arena, 400, "unknown option '%s'", argv[i]);
        } else {
            TRY(read_word(arguments, command, argv[i], !any));
            any = true;
        }
    }
    if (any && arguments->count >= command->least)
        return NULL;
    return error_new(arguments->arena, 400, "usage: cuib %s %s", command->name, command->usage);
}

/* Standard output is for what the command prints: no log there. */
int wire_run(const struct wire_command *command, int argc, char **argv)
{
    struct wire_arguments arguments = {
        .command = command->name,
        .arena = arena_new(ARENA_CALL_MAX),
        .timeout_ms = WIRE_TIMEOUT_S * 1000,
    };

    assert(command->most <= WIRE_WORDS_MAX);
    error wrong =
        arguments.arena ? read_arguments(&arguments, command, argc, argv) : &ERROR_OUT_OF_MEMORY;

    if (wrong) {
        wire_fail(&arguments, WIRE_EXIT_USAGE, wrong);
    } else {
        log_setup(LOG_FATAL, LOG_TEXT);
        error failed = loop_init();

        if (!failed)
            failed = fiber_run_all(command->run, &arguments);
        if (failed)
            wire_fail(&arguments, WIRE_EXIT_UNAVAILABLE, failed);
        loop_close();
    }
    arena_free(arguments.arena);
    return arguments.status;
}

void wire_fail(struct wire_arguments *arguments, int status, error e)
{
    fprintf(stderr, "cuib %s: ", arguments->command);
    if (status == WIRE_EXIT_ERROR && e->status && !e->cause)
        fprintf(stderr, "%d ", e->status);
    if (e->messages) {
        for (size_t i = 0; i < e->messages->len; i++)
            fprintf(stderr, "%s%.*s", i ? "; " : "", STR_ARG(e->messages->at[i]));
    } else {
        fputs(e->cause && status == WIRE_EXIT_ERROR ? e->cause->message : e->message, stderr);
    }
    fputc('\n', stderr);
    arguments->status = status;
}

int wire_status_of(error e)
{
    if (e == &ERROR_DEADLINE)
        return WIRE_EXIT_TIMEOUT;
    return e->status == 400 ? WIRE_EXIT_USAGE : WIRE_EXIT_UNAVAILABLE;
}

/* --- patterns and data ---------------------------------------------------------------------------- */

str wire_pattern(struct arena *arena, str word)
{
    return rpc_redis_pattern(arena, word);
}

str wire_route(struct arena *arena, str word)
{
    str pattern = wire_pattern(arena, word);
    const struct json *value;

    if (!pattern.at || json_parse(arena, pattern, &value))
        return (str){ NULL, 0 };
    return rpc_route_of(arena, value);
}

error wire_data(const struct wire_arguments *arguments, size_t index, str *out)
{
    const struct json *value;
    str text = index < arguments->count ? arguments->words[index] : STR("{}");
    error wrong = json_parse(arguments->arena, text, &value);

    if (wrong)
        return error_new(arguments->arena, 400, "the data is not JSON: %s", wrong->message);
    *out = text;
    return NULL;
}

/* --- connections ---------------------------------------------------------------------------------- */

struct wire_settings {
    str rpc_tls_ca, rpc_tls_cert, rpc_tls_key;
};

static SCHEMA(wire_settings,
              FIELD(rpc_tls_ca, .optional = true),
              FIELD(rpc_tls_cert, .optional = true),
              FIELD(rpc_tls_key, .optional = true, .secret = true));

error wire_tls(struct arena *arena, bool server, struct tls_context **out)
{
    struct wire_settings settings = { 0 };

    TRY(settings_load(wire_settings_schema(), arena, &settings));
    if (!server && !settings.rpc_tls_ca.at)
        return error_new(arena, 400, "tls:// needs RPC_TLS_CA or RPC_TLS_CA_FILE");
    return tls_context_new(arena,
                           &(struct tls_options){
                               .certificate = settings.rpc_tls_cert,
                               .key = settings.rpc_tls_key,
                               .authorities = settings.rpc_tls_ca,
                               .server = server,
                           },
                           out);
}

error wire_redis(const struct wire_address *address, struct redis **out)
{
    const struct redis_options options = {
        .host = address->host,
        .port = address->port,
        .user = address->user,
        .password = address->password,
        .database = address->database,
    };

    return redis_new(&options, out);
}

static error open_redis(const struct wire_arguments *arguments, struct wire *wire)
{
    const struct wire_address *address = &arguments->address;

    TRY(wire_redis(address, &wire->redis));
    return rpc_redis_client_new(
        &(struct rpc_redis_options){ .common.name = address->host, .redis = wire->redis },
        &wire->client);
}

/* An IPv6 address takes its brackets again. */
static error open_tcp(const struct wire_arguments *arguments, struct wire *wire)
{
    const struct wire_address *address = &arguments->address;
    bool v6 = str_find(address->host, ':') < address->host.len;
    str place = arena_printf(arguments->arena, v6 ? "[%.*s]" : "%.*s", STR_ARG(address->host));

    if (!place.at)
        return &ERROR_OUT_OF_MEMORY;
    if (address->kind == WIRE_TLS)
        TRY(wire_tls(arguments->arena, false, &wire->tls));
    return rpc_tcp_client_new(arguments->arena,
                              &(struct rpc_tcp_options){
                                  .common.name = address->host,
                                  .addresses = place,
                                  .port = address->port,
                                  .tls = wire->tls,
                              },
                              &wire->client);
}

error wire_open(struct wire_arguments *arguments, struct wire *out)
{
    *out = (struct wire){ 0 };
    error failed = arguments->address.kind == WIRE_REDIS ? open_redis(arguments, out)
                                                         : open_tcp(arguments, out);

    if (failed)
        wire_close(out);
    return failed;
}

void wire_close(struct wire *wire)
{
    rpc_client_free(wire->client);
    redis_free(wire->redis);
    tls_context_free(wire->tls);
    *wire = (struct wire){ 0 };
}
