/* One read transaction for all reads of a loop turn. Beginning and ending one takes file locks, that is system
 * calls, which would cost more than a read by key itself; within a turn all readers can share what they see. */
#pragma once

#include "database/connection.h"
#include "runtime/loop.h"

struct snapshot {
    sqlite3_stmt *begin, *end;
    bool open;
    struct loop_hook turn_end;
};

/* For the reading connection, whose statements must be those of the loop's thread. */
error db_snapshot_init(struct snapshot *snapshot, struct arena *arena, struct connection *reader);
void db_snapshot_free(struct snapshot *snapshot);

/* Makes the reads that follow in this turn share one transaction. Reads work without it, too. */
void db_snapshot_begin(struct snapshot *snapshot);

/* The next read sees what has been committed until then: after a write of one's own, and at the end of a turn, so
 * that the write-ahead log can be checkpointed. */
void db_snapshot_end(struct snapshot *snapshot);
