#include "runtime/loop_internal.h"
#include "runtime/log.h"

#include <assert.h>

struct loop the_loop;

static void run_hooks(void)
{
    struct link now;
    struct link *link;

    list_init(&now);
    while ((link = list_take(&the_loop.hooks)))
        list_append(&now, link);
    while ((link = list_take(&now))) {
        struct loop_hook *hook = LIST_ELEMENT(link, struct loop_hook, link);

        hook->run(hook);
    }
}

static void keep_awake(uv_idle_t *idle)
{
    (void)idle;
}

/* The end of a turn, right before the loop blocks. Fibers first: what they write is sent by the hooks. */
static void end_turn(uv_prepare_t *prepare)
{
    (void)prepare;
    fiber_run_ready();
    run_hooks();
    log_flush();
    the_loop.turn_ns = 0;
    if (!list_empty(&the_loop.ready) || !list_empty(&the_loop.hooks))
        uv_idle_start(&the_loop.busy, keep_awake);
    else
        uv_idle_stop(&the_loop.busy);
    if (the_loop.stopping && the_loop.fibers == 0)
        uv_stop(&the_loop.uv);
}

static struct loop_message *take_inbox(void)
{
    struct loop_message *newest_first, *in_order = NULL;

    uv_mutex_lock(&the_loop.inbox_lock);
    newest_first = the_loop.inbox;
    the_loop.inbox = NULL;
    uv_mutex_unlock(&the_loop.inbox_lock);
    while (newest_first) {
        struct loop_message *message = newest_first;

        newest_first = message->next;
        message->next = in_order;
        in_order = message;
    }
    return in_order;
}

static void read_inbox(uv_async_t *async)
{
    struct loop_message *message = take_inbox();

    (void)async;
    while (message) {
        struct loop_message *next = message->next;

        message->run(message);
        message = next;
    }
}

error loop_init(void)
{
    assert(!the_loop.initialised);
    the_loop = (struct loop){ .initialised = true };
    if (uv_loop_init(&the_loop.uv) || uv_mutex_init(&the_loop.inbox_lock))
        return &ERROR_OUT_OF_MEMORY;
    list_init(&the_loop.hooks);
    list_init(&the_loop.ready);
    list_init(&the_loop.yielded);
    uv_prepare_init(&the_loop.uv, &the_loop.turn_end);
    uv_prepare_start(&the_loop.turn_end, end_turn);
    uv_idle_init(&the_loop.uv, &the_loop.busy);
    timer_wheel_init();
    return uv_async_init(&the_loop.uv, &the_loop.posted, read_inbox) ? &ERROR_OUT_OF_MEMORY : NULL;
}

struct uv_loop_s *loop_uv(void)
{
    assert(the_loop.initialised);
    return &the_loop.uv;
}

void loop_run(void)
{
    uv_run(&the_loop.uv, UV_RUN_DEFAULT);
    the_loop.stopping = false;
}

void loop_stop(void)
{
    the_loop.stopping = true;
}

static void close_handle(void *handle)
{
    uv_close(handle, NULL);
}

void loop_close(void)
{
    close_handle(&the_loop.turn_end);
    close_handle(&the_loop.busy);
    close_handle(&the_loop.posted);
    close_handle(&the_loop.wheel_alarm);
    uv_run(&the_loop.uv, UV_RUN_DEFAULT);
    int open = uv_loop_close(&the_loop.uv);

    assert(open == 0);
    (void)open;
    uv_mutex_destroy(&the_loop.inbox_lock);
    fiber_pool_free();
    stream_pool_free();
    log_flush();
    the_loop.initialised = false;
}

void loop_post(struct loop_message *message)
{
    uv_mutex_lock(&the_loop.inbox_lock);
    message->next = the_loop.inbox;
    the_loop.inbox = message;
    uv_mutex_unlock(&the_loop.inbox_lock);
    uv_async_send(&the_loop.posted);
}

void loop_at_turn_end(struct loop_hook *hook)
{
    if (!hook->link.next)
        list_append(&the_loop.hooks, &hook->link);
}

void loop_hook_cancel(struct loop_hook *hook)
{
    list_remove(&hook->link);
}
