/* The program: composes the services and runs them. */
#include "apps/api-gateway/api_gateway.h"
#include "apps/cuib/dead_letters.h"
#include "apps/cuib/mail_preview.h"
#include "apps/cuib/maintenance.h"
#include "apps/cuib/wire.h"
#include "apps/notification-service/notification_service.h"
#include "apps/order-service/order_service.h"
#include "apps/user-service/user_service.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "service/service.h"
#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_TIMEOUT_MS = 60 * 1000,
    PROCESS_ARENA_MAX = 64 * 1024 * 1024,
    HELP_MAX = 64 * 1024,
    EXIT_USAGE = 64,  /* sysexits.h: EX_USAGE */
    EXIT_CONFIG = 78, /* sysexits.h: EX_CONFIG */
};

/* In the order of their start: who is asked before who asks. */
static const struct service *const SERVICES[] = { &user_service, &order_service,
                                                  &notification_service, &api_gateway };

enum { SERVICE_COUNT = sizeof SERVICES / sizeof SERVICES[0] };

struct command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv);
};

static int up(int argc, char **argv);
static int print_openapi(int argc, char **argv);
static int print_version(int argc, char **argv);
static int print_help(int argc, char **argv);

static const struct command COMMANDS[] = {
    { "up", "[service...]", "run the services named, or all of them in this process", up },
    { "rebuild", "[projection]", "write a projection, or all, anew from the events",
      maintenance_rebuild },
    { "verify", "", "check that events, projections and payments agree", maintenance_verify },
    { "dead", "list|show|replay|drop",
      "events and mails that were given up: `cuib dead` tells more", dead_letters },
    { "call", "ADDRESS PATTERN [JSON]", "send a request, print each value of the reply",
      wire_call },
    { "emit", "ADDRESS PATTERN [JSON]", "send an event", wire_emit },
    { "listen", "ADDRESS [PATTERN...]", "print the requests and events that arrive", wire_listen },
    { "mail", "preview [TEMPLATE]", "serve the templates of the mails, filled with an example",
      mail_command },
    { "mail", "render ...", "print one of them: TEMPLATE LANGUAGE html|text|subject [-]",
      mail_command },
    { "openapi", "[--yaml]", "print the OpenAPI document of the gateway", print_openapi },
    { "version", "", "print the version", print_version },
    { "help", "", "print this", print_help },
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

/* --- up ------------------------------------------------------------------------------------------- */

/* One run of `cuib up`. */
struct run {
    struct system system;
    const struct service *services[SERVICE_COUNT];
    size_t count;
    struct wait stop;
    int status;
};

static void stop_wanted(void *cookie)
{
    wait_done(&((struct run *)cookie)->stop);
}

/* Only where the service runs that sends them. */
static void print_mails(const struct system *system)
{
    for (size_t i = 0; i < system->count; i++) {
        if (system->instances[i].service != &notification_service)
            continue;
        str where = notification_mails_go_to(&system->instances[i]);

        printf("  mails          %.*s\n", STR_ARG(where));
    }
}

static void print_gateway(const struct service_instance *gateway)
{
    const struct system *system = gateway->system;
    const char *address = system->settings.bind_address.at;

    printf(
        "\nCuib is up.\n\n"
        "  API explorer   http://%s:%u/api/docs\n"
        "  register       curl -X POST http://%s:%u/users -H 'Content-Type: application/json' \\\n"
        "                   -d '{\"email\":\"ana@example.com\",\"password\":\"correct "
        "horse\",\"name\":\"Ana\"}'\n"
        "  log in         curl -X POST http://%s:%u/auth/login -H 'Content-Type: application/json' "
        "\\\n"
        "                   -d '{\"email\":\"ana@example.com\",\"password\":\"correct horse\"}'\n"
        "  data           %.*s\n",
        address, gateway->port, address, gateway->port, address, gateway->port,
        STR_ARG(system->settings.cuib_data_dir));
    print_mails(system);
    putchar('\n');
    fflush(stdout);
}

static void announce(const struct system *system)
{
    for (size_t i = 0; i < system->count; i++) {
        const struct service_instance *instance = &system->instances[i];

        log_info(instance->service->title, "listening on http://%s:%u",
                 system->settings.bind_address.at, instance->port);
    }
    log_flush();
    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].service == &api_gateway)
            print_gateway(&system->instances[i]);
}

/* Runs on a fiber from start to stop. */
static void run_system(void *argument)
{
    struct run *run = argument;
    struct call call = call_new(run->system.arena, START_TIMEOUT_MS);
    error failed = signals_on_stop(stop_wanted, run);

    if (!failed)
        failed = service_system_start(&call, &run->system, run->services, run->count);
    if (failed) {
        log_flush();
        fprintf(stderr, "cuib: %s\n", failed->message);
        run->status = EXIT_CONFIG;
    } else {
        announce(&run->system);
        call_wait_done(&call, &run->stop);
        log_info("Cuib", "stopping");
        service_system_stop(&call, &run->system);
    }
    signals_close();
}

static void complain_about_service(const char *name)
{
    fprintf(stderr, "cuib: unknown service '%s' (there are: ", name);
    for (int k = 0; k < SERVICE_COUNT; k++)
        fprintf(stderr, "%s%s", k ? ", " : "", SERVICES[k]->name);
    fprintf(stderr, ")\n");
}

static bool choose_services(struct run *run, int argc, char **argv)
{
    bool wanted[SERVICE_COUNT] = { false };

    for (int i = 0; i < argc; i++) {
        int k = 0;

        while (k < SERVICE_COUNT && strcmp(SERVICES[k]->name, argv[i]) != 0)
            k++;
        if (k == SERVICE_COUNT) {
            complain_about_service(argv[i]);
            return false;
        }
        wanted[k] = true;
    }
    for (int k = 0; k < SERVICE_COUNT; k++)
        if (argc == 0 || wanted[k])
            run->services[run->count++] = SERVICES[k];
    return true;
}

static int up(int argc, char **argv)
{
    static struct run run;

    if (!choose_services(&run, argc, argv))
        return EXIT_USAGE;
    run.system.arena = arena_new(PROCESS_ARENA_MAX);
    if (!run.system.arena || loop_init() || fiber_run_all(run_system, &run)) {
        fprintf(stderr, "cuib: out of memory\n");
        return EXIT_FAILURE;
    }
    loop_close();
    arena_free(run.system.arena);
    return run.status;
}

/* --- the rest ------------------------------------------------------------------------------------- */

static int print_openapi(int argc, char **argv)
{
    struct arena *arena = arena_new(PROCESS_ARENA_MAX);
    struct openapi documents = { 0 };
    bool yaml = argc == 1 && strcmp(argv[0], "--yaml") == 0;

    if (argc > 1 || (argc == 1 && !yaml)) {
        fprintf(stderr, "cuib openapi: unknown argument '%s'\n", argv[yaml ? 1 : 0]);
        return EXIT_USAGE;
    }
    error failed =
        arena ? openapi_new(arena, &api_gateway_openapi, &documents) : &ERROR_OUT_OF_MEMORY;

    if (failed)
        fprintf(stderr, "cuib: %s\n", failed->message);
    else
        printf("%.*s\n", STR_ARG(buf_text(yaml ? &documents.yaml : &documents.json)));
    openapi_free(&documents);
    arena_free(arena);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("cuib " CUIB_VERSION);
    return EXIT_SUCCESS;
}

static void describe_settings(const char *title, const struct schema *schema)
{
    struct buf text = buf_new(HELP_MAX);

    settings_describe(schema, &text);
    printf("\nSettings of %s:\n%.*s", title, STR_ARG(buf_text(&text)));
    buf_free(&text);
}

static int print_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("cuib - microservices that speak NestJS's wire\n\nCommands:");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("  cuib %-8s %-23s %s\n", COMMANDS[i].name, COMMANDS[i].arguments, COMMANDS[i].help);
    puts("\ncall, emit and listen are the curl of NestJS's microservices. ADDRESS is\n"
         "tcp://host:port, tls://host:port (with RPC_TLS_CA) or\n"
         "redis://[:password@]host:port[/database]; PATTERN a text or a JSON object;\n"
         "JSON the data, {} if left out. --timeout SECONDS (5) bounds the wait.\n"
         "They exit with 0 when all went well, 1 when the reply is an error, 64 when\n"
         "the command line is wrong, 69 when nobody is there, 75 when the time is up.");
    puts("\nSettings are environment variables; NAME_FILE names a file that holds the value of "
         "NAME.");
    describe_settings("every service", system_settings_schema());
    for (int i = 0; i < SERVICE_COUNT; i++)
        describe_settings(SERVICES[i]->name, SERVICES[i]->settings());
    return EXIT_SUCCESS;
}

static const struct command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(0, NULL);
        return EXIT_USAGE;
    }
    const struct command *command = find_command(argv[1]);

    if (!command) {
        fprintf(stderr, "cuib: unknown command '%s'; try cuib help\n", argv[1]);
        return EXIT_USAGE;
    }
    return command->run(argc - 2, argv + 2);
}
