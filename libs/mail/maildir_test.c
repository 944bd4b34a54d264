#include "mail/mail.h"
#include "testing/directory.h"
#include "testing/fiber_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct scene {
    struct testing_directory directory;
    struct mailer *mailer;
    struct mail mail;
};

static void open_mailer(struct call *call, struct scene *scene)
{
    const struct mailer_options options = {
        .maildir = str_of(testing_path(&scene->directory, "mails")),
        .hostname = STR("mail.example"),
    };

    assert_null(mailer_new(call->arena, &options, &scene->mailer));
}

static void set_up(struct call *call, struct scene *scene)
{
    scene->directory = testing_directory_new();
    scene->mail = (struct mail){
        .from = STR("Cuib <noreply@cuib.example>"),
        .to = STR("ana@example.com"),
        .subject = STR("\u021aar\u0103"),
        .text = STR("Hello\n"),
        .message_id = STR("<42.confirmation@cuib.example>"),
        .date = { 784111777000 },
    };
    open_mailer(call, scene);
}

static void tear_down(struct scene *scene)
{
    mailer_free(scene->mailer);
    testing_directory_remove(&scene->directory);
}

static const char *path(struct scene *scene, const char *name)
{
    return testing_path(&scene->directory, name);
}

/* The names in that part of the Maildir, each with a blank behind it. */
static const char *names(struct scene *scene, const char *part)
{
    static char found[1000];
    DIR *directory = opendir(path(scene, part));
    const struct dirent *entry;

    found[0] = '\0';
    assert_non_null(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s ", entry->d_name);
    closedir(directory);
    return found;
}

static str content(struct call *call, const char *file)
{
    char *at = arena_alloc(call->arena, 10000);
    int fd = open(file, O_RDONLY);
    ssize_t len = read(fd, at, 10000);

    assert_true(len >= 0);
    close(fd);
    return (str){ at, (size_t)len };
}

TEST(a_mail_lies_in_new_as_it_is_printed)
{
    struct scene scene;
    struct buf expected = buf_new(10000);
    struct stat status;

    set_up(call, &scene);
    assert_text(mailer_where(scene.mailer), path(&scene, "mails"));
    assert_null(mail_send(call, scene.mailer, &scene.mail));
    assert_null(mail_print(call->arena, &scene.mail, &expected));
    const char *file = path(&scene, "mails/new/42.confirmation@cuib.example");

    assert_true(str_eq(content(call, file), buf_text(&expected)));
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(status.st_nlink, 1);
    assert_string_equal(names(&scene, "mails/tmp"), "");
    assert_string_equal(names(&scene, "mails/cur"), "");
    buf_free(&expected);
    tear_down(&scene);
}

TEST(a_mail_that_is_sent_again_lies_there_once)
{
    struct scene scene;

    set_up(call, &scene);
    for (int i = 0; i < 3; i++) {
        if (i == 2) { /* after a restart, too */
            mailer_free(scene.mailer);
            open_mailer(call, &scene);
        }
        assert_null(mail_send(call, scene.mailer, &scene.mail));
        scene.mail.text = STR("Another text\n");
        assert_string_equal(names(&scene, "mails/new"), "42.confirmation@cuib.example ");
    }
    str found = content(call, path(&scene, "mails/new/42.confirmation@cuib.example"));

    assert_non_null(memmem(found.at, found.len, "Hello", 5));
    assert_string_equal(names(&scene, "mails/tmp"), "");
    tear_down(&scene);
}

TEST(a_mail_that_was_read_is_not_delivered_again)
{
    static const char *const rows[] = { "", ":2,", ":2,RS" };
    struct scene scene;

    set_up(call, &scene);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str id = arena_printf(call->arena, "<%zu@cuib.example>", i);
        str from = arena_printf(call->arena, "mails/new/%zu@cuib.example", i);
        str to = arena_printf(call->arena, "mails/cur/%zu@cuib.example%s", i, rows[i]);

        scene.mail.message_id = id;
        assert_null(mail_send(call, scene.mailer, &scene.mail));
        assert_int_equal(rename(path(&scene, from.at), path(&scene, to.at)), 0);
        assert_null(mail_send(call, scene.mailer, &scene.mail));
        assert_string_equal(names(&scene, "mails/new"), "");
    }
    scene.mail.message_id = STR("<1@cuib.exampl>"); /* the beginning of another's name */
    assert_null(mail_send(call, scene.mailer, &scene.mail));
    assert_string_equal(names(&scene, "mails/new"), "1@cuib.exampl ");
    tear_down(&scene);
}

TEST(the_check_writes_and_leaves_nothing)
{
    struct scene scene;

    set_up(call, &scene);
    assert_null(mail_check(call, scene.mailer));
    assert_string_equal(names(&scene, "mails/tmp"), "");
    assert_string_equal(names(&scene, "mails/new"), "");
    assert_int_equal(rmdir(path(&scene, "mails/tmp")), 0);
    assert_int_equal(mail_check(call, scene.mailer)->status, 500);
    assert_int_equal(mail_send(call, scene.mailer, &scene.mail)->status, 500);
    tear_down(&scene);
}

TEST(a_directory_that_cannot_be_made_is_an_error)
{
    struct scene scene;
    struct mailer *mailer = NULL;

    set_up(call, &scene);
    int file = open(path(&scene, "file"), O_WRONLY | O_CREAT, 0600);
    const struct mailer_options options = { .maildir = str_of(path(&scene, "file")) };

    assert_int_equal(mailer_new(call->arena, &options, &mailer)->status, 500);
    assert_null(mailer);
    close(file);
    tear_down(&scene);
}

TEST(a_mail_that_is_refused_writes_nothing)
{
    struct scene scene;

    set_up(call, &scene);
    scene.mail.subject = STR("a\nBcc: b@c.d");
    assert_int_equal(mail_send(call, scene.mailer, &scene.mail)->status, 400);
    scene.mail.subject = STR("a");
    scene.mail.message_id = STR("<../../x@y>");
    assert_int_equal(mail_send(call, scene.mailer, &scene.mail)->status, 400);
    assert_string_equal(names(&scene, "mails/new"), "");
    tear_down(&scene);
}

struct sender {
    struct call call;
    struct scene *scene;
    int number, of;
    int *left;
};

static void send_some(void *argument)
{
    struct sender *sender = argument;

    for (int i = 0; i < sender->of; i++) {
        struct mail mail = sender->scene->mail;

        /* Each mail is sent by two of the fibers. */
        mail.message_id = arena_printf(sender->call.arena, "<%d.%d@x>", sender->number / 2, i);
        assert_null(mail_send(&sender->call, sender->scene->mailer, &mail));
    }
    --*sender->left;
}

TEST(many_fibers_deliver_at_once)
{
    enum { SENDERS = 16, EACH = 5 };
    struct sender senders[SENDERS];
    struct scene scene;
    int left = SENDERS, found = 0;

    set_up(call, &scene);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ *call, &scene, i, EACH, &left };
        senders[i].call.arena = arena_new(ARENA_CALL_MAX);
        assert_null(fiber_start(send_some, &senders[i]));
    }
    while (left)
        assert_null(call_sleep(call, 1));
    for (const char *at = names(&scene, "mails/new"); *at; at++)
        found += *at == ' ';
    assert_int_equal(found, SENDERS / 2 * EACH);
    assert_string_equal(names(&scene, "mails/tmp"), "");
    for (int i = 0; i < SENDERS; i++)
        arena_free(senders[i].call.arena);
    tear_down(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_lies_in_new_as_it_is_printed),
        cmocka_unit_test(a_mail_that_is_sent_again_lies_there_once),
        cmocka_unit_test(a_mail_that_was_read_is_not_delivered_again),
        cmocka_unit_test(the_check_writes_and_leaves_nothing),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_an_error),
        cmocka_unit_test(a_mail_that_is_refused_writes_nothing),
        cmocka_unit_test(many_fibers_deliver_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
