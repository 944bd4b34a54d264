/* A dead letter is known by a text: an event by the service whose store it lies in, the consumer that failed, and its stream,
 * "order:user:0192f7c4-…"; a mail by its number, "mail:7". */
#include "apps/cuib/dead_letters.h"
#include "apps/cuib/stores.h"
#include "apps/notification-service/dead_mails.h"
#include "apps/notification-service/notification_service.h"
#include "apps/order-service/order_service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64 }; /* sysexits.h: EX_USAGE */

static const struct service *const SERVICES[] = { &order_service, &notification_service };

enum { SERVICE_COUNT = sizeof SERVICES / sizeof SERVICES[0] };

static const struct error NO_SUCH_LETTER =
    ERROR(404, "there is no such dead letter; `cuib dead list` shows them");

/* One run of the command. */
struct dead_letters {
    struct stores stores; /* the first member, so that `work` finds the rest */
    str id;               /* at == NULL: all */
    uint64_t count;
};

/* What is done with a letter. */
enum action { LIST, SHOW, REPLAY, DROP };

static const char *const DONE[] = { [REPLAY] = "will be tried again", [DROP] = "is dropped" };

static void print_done(struct dead_letters *run, enum action action, const char *id)
{
    run->count++;
    printf("%s %s\n", id, DONE[action]);
}

static str time_text(struct arena *arena, timestamp time)
{
    char text[TIMESTAMP_TEXT];

    timestamp_print(time, text);
    return arena_copy(arena, (str){ text, sizeof text });
}

/* --- events -------------------------------------------------------------------------------------- */

static const char *event_id(struct call *call, const struct service_instance *instance,
                            const struct events_parked *letter)
{
    char stream[UUID_TEXT];

    uuid_print(letter->stream_id, stream);
    str id = arena_printf(call->arena, "%s:%.*s:%.*s", instance->service->name,
                          STR_ARG(letter->subscriber), UUID_TEXT, stream);

    return id.at ? id.at : "";
}

static error list_event(struct call *call, const struct service_instance *instance,
                        const struct events_parked *letter)
{
    struct recorded event;

    TRY(events_find(call, instance->events, letter->position, &event));
    str when = time_text(call->arena, event.recorded_at);

    printf("%s  %.*s  %.*s  %" PRId64 " attempts  %.*s\n", event_id(call, instance, letter),
           STR_ARG(when), STR_ARG(event.type), letter->attempts, STR_ARG(letter->failure));
    return NULL;
}

static error show_event(struct call *call, const struct service_instance *instance,
                        const struct events_parked *letter)
{
    struct recorded event;

    TRY(events_find(call, instance->events, letter->position, &event));
    str when = time_text(call->arena, event.recorded_at);

    printf("id        %s\nevent     %.*s, version %" PRId64 " of its stream, position %" PRId64
           "\nrecorded  %.*s\nconsumer  %.*s\nattempts  %" PRId64 "\nfailure   %.*s\n",
           event_id(call, instance, letter), STR_ARG(event.type), event.version, event.position,
           STR_ARG(when), STR_ARG(letter->subscriber), letter->attempts, STR_ARG(letter->failure));
    if (event.trace.at)
        printf("trace     %.*s\n", STR_ARG(event.trace));
    printf("data      %.*s\n", STR_ARG(event.data));
    return NULL;
}

static error act_on_event(struct call *call, struct dead_letters *run,
                          const struct service_instance *instance, enum action action,
                          const struct events_parked *letter)
{
    if (action == SHOW)
        return show_event(call, instance, letter);
    if (action == REPLAY)
        TRY(events_retry(call, instance->events, letter));
    else
        TRY(events_skip(call, instance->events, letter));
    print_done(run, action, event_id(call, instance, letter));
    return NULL;
}

static error events_of(struct call *call, struct dead_letters *run,
                       const struct service_instance *instance, enum action action)
{
    struct events_parked *all;
    size_t count;

    TRY(events_parked(call, instance->events, &all, &count));
    for (size_t i = 0; i < count; i++) {
        bool dead = !all[i].retry_at.ms;

        if (!dead || (run->id.at && !str_is(run->id, event_id(call, instance, &all[i]))))
            continue;
        if (action == LIST)
            TRY(list_event(call, instance, &all[i]));
        else
            TRY(act_on_event(call, run, instance, action, &all[i]));
        run->count += action == LIST || action == SHOW;
    }
    return NULL;
}

/* --- mails --------------------------------------------------------------------------------------- */

static const char *mail_id(struct call *call, int64_t number)
{
    str id = arena_printf(call->arena, "mail:%" PRId64, number);

    return id.at ? id.at : "";
}

static void list_mail(struct call *call, const struct dead_mail *mail)
{
    str when = time_text(call->arena, mail->event_at);

    printf("%s  %.*s  %.*s  %" PRId64 " attempts  %.*s\n", mail_id(call, mail->id), STR_ARG(when),
           STR_ARG(mail->template), mail->attempts, STR_ARG(mail->failure));
}

static error show_mail(struct call *call, struct db *db, int64_t number)
{
    struct dead_mail mail;
    char recipient[UUID_TEXT];

    TRY(dead_mail_show(call, db, number, &mail));
    uuid_print(mail.recipient, recipient);
    str event_at = time_text(call->arena, mail.event_at),
        died_at = time_text(call->arena, mail.died_at);

    printf(
        "id         %s\ntemplate   %.*s\nrecipient  %.*s %.*s\nevent      %.*s\ngiven up   %.*s\n"
        "attempts   %" PRId64 "\nfailure    %.*s\ndata       %.*s\n",
        mail_id(call, mail.id), STR_ARG(mail.template), UUID_TEXT, recipient, STR_ARG(mail.address),
        STR_ARG(event_at), STR_ARG(died_at), mail.attempts, STR_ARG(mail.failure),
        STR_ARG(mail.data.text));
    return NULL;
}

static error act_on_mail(struct call *call, struct dead_letters *run, struct db *db,
                         enum action action, int64_t number)
{
    if (action == SHOW)
        return show_mail(call, db, number);
    if (action == REPLAY)
        TRY(dead_mail_replay(call, db, number));
    else
        TRY(dead_mail_drop(call, db, number));
    print_done(run, action, mail_id(call, number));
    return NULL;
}

static error list_mails(struct call *call, struct dead_letters *run, struct db *db)
{
    struct dead_mail *all;
    size_t count;
    int64_t total;

    TRY(dead_mail_list(call, db, &all, &count, &total));
    for (size_t i = 0; i < count; i++)
        list_mail(call, &all[i]);
    if (total > (int64_t)count)
        printf("… and %" PRId64 " more mails\n", total - (int64_t)count);
    run->count += (uint64_t)total;
    return NULL;
}

static error replay_all_mails(struct call *call, struct dead_letters *run, struct db *db)
{
    int64_t count;

    TRY(dead_mail_replay_all(call, db, &count));
    if (count)
        printf("mails: %" PRId64 " will be tried again\n", count);
    run->count += (uint64_t)count;
    return NULL;
}

/* An id that is no mail's, or no dead one's, is left for whoever counts. */
static error one_mail(struct call *call, struct dead_letters *run, struct db *db,
                      enum action action)
{
    static const str prefix = STR_INIT("mail:");
    uint64_t number;

    if (!str_starts_with(run->id, prefix) ||
        !str_to_uint(str_slice(run->id, prefix.len, run->id.len), INT64_MAX, &number))
        return NULL;
    error failed = act_on_mail(call, run, db, action, (int64_t)number);

    if (failed)
        return failed->status == 404 ? NULL : failed;
    run->count += action == SHOW;
    return NULL;
}

static error mails_of(struct call *call, struct dead_letters *run, struct db *db,
                      enum action action)
{
    if (run->id.at)
        return one_mail(call, run, db, action);
    return action == REPLAY ? replay_all_mails(call, run, db) : list_mails(call, run, db);
}

/* --- all of them --------------------------------------------------------------------------------- */

static error act(struct call *call, struct stores *stores, enum action action)
{
    struct dead_letters *run = (struct dead_letters *)stores;

    for (size_t i = 0; i < stores->system.count; i++) {
        struct service_instance *instance = &stores->system.instances[i];

        if (instance->events)
            TRY(events_of(call, run, instance, action));
        if (instance->service == &notification_service)
            TRY(mails_of(call, run, ((struct notification_state *)instance->state)->db, action));
    }
    if (run->id.at && !run->count)
        return &NO_SUCH_LETTER;
    if (!run->id.at)
        printf("%" PRIu64 " dead letters\n", run->count);
    return NULL;
}

static error list(struct call *call, struct stores *stores)
{
    return act(call, stores, LIST);
}

static error show(struct call *call, struct stores *stores)
{
    return act(call, stores, SHOW);
}

static error replay(struct call *call, struct stores *stores)
{
    return act(call, stores, REPLAY);
}

static error drop(struct call *call, struct stores *stores)
{
    return act(call, stores, DROP);
}

static const struct {
    const char *name;
    bool takes_id, may_be_all;
    error (*work)(struct call *call, struct stores *stores);
} ACTIONS[] = {
    { "list", false, false, list },
    { "show", true, false, show },
    { "replay", true, true, replay },
    { "drop", true, false, drop },
};

enum { ACTION_COUNT = sizeof ACTIONS / sizeof ACTIONS[0] };

static int usage(void)
{
    fputs(
        "usage: cuib dead list\n"
        "       cuib dead show ID\n"
        "       cuib dead replay ID | --all    try again, with all attempts anew\n"
        "       cuib dead drop ID              leave it out and go on with what waits behind it\n",
        stderr);
    return EXIT_USAGE;
}

int dead_letters(int argc, char **argv)
{
    static struct dead_letters run;

    for (int i = 0; argc > 0 && i < ACTION_COUNT; i++) {
        if (strcmp(argv[0], ACTIONS[i].name) != 0)
            continue;
        bool all = argc == 2 && strcmp(argv[1], "--all") == 0;

        if (argc != 1 + ACTIONS[i].takes_id || (all && !ACTIONS[i].may_be_all))
            return usage();
        if (argc == 2 && !all)
            run.id = str_of(argv[1]);
        return stores_run(&run.stores, SERVICES, SERVICE_COUNT, ACTIONS[i].work);
    }
    return usage();
}
