/* `cuib emit`: sends one event. Over Redis the server's word is awaited, over TCP the system's. */
#include "apps/cuib/wire.h"

static void emit(struct wire_arguments *arguments, str route, str data)
{
    struct call call = call_new(arguments->arena, arguments->timeout_ms);
    struct wire wire;
    error failed = wire_open(arguments, &wire);

    if (!failed)
        failed = wire.client->carrier->emit(&call, wire.client, route, data);
    if (failed == &ERROR_DEADLINE)
        wire_fail(arguments, WIRE_EXIT_TIMEOUT,
                  error_new(arguments->arena, 504, "not connected within %.3g s",
                            (double)arguments->timeout_ms / 1000));
    else if (failed)
        wire_fail(arguments, wire_status_of(failed), failed);
    wire_close(&wire);
}

static void run(void *cookie)
{
    struct wire_arguments *arguments = cookie;
    str data, route = wire_route(arguments->arena, arguments->words[0]);
    error wrong = wire_data(arguments, 1, &data);

    if (!wrong && !route.at)
        wrong = &ERROR_OUT_OF_MEMORY;
    if (wrong)
        wire_fail(arguments, WIRE_EXIT_USAGE, wrong);
    else
        emit(arguments, route, data);
}

int wire_emit(int argc, char **argv)
{
    static const struct wire_command command = { "emit", "ADDRESS PATTERN [JSON]", 1, 2, run };

    return wire_run(&command, argc, argv);
}
