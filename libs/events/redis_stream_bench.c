/* Events over a Redis Stream in a second, from XADD to the answer: producer and consumer in one process, the handler
 * does nothing.
 *
 * usage: redis_stream_bench PORT [DELIVERIES [UNDER-WAY]]     (a Redis server on the loopback interface) */
#include "events/redis_stream.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { DELIVERIES = 10 * 1000, UNDER_WAY = 64, TIMEOUT_MS = 30 * 1000, DELIVERIES_MAX = 100000000 };

static const char packet[] =
    "{\"pattern\":\"order.created\",\"data\":{\"id\":\"01900000-0000-7000-8000-000000000000\","
    "\"userId\":"
    "\"01900000-0000-7000-8000-000000000001\",\"items\":[{\"productId\":\"p-1\",\"name\":\"A "
    "thing\","
    "\"price\":\"19.99\",\"quantity\":2}],\"total\":\"39.98\",\"currency\":\"EUR\"},\"metadata\":{"
    "\"timeLeftMs\":10000}}";

static struct {
    struct redis_options options;
    struct redis *producers, *consumers;
    struct events_stream *stream;
    struct events_reader *reader;
    uint64_t left, handled;
    unsigned fibers;
    struct wait present, done, drained;
} bench;

static void check(error e)
{
    if (!e)
        return;
    fprintf(stderr, "%s\n", e->message);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static error handle(struct call *call, const struct rpc_packet *read, void *cookie)
{
    (void)call;
    (void)read;
    (void)cookie;
    bench.handled++;
    return NULL;
}

static void done(void *cookie)
{
    wait_done(cookie);
}

static void deliver_again_and_again(void *argument)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    bool answered;

    (void)argument;
    while (bench.left) {
        struct call call = call_new(arena, TIMEOUT_MS);

        bench.left--;
        check(events_stream_deliver(&call, bench.stream, (str){ packet, sizeof packet - 1 },
                                    &answered));
        arena_reset(arena);
    }
    arena_free(arena);
    if (--bench.fibers == 0)
        wait_done(&bench.done);
}

/* Twice: when the producer has subscribed, and when the consumer is there. */
static void count_presence(void *cookie)
{
    int *count = cookie;

    if (++*count == 2)
        wait_done(&bench.present);
}

static void start_both(struct call *call)
{
    static int presences;
    str consumer = STR("bench");

    check(redis_new(&bench.options, &bench.producers));
    check(redis_new(&bench.options, &bench.consumers));
    check(redis_command(call, bench.producers, REDIS_WORDS(STR("DEL"), STR("cuib:events:bench")),
                        NULL));
    check(events_stream_new(&(struct events_stream_options){ .redis = bench.producers,
                                                             .consumer = consumer,
                                                             .present = count_presence,
                                                             .cookie = &presences },
                            &bench.stream));
    while (!presences)
        check(call_sleep(call, 1));
    check(events_reader_new(
        &(struct events_reader_options){
            .redis = bench.consumers, .consumer = consumer, .title = "Bench", .handle = handle },
        &bench.reader));
    check(call_wait(call, &bench.present));
}

static int64_t ask(struct call *call, strs words)
{
    struct redis_reply reply;

    check(redis_command(call, bench.producers, words, &reply));
    return reply.type == REDIS_ARRAY ? reply.at[0].integer : reply.integer;
}

static void stop_both(struct call *call)
{
    str key = STR("cuib:events:bench");

    printf("left: %lld entries, %lld pending\n",
           (long long)ask(call, REDIS_WORDS(STR("XLEN"), key)),
           (long long)ask(call, REDIS_WORDS(STR("XPENDING"), key, STR("bench"))));
    events_reader_drain(bench.reader, TIMEOUT_MS, done, &bench.drained);
    call_wait_done(call, &bench.drained);
    events_reader_free(bench.reader);
    events_stream_free(bench.stream);
    redis_free(bench.producers);
    redis_free(bench.consumers);
}

static void run(void *argument)
{
    struct arena *arena = argument;
    struct call call = call_new(arena, 3600 * 1000);
    uint64_t count = bench.left;
    unsigned fibers = bench.fibers;

    start_both(&call);
    double cpu = cpu_seconds();
    uint64_t start_ns = clock_ns();

    for (unsigned i = 0; i < fibers; i++)
        check(fiber_start(deliver_again_and_again, NULL));
    call_wait_done(&call, &bench.done);
    double seconds = (double)(clock_ns() - start_ns) / 1e9;

    printf("%llu deliveries, %u under way: %.0f events/s, %.1f us of this process an event, "
           "%llu handled\n",
           (unsigned long long)count, fibers, (double)count / seconds,
           (cpu_seconds() - cpu) / (double)count * 1e6, (unsigned long long)bench.handled);
    stop_both(&call);
}

static unsigned number_of(int count, char **words, int at, unsigned otherwise)
{
    uint64_t number = otherwise;

    if (count > at && !str_to_uint(str_of(words[at]), DELIVERIES_MAX, &number))
        number = 0;
    return (unsigned)number;
}

int main(int count, char **words)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    bench.options.host = STR("127.0.0.1");
    bench.options.port = number_of(count, words, 1, REDIS_PORT);
    bench.left = number_of(count, words, 2, DELIVERIES);
    bench.fibers = number_of(count, words, 3, UNDER_WAY);
    if (!arena || !bench.options.port || !bench.left || !bench.fibers) {
        fprintf(stderr, "usage: redis_stream_bench PORT [DELIVERIES [UNDER-WAY]]\n");
        return 2;
    }
    check(loop_init());
    check(fiber_run_all(run, arena));
    loop_close();
    arena_free(arena);
    return 0;
}
