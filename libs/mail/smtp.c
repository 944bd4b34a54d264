/* SMTP (RFC 5321) by libcurl, which says EHLO, STARTTLS, AUTH, MAIL, RCPT and DATA, stuffs dots, and keeps its connection
 * for the next mail.
 *
 * There are as many lines as threads; a thread takes the first that is free, so that few mails use few connections. A line
 * is a handle of libcurl with its connection. A connection that was kept may have been closed by the server meanwhile:
 * when it fails before anything of the mail was said on it, the mail is sent on a new one. */
#include "base/hex.h"
#include "mail/smtp_internal.h"
#include "runtime/clock.h"
#include "runtime/socket.h"

#include <string.h>

/* --- settings -------------------------------------------------------------------------------------- */

static error copy(struct arena *arena, const char *name, str text, const char **out)
{
    if (!text.at)
        return NULL;
    if (str_find(text, '\0') < text.len)
        return error_new(arena, 500, "The mail server's %s holds a NUL", name);
    *out = arena_copy(arena, text).at;
    return *out ? NULL : &ERROR_OUT_OF_MEMORY;
}

/* What would change the URL's meaning is not in the name or address of a host. */
static error check_host(struct arena *arena, str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] <= ' ' || host.at[i] > '~' || strchr("/?#@%\\[]\"<>", host.at[i]))
            return error_new(arena, 500, "The mail server's host name is not one");
    return host.len ? NULL : error_new(arena, 500, "The mail server's host name is empty");
}

/* libcurl says EHLO with the URL's path. */
static error print_url(struct arena *arena, const struct mailer_options *options,
                       struct mail_smtp *smtp)
{
    bool address6 = str_find(options->smtp_host, ':') < options->smtp_host.len;

    TRY(check_host(arena, options->smtp_host));
    smtp->where = arena_printf(
        arena, "%s://%s%.*s%s:%u", options->tls == MAIL_TLS_IMPLICIT ? "smtps" : "smtp",
        address6 ? "[" : "", STR_ARG(options->smtp_host), address6 ? "]" : "", options->smtp_port);
    smtp->url =
        arena_printf(arena, "%.*s/%.*s", STR_ARG(smtp->where), STR_ARG(options->hostname)).at;
    return smtp->where.at && smtp->url ? NULL : &ERROR_OUT_OF_MEMORY;
}

static str base64url(struct arena *arena, str text)
{
    char *to = arena_alloc(arena, base64url_len(text.len));

    if (to)
        base64url_encode((const uint8_t *)text.at, text.len, to);
    return (str){ to, base64url_len(text.len) };
}

static error keep_secrets(struct arena *arena, const struct mailer_options *options,
                          struct mail_smtp *smtp)
{
    str password = options->smtp_password;

    if (!password.len)
        return NULL;
    str plain =
        arena_printf(arena, "%c%.*s%c%.*s", 0, STR_ARG(options->smtp_user), 0, STR_ARG(password));

    smtp->secrets[0] = str_of(smtp->password);
    smtp->secrets[1] = base64url(arena, password);
    smtp->secrets[2] = plain.at ? base64url(arena, plain) : plain;
    return smtp->secrets[1].at && smtp->secrets[2].at ? NULL : &ERROR_OUT_OF_MEMORY;
}

error mail_smtp_new(struct arena *arena, const struct mailer_options *options,
                    struct mail_smtp **out)
{
    struct mail_smtp *smtp = ARENA_NEW(arena, struct mail_smtp);

    if (!smtp)
        return &ERROR_OUT_OF_MEMORY;
    smtp->tls = options->tls;
    for (int i = 0; i < MAIL_THREADS; i++)
        atomic_flag_clear(&smtp->lines[i].taken);
    TRY(print_url(arena, options, smtp));
    TRY(copy(arena, "user", options->smtp_user, &smtp->user));
    TRY(copy(arena, "password", options->smtp_password, &smtp->password));
    TRY(copy(arena, "authorities", options->smtp_ca, &smtp->ca));
    TRY(keep_secrets(arena, options, smtp));
    TRY(http_curl_load(arena, &smtp->curl));
    *out = smtp;
    return NULL;
}

/* libcurl says QUIT and waits two minutes for the answer, which nobody needs. */
static void hang_up(const struct http_curl *curl, CURL *easy)
{
    curl_socket_t socket = CURL_SOCKET_BAD;

    curl->curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
    if (socket != CURL_SOCKET_BAD)
        socket_stop_reading(socket);
    curl->curl_easy_cleanup(easy);
}

void mail_smtp_free(struct mail_smtp *smtp)
{
    for (int i = 0; smtp && i < MAIL_THREADS; i++)
        if (smtp->lines[i].easy)
            hang_up(&smtp->curl, smtp->lines[i].easy);
}

str mail_smtp_where(const struct mail_smtp *smtp)
{
    return smtp->where;
}

/* --- one transfer ---------------------------------------------------------------------------------- */

static size_t give_message(char *to, size_t size, size_t count, void *cookie)
{
    struct transfer *transfer = cookie;
    str piece = str_slice(transfer->delivery->message, transfer->sent, size * count);

    transfer->begun = true;
    if (piece.len)
        memcpy(to, piece.at, piece.len);
    transfer->sent += piece.len;
    return piece.len;
}

static long min_ms(uint64_t a, uint64_t b)
{
    return (long)(a < b ? a : b);
}

static uint64_t left_ms(const struct mail_delivery *delivery)
{
    uint64_t now = clock_ns();

    return delivery->deadline_ns > now ? (delivery->deadline_ns - now) / 1000000 : 0;
}

static void set_times(const struct http_curl *curl, CURL *easy, uint64_t left)
{
    curl->curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, min_ms(left, MAIL_TIMEOUT_MS));
    curl->curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, min_ms(left, MAIL_CONNECT_TIMEOUT_MS));
    curl->curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, 0L); /* what a 421 has set */
}

static void set_connection(const struct mail_smtp *smtp, CURL *easy)
{
    static const long use_ssl[] = {
        [MAIL_TLS_NONE] = CURLUSESSL_NONE,
        [MAIL_TLS_STARTTLS] = CURLUSESSL_ALL,
        [MAIL_TLS_OPPORTUNIST] = CURLUSESSL_TRY,
        [MAIL_TLS_IMPLICIT] = CURLUSESSL_ALL,
    };
    const struct http_curl *curl = &smtp->curl;

    curl->curl_easy_setopt(easy, CURLOPT_URL, smtp->url);
    curl->curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl->curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl->curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Nobody waits for a resolver that hangs. */
    curl->curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl[smtp->tls]);
    curl->curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (smtp->ca)
        curl->curl_easy_setopt(easy, CURLOPT_CAINFO, smtp->ca);
    if (smtp->user)
        curl->curl_easy_setopt(easy, CURLOPT_USERNAME, smtp->user);
    if (smtp->password)
        curl->curl_easy_setopt(easy, CURLOPT_PASSWORD, smtp->password);
}

static void set_ears(CURL *easy, struct transfer *transfer)
{
    const struct http_curl *curl = &transfer->smtp->curl;

    transfer->easy = easy;
    curl->curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    curl->curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, mail_reply_take);
    curl->curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
}

static void perform(struct transfer *transfer)
{
    const struct http_curl *curl = &transfer->smtp->curl;

    transfer->result = curl->curl_easy_perform(transfer->easy);
    curl->curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &transfer->connects);
}

/* A connection that was kept, and was closed by the server, or is being closed with a 421. */
static bool was_stale(const struct transfer *transfer)
{
    return transfer->result != CURLE_OK && transfer->result != CURLE_OPERATION_TIMEDOUT &&
           !transfer->connects && !transfer->begun &&
           (transfer->reply.code < 400 || transfer->reply.code == 421);
}

static void send_to(struct transfer *transfer, struct curl_slist *recipients)
{
    const struct http_curl *curl = &transfer->smtp->curl;
    const struct mail_delivery *delivery = transfer->delivery;
    CURL *easy = transfer->easy;

    curl->curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)delivery->message.len);
    curl->curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
    curl->curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl->curl_easy_setopt(easy, CURLOPT_MAIL_FROM, delivery->from.at);
    curl->curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    perform(transfer);
    if (!was_stale(transfer))
        return;
    transfer->reply = (struct reply){ 0 };
    curl->curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    set_times(&transfer->smtp->curl, easy, left_ms(delivery) + 1);
    perform(transfer);
}

static void send_mail(struct transfer *transfer)
{
    const struct http_curl *curl = &transfer->smtp->curl;
    struct curl_slist *recipients = curl->curl_slist_append(NULL, transfer->delivery->to.at);

    transfer->result = CURLE_OUT_OF_MEMORY;
    if (recipients)
        send_to(transfer, recipients);
    curl->curl_slist_free_all(recipients);
}

static void check_server(struct transfer *transfer)
{
    const struct http_curl *curl = &transfer->smtp->curl;

    curl->curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
    curl->curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, "NOOP");
    perform(transfer);
}

/* --- on a thread ----------------------------------------------------------------------------------- */

static struct line *take_line(struct mail_smtp *smtp)
{
    int i = 0;

    while (atomic_flag_test_and_set_explicit(&smtp->lines[i].taken, memory_order_acquire))
        i = (i + 1) % MAIL_THREADS;
    return &smtp->lines[i];
}

static error converse(const struct mail_smtp *smtp, CURL *easy,
                      const struct mail_delivery *delivery)
{
    struct transfer transfer = { .smtp = smtp, .delivery = delivery };
    uint64_t left = left_ms(delivery);

    if (!left)
        return &ERROR_DEADLINE;
    smtp->curl.curl_easy_reset(easy);
    set_connection(smtp, easy);
    set_times(&smtp->curl, easy, left);
    set_ears(easy, &transfer);
    if (delivery->message.at)
        send_mail(&transfer);
    else
        check_server(&transfer);
    /* What libcurl may say and hear later is not for this transfer. */
    smtp->curl.curl_easy_reset(easy);
    return mail_outcome(&transfer);
}

/* After a failure libcurl may keep a connection on which a late reply is still to come. */
static error use_line(struct mail_smtp *smtp, struct line *line,
                      const struct mail_delivery *delivery)
{
    if (!line->easy && !(line->easy = smtp->curl.curl_easy_init()))
        return &ERROR_OUT_OF_MEMORY;
    error failed = converse(smtp, line->easy, delivery);

    if (failed) {
        hang_up(&smtp->curl, line->easy);
        line->easy = NULL;
    }
    return failed;
}

/* On a connection of its own: one that was kept may be the last that the server still gives. */
static error check(struct mail_smtp *smtp, const struct mail_delivery *delivery)
{
    CURL *easy = smtp->curl.curl_easy_init();

    if (!easy)
        return &ERROR_OUT_OF_MEMORY;
    error failed = converse(smtp, easy, delivery);

    hang_up(&smtp->curl, easy);
    return failed;
}

static error deliver(struct mail_smtp *smtp, const struct mail_delivery *delivery)
{
    struct line *line = take_line(smtp);
    error failed = use_line(smtp, line, delivery);

    atomic_flag_clear_explicit(&line->taken, memory_order_release);
    return failed;
}

error mail_smtp_deliver(struct mail_smtp *smtp, const struct mail_delivery *delivery)
{
    return delivery->message.at ? deliver(smtp, delivery) : check(smtp, delivery);
}
