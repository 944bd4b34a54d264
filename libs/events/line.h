/* A subscriber at work. subscriber.c reads and delivers, parked.c keeps the streams whose handler has failed. */
#pragma once

#include "events/events_internal.h"

enum {
    LINE_BATCH = 256,        /* events that are read and delivered at a time */
    LINE_UNSAVED_MAX = 1024, /* events that may be delivered before the checkpoint is written */
    LINE_SAVE_MS = 200,      /* and for how long */
    LINE_RETRIES_MAX = 8,    /* parked streams that are tried at the same time */
    LINE_ARENA_MAX = 32 * 1024 * 1024,
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
    size_t retrying;     /* fibers */
    struct link runs;    /* handlers' calls */
    struct link waiters; /* of events_catch_up */
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

/* Wakes the line's fiber. */
void events_line_wake(struct line *line);

/* Hands one event to the subscriber, on a call of its own in `arena`, which is reset first. Without a row for
 * it nothing happens. ERROR_CANCELLED when the store is closing. */
error events_deliver(struct line *line, struct arena *arena, const struct recorded *event);

/* Reads what the tables of checkpoints and parked streams say. */
error events_line_load(struct call *call, struct line *line);

/* Writes the checkpoint and the parked streams that changed, in one transaction. */
error events_line_save(struct line *line);

struct parked *events_find_parked(struct line *line, uuid stream_id);

/* Parks the stream of an event whose handler has failed. */
error events_park(struct line *line, const struct recorded *event, error why);

/* Starts a fiber for each stream whose time has come. */
void events_retry_due(struct line *line);

/* Milliseconds until the next one's time, UINT64_MAX when there is none. */
uint64_t events_retry_in_ms(const struct line *line);

void events_free_parked(struct line *line);

/* Whether something of the parked streams waits to be written. */
bool events_parked_changed(const struct line *line);
