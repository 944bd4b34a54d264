/* A consumer's replica reads on one fiber, one command after the other, and starts a job for each entry:
 *
 *     not present      subscribe to what wakes, XGROUP CREATE, PUBLISH "hello" to the producers
 *     time to look     XAUTOCLAIM what others have left, XGROUP DELCONSUMER who is gone
 *     else             XREADGROUP, again while it is full, at most as much as jobs may still start
 *     nothing left     sleep until a wake-up, the end of a job if all run, or the next look
 *
 * The commands share a connection with others, so none of them blocks. A wake-up that comes while XREADGROUP is
 * under way counts: Redis may have answered it before the entry was there.
 *
 * Redis may lose everything at any time. Then there is no group, which the next command says (NOGROUP), and the
 * replica begins anew. A reply that was lost with its connection has left entries pending that nobody handles; the
 * look finds them like those of a replica that died. */
#include "events/redis_stream_internal.h"
#include "base/hex.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    COMMAND_TIMEOUT_MS = 5 * 1000,
    RETRY_MS = 200,          /* after a command that failed */
    FAREWELL_MS = 500,       /* for what a drain may skip */
    MEMBER_IDLE_CLAIMS = 20, /* a member silent for so many times claim_ms is gone */
    NUMBER_TEXT = 24,
};

static const struct error NAME_TOO_LONG = ERROR(500, "The consumer's name is too long");

/* --- waking -------------------------------------------------------------------------------------- */

/* After a failure there is a pause, whoever calls. */
static void wake(struct events_reader *reader)
{
    reader->woken = true;
    if (reader->asleep && (!reader->failing || reader->draining))
        wait_done(reader->asleep);
}

static void woken(void *cookie, str channel, str payload)
{
    (void)channel;
    (void)payload;
    wake(cookie);
}

static void lost(void *cookie)
{
    struct events_reader *reader = cookie;

    reader->present = false;
    wake(reader);
}

void events_reader_note_end(struct events_reader *reader)
{
    if (reader->full || reader->draining)
        wake(reader);
}

/* Nothing suspends between the step that found `full` or `failing` and this, so no end of a job is missed. */
static void sleep_until(struct events_reader *reader, uint64_t due_ms)
{
    struct call call = { .arena = reader->arena, .deadline_ms = due_ms };
    struct wait wait = { 0 };

    bool at_once = reader->woken && !reader->failing && !reader->full;

    if (reader->draining || at_once)
        return;
    reader->asleep = &wait;
    (void)call_wait(&call, &wait);
    reader->asleep = NULL;
}

/* --- being there --------------------------------------------------------------------------------- */

static bool says(error e, const char *code)
{
    return e && e->status == 502 && str_starts_with(str_of(e->message), str_of(code));
}

static error make_group(struct call *call, struct events_reader *reader)
{
    error failed =
        redis_command(call, reader->options.redis,
                      REDIS_WORDS(STR("XGROUP"), STR("CREATE"), str_of(reader->names.key),
                                  str_of(reader->names.group), STR("0"), STR("MKSTREAM")),
                      NULL);

    return says(failed, "BUSYGROUP") ? NULL : failed;
}

static error say_hello(struct call *call, struct events_reader *reader)
{
    return redis_command(
        call, reader->options.redis,
        REDIS_WORDS(STR("PUBLISH"), str_of(reader->names.answers), EVENTS_STREAM_HELLO), NULL);
}

/* The connection may be lost meanwhile, so `present` is set first. */
static error appear(struct call *call, struct events_reader *reader)
{
    TRY(redis_subscribed(call, reader->wakes));
    reader->present = true;
    error failed = make_group(call, reader);

    if (!failed)
        failed = say_hello(call, reader);
    if (failed)
        reader->present = false;
    return failed;
}

/* --- reading ------------------------------------------------------------------------------------- */

static size_t room(const struct events_reader *reader)
{
    size_t left = EVENTS_STREAM_RUNNING_MAX - reader->counts.running;

    return left < EVENTS_STREAM_READ_MAX ? left : EVENTS_STREAM_READ_MAX;
}

/* A command that makes entries ours. */
static error ask_for_entries(struct call *call, struct events_reader *reader, strs words,
                             struct redis_reply *out)
{
    reader->reading = true;
    error failed = redis_command(call, reader->options.redis, words, out);

    reader->reading = false;
    return failed;
}

static error take_all(struct events_reader *reader, const struct redis_reply *entries, bool claimed)
{
    for (size_t i = 0; i < entries->count; i++)
        TRY(events_reader_take(reader, &entries->at[i], claimed));
    return NULL;
}

/* [[key, entries]], or nil. */
static error read_new(struct call *call, struct events_reader *reader, bool *more)
{
    size_t most = room(reader);
    struct redis_reply reply;
    char count[NUMBER_TEXT];

    if (!most)
        return NULL;
    snprintf(count, sizeof count, "%zu", most);
    reader->woken = false;
    TRY(ask_for_entries(call, reader,
                        REDIS_WORDS(STR("XREADGROUP"), STR("GROUP"), str_of(reader->names.group),
                                    str_of(reader->member), STR("COUNT"), str_of(count),
                                    STR("STREAMS"), str_of(reader->names.key), STR(">")),
                        &reply));
    if (reply.count != 1 || reply.at[0].count != 2)
        return NULL;
    const struct redis_reply *entries = &reply.at[0].at[1];

    *more = entries->count == most;
    return take_all(reader, entries, false);
}

/* --- looking after the group --------------------------------------------------------------------- */

static void keep_cursor(struct events_reader *reader, str cursor)
{
    if (str_is(cursor, "0-0") || cursor.len >= sizeof reader->cursor)
        cursor = STR("");
    snprintf(reader->cursor, sizeof reader->cursor, "%.*s", STR_ARG(cursor));
}

/* [next cursor, entries, ids that were removed]; of the last there is nothing left to do. */
static error claim_some(struct call *call, struct events_reader *reader)
{
    const char *from = *reader->cursor ? reader->cursor : "0-0";
    char idle[NUMBER_TEXT], count[NUMBER_TEXT];
    struct redis_reply reply;

    snprintf(idle, sizeof idle, "%llu", (unsigned long long)reader->options.claim_ms);
    snprintf(count, sizeof count, "%zu", room(reader));
    TRY(ask_for_entries(call, reader,
                        REDIS_WORDS(STR("XAUTOCLAIM"), str_of(reader->names.key),
                                    str_of(reader->names.group), str_of(reader->member),
                                    str_of(idle), str_of(from), STR("COUNT"), str_of(count)),
                        &reply));
    if (reply.count < 2)
        return NULL;
    keep_cursor(reader, reply.at[0].text);
    return take_all(reader, &reply.at[1], true);
}

/* What our own jobs are at is claimed, too, which tells the others that somebody is. Such a job may have ended
 * before the reply is here. */
static error claim(struct call *call, struct events_reader *reader)
{
    reader->claiming = true;
    error failed = claim_some(call, reader);

    reader->claiming = false;
    events_reader_forget_ended(reader);
    return failed;
}

struct member {
    str name;
    int64_t pending, idle_ms;
};

/* Names and values in turn. */
static struct member member_of(const struct redis_reply *reply)
{
    struct member member = { 0 };

    for (size_t i = 0; i + 1 < reply->count; i += 2) {
        const struct redis_reply *value = &reply->at[i + 1];

        if (str_is(reply->at[i].text, "name"))
            member.name = value->text;
        else if (str_is(reply->at[i].text, "pending"))
            member.pending = value->integer;
        else if (str_is(reply->at[i].text, "idle"))
            member.idle_ms = value->integer;
    }
    return member;
}

/* Removing a member forgets what it has pending. */
static bool is_to_go(const struct events_reader *reader, const struct member *member)
{
    if (!member->name.at || member->pending)
        return false;
    if (str_is(member->name, reader->member))
        return reader->draining;
    return (uint64_t)member->idle_ms > MEMBER_IDLE_CLAIMS * reader->options.claim_ms;
}

static error remove_members(struct call *call, struct events_reader *reader)
{
    str key = str_of(reader->names.key), group = str_of(reader->names.group);
    struct redis_reply members;

    TRY(redis_command(call, reader->options.redis,
                      REDIS_WORDS(STR("XINFO"), STR("CONSUMERS"), key, group), &members));
    for (size_t i = 0; i < members.count; i++) {
        struct member member = member_of(&members.at[i]);

        if (is_to_go(reader, &member))
            TRY(redis_post(reader->options.redis, REDIS_WORDS(STR("XGROUP"), STR("DELCONSUMER"),
                                                              key, group, member.name)));
    }
    return NULL;
}

static uint64_t look_every_ms(const struct events_reader *reader)
{
    return reader->options.claim_ms < EVENTS_STREAM_LOOK_MS ? reader->options.claim_ms
                                                            : EVENTS_STREAM_LOOK_MS;
}

static error look(struct call *call, struct events_reader *reader)
{
    if (room(reader))
        TRY(claim(call, reader));
    if (*reader->cursor && room(reader))
        return NULL;
    reader->look_at_ms = clock_ms() + look_every_ms(reader);
    return remove_members(call, reader);
}

/* --- the fiber ----------------------------------------------------------------------------------- */

/* One command or a few. `*more`: there may be more to do at once. */
static error step(struct call *call, struct events_reader *reader, bool *more)
{
    *more = true;
    if (!reader->present)
        return appear(call, reader);
    if (clock_ms() >= reader->look_at_ms)
        return look(call, reader);
    *more = false;
    return read_new(call, reader, more);
}

/* A step on a call of its own. That there is no group any more is no failure: the next one makes it. */
static error take_step(struct events_reader *reader, uint64_t timeout_ms,
                       error (*what)(struct call *call, struct events_reader *reader, bool *more),
                       bool *more)
{
    arena_reset(reader->arena);
    struct call call = call_new(reader->arena, timeout_ms);

    reader->call = &call;
    error failed = what(&call, reader, more);

    reader->call = NULL;
    reader->full = !room(reader);
    if (!says(failed, "NOGROUP") && !says(failed, "ERR no such key"))
        return failed;
    reader->present = false;
    *more = true;
    return NULL;
}

/* Says in the log when it begins to fail and when it ends. */
static void note_state(struct events_reader *reader, error failed)
{
    if (failed && !reader->failing && !reader->draining)
        log_warn(reader->options.title, "events cannot be read from Redis: %s", failed->message);
    if (!failed && reader->failing)
        log_info(reader->options.title, "events are read from Redis again");
    reader->failing = failed;
}

static void read_on(struct events_reader *reader)
{
    while (!reader->draining) {
        bool more = false;
        error failed = take_step(reader, COMMAND_TIMEOUT_MS, step, &more);

        note_state(reader, failed);
        if (failed)
            sleep_until(reader, clock_ms() + RETRY_MS);
        else if (!more || reader->full)
            sleep_until(reader, reader->look_at_ms);
    }
}

static void wait_for_jobs(struct events_reader *reader)
{
    while (reader->counts.running) {
        struct wait wait = { 0 };

        reader->asleep = &wait;
        call_wait_done(NULL, &wait);
        reader->asleep = NULL;
    }
}

static error say_farewell(struct call *call, struct events_reader *reader, bool *more)
{
    (void)more;
    return remove_members(call, reader);
}

/* That the farewell is not heard matters little: sometime the others remove who is gone. */
static void read_and_end(void *argument)
{
    struct events_reader *reader = argument;
    bool more;

    read_on(reader);
    wait_for_jobs(reader);
    if (!reader->hurried && reader->present)
        (void)take_step(reader, FAREWELL_MS, say_farewell, &more);
    loop_at_turn_end(&reader->drain_hook);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void call_drained(struct loop_hook *hook)
{
    struct events_reader *reader = LIST_ELEMENT(hook, struct events_reader, drain_hook);

    timer_stop(&reader->drain_timer);
    reader->drained(reader->drained_cookie);
}

static void clear(struct events_reader *reader)
{
    redis_unsubscribe(reader->wakes);
    events_reader_free_jobs(reader);
    buf_free(&reader->scratch);
    arena_free(reader->arena);
    free(reader);
}

static void name_member(struct events_reader *reader)
{
    uint8_t bytes[EVENTS_STREAM_MEMBER_BYTES];

    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, reader->member);
}

static error start(struct events_reader *reader)
{
    if (!events_stream_names(reader->options.consumer, &reader->names))
        return &NAME_TOO_LONG;
    reader->arena = arena_new(ARENA_CALL_MAX);
    if (!reader->arena)
        return &ERROR_OUT_OF_MEMORY;
    TRY(redis_subscribe(
        reader->options.redis,
        &(struct redis_channel){
            .name = str_of(reader->names.key), .message = woken, .lost = lost, .cookie = reader },
        &reader->wakes));
    return fiber_start(read_and_end, reader);
}

error events_reader_new(const struct events_reader_options *options, struct events_reader **out)
{
    struct events_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return &ERROR_OUT_OF_MEMORY;
    reader->options = *options;
    if (!options->claim_ms)
        reader->options.claim_ms = EVENTS_STREAM_CLAIM_MS;
    reader->scratch = buf_new(ARENA_CALL_MAX);
    reader->drain_hook.run = call_drained;
    list_init(&reader->jobs);
    list_init(&reader->ended);
    name_member(reader);
    error failed = start(reader);

    if (failed) {
        clear(reader);
        return failed;
    }
    *out = reader;
    return NULL;
}

static void cancel_all(struct timer *timer)
{
    struct events_reader *reader = LIST_ELEMENT(timer, struct events_reader, drain_timer);

    reader->hurried = true;
    if (reader->call)
        call_cancel(reader->call);
    events_reader_cancel_jobs(reader);
}

/* A reply that hands entries over is waited for: they are ours already. */
void events_reader_drain(struct events_reader *reader, uint64_t timeout_ms,
                         void (*drained)(void *cookie), void *cookie)
{
    assert(!reader->draining);
    reader->draining = true;
    reader->drained = drained;
    reader->drained_cookie = cookie;
    redis_subscription_leave(reader->wakes);
    timer_start(&reader->drain_timer, timeout_ms, cancel_all);
    if (reader->call && !reader->reading)
        call_cancel(reader->call);
    wake(reader);
}

void events_reader_free(struct events_reader *reader)
{
    if (!reader)
        return;
    assert(!reader->counts.running && !reader->call);
    timer_stop(&reader->drain_timer);
    loop_hook_cancel(&reader->drain_hook);
    clear(reader);
}

struct events_reader_counts events_reader_counts(const struct events_reader *reader)
{
    return reader->counts;
}
