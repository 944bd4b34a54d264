/* Writing projections anew. In each unit of work the rows of some streams are removed and written again from all
 * events that these streams have by then. Writers, whose appends are units too, come before or after it: one
 * that came before is among the events, and one that comes after finds the rows it expects. So nothing has
 * to be stopped, copied or caught up with. */
#include "events/replay.h"

#include "runtime/clock.h"

static error project(struct db_unit *unit, const struct replay *replay,
                     const struct recorded *event)
{
    const struct event_type *type;
    const struct aggregate *aggregate = events_aggregate_of(replay->events, event->type, &type);
    void *data;

    if (!aggregate)
        return NULL;
    arena_reset(replay->event);
    TRY(events_decode(replay->event, aggregate, type, event, &data));
    return events_replay_project(unit, replay, aggregate, event, data);
}

static error rebuild_in_unit(struct db_unit *unit, void *argument)
{
    struct replay_batch *batch = argument;
    const struct replay *replay = batch->replay;

    TRY(events_replay_read(unit, batch));
    for (size_t i = 0; i < replay->projection_count; i++)
        TRY(events_replay_clear(unit, &replay->projections[i], batch));
    for (size_t i = 0; i < batch->count; i++)
        TRY(project(unit, replay, &batch->events[i]));
    return NULL;
}

static error rebuild_all(struct call *call, struct replay *replay,
                         const struct events_rebuild *rebuild)
{
    struct events_progress progress = { .projection = rebuild->projection, .total = replay->total };

    while (!replay->ended) {
        struct replay_batch batch = { 0 };

        TRY(events_replay_step(call, replay, &batch, rebuild_in_unit, NULL));
        progress.streams += batch.streams;
        progress.events += batch.count;
        if (rebuild->report)
            rebuild->report(rebuild->cookie, &progress);
    }
    return NULL;
}

error events_rebuild(struct call *call, struct events *events, const struct events_rebuild *rebuild)
{
    struct replay replay;

    TRY(events_replay_begin(call, events, rebuild->projection, &replay));
    error why = rebuild_all(call, &replay, rebuild);

    events_replay_end(&replay);
    return why;
}
