/* One entry from its arrival to its answer. What ends it, XACK, XDEL and the answer's PUBLISH, is one transaction: an entry
 * that was answered is gone, and one that was not is there for the next replica that claims it. */
#include "events/redis_stream_internal.h"
#include "rpc/dispatch.h"
#include "rpc/packet.h"

#include <stdlib.h>

enum {
    JOB_POOL_MAX = EVENTS_STREAM_RUNNING_MAX,
    SCRATCH_KEEP_MAX = 256 * 1024,
    ANSWER_WAIT_MS = 1000, /* at most so long an answer waits for a connection that was lost */
};

struct job {
    struct link link;
    struct job *next_free;
    struct events_reader *reader;
    struct arena *arena;
    struct call call;
    struct rpc_packet packet;
    str id, token; /* token.at == NULL: nobody waits for an answer */
};

static const struct error NO_PACKET = ERROR(400, "The entry has no packet");
static const struct error NOT_JSON = ERROR(400, "The packet is not JSON");
static const struct error TOO_LONG = ERROR(400, "The packet is too long");
static const struct error STOPPING = ERROR(503, "The service is stopping");

/* --- the pool ------------------------------------------------------------------------------------ */

static void free_job(struct job *job)
{
    arena_free(job->arena);
    free(job);
}

static struct job *take_job(struct events_reader *reader)
{
    struct job *job = reader->free_jobs;

    if (job) {
        reader->free_jobs = job->next_free;
        reader->free_job_count--;
        return job;
    }
    job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->reader = reader;
    job->arena = arena_new(ARENA_CALL_MAX);
    if (!job->arena) {
        free(job);
        return NULL;
    }
    return job;
}

static void give_back(struct job *job)
{
    struct events_reader *reader = job->reader;

    if (reader->free_job_count >= JOB_POOL_MAX) {
        free_job(job);
        return;
    }
    arena_reset(job->arena);
    job->next_free = reader->free_jobs;
    reader->free_jobs = job;
    reader->free_job_count++;
}

void events_reader_free_jobs(struct events_reader *reader)
{
    while (reader->free_jobs) {
        struct job *job = reader->free_jobs;

        reader->free_jobs = job->next_free;
        free_job(job);
    }
    reader->free_job_count = 0;
}

void events_reader_forget_ended(struct events_reader *reader)
{
    struct link *link;

    while ((link = list_take(&reader->ended)))
        give_back(LIST_ELEMENT(link, struct job, link));
}

void events_reader_cancel_jobs(struct events_reader *reader)
{
    for (struct link *link = reader->jobs.next; link != &reader->jobs; link = link->next)
        call_cancel(&LIST_ELEMENT(link, struct job, link)->call);
}

/* --- the end ------------------------------------------------------------------------------------- */

static error print_answer(struct events_reader *reader, str token, error failed)
{
    const struct json id = { .type = JSON_STRING, .text = token };

    buf_clear(&reader->scratch);
    if (failed)
        rpc_write_error(&reader->scratch, &id, failed);
    else
        rpc_write_end(&reader->scratch, &id);
    return buf_failed(&reader->scratch) ? &ERROR_OUT_OF_MEMORY : NULL;
}

static error send_answer(const struct job *job)
{
    struct events_reader *reader = job->reader;
    str key = str_of(reader->names.key);
    struct redis_commands commands = REDIS_COMMANDS(
        REDIS_WORDS(STR("XACK"), key, str_of(reader->names.group), job->id),
        REDIS_WORDS(STR("XDEL"), key, job->id),
        REDIS_WORDS(STR("PUBLISH"), str_of(reader->names.answers), buf_text(&reader->scratch)));

    if (!job->token.at)
        commands.len--;
    return redis_post_transaction(reader->options.redis, commands);
}

/* When the connection is lost, which is logged where it is noticed, the entry is handled again, or the whole event
 * delivered. */
static void answer(const struct job *job, error failed)
{
    struct events_reader *reader = job->reader;
    error unsent = job->token.at ? print_answer(reader, job->token, failed) : NULL;

    if (!unsent)
        unsent = send_answer(job);
    if (unsent && unsent != &REDIS_LOST)
        rpc_complain(&reader->complaints, "events", "an answer is lost: %s", unsent->message);
    if (reader->scratch.capacity > SCRATCH_KEEP_MAX)
        buf_free(&reader->scratch);
}

static void finish(struct job *job, error failed)
{
    struct events_reader *reader = job->reader;

    answer(job, failed);
    if (failed)
        reader->counts.failed++;
    else
        reader->counts.handled++;
    reader->counts.running--;
    list_remove(&job->link);
    if (reader->claiming)
        list_append(&reader->ended, &job->link);
    else
        give_back(job);
    events_reader_note_end(reader);
}

static void run(void *argument)
{
    struct job *job = argument;
    const struct events_reader_options *options = &job->reader->options;
    error failed = options->handle(&job->call, &job->packet, options->cookie);
    struct call ending = call_new(job->arena, ANSWER_WAIT_MS);

    (void)redis_ready(&ending, options->redis);
    finish(job, failed && job->call.cancelled ? &STOPPING : failed);
}

/* --- the beginning ------------------------------------------------------------------------------- */

struct fields {
    str id, token, packet;
};

/* False: it is none. One that was removed since it was handed out may come without its fields. */
static bool read_fields(const struct redis_reply *entry, struct fields *out)
{
    *out = (struct fields){ 0 };
    if (entry->type != REDIS_ARRAY || entry->count != 2 || entry->at[0].type != REDIS_TEXT ||
        entry->at[0].text.len >= EVENTS_STREAM_ID_MAX)
        return false;
    const struct redis_reply *fields = &entry->at[1];

    out->id = entry->at[0].text;
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        if (str_is(fields->at[i].text, "token"))
            out->token = fields->at[i + 1].text;
        if (str_is(fields->at[i].text, "packet"))
            out->packet = fields->at[i + 1].text;
    }
    return true;
}

static bool has_entry(const struct link *jobs, str id)
{
    for (struct link *link = jobs->next; link != jobs; link = link->next)
        if (str_eq(LIST_ELEMENT(link, struct job, link)->id, id))
            return true;
    return false;
}

static bool is_ours_already(const struct events_reader *reader, str id)
{
    return has_entry(&reader->jobs, id) || has_entry(&reader->ended, id);
}

static error read_packet(struct job *job, str text)
{
    if (!text.at)
        return &NO_PACKET;
    if (text.len > EVENTS_STREAM_PACKET_MAX)
        return &TOO_LONG;
    str copy = arena_copy(job->arena, text);

    if (copy.at)
        copy = json_repair_utf8(job->arena, copy);
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    if (rpc_packet_read(job->arena, copy, &job->packet))
        return &NOT_JSON;
    job->call = call_new(job->arena, CALL_TIMEOUT_MS);
    rpc_call_inherit(&job->call, &job->packet);
    return NULL;
}

static error prepare(struct job *job, const struct fields *fields)
{
    job->id = arena_copy(job->arena, fields->id);
    job->token = (str){ NULL, 0 };
    if (fields->token.at)
        job->token = arena_copy(job->arena, fields->token);
    if (!job->id.at || (fields->token.at && !job->token.at))
        return &ERROR_OUT_OF_MEMORY;
    return read_packet(job, fields->packet);
}

/* A packet that nobody can read is answered at once. */
static error start(struct job *job, const struct fields *fields)
{
    struct events_reader *reader = job->reader;
    error failed = prepare(job, fields);

    if (failed == &ERROR_OUT_OF_MEMORY) {
        give_back(job);
        return failed;
    }
    reader->counts.running++;
    list_append(&reader->jobs, &job->link);
    if (failed) {
        rpc_complain(&reader->complaints, "events", "an entry of %s is refused: %s",
                     reader->names.key, failed->message);
        finish(job, failed);
        return NULL;
    }
    failed = fiber_start(run, job);
    if (!failed)
        return NULL;
    reader->counts.running--;
    list_remove(&job->link);
    give_back(job);
    return failed;
}

error events_reader_take(struct events_reader *reader, const struct redis_reply *entry,
                         bool claimed)
{
    struct fields fields;

    if (!read_fields(entry, &fields) || (claimed && is_ours_already(reader, fields.id)))
        return NULL;
    struct job *job = take_job(reader);

    if (!job)
        return &ERROR_OUT_OF_MEMORY;
    TRY(start(job, &fields));
    if (claimed)
        reader->counts.claimed++;
    return NULL;
}
