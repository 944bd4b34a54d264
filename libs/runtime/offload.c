/* A job lies on the stack of the fiber that waits for it. It is on the queue (under the lock) until a thread
 * takes it; from then on it cannot be taken back. The thread hands the finished job to the loop by loop_post,
 * which wakes the fiber; after that the thread does not touch the job again. */
#include "runtime/offload.h"
#include "runtime/loop.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum {
    THREADS_MAX = 64,
    BACKGROUND_NICE = 5,
    RETRY_AFTER_S = 1,
};

static const struct error QUEUE_FULL = { .status = 503,
                                         .message = "Too many requests of this kind are waiting",
                                         .retry_after_s = RETRY_AFTER_S };
static const struct error POOL_CLOSED = ERROR(503, "The service is shutting down");

struct job {
    struct loop_message finished;
    struct link link; /* in the queue while it waits */
    struct wait wait;
    void (*work)(void *argument);
    void *argument;
};

struct offload_pool {
    uv_mutex_t lock;
    uv_cond_t wanted;
    struct link queue;
    atomic_uint queued; /* changed under the lock, read by offload_queued without */
    unsigned running;
    bool closing;
    struct offload_options options;
    unsigned started;
    uv_thread_t threads[THREADS_MAX];
};

static void job_finished(struct loop_message *message)
{
    wait_done(&LIST_ELEMENT(message, struct job, finished)->wait);
}

static struct job *next_job(struct offload_pool *pool)
{
    struct link *link;

    uv_mutex_lock(&pool->lock);
    while (!(link = list_take(&pool->queue)) && !pool->closing)
        uv_cond_wait(&pool->wanted, &pool->lock);
    if (link) {
        pool->queued--;
        pool->running++;
    }
    uv_mutex_unlock(&pool->lock);
    return link ? LIST_ELEMENT(link, struct job, link) : NULL;
}

static void job_ran(struct offload_pool *pool)
{
    uv_mutex_lock(&pool->lock);
    pool->running--;
    uv_mutex_unlock(&pool->lock);
}

/* On Linux the priority is the thread's own. Failing to lower it harms nobody. */
static void name_thread(const struct offload_options *options)
{
    prctl(PR_SET_NAME, options->name);
    if (options->background)
        setpriority(PRIO_PROCESS, (id_t)gettid(), BACKGROUND_NICE);
}

static void thread_main(void *argument)
{
    struct offload_pool *pool = argument;
    struct job *job;

    name_thread(&pool->options);
    while ((job = next_job(pool))) {
        job->work(job->argument);
        job_ran(pool);
        loop_post(&job->finished);
    }
}

error offload_pool_new(struct arena *arena, const struct offload_options *options,
                       struct offload_pool **out)
{
    struct offload_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return &ERROR_OUT_OF_MEMORY;
    pool->options = *options;
    list_init(&pool->queue);
    if (uv_mutex_init(&pool->lock) || uv_cond_init(&pool->wanted))
        abort();
    while (pool->started < options->threads && pool->started < THREADS_MAX) {
        if (uv_thread_create(&pool->threads[pool->started], thread_main, pool)) {
            offload_pool_free(pool);
            return error_new(arena, 503, "cannot start the threads of %s", options->name);
        }
        pool->started++;
    }
    *out = pool;
    return NULL;
}

void offload_pool_free(struct offload_pool *pool)
{
    if (!pool)
        return;
    uv_mutex_lock(&pool->lock);
    pool->closing = true;
    uv_cond_broadcast(&pool->wanted);
    uv_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        uv_thread_join(&pool->threads[i]);
    uv_cond_destroy(&pool->wanted);
    uv_mutex_destroy(&pool->lock);
    free(pool);
}

static error enqueue(struct offload_pool *pool, struct job *job)
{
    error refused = NULL;

    uv_mutex_lock(&pool->lock);
    if (pool->closing)
        refused = &POOL_CLOSED;
    else if (pool->queued + pool->running >= pool->started + pool->options.queue_max)
        refused = &QUEUE_FULL;
    else {
        list_append(&pool->queue, &job->link);
        pool->queued++;
        uv_cond_signal(&pool->wanted);
    }
    uv_mutex_unlock(&pool->lock);
    return refused;
}

/* Whether the job was still on the queue, and now is not. */
static bool take_back(struct offload_pool *pool, struct job *job)
{
    uv_mutex_lock(&pool->lock);
    bool was_queued = job->link.next;

    if (was_queued) {
        list_remove(&job->link);
        pool->queued--;
    }
    uv_mutex_unlock(&pool->lock);
    return was_queued;
}

error offload_run(struct call *call, struct offload_pool *pool, void (*work)(void *argument),
                  void *argument)
{
    struct job job = { .finished.run = job_finished, .work = work, .argument = argument };

    TRY(call_check(call));
    TRY(enqueue(pool, &job));
    error failed = call_wait(call, &job.wait);

    if (failed && take_back(pool, &job))
        return failed;
    call_wait_done(call, &job.wait);
    return NULL;
}

unsigned offload_cores(void)
{
    unsigned cores = uv_available_parallelism();

    return cores < THREADS_MAX ? cores : THREADS_MAX;
}

unsigned offload_queued(const struct offload_pool *pool)
{
    return pool->queued;
}
