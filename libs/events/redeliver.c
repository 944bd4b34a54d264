/* Delivering everything once more. It is a subscriber's line without checkpoint and without patience: it begins with the
 * first event, ends with the last one, and fails when a handler fails. */
#include "events/line.h"

enum { LANES = EVENTS_LANES_MAX };

static error hand_out(struct call *call, struct line *line, size_t *count)
{
    struct recorded *events;

    TRY(events_read_after(call, line, &events, count));
    if (*count == 0)
        return NULL;
    for (size_t i = 0; i < *count; i++)
        events[i].again = true;
    TRY(events_run_batch(call, line, events, *count));
    if (!line->parked_count)
        return NULL;
    const struct parked *failed = LIST_ELEMENT(line->parked.next, struct parked, link);

    return error_new(line->events->arena, 500, "event %lld: %s", (long long)failed->position,
                     failed->failure);
}

static error run(struct call *call, struct line *line, const struct events_redelivery *redelivery)
{
    struct events_row counted = { 0 };
    struct events_progress progress = { 0 };
    size_t count;

    TRY(db_one(call, line->events->db, NO_INPUT, OUT(events_row, &counted),
               "SELECT count(*) AS position FROM events"));
    progress.total = (uint64_t)counted.position;
    do {
        arena_reset(line->arena);
        struct call of_batch = call_new(line->arena, call_left_ms(call));

        TRY(hand_out(&of_batch, line, &count));
        progress.events += count;
        if (redelivery->report)
            redelivery->report(redelivery->cookie, &progress);
    } while (count);
    return NULL;
}

error events_redeliver(struct call *call, struct events *events,
                       const struct events_redelivery *redelivery)
{
    const struct subscriber subscriber = {
        .name = "rebuild",
        .rows = redelivery->rows,
        .service = redelivery->service,
        .lanes = LANES,
    };
    struct line *line = events_line_new(events, &subscriber);

    if (!line)
        return &ERROR_OUT_OF_MEMORY;
    error why = run(call, line, redelivery);

    events_line_free(line);
    return why;
}
