/* What a mail costs: printing it, and sending it to a server on the loopback.
 *
 * usage: mail_bench [PORT [MAILS [FIBERS]]]    without a port nothing is sent */
#include "mail/mail.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct bench {
    struct mail mail;
    struct mailer *mailer;
    unsigned port;
    int mails, fibers, sent, failed, running;
};

/* Some 2 KB of text and 8 KB of HTML, a letter in twenty beyond ASCII. */
static void write_mail(struct buf *text, struct buf *html)
{
    for (int i = 0; i < 40; i++)
        BUF_ADD(text, "Comanda ta a fost confirmat\u0103 \u0219i va fi trimis\u0103.\n");
    for (int i = 0; i < 100; i++)
        BUF_ADD(html, "<tr><td style=\"padding: 4px\">Pantofi ro\u0219ii</td><td>2 \u00d7 99,90 RON"
                      "</td></tr>\n");
}

static void bench_printing(struct bench *bench, struct arena *arena)
{
    enum { TIMES = 2000 };
    struct buf out = buf_new(MAIL_MAX);
    uint64_t begin = clock_ns();

    for (int i = 0; i < TIMES; i++) {
        buf_clear(&out);
        if (mail_print(arena, &bench->mail, &out))
            abort();
    }
    printf("printing a mail of %zu bytes: %.1f us\n", out.len,
           (double)(clock_ns() - begin) / TIMES / 1000);
    buf_free(&out);
}

static void send_on(void *argument)
{
    struct bench *bench = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    while (arena && bench->sent < bench->mails) {
        struct call call = call_new(arena, MAIL_TIMEOUT_MS);
        struct mail mail = bench->mail;

        mail.message_id = arena_printf(arena, "<%d@cuib.example>", bench->sent++);
        error failed = mail_send(&call, bench->mailer, &mail);

        if (failed && !bench->failed++)
            printf("the first failure: %d %s\n", failed->status, failed->message);
        arena_reset(arena);
    }
    arena_free(arena);
    bench->running--;
}

static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void bench_sending(struct bench *bench, struct arena *arena)
{
    const struct mailer_options options = { .smtp_host = STR("127.0.0.1"),
                                            .smtp_port = bench->port };
    struct call call = call_new(arena, CALL_TIMEOUT_MAX_MS);

    if (mailer_new(arena, &options, &bench->mailer))
        abort();
    double cpu = cpu_seconds();
    uint64_t begin = clock_ns();

    for (; bench->running < bench->fibers; bench->running++)
        if (fiber_start(send_on, bench))
            abort();
    while (bench->running)
        call_sleep(&call, 1);
    double seconds = (double)(clock_ns() - begin) / 1e9;

    printf("%d mails from %d fibers, %d failed: %.0f a second, %.0f us of CPU each\n", bench->sent,
           bench->fibers, bench->failed, bench->sent / seconds,
           (cpu_seconds() - cpu) * 1e6 / bench->sent);
    mailer_free(bench->mailer);
}

static void run(void *argument)
{
    struct bench *bench = argument;
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf text = buf_new(MAIL_MAX), html = buf_new(MAIL_MAX);

    if (!arena)
        abort();
    write_mail(&text, &html);
    bench->mail = (struct mail){
        .from = STR("Cuib <noreply@cuib.example>"),
        .to = STR("Ana <ana@example.com>"),
        .subject = STR("Comanda ta a fost confirmat\u0103"),
        .text = buf_text(&text),
        .html = buf_text(&html),
        .message_id = STR("<1@cuib.example>"),
        .date = clock_now(),
    };
    bench_printing(bench, arena);
    if (bench->port)
        bench_sending(bench, arena);
    buf_free(&text);
    buf_free(&html);
    arena_free(arena);
}

static unsigned number(int count, char **arguments, int i, unsigned otherwise)
{
    return count > i ? (unsigned)strtoul(arguments[i], NULL, 10) : otherwise;
}

int main(int count, char **arguments)
{
    struct bench bench = {
        .port = number(count, arguments, 1, 0),
        .mails = (int)number(count, arguments, 2, 2000),
        .fibers = (int)number(count, arguments, 3, 16),
    };

    return loop_init() || fiber_run_all(run, &bench);
}
