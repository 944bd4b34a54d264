/* What both sides of redis_stream.h call things, and the inside of the consumer's: redis_reader.c reads,
 * redis_reader_job.c handles what was read. */
#pragma once

#include "events/redis_stream.h"
#include "rpc/complaints.h"
#include "runtime/loop.h"

enum {
    EVENTS_STREAM_NAME_MAX = 64,            /* bytes of a consumer's name */
    EVENTS_STREAM_ENTRIES_MAX = 100 * 1000, /* beyond about so many the oldest are dropped */
    EVENTS_STREAM_READ_MAX = 12,            /* entries of one reply */
    EVENTS_STREAM_ID_MAX = 48,              /* bytes of an entry's id */
    EVENTS_STREAM_KEY_MAX = EVENTS_STREAM_NAME_MAX + 32,
    EVENTS_STREAM_MEMBER_BYTES = 12,
};

_Static_assert((long long)EVENTS_STREAM_READ_MAX *(EVENTS_STREAM_PACKET_MAX + 1024) <
                   REDIS_REPLY_MAX,
               "a reply must have room for the longest packets");

/* On the channel of answers: a replica is there. */
#define EVENTS_STREAM_HELLO STR("hello")

/* The stream and the channel that wakes have one name. */
struct events_stream_names {
    char key[EVENTS_STREAM_KEY_MAX], answers[EVENTS_STREAM_KEY_MAX];
    char group[EVENTS_STREAM_NAME_MAX + 1];
};

/* False when the consumer's name is too long. */
bool events_stream_names(str consumer, struct events_stream_names *out);

struct events_reader {
    struct events_reader_options options;
    struct events_stream_names names;
    char member[2 * EVENTS_STREAM_MEMBER_BYTES + 1]; /* random: this replica */
    struct redis_subscription *wakes;
    struct events_reader_counts counts;

    /* redis_reader_job.c */
    struct link jobs;
    struct link ended; /* while `claiming`: jobs whose entries may still be among those that come */
    struct job *free_jobs;
    size_t free_job_count;
    struct buf scratch;
    struct rpc_complaints complaints;

    /* redis_reader.c: the fiber that reads */
    struct arena *arena; /* of one command and its reply */
    struct call *call;   /* of the command under way, or NULL */
    bool reading;        /* it is one that hands entries over to us */
    bool claiming;       /* and among them those of jobs that run or have just ended */
    bool present;        /* subscribed, with a group, and the producers were told */
    bool full;           /* it waits for a job to end */
    bool failing;        /* what it did last has failed; said so in the log */
    bool woken;
    struct wait *asleep;
    uint64_t look_at_ms;               /* when to look for what others have left */
    char cursor[EVENTS_STREAM_ID_MAX]; /* where the look goes on; empty: at the beginning */

    bool draining, hurried;
    struct timer drain_timer;
    struct loop_hook drain_hook; /* calls `drained` */
    void (*drained)(void *cookie);
    void *drained_cookie;
};

/* Starts the handler of an entry [id, [field, value, …]] that Redis has handed over to us. An error: no job could
 * be started, and the entry stays pending. */
error events_reader_take(struct events_reader *reader, const struct redis_reply *entry,
                         bool claimed);

void events_reader_forget_ended(struct events_reader *reader);
void events_reader_cancel_jobs(struct events_reader *reader);
void events_reader_free_jobs(struct events_reader *reader);

/* A job has ended. */
void events_reader_note_end(struct events_reader *reader);
