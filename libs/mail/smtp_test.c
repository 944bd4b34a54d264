/* Mails over the real wire, to tests/system/smtp-sink.mjs, which reads them with its own means and fails when it is
 * told to. */
#include "json/json.h"
#include "mail/mail.h"
#include "runtime/clock.h"
#include "testing/fiber_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TLS "tests/data/tls/"
#define PASSWORD "s3same/+?open"

/* --- the sink -------------------------------------------------------------------------------------- */

struct sink {
    struct arena *arena;
    pid_t pid;
    FILE *to, *from;
    unsigned port;
};

/* One line of JSON. */
static const struct json *hear(struct sink *sink)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len = getline(&line, &capacity, sink->from);
    const struct json *answer;

    assert_true(len > 0);
    assert_null(
        json_parse(sink->arena, arena_copy(sink->arena, (str){ line, (size_t)len }), &answer));
    free(line);
    clock_update(); /* the loop has stood still */
    return answer;
}

static const struct json *tell(struct sink *sink, const char *command)
{
    assert_true(fprintf(sink->to, "%s\n", command) > 0);
    fflush(sink->to);
    return hear(sink);
}

static str text_of(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, str_of(name));

    assert_non_null(member);
    return member->text;
}

static int64_t number_of(const struct json *object, const char *name)
{
    int64_t number;

    assert_true(json_integer(json_member(object, str_of(name)), &number));
    return number;
}

/* `options` are up to ten, ended by NULL. */
static void start_sink(struct call *call, struct sink *sink, const char *const options[])
{
    const char *arguments[16] = { "node", "tests/system/smtp-sink.mjs", "--control" };
    int to[2], from[2];

    for (int i = 0; options && options[i]; i++)
        arguments[3 + i] = options[i];
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    pid_t pid = fork();

    assert_return_code(pid, 0);
    if (pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        execv("tools/node", (char **)arguments);
        _exit(1);
    }
    close(to[0]);
    close(from[1]);
    *sink = (struct sink){ call->arena, pid, fdopen(to[1], "w"), fdopen(from[0], "r"), 0 };
    sink->port = (unsigned)number_of(hear(sink), "port");
}

/* The sink ends with its input. */
static void stop_sink(struct sink *sink)
{
    int status;

    fclose(sink->to);
    fclose(sink->from);
    assert_int_equal(waitpid(sink->pid, &status, 0), sink->pid);
    assert_int_equal(status, 0);
}

/* The mails since the last time; there must be `count`. */
static const struct json *mails(struct sink *sink, unsigned count)
{
    const struct json *list = json_member(tell(sink, "[\"mails\"]"), STR("mails"));

    assert_int_equal(list->count, count);
    return list->first;
}

static int64_t said(struct sink *sink, const char *verb)
{
    const struct json *commands = json_member(tell(sink, "[\"state\"]"), STR("commands"));
    int64_t number = 0;

    json_integer(json_member(commands, str_of(verb)), &number);
    return number;
}

static int64_t connections(struct sink *sink)
{
    return number_of(tell(sink, "[\"state\"]"), "connections");
}

/* --- the mailer ------------------------------------------------------------------------------------ */

static struct mailer_options options_of(const struct sink *sink)
{
    return (struct mailer_options){
        .smtp_host = STR("127.0.0.1"),
        .smtp_port = sink->port,
        .hostname = STR("cuib.example"),
    };
}

static struct mailer *mailer_to(struct call *call, const struct sink *sink)
{
    struct mailer_options options = options_of(sink);
    struct mailer *mailer;

    assert_null(mailer_new(call->arena, &options, &mailer));
    return mailer;
}

static struct mail a_mail(void)
{
    return (struct mail){
        .from = STR("Cuib <noreply@cuib.example>"),
        .to = STR("Ana <ana@example.com>"),
        .subject = STR("Comanda ta, \u0219i \u021bara \U0001f600"),
        .text = STR("Salut\n"),
        .html = STR("<p>Salut</p>\n"),
        .message_id = STR("<42@cuib.example>"),
        .date = { 784111777000 },
    };
}

static void assert_failure(error failed, int status, const char *words)
{
    assert_non_null(failed);
    if (failed->status != status || !strstr(failed->message, words))
        print_error("found %d %s, expected %d %s\n", failed->status, failed->message, status,
                    words);
    assert_int_equal(failed->status, status);
    assert_non_null(strstr(failed->message, words));
}

static str repeat(struct call *call, const char *text, size_t times)
{
    struct buf out = buf_new(MAIL_MAX);

    while (times--)
        buf_add(&out, str_of(text));
    str copy = arena_copy(call->arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

/* --- tests ----------------------------------------------------------------------------------------- */

TEST(a_mail_arrives_as_it_was_written)
{
    const str texts[] = {
        STR("Salut\n"),
        STR(".\n..\n.QUIT\n\n.\n"),
        STR("no line break at the end."),
        repeat(call, "\u021bar\u0103 \U0001f44d ", 500),
        repeat(call, ".\n", 50 * 1000),
        repeat(call, "x", 1500 * 1000),
    };
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        mail.text = texts[i];
        assert_null(mail_send(call, mailer, &mail));
        const struct json *found = mails(&sink, 1);

        assert_text(text_of(found, "from"), "noreply@cuib.example");
        assert_text(json_member(found, STR("to"))->first->text, "ana@example.com");
        assert_true(str_eq(text_of(found, "subject"), mail.subject));
        assert_true(str_eq(text_of(found, "text"), mail.text));
        assert_true(str_eq(text_of(found, "html"), mail.html));
        assert_int_equal(json_member(found, STR("problems"))->count, 0);
        const struct json *headers = json_member(found, STR("headers"));

        assert_text(text_of(headers, "message-id"), "<42@cuib.example>");
        assert_text(text_of(headers, "date"), "Sun, 06 Nov 1994 08:49:37 +0000");
        assert_int_equal(headers->count, 8);
    }
    str where = arena_printf(call->arena, "smtp://127.0.0.1:%u", sink.port);

    assert_text(mailer_where(mailer), where.at);
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(mails_one_after_the_other_share_a_connection)
{
    struct sink sink;
    struct mail mail = a_mail();

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    for (int i = 0; i < 50; i++)
        assert_null(mail_send(call, mailer, &mail));
    mails(&sink, 50);
    assert_int_equal(connections(&sink), 1);
    mailer_free(mailer);
    stop_sink(&sink);
}

struct sender {
    struct call call;
    struct mailer *mailer;
    int mails, *left;
};

static void send_some(void *argument)
{
    struct sender *sender = argument;
    struct mail mail = a_mail();

    for (int i = 0; i < sender->mails; i++)
        assert_null(mail_send(&sender->call, sender->mailer, &mail));
    --*sender->left;
}

TEST(mails_at_once_share_few_connections)
{
    enum { SENDERS = 20, EACH = 10 };
    struct sender senders[SENDERS];
    struct sink sink;
    int left = SENDERS;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ *call, mailer, EACH, &left };
        senders[i].call.arena = arena_new(ARENA_CALL_MAX);
        assert_null(fiber_start(send_some, &senders[i]));
    }
    while (left)
        assert_null(call_sleep(call, 1));
    mails(&sink, SENDERS * EACH);
    assert_in_range(connections(&sink), 1, MAIL_THREADS);
    for (int i = 0; i < SENDERS; i++)
        arena_free(senders[i].call.arena);
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(refusals_are_told_apart_and_in_the_servers_words)
{
    static const struct {
        const char *at, *answer;
        int status;
    } rows[] = {
        { "MAIL", "550 5.7.1 Sender refused", 422 },
        { "MAIL", "451 4.3.0 Later", 503 },
        { "MAIL", "452 4.3.1 Full", 503 },
        { "MAIL", "552 5.3.4 Too big", 422 },
        { "MAIL", "530 5.7.0 Authentication required", 500 },
        { "RCPT", "550 5.1.1 No such user", 422 },
        { "RCPT", "450 4.2.1 Greylisted", 503 },
        { "RCPT", "421 4.3.2 Closing", 503 },
        { "DATA", "554 5.7.1 No", 422 },
        { "DATA", "451 4.3.0 Not now", 503 },
        { "end", "554 5.7.1 Spam", 422 },
        { "end", "451 4.3.0 Disk", 503 },
        { "connect", "554 5.3.2 Nobody here", 500 },
        { "connect", "421 4.3.2 Busy", 503 },
    };
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str rule =
            arena_printf(call->arena, "[\"on\",{\"at\":\"%s\",\"answer\":\"%s\",\"times\":1}]",
                         rows[i].at, rows[i].answer);

        struct mailer *mailer = mailer_to(call, &sink);

        tell(&sink, rule.at);
        assert_failure(mail_send(call, mailer, &mail), rows[i].status, rows[i].answer);
        mails(&sink, 0);
        assert_null(mail_send(call, mailer, &mail));
        mails(&sink, 1);
        mailer_free(mailer);
    }
    stop_sink(&sink);
}

TEST(a_reply_of_several_lines_is_quoted_whole)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    tell(&sink, "[\"on\",{\"at\":\"RCPT\",\"to\":\"ana@example.com\",\"answer\":"
                "\"550-5.1.1 No such\\u0007 user.\\r\\n550 5.1.1 Ask \xc3\xa9.\"}]");
    assert_failure(mail_send(call, mailer, &mail), 422, "550-5.1.1 No such? user. 5.1.1 Ask ??.");
    mail.to = STR("dan@example.com");
    assert_null(mail_send(call, mailer, &mail));
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(a_connection_lost_after_the_mail_leaves_it_unknown)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    for (int i = 0; i < 2; i++) { /* on a new connection and on one that was kept */
        tell(&sink, "[\"on\",{\"at\":\"end\",\"drop\":true,\"times\":1}]");
        assert_failure(mail_send(call, mailer, &mail), 503, "not known");
        mails(&sink, 1);
        assert_null(mail_send(call, mailer, &mail));
        mails(&sink, 1);
    }
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(a_connection_lost_before_the_mail_is_an_absent_server)
{
    static const char *const rows[] = { "connect", "EHLO", "MAIL", "RCPT", "DATA" };
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mailer *mailer = mailer_to(call, &sink);
        str rule = arena_printf(call->arena, "[\"on\",{\"at\":\"%s\",\"drop\":true,\"times\":1}]",
                                rows[i]);

        tell(&sink, rule.at);
        assert_failure(mail_send(call, mailer, &mail), 503, "smtp://127.0.0.1:");
        assert_null(mail_send(call, mailer, &mail));
        mailer_free(mailer);
        mails(&sink, 1);
    }
    stop_sink(&sink);
}

/* Whether the server went away and came back, said 421 for being idle, or just hung up. */
TEST(a_kept_connection_that_died_costs_no_mail)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    assert_null(mail_send(call, mailer, &mail));
    tell(&sink, "[\"close\"]");
    tell(&sink, "[\"listen\"]");
    assert_null(mail_send(call, mailer, &mail));
    tell(&sink, "[\"on\",{\"at\":\"MAIL\",\"drop\":true,\"times\":1}]");
    assert_null(mail_send(call, mailer, &mail));
    tell(&sink, "[\"on\",{\"at\":\"MAIL\",\"answer\":\"421 4.4.2 Idle\",\"times\":1}]");
    assert_null(mail_send(call, mailer, &mail));
    mails(&sink, 4);
    assert_int_equal(connections(&sink), 4);
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(a_server_that_is_away_is_tried_again)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    tell(&sink, "[\"close\"]");
    assert_failure(mail_send(call, mailer, &mail), 503, "onnect");
    assert_failure(mail_check(call, mailer), 503, "onnect");
    tell(&sink, "[\"listen\"]");
    assert_null(mail_send(call, mailer, &mail));
    mails(&sink, 1);
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(a_server_that_hangs_is_left_at_the_deadline)
{
    static const struct {
        const char *at, *words;
    } rows[] = {
        { "connect", "" },
        { "EHLO", "" },
        { "MAIL", "" },
        { "end", "not known" },
    };
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mailer *mailer = mailer_to(call, &sink);
        struct call brief = call_new(call->arena, 200);
        str rule = arena_printf(call->arena, "[\"on\",{\"at\":\"%s\",\"hang\":true,\"times\":1}]",
                                rows[i].at);
        uint64_t begin = clock_ns();

        tell(&sink, rule.at);
        brief.deadline_ms = clock_ms() + 200;
        assert_failure(mail_send(&brief, mailer, &mail), 503, rows[i].words);
        assert_in_range((clock_ns() - begin) / 1000000, 150, 2000);
        mailer_free(mailer);
    }
    stop_sink(&sink);
}

/* Its late reply must not be taken for one to the next mail. */
TEST(a_reply_that_comes_too_late_is_nobodys)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);
    struct call brief;

    tell(&sink, "[\"on\",{\"at\":\"end\",\"delayMs\":300,\"times\":1}]");
    brief = call_new(call->arena, 100);
    assert_failure(mail_send(&brief, mailer, &mail), 503, "not known");
    assert_null(call_sleep(call, 300));
    mail.to = STR("dan@example.com");
    assert_null(mail_send(call, mailer, &mail));
    assert_int_equal(connections(&sink), 2);
    assert_text(json_member(mails(&sink, 2)->next, STR("to"))->first->text, "dan@example.com");
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(nobody_waits_for_the_answer_to_quit)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);
    uint64_t begin = clock_ns();

    tell(&sink, "[\"on\",{\"at\":\"QUIT\",\"hang\":true}]");
    assert_null(mail_check(call, mailer));
    assert_null(mail_send(call, mailer, &mail));
    mailer_free(mailer);
    assert_in_range((clock_ns() - begin) / 1000000, 0, 2000);
    stop_sink(&sink);
}

struct cancelled {
    struct call call;
    struct mailer *mailer;
    error result;
    bool ended;
};

static void send_cancelled(void *argument)
{
    struct cancelled *scene = argument;
    struct mail mail = a_mail();

    scene->result = mail_send(&scene->call, scene->mailer, &mail);
    arena_free(scene->call.arena);
    scene->ended = true;
}

/* The thread uses the call's memory until the server has answered. */
TEST(a_cancelled_mail_is_waited_for)
{
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct cancelled scene = { .mailer = mailer_to(call, &sink) };

    scene.call = call_new(arena_new(ARENA_CALL_MAX), 10 * 1000);
    tell(&sink, "[\"on\",{\"at\":\"RCPT\",\"delayMs\":200,\"times\":1}]");
    assert_null(fiber_start(send_cancelled, &scene));
    assert_null(call_sleep(call, 50));
    call_cancel(&scene.call);
    while (!scene.ended)
        assert_null(call_sleep(call, 1));
    assert_null(scene.result);
    mails(&sink, 1);
    mailer_free(scene.mailer);
    stop_sink(&sink);
}

TEST(what_is_refused_here_never_reaches_the_server)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    mail.to = STR("ana@example.com> SIZE=1\r\nRCPT TO:<dan@example.com");
    assert_int_equal(mail_send(call, mailer, &mail)->status, 400);
    mail = a_mail();
    mail.subject = STR("x\r\nBcc: dan@example.com");
    assert_int_equal(mail_send(call, mailer, &mail)->status, 400);
    assert_int_equal(connections(&sink), 0);
    mailer_free(mailer);
    stop_sink(&sink);
}

/* --- TLS and AUTH ---------------------------------------------------------------------------------- */

static const char *const STARTTLS[] = { "--cert", TLS "server.pem", "--key", TLS "server.key",
                                        NULL };
static const char *const IMPLICIT[] = { "--cert",         TLS "server.pem", "--key",
                                        TLS "server.key", "--implicit-tls", NULL };
static const char *const ELSEWHERE[] = { "--cert", TLS "elsewhere.pem", "--key",
                                         TLS "elsewhere.key", NULL };
static const char *const PLAIN[] = { NULL };

TEST(tls_is_spoken_and_checked_as_it_is_set)
{
    static const struct {
        const char *const *server;
        enum mail_tls tls;
        const char *ca;
        int status; /* 0: the mail arrives */
        bool secure;
    } rows[] = {
        { STARTTLS, MAIL_TLS_STARTTLS, TLS "ca.pem", 0, true },
        { STARTTLS, MAIL_TLS_OPPORTUNIST, TLS "ca.pem", 0, true },
        { STARTTLS, MAIL_TLS_NONE, TLS "ca.pem", 0, false },
        { PLAIN, MAIL_TLS_OPPORTUNIST, TLS "ca.pem", 0, false },
        { IMPLICIT, MAIL_TLS_IMPLICIT, TLS "ca.pem", 0, true },
        { PLAIN, MAIL_TLS_STARTTLS, TLS "ca.pem", 500, false },
        { PLAIN, MAIL_TLS_IMPLICIT, TLS "ca.pem", 500, false },
        { STARTTLS, MAIL_TLS_STARTTLS, TLS "stranger.pem", 500, false },
        { STARTTLS, MAIL_TLS_STARTTLS, NULL, 500, false },
        { STARTTLS, MAIL_TLS_STARTTLS, TLS "missing.pem", 500, false },
        { ELSEWHERE, MAIL_TLS_STARTTLS, TLS "ca.pem", 500, false },
        { ELSEWHERE, MAIL_TLS_OPPORTUNIST, TLS "ca.pem", 500, false },
        { IMPLICIT, MAIL_TLS_IMPLICIT, TLS "stranger.pem", 500, false },
    };
    struct mail mail = a_mail();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sink sink;
        struct mailer *mailer;

        start_sink(call, &sink, rows[i].server);
        struct mailer_options options = options_of(&sink);

        options.tls = rows[i].tls;
        options.smtp_ca = rows[i].ca ? str_of(rows[i].ca) : (str){ 0 };
        assert_null(mailer_new(call->arena, &options, &mailer));
        for (int k = 0; k < 2; k++) {
            error failed = mail_send(call, mailer, &mail);

            if (failed)
                assert_failure(failed, rows[i].status, "127.0.0.1");
            assert_int_equal(!failed, !rows[i].status);
        }
        if (!rows[i].status) {
            assert_int_equal(json_member(mails(&sink, 2), STR("secure"))->type,
                             rows[i].secure ? JSON_TRUE : JSON_FALSE);
            assert_int_equal(connections(&sink), 1);
        }
        assert_int_equal(said(&sink, "MAIL"), rows[i].status ? 0 : 2);
        mailer_free(mailer);
        stop_sink(&sink);
    }
}

static struct mailer *mailer_as(struct call *call, const struct sink *sink, const char *password)
{
    struct mailer_options options = options_of(sink);
    struct mailer *mailer;

    options.smtp_user = STR("cuib");
    options.smtp_password = str_of(password);
    assert_null(mailer_new(call->arena, &options, &mailer));
    return mailer;
}

TEST(the_server_is_told_who_sends)
{
    static const char *const mechanisms[] = { "PLAIN", "LOGIN", "LOGIN,PLAIN" };
    struct mail mail = a_mail();

    for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
        const char *const options[] = { "--auth", "cuib:" PASSWORD, "--mechanisms", mechanisms[i],
                                        NULL };
        struct sink sink;

        start_sink(call, &sink, options);
        struct mailer *mailer = mailer_as(call, &sink, PASSWORD);

        assert_null(mail_check(call, mailer));
        assert_null(mail_send(call, mailer, &mail));
        assert_text(text_of(mails(&sink, 1), "user"), "cuib");
        mailer_free(mailer);
        mailer = mailer_to(call, &sink);
        assert_failure(mail_send(call, mailer, &mail), 500, "530 5.7.0");
        mailer_free(mailer);
        stop_sink(&sink);
    }
}

/* "\0cuib\0s3same/+?open" and the password alone, in base64. */
#define AS_PLAIN "AGN1aWIAczNzYW1lLys/b3Blbg=="
#define AS_LOGIN "czNzYW1lLys/b3Blbg=="

TEST(no_error_quotes_the_password)
{
    static const struct {
        const char *answer, *words;
        int status;
    } rows[] = {
        { "535 5.7.8 Wrong", ": 535 5.7.8 Wrong", 500 },
        { "454 4.7.0 Later", ": 454 4.7.0 Later", 503 },
        { "535 5.7.8 Not " PASSWORD "!", ": 535", 500 },
        { "535 5.7.8 Not '" AS_PLAIN "'", ": 535", 500 },
        { "500-What is this?\\r\\n500 " AS_LOGIN, ": 500", 500 },
    };
    static const char *const options[] = { "--auth", "cuib:other", NULL };
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, options);
    struct mailer *mailer = mailer_as(call, &sink, PASSWORD);

    assert_failure(mail_send(call, mailer, &mail), 500, "535 5.7.8");
    assert_failure(mail_check(call, mailer), 500, "535 5.7.8");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str rule =
            arena_printf(call->arena, "[\"on\",{\"at\":\"AUTH\",\"answer\":\"%s\",\"times\":1}]",
                         rows[i].answer);

        tell(&sink, rule.at);
        error failed = mail_send(call, mailer, &mail);

        assert_failure(failed, rows[i].status, rows[i].words);
        assert_null(strstr(failed->message, PASSWORD));
        assert_null(strstr(failed->message, AS_PLAIN));
        assert_null(strstr(failed->message, AS_LOGIN));
    }
    mails(&sink, 0);
    mailer_free(mailer);
    stop_sink(&sink);
}

/* --- the check ------------------------------------------------------------------------------------- */

TEST(the_check_connects_and_sends_nothing)
{
    struct mail mail = a_mail();
    struct sink sink;

    start_sink(call, &sink, NULL);
    struct mailer *mailer = mailer_to(call, &sink);

    assert_null(mail_send(call, mailer, &mail));
    for (int i = 0; i < 3; i++)
        assert_null(mail_check(call, mailer));
    assert_int_equal(connections(&sink), 4);
    assert_int_equal(said(&sink, "EHLO"), 4);
    assert_int_equal(said(&sink, "NOOP"), 3);
    assert_int_equal(said(&sink, "QUIT"), 3);
    assert_int_equal(said(&sink, "MAIL"), 1);
    assert_null(mail_send(call, mailer, &mail));
    assert_int_equal(connections(&sink), 4); /* the first connection was kept */
    tell(&sink, "[\"on\",{\"at\":\"NOOP\",\"answer\":\"421 4.3.2 Closing\"}]");
    assert_failure(mail_check(call, mailer), 503, "421 4.3.2 Closing");
    mailer_free(mailer);
    stop_sink(&sink);
}

TEST(settings_that_cannot_be_are_refused)
{
    static const struct mailer_options rows[] = {
        { .smtp_host = STR_INIT("") },
        { .smtp_host = STR_INIT("a/b") },
        { .smtp_host = STR_INIT("a b") },
        { .smtp_host = STR_INIT("user@a") },
        { .smtp_host = STR_INIT("a\0b") },
        { .smtp_host = STR_INIT("a"), .hostname = STR_INIT("") },
        { .smtp_host = STR_INIT("a"), .hostname = STR_INIT("a\r\nMAIL") },
        { .smtp_host = STR_INIT("a"), .hostname = STR_INIT("../a") },
        { .smtp_host = STR_INIT("a"), .smtp_user = STR_INIT("u\0") },
        { .smtp_host = STR_INIT("a"),
          .smtp_user = STR_INIT("u"),
          .smtp_password = STR_INIT("p\0") },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mailer *mailer = NULL;

        assert_int_equal(mailer_new(call->arena, &rows[i], &mailer)->status, 500);
        assert_null(mailer);
    }
    mailer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_arrives_as_it_was_written),
        cmocka_unit_test(mails_one_after_the_other_share_a_connection),
        cmocka_unit_test(mails_at_once_share_few_connections),
        cmocka_unit_test(refusals_are_told_apart_and_in_the_servers_words),
        cmocka_unit_test(a_reply_of_several_lines_is_quoted_whole),
        cmocka_unit_test(a_connection_lost_after_the_mail_leaves_it_unknown),
        cmocka_unit_test(a_connection_lost_before_the_mail_is_an_absent_server),
        cmocka_unit_test(a_kept_connection_that_died_costs_no_mail),
        cmocka_unit_test(a_server_that_is_away_is_tried_again),
        cmocka_unit_test(a_server_that_hangs_is_left_at_the_deadline),
        cmocka_unit_test(a_reply_that_comes_too_late_is_nobodys),
        cmocka_unit_test(nobody_waits_for_the_answer_to_quit),
        cmocka_unit_test(a_cancelled_mail_is_waited_for),
        cmocka_unit_test(what_is_refused_here_never_reaches_the_server),
        cmocka_unit_test(tls_is_spoken_and_checked_as_it_is_set),
        cmocka_unit_test(the_server_is_told_who_sends),
        cmocka_unit_test(no_error_quotes_the_password),
        cmocka_unit_test(the_check_connects_and_sends_nothing),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
