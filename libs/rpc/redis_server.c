#include "base/hex.h"
#include "rpc/complaints.h"
#include "rpc/redis_packet.h"
#include "rpc/redis_server.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/random.h"

#include <assert.h>
#include <stdlib.h>

enum {
    JOB_POOL_MAX = 256,
    SCRATCH_KEEP_MAX = 256 * 1024,
    REPLICA_BYTES = 12,
    CLAIM_MS_TEXT = 12,
    UNDER_WAY_MS = 100, /* after unsubscribing, what may still arrive */
};

struct rpc_redis_server {
    struct rpc_redis_server_options options;
    struct link listenings;
    struct link jobs;
    struct job *free_jobs;
    size_t free_job_count;
    struct rpc_redis_server_counts counts;
    struct buf scratch;
    struct rpc_complaints complaints;
    char replica[2 * REPLICA_BYTES]; /* random: who claims */

    bool draining, quiet;
    struct timer quiet_timer, drain_timer;
    struct loop_hook drain_hook; /* calls `drained` */
    void (*drained)(void *cookie);
    void *drained_cookie;
};

/* One route that is heard. */
struct listening {
    struct link link;
    struct rpc_redis_server *server;
    str route;
    struct redis_subscription *subscription;
};

/* One message, from its arrival to the last reply. */
struct job {
    struct link link;
    struct job *next_free;
    struct rpc_redis_server *server;
    struct arena *arena;
    struct call call;
    struct rpc_packet packet;
    str route, reply_channel;
    struct rpc_sink sink;
};

/* --- jobs ---------------------------------------------------------------------------------------- */

static void free_job(struct job *job)
{
    arena_free(job->arena);
    free(job);
}

static struct job *take_job(struct rpc_redis_server *server)
{
    struct job *job = server->free_jobs;

    if (job) {
        server->free_jobs = job->next_free;
        server->free_job_count--;
        return job;
    }
    job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->server = server;
    job->arena = arena_new(ARENA_CALL_MAX);
    if (!job->arena) {
        free(job);
        return NULL;
    }
    return job;
}

static void give_back(struct job *job)
{
    struct rpc_redis_server *server = job->server;

    if (server->free_job_count >= JOB_POOL_MAX) {
        free_job(job);
        return;
    }
    arena_reset(job->arena);
    job->next_free = server->free_jobs;
    server->free_jobs = job;
    server->free_job_count++;
}

static void note_end(struct rpc_redis_server *server)
{
    if (server->draining && server->quiet && !server->counts.active)
        loop_at_turn_end(&server->drain_hook);
}

static void finish(struct job *job)
{
    struct rpc_redis_server *server = job->server;

    server->counts.active--;
    if (server->scratch.capacity > SCRATCH_KEEP_MAX)
        buf_free(&server->scratch);
    list_remove(&job->link);
    give_back(job);
    note_end(server);
}

/* --- claims -------------------------------------------------------------------------------------- */

static str id_text(const struct json *id)
{
    return id->type == JSON_STRING ? id->text : id->source;
}

/* Whoever holds the claim. Our own from before: the same id was published a second time, by hand perhaps;
 * a replica hears each message once, so it is for us to answer again. */
static error is_ours(struct job *job, str key, bool *out)
{
    const struct rpc_redis_server *server = job->server;
    struct redis_reply holder;

    TRY(redis_command(&job->call, server->options.redis, REDIS_WORDS(STR("GET"), key), &holder));
    *out = holder.type == REDIS_TEXT &&
           str_eq(holder.text, (str){ server->replica, sizeof server->replica });
    return NULL;
}

static error claim(struct job *job, str key, bool *out)
{
    const struct rpc_redis_server *server = job->server;
    str replica = { server->replica, sizeof server->replica };
    str ms = arena_printf(job->arena, "%d", RPC_CLAIM_MS);
    struct redis_reply reply;

    TRY(redis_command(&job->call, server->options.redis,
                      REDIS_WORDS(STR("SET"), key, replica, STR("NX"), STR("PX"), ms), &reply));
    if (reply.type == REDIS_STATUS) {
        *out = true;
        return NULL;
    }
    return is_ours(job, key, out);
}

/* Claims what `of` and `id` name. */
static error claim_named(struct job *job, str of, str id, bool *out)
{
    str key = arena_printf(job->arena, "cuib:claim:%.*s:%.*s", STR_ARG(of), STR_ARG(id));

    TRY(key.at ? claim(job, key, out) : &ERROR_OUT_OF_MEMORY);
    if (!*out)
        job->server->counts.suppressed++;
    return NULL;
}

/* A Redis that refuses claims (a read-only one, say) leaves us with NestJS's way; one that is gone could not carry
 * the reply. */
static bool is_our_request(struct job *job)
{
    str id = id_text(job->packet.id);
    bool ours = false;

    if (id.len > RPC_CLAIM_ID_MAX)
        return true;
    error failed = claim_named(job, job->route, id, &ours);

    if (!failed || failed->status != 502)
        return ours;
    rpc_complain(&job->server->complaints, "claims", "a request cannot be claimed: %s",
                 failed->message);
    return true;
}

/* By what the rows of the event's route claim it; at == NULL when one of them is for every replica. */
static str claim_of(struct job *job)
{
    str name = { NULL, 0 };

    for (const struct event *row = job->server->options.handlers.events; row && row->pattern;
         row++) {
        if (!str_is(job->route, row->pattern))
            continue;
        if (row->claim)
            name = row->claim(job->arena, &job->packet, row->cookie);
        if (!row->claim || !name.at)
            return (str){ NULL, 0 };
    }
    return name;
}

/* Each service of a process claims for itself. Nobody will publish an event again, so one that cannot be claimed is
 * handled: twice is better than never. */
static bool is_our_event(struct job *job)
{
    str name = claim_of(job);
    bool ours = true;

    if (!name.at)
        return true;
    error failed = claim_named(job, str_of(job->server->options.handlers.title), name, &ours);

    if (!failed)
        return ours;
    rpc_complain(&job->server->complaints, "claims", "an event cannot be claimed: %s",
                 failed->message);
    return true;
}

/* Whether this replica is to handle it. */
static bool is_for_us(struct job *job)
{
    if (job->server->options.every_replica_answers)
        return true;
    return job->packet.id ? is_our_request(job) : is_our_event(job);
}

/* --- running ------------------------------------------------------------------------------------- */

static void put_reply(struct rpc_sink *sink, str packet)
{
    struct job *job = LIST_ELEMENT(sink, struct job, sink);
    struct rpc_redis_server *server = job->server;
    error failed =
        redis_post(server->options.redis, REDIS_WORDS(STR("PUBLISH"), job->reply_channel, packet));

    if (!failed)
        return;
    server->counts.replies_lost++;
    rpc_complain(&server->complaints, "replies", "a reply is lost: %s", failed->message);
}

static error wait_for_room(struct call *call, struct rpc_sink *sink)
{
    return redis_wait_for_room(call, LIST_ELEMENT(sink, struct job, sink)->server->options.redis);
}

static void run(void *argument)
{
    struct job *job = argument;
    struct rpc_redis_server *server = job->server;

    if (is_for_us(job)) {
        server->counts.handled++;
        rpc_dispatch(&job->call, &server->options.handlers, job->route, &job->packet, &job->sink);
    }
    finish(job);
}

static void drop(struct rpc_redis_server *server, str channel, const char *why)
{
    server->counts.dropped++;
    rpc_complain(&server->complaints, "messages", "a message on %.*s is dropped: %s",
                 STR_ARG(channel), why);
}

static error prepare(struct job *job, const struct listening *listening, str channel, str payload)
{
    struct rpc_redis_server *server = job->server;
    str copy = arena_copy(job->arena, payload);

    job->route = listening->route;
    job->reply_channel = arena_printf(job->arena, "%.*s.reply", STR_ARG(channel));
    if (!copy.at || !job->reply_channel.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(rpc_redis_packet_read(job->arena, copy, &job->packet));
    job->call = call_new(job->arena, server->options.request_timeout_ms);
    job->sink = (struct rpc_sink){ put_reply, wait_for_room, &server->scratch };
    rpc_call_inherit(&job->call, &job->packet);
    return NULL;
}

static void heard(void *cookie, str channel, str payload)
{
    struct listening *listening = cookie;
    struct rpc_redis_server *server = listening->server;

    if (payload.len > RPC_REDIS_PAYLOAD_MAX) {
        drop(server, channel, "it is too long");
        return;
    }
    struct job *job = server->counts.active < RPC_REDIS_RUNNING_MAX ? take_job(server) : NULL;

    if (!job) {
        drop(server, channel, "there is too much to do");
        return;
    }
    error failed = prepare(job, listening, channel, payload);

    server->counts.active++;
    list_append(&server->jobs, &job->link);
    if (!failed)
        failed = fiber_start(run, job);
    if (failed) {
        drop(server, channel, failed->message);
        finish(job);
    }
}

/* --- routes -------------------------------------------------------------------------------------- */

static bool is_heard(const struct rpc_redis_server *server, str route)
{
    const struct link *list = &server->listenings;

    for (struct link *link = list->next; link != list; link = link->next)
        if (str_eq(LIST_ELEMENT(link, struct listening, link)->route, route))
            return true;
    return false;
}

static error listen_on(struct rpc_redis_server *server, const char *pattern)
{
    struct listening *listening;

    if (is_heard(server, str_of(pattern)))
        return NULL;
    listening = calloc(1, sizeof *listening);
    if (!listening)
        return &ERROR_OUT_OF_MEMORY;
    listening->server = server;
    listening->route = str_of(pattern);
    list_append(&server->listenings, &listening->link);
    return redis_subscribe(server->options.redis,
                           &(struct redis_channel){ .name = listening->route,
                                                    .pattern = server->options.wildcards,
                                                    .message = heard,
                                                    .cookie = listening },
                           &listening->subscription);
}

static error listen_on_all(struct rpc_redis_server *server)
{
    const struct rpc_handlers *handlers = &server->options.handlers;

    for (const struct message *row = handlers->messages; row && row->pattern; row++)
        TRY(listen_on(server, row->pattern));
    for (const struct message *row = handlers->streams; row && row->pattern; row++)
        TRY(listen_on(server, row->pattern));
    for (const struct event *row = handlers->events; row && row->pattern; row++)
        TRY(listen_on(server, row->pattern));
    return NULL;
}

static void stop_listening(struct rpc_redis_server *server)
{
    struct link *next, *list = &server->listenings;

    for (struct link *link = list->next; link != list; link = next) {
        struct listening *listening = LIST_ELEMENT(link, struct listening, link);

        next = link->next;
        list_remove(link);
        redis_unsubscribe(listening->subscription);
        free(listening);
    }
}

/* --- life ---------------------------------------------------------------------------------------- */

static void call_drained(struct loop_hook *hook)
{
    struct rpc_redis_server *server = LIST_ELEMENT(hook, struct rpc_redis_server, drain_hook);

    timer_stop(&server->drain_timer);
    server->drained(server->drained_cookie);
}

static void name_replica(struct rpc_redis_server *server)
{
    uint8_t bytes[REPLICA_BYTES];

    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, server->replica);
}

error rpc_redis_server_new(const struct rpc_redis_server_options *options,
                           struct rpc_redis_server **out)
{
    struct rpc_redis_server *server = calloc(1, sizeof *server);

    if (!server)
        return &ERROR_OUT_OF_MEMORY;
    server->options = *options;
    if (!options->request_timeout_ms)
        server->options.request_timeout_ms = CALL_TIMEOUT_MS;
    server->scratch = buf_new(ARENA_CALL_MAX);
    server->drain_hook.run = call_drained;
    list_init(&server->listenings);
    list_init(&server->jobs);
    name_replica(server);
    error failed = listen_on_all(server);

    if (failed) {
        rpc_redis_server_free(server);
        return failed;
    }
    *out = server;
    return NULL;
}

static void now_quiet(struct timer *timer)
{
    struct rpc_redis_server *server = LIST_ELEMENT(timer, struct rpc_redis_server, quiet_timer);

    server->quiet = true;
    stop_listening(server);
    note_end(server);
}

static void cancel_all(struct timer *timer)
{
    struct rpc_redis_server *server = LIST_ELEMENT(timer, struct rpc_redis_server, drain_timer);

    for (struct link *link = server->jobs.next; link != &server->jobs; link = link->next)
        call_cancel(&LIST_ELEMENT(link, struct job, link)->call);
}

void rpc_redis_server_drain(struct rpc_redis_server *server, uint64_t timeout_ms,
                            void (*drained)(void *cookie), void *cookie)
{
    struct link *list = &server->listenings;

    assert(!server->draining);
    server->draining = true;
    server->drained = drained;
    server->drained_cookie = cookie;
    for (struct link *link = list->next; link != list; link = link->next)
        redis_subscription_leave(LIST_ELEMENT(link, struct listening, link)->subscription);
    timer_start(&server->quiet_timer, UNDER_WAY_MS, now_quiet);
    timer_start(&server->drain_timer, timeout_ms, cancel_all);
}

void rpc_redis_server_free(struct rpc_redis_server *server)
{
    if (!server)
        return;
    assert(!server->counts.active);
    timer_stop(&server->quiet_timer);
    timer_stop(&server->drain_timer);
    loop_hook_cancel(&server->drain_hook);
    stop_listening(server);
    while (server->free_jobs) {
        struct job *job = server->free_jobs;

        server->free_jobs = job->next_free;
        free_job(job);
    }
    buf_free(&server->scratch);
    free(server);
}

struct rpc_redis_server_counts rpc_redis_server_counts(const struct rpc_redis_server *server)
{
    return server->counts;
}
