#include "runtime/signals.h"
#include "runtime/loop_internal.h"

#include <signal.h>

static const int SIGNALS[] = { SIGTERM, SIGINT };

enum { SIGNAL_COUNT = sizeof SIGNALS / sizeof SIGNALS[0] };

/* Signals belong to the process, so their handles may too. */
static struct {
    uv_signal_t handles[SIGNAL_COUNT];
    void (*stop)(void *cookie);
    void *cookie;
} watch;

static void arrived(uv_signal_t *handle, int number)
{
    void (*stop)(void *cookie) = watch.stop;

    (void)handle;
    (void)number;
    watch.stop = NULL;
    if (stop)
        stop(watch.cookie);
}

error signals_on_stop(void (*stop)(void *cookie), void *cookie)
{
    watch.stop = stop;
    watch.cookie = cookie;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&the_loop.uv, &watch.handles[i]);
        if (uv_signal_start(&watch.handles[i], arrived, SIGNALS[i]))
            return &ERROR_OUT_OF_MEMORY;
    }
    return NULL;
}

void signals_close(void)
{
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&watch.handles[i], NULL);
}
