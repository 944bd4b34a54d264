#include "runtime/log.h"
#include "runtime/loop.h"
#include "testing/directory.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <string.h>
#include <sys/stat.h>

/* While a test logs, stdout and stderr are files. */
static struct {
    struct testing_directory directory;
    int saved[2];
    char text[2][64 * 1024];
} capture;

static void redirect(int fd, const char *name)
{
    int file = open(testing_path(&capture.directory, name), O_RDWR | O_CREAT | O_TRUNC, 0600);

    capture.saved[fd - 1] = dup(fd);
    dup2(file, fd);
    close(file);
}

static void begin_capture(enum log_level level, enum log_format format)
{
    fflush(stdout);
    log_flush();
    capture.directory = testing_directory_new();
    redirect(STDOUT_FILENO, "out");
    redirect(STDERR_FILENO, "err");
    log_setup(level, format);
}

static void read_back(int fd)
{
    char *text = capture.text[fd - 1];
    ssize_t len = pread(fd, text, sizeof capture.text[0] - 1, 0);

    text[len > 0 ? len : 0] = '\0';
}

/* Gives the streams back; what was logged is then in `capture.text`. */
static void stop_capture(void)
{
    read_back(STDOUT_FILENO);
    read_back(STDERR_FILENO);
    for (int fd = 1; fd <= 2; fd++) {
        dup2(capture.saved[fd - 1], fd);
        close(capture.saved[fd - 1]);
    }
    testing_directory_remove(&capture.directory);
    log_setup(LOG_INFO, LOG_TEXT);
}

static void end_capture(void)
{
    log_flush();
    stop_capture();
}

static const char *const out = capture.text[0], *const err = capture.text[1];

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int missed = regexec(&regex, text, 0, NULL, 0);

    regfree(&regex);
    if (missed)
        fail_msg("\"%s\" does not match %s", text, pattern);
}

static void a_line_looks_as_nestjs_prints_it(void **state)
{
    (void)state;
    begin_capture(LOG_VERBOSE, LOG_TEXT);
    log_info("Gateway", "listens on %d", 3000);
    log_warn("Gateway", "slow");
    log_line(LOG_VERBOSE, "Gateway", "detail");
    end_capture();
    assert_matches(
        out, "^\\[Cuib\\] [0-9]+  - [0-9]{2}/[0-9]{2}/[0-9]{4}, [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AP]M"
             "     LOG \\[Gateway\\] listens on 3000\n");
    assert_matches(out, "    WARN \\[Gateway\\] slow\n");
    assert_matches(out, " VERBOSE \\[Gateway\\] detail\n$");
    assert_string_equal(err, "");
}

static void errors_go_to_stderr(void **state)
{
    (void)state;
    begin_capture(LOG_INFO, LOG_TEXT);
    log_error("Store", "failed");
    log_line(LOG_FATAL, "Store", "gone");
    end_capture();
    assert_string_equal(out, "");
    assert_matches(err, "   ERROR \\[Store\\] failed\n.*   FATAL \\[Store\\] gone\n$");
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void)state;
    begin_capture(LOG_WARN, LOG_TEXT);
    log_info("X", "no");
    log_debug("X", "no");
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    log_warn("X", "yes");
    end_capture();
    assert_null(strstr(out, "no"));
    assert_non_null(strstr(out, "yes"));
}

static void a_json_line_has_five_members(void **state)
{
    (void)state;
    begin_capture(LOG_INFO, LOG_JSON);
    log_info("Gateway", "said \"%s\"", "hi\\");
    end_capture();
    assert_matches(out,
                   "^\\{\"level\":\"log\",\"pid\":[0-9]+,\"timestamp\":[0-9]{13},"
                   "\"message\":\"said \\\\\"hi\\\\\\\\\\\\\"\",\"context\":\"Gateway\"\\}\n$");
}

static void nobody_can_forge_a_line(void **state)
{
    static const enum log_format formats[] = { LOG_TEXT, LOG_JSON };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        begin_capture(LOG_INFO, formats[i]);
        log_info("X", "%s", "a\nb\r\tc\x1B[2J\x7F.");
        end_capture();
        assert_non_null(strstr(out, "a\\u000ab\\u000d\\u0009c\\u001b[2J\\u007f."));
        assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
    }
}

static void json_stays_utf8_whatever_is_logged(void **state)
{
    (void)state;
    begin_capture(LOG_INFO, LOG_JSON);
    log_info("X", "ș%s", "\xFF");
    log_info("X", "ș");
    end_capture();
    assert_non_null(strstr(out, "\"message\":\"\\ufffd\\ufffd\\ufffd\""));
    assert_non_null(strstr(out, "\"message\":\"ș\""));
}

static void a_long_line_is_cut_between_characters(void **state)
{
    char text[3 * 4096];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "€", 3);
        text[sizeof text - 4] = '\0';
        begin_capture(LOG_INFO, LOG_JSON);
        log_info("X", "%s", text);
        end_capture();
        assert_true(str_is_utf8(str_of(out)));
        assert_null(strstr(out, "\\ufffd"));
        assert_in_range(strlen(out), 4000, 4200);
    }
}

static void a_fatal_line_is_written_at_once(void **state)
{
    (void)state;
    begin_capture(LOG_INFO, LOG_TEXT);
    log_info("X", "gathered");
    log_line(LOG_FATAL, "X", "last words");
    stop_capture();
    assert_null(strstr(out, "gathered"));
    assert_non_null(strstr(err, "last words"));
}

static void a_failure_names_its_causes(void **state)
{
    static const struct error disk = ERROR(500, "disk full");
    static const struct error store = { .status = 500, .message = "cannot write", .cause = &disk };
    static const struct error order = { .status = 503, .message = "not stored", .cause = &store };

    (void)state;
    begin_capture(LOG_INFO, LOG_TEXT);
    log_failure("Orders", "POST /orders", &order);
    end_capture();
    assert_non_null(strstr(err, "[Orders] POST /orders: not stored: cannot write: disk full\n"));
}

static void a_failure_with_a_list_names_its_first(void **state)
{
    static const str TEXTS[] = { STR_INIT("total must be a number"),
                                 STR_INIT("id must be a UUID") };
    static const strs LIST = { TEXTS, 2 }, NONE = { TEXTS, 0 };
    static const struct error bad = { .status = 400, .message = "Bad Request", .messages = &LIST };
    static const struct error odd = { .status = 502, .message = "Odd", .cause = &bad };
    static const struct error bare = { .status = 400, .message = "Bare", .messages = &NONE };

    (void)state;
    begin_capture(LOG_INFO, LOG_TEXT);
    log_failure("Orders", "order.created", &bad);
    log_failure("Orders", "an answer", &odd);
    log_failure("Orders", "a list", &bare);
    end_capture();
    assert_non_null(strstr(err, "[Orders] order.created: Bad Request: total must be a number\n"));
    assert_non_null(strstr(err, "[Orders] an answer: Odd: Bad Request: total must be a number\n"));
    assert_non_null(strstr(err, "[Orders] a list: Bare\n"));
}

static void a_failure_of_many_words_is_cut(void **state)
{
    static char words[8000];
    const str texts[] = { { words, sizeof words - 1 } };
    const strs list = { texts, 1 };
    const struct error bad = { .status = 400, .message = "Bad Request", .messages = &list };
    const struct error worse = { .status = 500, .message = "Worse", .cause = &bad };

    (void)state;
    memset(words, 'w', sizeof words - 1);
    begin_capture(LOG_INFO, LOG_TEXT);
    log_failure("Orders", "order.created", &worse);
    end_capture();
    assert_non_null(strstr(err, "[Orders] order.created: Worse: Bad Request: www"));
    assert_in_range(strlen(err), 4000, 4200);
}

enum { WRITERS = 4, LINES = 100 };

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_info("T", "<%s %d>", (const char *)argument, i);
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    static char names[WRITERS][2] = { "a", "b", "c", "d" };
    pthread_t threads[WRITERS];
    int lines = 0;

    (void)state;
    begin_capture(LOG_INFO, LOG_JSON);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < 50; i++)
        log_flush();
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    end_capture();
    for (const char *line = out; *line; line = strchr(line, '\n') + 1, lines++)
        assert_int_equal(strncmp(line, "{\"level\":\"log\"", 14), 0);
    assert_int_equal(lines, WRITERS * LINES);
}

static void stop_the_loop(struct loop_message *message)
{
    (void)message;
    log_info("X", "in the loop");
    loop_stop();
}

static void the_loop_writes_out_each_turn(void **state)
{
    struct loop_message message = { .run = stop_the_loop };

    (void)state;
    begin_capture(LOG_INFO, LOG_TEXT);
    assert_null(loop_init());
    loop_post(&message);
    loop_run();
    stop_capture();
    loop_close();
    assert_non_null(strstr(out, "in the loop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_looks_as_nestjs_prints_it),
        cmocka_unit_test(errors_go_to_stderr),
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(a_json_line_has_five_members),
        cmocka_unit_test(nobody_can_forge_a_line),
        cmocka_unit_test(json_stays_utf8_whatever_is_logged),
        cmocka_unit_test(a_long_line_is_cut_between_characters),
        cmocka_unit_test(a_fatal_line_is_written_at_once),
        cmocka_unit_test(a_failure_names_its_causes),
        cmocka_unit_test(a_failure_with_a_list_names_its_first),
        cmocka_unit_test(a_failure_of_many_words_is_cut),
        cmocka_unit_test(threads_do_not_mix_their_lines),
        cmocka_unit_test(the_loop_writes_out_each_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
