/* A subscriber at work. subscriber.c reads, batch.c hands out, parked.c keeps the streams whose handler
 * has failed. */
#pragma once

#include "events/events_internal.h"

enum {
    LINE_BATCH = 256,        /* events that are read and delivered at a time */
    LINE_UNSAVED_MAX = 1024, /* events that may be delivered before the checkpoint is written */
    LINE_SAVE_MS = 200,      /* and for how long */
    /* Parked streams that are tried, or have a handler under way, at the same time. */
    LINE_RETRIES_MAX = 8,
    LINE_ARENA_MAX = 32 * 1024 * 1024,
    /* The pause before a consumer that is away is tried again; it doubles, with jitter. */
    LINE_AWAY_FIRST_MS = 50,
    LINE_AWAY_MAX_MS = 5 * 1000,
    LINE_PATIENCE_MS = 1000, /* before the line goes on without what is left of a batch */
    /* How often a line with dead letters looks whether somebody wants them replayed. */
    LINE_LOOK_MS = 2 * 1000,
    LINE_FAILURE_MAX = 500, /* bytes of an error's text that are kept */
};

struct line {
    struct link link;
    struct events *events;
    struct subscriber subscriber;
    struct arena *arena; /* of a batch and of what is saved */
    int64_t taken;       /* position of the last event of the batch that is handled now */
    int64_t seen;        /* of the last event that was handled or parked */
    int64_t saved;       /* the checkpoint on the disk */
    uint64_t save_at_ms; /* when it must be written; 0: it is */
    struct link parked;  /* of struct parked, by no order */
    size_t parked_count; /* but those that are gone */
    uint64_t delivered;  /* attempts that succeeded */
    uint64_t failed;     /* and that did not */
    size_t retrying;     /* fibers */
    struct link runs;    /* handlers' calls */
    struct link waiters; /* of events_catch_up */
    uint64_t moved_ms;   /* when an event was last handled or parked, or there was none */
    uint64_t look_at_ms; /* when the disk is looked at for replays; 0: not at all */
    uint64_t away_ms, away_until_ms; /* the pause while the consumer is away; 0: it is there */
    uint64_t away_since_ms;
    uint64_t answered_ms; /* when the consumer last answered */
    char away_why[LINE_FAILURE_MAX + 1];
    bool leaves; /* it need not wait for all of a batch */
    bool woken;
    bool ending;
    struct wait *asleep; /* NULL: the line's fiber runs */
    struct wait ended;
};

/* A stream that waits. In memory as long as it is on the disk. */
struct parked {
    struct link link;
    struct line *line;
    uuid stream_id;
    int64_t position, attempts;
    timestamp retry_at; /* 0: when somebody says so */
    char failure[LINE_FAILURE_MAX + 1];
    bool dirty;   /* to be written */
    bool gone;    /* through: to be removed */
    bool busy;    /* a fiber tries it */
    bool saving;  /* it is being written */
    bool leaving; /* it is being removed */
};

/* A line without a fiber, among those of the store; NULL when memory is refused. */
struct line *events_line_new(struct events *events, const struct subscriber *subscriber);
void events_line_free(struct line *line);

/* The next LINE_BATCH events after `seen`, in the call's arena. */
error events_read_after(struct call *call, struct line *line, struct recorded **events,
                        size_t *count);

/* Wakes the line's fiber. */
void events_line_wake(struct line *line);

/* The consumer is in another process, which could not be reached. */
extern const struct error EVENTS_AWAY;

/* Hands one event to the subscriber, on a call of its own in `arena`, which is reset first. Without a row for
 * it nothing happens. ERROR_CANCELLED when the store is closing, EVENTS_AWAY when the consumer could not be asked. */
error events_deliver(struct line *line, struct arena *arena, const struct recorded *event);

/* Cancels the calls of the handlers that run. */
void events_cancel_runs(struct line *line);

/* Whether the line has to wait before it asks the consumer again. */
bool events_consumer_is_away(const struct line *line);

/* The consumer has been heard of: the line need not wait any longer. */
void events_consumer_is_back(struct line *line);

/* Hands out events that follow each other and moves `seen` past those that were handled or parked. */
error events_run_batch(struct call *call, struct line *line, struct recorded *events, size_t count);

/* Reads what the tables of checkpoints and parked streams say. */
error events_line_load(struct call *call, struct line *line);

/* Writes the checkpoint and the parked streams that changed, in one transaction. */
error events_line_save(struct line *line);

/* Whether another process wants dead letters replayed or dropped: looks on the disk, when it is time. */
error events_look_for_replays(struct call *call, struct line *line);

struct parked *events_find_parked(struct line *line, uuid stream_id);
size_t events_count_dead(const struct line *line);

/* The line of that name, or NULL. */
struct line *events_find_line(const struct events *events, str name);

/* Parks the stream of an event whose handler has failed. */
error events_park(struct line *line, const struct recorded *event, error why);

/* Parks the stream of an event whose handler is under way, without trying it meanwhile. False when memory is refused. */
bool events_leave(struct line *line, const struct recorded *event);

/* The end of that handler: the stream goes on after the event, or is tried again. */
void events_settle_left(struct line *line, const struct recorded *event, error why);

/* Starts a fiber for each stream whose time has come. */
void events_retry_due(struct line *line);

/* Milliseconds until the next one's time, UINT64_MAX when there is none. */
uint64_t events_retry_in_ms(const struct line *line);

void events_free_parked(struct line *line);

/* Whether something of the parked streams waits to be written. */
bool events_parked_changed(const struct line *line);
