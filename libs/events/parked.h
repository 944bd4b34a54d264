/* What the files of parked streams share: parked.c, which tries them again, parked_store.c, which keeps them on the disk, and
 * dead_letters.c, for whoever looks after those that were given up. */
#pragma once

#include "events/line.h"

/* A row of the table `events_parked`, and, as parameters, what a query asks for. */
struct events_parked_row {
    str subscriber;
    uuid stream_id;
    int64_t position, attempts;
    timestamp retry_at;
    str failure;
    int64_t last;
};
const struct schema *events_parked_row_schema(void);

/* Of the struct in events.h. */
const struct schema *events_parked_schema(void);

#define PARKED_COLUMNS "subscriber, stream_id, position, attempts, retry_at, failure"

#define FOR_EACH_PARKED(line, name)                                                    \
    for (struct parked *name = LIST_ELEMENT((line)->parked.next, struct parked, link); \
         &name->link != &(line)->parked;                                               \
         name = LIST_ELEMENT(name->link.next, struct parked, link))

/* A new one, among the line's; NULL when memory is refused. */
struct parked *events_new_parked(struct line *line, uuid stream_id);

/* The line has a dead letter: from now on the disk is looked at. */
void events_note_dead(struct line *line);
