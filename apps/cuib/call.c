/* `cuib call`: sends one request and prints each value of the reply as it comes, one JSON text a line. */
#include "apps/cuib/wire.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 64 * 1024 * 1024 };

static error print_value(void *cookie, const struct json *value)
{
    struct buf line = buf_new(LINE_MAX_BYTES);

    (void)cookie;
    if (!value)
        return NULL;
    json_write(&line, value);
    printf("%.*s\n", STR_ARG(buf_text(&line)));
    fflush(stdout);
    buf_free(&line);
    return NULL;
}

/* The carrier is asked directly, once: what went wrong shall be told as it was, and nothing retried. */
static error exchange(struct call *call, struct rpc_client *client, struct rpc_attempt *attempt)
{
    return client->carrier->exchange(call, client, attempt);
}

static void tell(struct wire_arguments *arguments, const struct rpc_attempt *attempt, error e)
{
    if (e == &ERROR_DEADLINE)
        wire_fail(arguments, WIRE_EXIT_TIMEOUT,
                  error_new(arguments->arena, 504, "no reply within %.3g s",
                            (double)arguments->timeout_ms / 1000));
    else
        wire_fail(arguments, attempt->answered ? WIRE_EXIT_ERROR : wire_status_of(e), e);
}

static void send(struct wire_arguments *arguments, const struct rpc_request *request)
{
    struct call call = call_new(arguments->arena, arguments->timeout_ms);
    struct rpc_attempt attempt = { .request = request };
    struct wire wire;
    error failed = wire_open(arguments, &wire);

    if (failed) {
        wire_fail(arguments, wire_status_of(failed), failed);
        return;
    }
    failed = exchange(&call, wire.client, &attempt);
    if (failed)
        tell(arguments, &attempt, failed);
    wire_close(&wire);
}

static void run(void *cookie)
{
    struct wire_arguments *arguments = cookie;
    struct rpc_request request = { .item = print_value };
    error wrong = wire_data(arguments, 1, &request.data);

    request.pattern = wire_pattern(arguments->arena, arguments->words[0]);
    if (!wrong && !request.pattern.at)
        wrong = &ERROR_OUT_OF_MEMORY;
    if (wrong)
        wire_fail(arguments, WIRE_EXIT_USAGE, wrong);
    else
        send(arguments, &request);
}

int wire_call(int argc, char **argv)
{
    static const struct wire_command command = { "call", "ADDRESS PATTERN [JSON]", 1, 2, run };

    return wire_run(&command, argc, argv);
}
