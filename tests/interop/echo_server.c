/* A service that the tests record and replay frames with, and that NestJS's clients call: it has what the product's
 * services have no use for themselves (any value back, streams, slow answers, object patterns, events). Its twin
 * in JavaScript is echo-service.mjs; both answer the same bytes.
 *
 * It is run as `cuib up` is, by environment variables (PORT, REDIS_HOST …), and ends at SIGTERM. */
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    START_TIMEOUT_MS = 10 * 1000,
    PROCESS_ARENA_MAX = 16 * 1024 * 1024,
};

/* --- contracts ----------------------------------------------------------------------------------- */

/* `{"value":V}`; to the service also a bare V that is no object. */
struct anything {
    json_text value;
};
static BARE(anything, FIELD(value, .optional = true));

/* What comes back is always the object. */
struct answer {
    json_text value;
};
static SCHEMA(answer, FIELD(value, .optional = true));

struct later {
    int64_t ms;
    json_text value;
};
static SCHEMA(later, FIELD(ms, RULES(IS_INT, AT_LEAST(0), AT_MOST(10000))),
              FIELD(value, .optional = true));

struct note {
    str key;
};
static SCHEMA(note, FIELD(key));

struct notes {
    int64_t count;
};
static SCHEMA(notes, FIELD(count));

/* --- messages ------------------------------------------------------------------------------------ */

#define ECHO_MESSAGES(ON)                                                                 \
    ON("echo", echo, anything, answer)                                                    \
    ON("nothing", answer_nothing, anything, nothing)                                      \
    ON("refused", refuse, anything, nothing)                                              \
    ON("delayed", delay, later, answer)                                                   \
    ON("seen", count_notes, note, notes)                                                  \
    ON("7", seven, anything, answer)                                                      \
    ON("07", text_07, anything, answer)                                                   \
    ON("1000", thousand, anything, answer)                                                \
    ON("true", unreachable, anything, answer)                                             \
    ON("{\"cmd\":\"echo\"}", command, anything, answer)                                   \
    ON("{\"a\":{\"c\":{\"0\":1,\"1\":2},\"d\":\"x\"},\"b\":1}", nested, anything, answer) \
    ON("{\"flag\":true,\"n\":null}", flagged, anything, answer)                           \
    ON("a\"b\\c", quoted, anything, answer)                                               \
    ON("{\"k\":\"a\\\"b\\\\c\"}", quoted_member, anything, answer)
MESSAGE_TABLE(echo_messages, ECHO_MESSAGES);

#define ECHO_STREAMS(ON)                               \
    ON("stream", stream, anything, answer)             \
    ON("stream.empty", stream_empty, anything, answer) \
    ON("stream.refused", stream_refused, anything, answer)
STREAM_TABLE(echo_streams, ECHO_STREAMS);

#define ECHO_EVENTS(ON)                  \
    ON("noted", take_note, note)         \
    ON("noted.twice", take_note_a, note) \
    ON("noted.twice", take_note_b, note) \
    ON("{\"e\":\"noted\"}", take_note_c, note)
EVENT_TABLE(echo_events, ECHO_EVENTS);

static const struct error NOBODY = ERROR(404, "Nobody is here");

static error echo(struct call *call, const struct anything *in, struct answer *out)
{
    (void)call;
    out->value = in->value;
    return NULL;
}

static error answer_nothing(struct call *call, const struct anything *in, struct nothing *out)
{
    (void)call;
    (void)in;
    (void)out;
    return NULL;
}

static error refuse(struct call *call, const struct anything *in, struct nothing *out)
{
    (void)call;
    (void)in;
    (void)out;
    return &NOBODY;
}

static error delay(struct call *call, const struct later *in, struct answer *out)
{
    TRY(call_sleep(call, (uint64_t)in->ms));
    out->value = in->value;
    return NULL;
}

/* Which row answered. */
#define ANSWERS(function, route)                                                            \
    static error function(struct call *call, const struct anything *in, struct answer *out) \
    {                                                                                       \
        (void)call;                                                                         \
        (void)in;                                                                           \
        out->value.text = STR("\"" route "\"");                                             \
        return NULL;                                                                        \
    }

ANSWERS(seven, "7")
ANSWERS(text_07, "07")
ANSWERS(thousand, "1000")
ANSWERS(unreachable, "true")
ANSWERS(command, "command")
ANSWERS(nested, "nested")
ANSWERS(flagged, "flagged")
ANSWERS(quoted, "quoted")
ANSWERS(quoted_member, "quoted member")

/* --- streams ------------------------------------------------------------------------------------- */

static error put_numbers(struct call *call, struct rpc_items *items, int last)
{
    for (int i = 1; i <= last; i++) {
        struct answer item = { { arena_printf(call->arena, "%d", i) } };

        TRY(rpc_item(call, items, IN(answer, &item)));
    }
    return NULL;
}

static error stream(struct call *call, const struct anything *in, struct rpc_items *items)
{
    (void)in;
    return put_numbers(call, items, 3);
}

static error stream_empty(struct call *call, const struct anything *in, struct rpc_items *items)
{
    (void)call;
    (void)in;
    (void)items;
    return NULL;
}

static error stream_refused(struct call *call, const struct anything *in, struct rpc_items *items)
{
    (void)in;
    TRY(put_numbers(call, items, 2));
    return &NOBODY;
}

/* --- events -------------------------------------------------------------------------------------- */

/* How often each key was noted; lives as long as the process. */
struct noted {
    struct noted *next;
    str key;
    int64_t count;
};

struct notebook {
    struct arena *arena;
    struct noted *first;
};

static error take_note(struct call *call, const struct note *in)
{
    struct notebook *book = service_state(call);
    struct noted *noted = book->first;

    while (noted && !str_eq(noted->key, in->key))
        noted = noted->next;
    if (!noted) {
        noted = ARENA_NEW(book->arena, struct noted);
        if (!noted)
            return &ERROR_OUT_OF_MEMORY;
        *noted = (struct noted){ book->first, arena_copy(book->arena, in->key), 0 };
        book->first = noted;
    }
    noted->count++;
    return NULL;
}

static error take_note_a(struct call *call, const struct note *in)
{
    return take_note(call, in);
}

static error take_note_b(struct call *call, const struct note *in)
{
    return take_note(call, in);
}

static error take_note_c(struct call *call, const struct note *in)
{
    return take_note(call, in);
}

static error count_notes(struct call *call, const struct note *in, struct notes *out)
{
    const struct notebook *book = service_state(call);

    for (const struct noted *noted = book->first; noted; noted = noted->next)
        if (str_eq(noted->key, in->key))
            out->count = noted->count;
    return NULL;
}

/* --- the program --------------------------------------------------------------------------------- */

static error start(struct call *call, struct service_instance *self, const void *settings)
{
    struct notebook *book = ARENA_NEW(self->system->arena, struct notebook);

    (void)call;
    (void)settings;
    if (!book)
        return &ERROR_OUT_OF_MEMORY;
    *book = (struct notebook){ self->system->arena, NULL };
    self->state = book;
    return NULL;
}

static void stop(struct service_instance *self)
{
    (void)self;
}

static const struct service echo_service = {
    .name = "echo",
    .title = "EchoService",
    .messages = echo_messages,
    .streams = echo_streams,
    .events = echo_events,
    .start = start,
    .stop = stop,
};

static const struct service *const SERVICES[] = { &echo_service };

struct run {
    struct system system;
    struct wait stop;
    int status;
};

static void stop_wanted(void *cookie)
{
    wait_done(&((struct run *)cookie)->stop);
}

static void run_system(void *argument)
{
    struct run *run = argument;
    struct call call = call_new(run->system.arena, START_TIMEOUT_MS);
    error failed = signals_on_stop(stop_wanted, run);

    if (!failed)
        failed = service_system_start(&call, &run->system, SERVICES, 1);
    if (failed) {
        fprintf(stderr, "echo-server: %s\n", failed->message);
        run->status = EXIT_FAILURE;
    } else {
        printf("listening on 127.0.0.1:%u\n", run->system.instances[0].port);
        fflush(stdout);
        call_wait_done(&call, &run->stop);
        service_system_stop(&call, &run->system);
    }
    signals_close();
}

int main(void)
{
    static struct run run;

    run.system.arena = arena_new(PROCESS_ARENA_MAX);
    if (!run.system.arena || loop_init() || fiber_run_all(run_system, &run))
        return EXIT_FAILURE;
    loop_close();
    arena_free(run.system.arena);
    return run.status;
}
