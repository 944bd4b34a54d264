#include "service/delivery.h"
#include "runtime/log.h"

#include <assert.h>

enum {
    STILL_MAX_MS = 60 * 1000, /* events that wait so long without progress are worth a word */
    REMARK_MAX = 512,
};

#define PUBSUB "pubsub" /* name of the subscriber that publishes */

/* --- services of this process -------------------------------------------------------------------- */

static error subscribe_here(struct call *call, struct service_instance *self,
                            struct service_instance *listener)
{
    /* As many streams as can be on their way share a commit of the consumer's store. */
    const struct subscriber subscriber = {
        .name = listener->service->name,
        .rows = listener->service->recorded,
        .service = listener,
        .lanes = EVENTS_LANES_MAX,
    };

    return subscriber.rows ? events_subscribe(call, self->events, &subscriber) : NULL;
}

/* --- services elsewhere -------------------------------------------------------------------------- */

static const struct service_consumer *find_consumer(const struct service *service, str name)
{
    for (const struct service_consumer *row = service->consumers; row && row->name; row++) {
        if (str_is(name, row->name))
            return row;
    }
    return NULL;
}

/* The next of names that are separated by commas; false at the end. */
static bool next_name(str *rest, str *name)
{
    if (!rest->len)
        return false;
    size_t end = str_find(*rest, ',');

    *name = str_trim(str_slice(*rest, 0, end));
    *rest = str_slice(*rest, end + 1, rest->len);
    return true;
}

static bool is_wanted(const struct system *system, const char *consumer)
{
    str rest = system->settings.event_consumers, name;

    if (!rest.at)
        return true;
    while (next_name(&rest, &name)) {
        if (str_is(name, consumer))
            return true;
    }
    return false;
}

/* Where no service has consumers, nobody can say who is one. */
static bool is_known(const struct system *system, str name)
{
    bool anybody = false;

    for (size_t i = 0; i < system->count; i++) {
        anybody = anybody || system->instances[i].service->consumers;
        if (find_consumer(system->instances[i].service, name))
            return true;
    }
    return !anybody || str_is(name, "none");
}

/* A name with a slip in it would leave a consumer without its events. */
static error check_names(struct system *system)
{
    str rest = system->settings.event_consumers, name;

    while (next_name(&rest, &name)) {
        if (!is_known(system, name))
            return error_new(system->arena, 500, "EVENT_CONSUMERS: no service is called %.*s",
                             STR_ARG(name));
    }
    return NULL;
}

static void note_present(void *cookie)
{
    const struct service_delivery *delivery = cookie;

    events_present(delivery->consumer.events, delivery->name);
    events_present(delivery->consumer.events, PUBSUB); /* Redis is there, too */
}

static struct service_delivery *new_delivery(struct service_instance *self, const char *name)
{
    struct system *system = self->system;

    assert(system->delivery_count < SERVICE_DELIVERIES_MAX);
    struct service_delivery *delivery = &system->deliveries[system->delivery_count++];

    *delivery = (struct service_delivery){ .name = name, .consumer.events = self->events };
    return delivery;
}

static error reach(struct system *system, struct service_delivery *delivery)
{
    const struct events_stream_options options = {
        .redis = system->redis,
        .consumer = str_of(delivery->name),
        .present = note_present,
        .cookie = delivery,
    };

    if (system->redis)
        return events_stream_new(&options, &delivery->consumer.stream);
    delivery->consumer.client = service_client(system, delivery->name);
    return delivery->consumer.client
               ? NULL
               : error_new(system->arena, 500, "the service %s, which hears of events, is nowhere",
                           delivery->name);
}

static error subscribe_elsewhere(struct call *call, struct service_instance *self,
                                 const struct service_consumer *row)
{
    struct service_delivery *delivery = new_delivery(self, row->name);
    const struct subscriber subscriber = { .name = row->name,
                                           .relay = events_relay,
                                           .cookie = &delivery->consumer,
                                           .lanes = EVENTS_LANES_MAX };

    delivery->consumer.types = row->types;
    TRY(reach(self->system, delivery));
    return events_subscribe(call, self->events, &subscriber);
}

/* Nobody who listens there has an inbox, so it begins with what happens from now on. */
static error publish(struct call *call, struct service_instance *self)
{
    struct service_delivery *delivery = new_delivery(self, PUBSUB);
    const struct subscriber subscriber = {
        .name = PUBSUB,
        .relay = events_relay,
        .cookie = &delivery->consumer,
        .lanes = EVENTS_LANES_MAX,
        .from_now = true,
    };

    delivery->consumer.redis = self->system->redis;
    return events_subscribe(call, self->events, &subscriber);
}

static error deliver_from(struct call *call, struct service_instance *self)
{
    struct system *system = self->system;

    for (size_t i = 0; i < system->count; i++)
        TRY(subscribe_here(call, self, &system->instances[i]));
    for (const struct service_consumer *row = self->service->consumers; row && row->name; row++)
        if (!service_is_here(system, row->name) && is_wanted(system, row->name))
            TRY(subscribe_elsewhere(call, self, row));
    return system->redis ? publish(call, self) : NULL;
}

error service_deliver(struct call *call, struct system *system)
{
    TRY(check_names(system));
    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].events)
            TRY(deliver_from(call, &system->instances[i]));
    return NULL;
}

/* --- health -------------------------------------------------------------------------------------- */

static str remark(struct arena *arena, const struct events_status *status)
{
    if (status->still_ms >= STILL_MAX_MS)
        return arena_printf(arena, "%s: %lld events wait for %llu s%s%s", status->subscriber,
                            (long long)status->waiting, (unsigned long long)status->still_ms / 1000,
                            status->why ? ": " : "", status->why ? status->why : "");
    if (status->dead)
        return arena_printf(arena, "%s: dead letters: %zu", status->subscriber, status->dead);
    return (str){ NULL, 0 };
}

static error check_events(struct call *call, void *events, struct health_result *result)
{
    struct buf text = buf_new(REMARK_MAX);
    struct events_status *status;
    size_t count;

    TRY(events_status(call, events, &status, &count));
    for (size_t i = 0; i < count; i++) {
        str said = remark(call->arena, &status[i]);

        if (said.at)
            buf_printf(&text, "%s%.*s", text.len ? "; " : "", STR_ARG(said));
    }
    if (text.len) {
        str copy = arena_copy(call->arena, buf_text(&text));

        result->degraded = true;
        result->message = copy.at;
    }
    buf_free(&text);
    return NULL;
}

void service_add_events_check(struct service_instance *self)
{
    service_add_check(self, (struct health_check){ "events", check_events, self->events });
}

/* --- the consumer's side ------------------------------------------------------------------------- */

static error receive(struct call *call, const struct rpc_packet *packet, void *cookie)
{
    struct service_instance *self = cookie;

    call->service = self;
    return events_receive(call, packet, self->service->recorded);
}

error service_read_stream(struct service_instance *self)
{
    const struct events_reader_options options = {
        .redis = self->system->redis,
        .consumer = str_of(self->service->name),
        .title = self->service->title,
        .handle = receive,
        .cookie = self,
    };

    if (!options.redis || !self->service->recorded)
        return NULL;
    return events_reader_new(&options, &self->reader);
}

static void one_drained(void *wait)
{
    wait_done(wait);
}

static void log_counts(const struct service_instance *self)
{
    struct events_reader_counts counts = events_reader_counts(self->reader);

    log_info(self->service->title,
             "over Redis Streams: %llu events handled, %llu failed, %llu taken over",
             (unsigned long long)counts.handled, (unsigned long long)counts.failed,
             (unsigned long long)counts.claimed);
}

void service_drain_streams(struct call *call, struct system *system, uint64_t timeout_ms)
{
    struct wait drained[SERVICE_COUNT_MAX] = { 0 };

    for (size_t i = 0; i < system->count; i++)
        if (system->instances[i].reader)
            events_reader_drain(system->instances[i].reader, timeout_ms, one_drained, &drained[i]);
    for (size_t i = 0; i < system->count; i++) {
        if (!system->instances[i].reader)
            continue;
        call_wait_done(call, &drained[i]);
        log_counts(&system->instances[i]);
    }
}

void service_delivery_close(struct system *system)
{
    for (size_t i = 0; i < system->count; i++)
        events_reader_free(system->instances[i].reader);
    while (system->delivery_count)
        events_stream_free(system->deliveries[--system->delivery_count].consumer.stream);
}
