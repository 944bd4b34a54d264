#include "base/hex.h"
#include "mail/mail_internal.h"
#include "runtime/clock.h"
#include "runtime/offload.h"
#include "runtime/random.h"

struct mailer {
    struct mail_smtp *smtp; /* NULL: a Maildir */
    str maildir, hostname, where;
    struct offload_pool *pool;
};

static bool is_host_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || (c == '.' && i);

        if (!fits)
            return false;
    }
    return name.len > 0;
}

static error open_way(struct arena *arena, const struct mailer_options *options,
                      struct mailer *mailer)
{
    if (options->smtp_host.at) {
        TRY(mail_smtp_new(arena, options, &mailer->smtp));
        mailer->where = mail_smtp_where(mailer->smtp);
        return NULL;
    }
    mailer->maildir = mailer->where = arena_copy(arena, options->maildir);
    return mailer->where.at ? mail_maildir_make(arena, mailer->where) : &ERROR_OUT_OF_MEMORY;
}

error mailer_new(struct arena *arena, const struct mailer_options *options, struct mailer **out)
{
    const struct offload_options pool = {
        .name = "mail",
        .threads = MAIL_THREADS,
        .queue_max = MAIL_QUEUE_MAX,
    };
    struct mailer_options checked = *options;
    struct mailer *mailer = ARENA_NEW(arena, struct mailer);

    if (!checked.hostname.at)
        checked.hostname = STR("localhost");
    if (!is_host_name(checked.hostname))
        return error_new(arena, 500, "\"%.*s\" is no host name that mails can be sent from",
                         STR_ARG(checked.hostname));
    if (!mailer || !(mailer->hostname = arena_copy(arena, checked.hostname)).at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(open_way(arena, &checked, mailer));
    error failed = offload_pool_new(arena, &pool, &mailer->pool);

    if (failed)
        mail_smtp_free(mailer->smtp);
    else
        *out = mailer;
    return failed;
}

void mailer_free(struct mailer *mailer)
{
    if (!mailer)
        return;
    offload_pool_free(mailer->pool);
    mail_smtp_free(mailer->smtp);
}

str mailer_where(const struct mailer *mailer)
{
    return mailer->where;
}

/* --- one delivery ---------------------------------------------------------------------------------- */

struct job {
    struct mailer *mailer;
    struct mail_delivery delivery;
};

static void run(void *argument)
{
    struct job *job = argument;

    job->delivery.result = job->mailer->smtp
                               ? mail_smtp_deliver(job->mailer->smtp, &job->delivery)
                               : mail_maildir_deliver(job->mailer->maildir, &job->delivery);
}

static uint64_t deadline_of(const struct call *call)
{
    uint64_t left_ms = call_left_ms(call);

    return clock_ns() + (left_ms < MAIL_TIMEOUT_MS ? left_ms : MAIL_TIMEOUT_MS) * 1000000;
}

/* The job may lie on the stack, as offload_run waits for what runs, whatever becomes of the call. */
static error deliver(struct call *call, struct mailer *mailer, struct job *job)
{
    uuid unique = random_uuid();
    char digits[2 * sizeof unique];

    hex_encode((const uint8_t *)&unique, sizeof unique, digits);
    job->mailer = mailer;
    job->delivery.arena = call->arena;
    job->delivery.deadline_ns = deadline_of(call);
    job->delivery.temporary = arena_printf(call->arena, "%.*s.%.*s", (int)sizeof digits, digits,
                                           STR_ARG(mailer->hostname));
    if (!job->delivery.temporary.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(offload_run(call, mailer->pool, run, job));
    return job->delivery.result;
}

static error print(struct call *call, const struct mail *mail, struct mail_delivery *delivery,
                   struct buf *message)
{
    struct mail_address from, to;

    TRY(mail_print(call->arena, mail, message));
    TRY(mail_address_parse(call->arena, "sender", mail->from, &from));
    TRY(mail_address_parse(call->arena, "recipient", mail->to, &to));
    *delivery = (struct mail_delivery){
        .from = arena_copy(call->arena, from.address),
        .to = arena_copy(call->arena, to.address),
        .message = buf_text(message),
        .id = str_slice(mail->message_id, 1, mail->message_id.len - 2),
    };
    return delivery->from.at && delivery->to.at ? NULL : &ERROR_OUT_OF_MEMORY;
}

error mail_send(struct call *call, struct mailer *mailer, const struct mail *mail)
{
    struct buf message = buf_new(MAIL_MAX);
    struct job job = { 0 };
    error failed = print(call, mail, &job.delivery, &message);

    if (!failed)
        failed = deliver(call, mailer, &job);
    buf_free(&message);
    return failed;
}

error mail_check(struct call *call, struct mailer *mailer)
{
    struct job job = { 0 };

    return deliver(call, mailer, &job);
}
