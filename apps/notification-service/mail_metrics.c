#include "apps/notification-service/mail_metrics.h"
#include "apps/notification-service/notification_service.h"
#include "runtime/clock.h"

/* clang-format off */
enum { PENDING, OLDEST, DEAD, UNDER_WAY, AWAY, SENT, FAILED, VALUES };

static const struct metrics_family MAILS[] = {
    [PENDING] =   { "mails_pending", METRICS_GAUGE, METRICS_NUMBER, "Mails that are to be sent." },
    [OLDEST] =    { "mails_oldest_pending_seconds", METRICS_GAUGE, METRICS_MS, "Age of the oldest of them; 0 when there is none." },
    [DEAD] =      { "mails_dead", METRICS_GAUGE, METRICS_NUMBER, "Mails that were given up." },
    [UNDER_WAY] = { "mails_in_flight", METRICS_GAUGE, METRICS_NUMBER, "Mails that are being handed over." },
    [AWAY] =      { "mails_server_away", METRICS_GAUGE, METRICS_NUMBER, "1 while mails wait for the mail server to come back." },
    [SENT] =      { "mails_sent_total", METRICS_COUNTER, METRICS_NUMBER, "Mails that were handed over." },
    [FAILED] =    { "mails_failed_total", METRICS_COUNTER, METRICS_NUMBER, "Attempts to hand a mail over that failed." },
    [VALUES] = { 0 },
};
/* clang-format on */

error mail_metrics(struct call *call, struct service_instance *self, struct metrics_writer *writer)
{
    const struct notification_state *state = self->state;
    const struct postman_counts counts = postman_counts(state->postman);
    struct delivery_queue queue;

    TRY(delivery_queue(call, state->db, &queue));
    const int64_t values[] = {
        [PENDING] = queue.pending,
        [OLDEST] = queue.pending ? clock_now().ms - queue.since.ms : 0,
        [DEAD] = queue.dead,
        [UNDER_WAY] = counts.under_way,
        [AWAY] = counts.server_away,
        [SENT] = (int64_t)counts.sent,
        [FAILED] = (int64_t)counts.failed,
    };

    metrics_write_one(writer, MAILS, values);
    return NULL;
}
