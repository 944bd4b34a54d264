#include "runtime/file.h"
#include "testing/directory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct testing_directory directory;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    directory = testing_directory_new();
    arena = arena_new(ARENA_CALL_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    testing_directory_remove(&directory);
    arena_free(arena);
    return 0;
}

static const char *path(const char *name)
{
    return testing_path(&directory, name);
}

static unsigned mode_of(const char *name)
{
    struct stat status;

    assert_int_equal(stat(path(name), &status), 0);
    return status.st_mode & 07777;
}

static void put(const char *name, const char *content, mode_t mode)
{
    int file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    fchmod(file, mode);
    close(file);
}

static void directories_are_made_with_those_above(void **state)
{
    static const char *const names[] = { "a", "a/b/c", "a/b/c", "d//e/", "a/b/../x" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_null(file_make_directory(arena, path(names[i])));
    assert_int_equal(mode_of("a"), 0700);
    assert_int_equal(mode_of("a/b/c"), 0700);
    assert_int_equal(mode_of("d/e"), 0700);
    assert_int_equal(mode_of("a/x"), 0700);
}

static void a_file_in_the_way_of_a_directory_is_an_error(void **state)
{
    static const char *const names[] = { "file", "file/", "file/below", "file/below/that" };

    (void)state;
    put("file", "x", 0600);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        error e = file_make_directory(arena, path(names[i]));

        assert_non_null(e);
        assert_non_null(strstr(e->message, "file"));
        assert_non_null(strstr(e->message, "Not a directory"));
    }
}

static void a_file_is_read_whole(void **state)
{
    str content;

    (void)state;
    put("secret", "s3cret\n", 0600);
    assert_null(file_read(arena, path("secret"), 7, &content));
    assert_text(content, "s3cret\n");
    put("empty", "", 0600);
    assert_null(file_read(arena, path("empty"), 0, &content));
    assert_text(content, "");
    assert_null(file_read(arena, "/proc/self/stat", 64 * 1024, &content));
    assert_true(content.len > 20);
}

static void what_cannot_be_read_is_explained(void **state)
{
    static const struct {
        const char *name;
        size_t max;
        int status;
        const char *reason;
    } rows[] = {
        { "missing", 10, 404, "No such file" },
        { "missing/below", 10, 404, "No such file" },
        { "", 10, 500, "Is a directory" },
        { "long", 5, 500, "longer than 5 bytes" },
        { "long", ARENA_CALL_MAX, 503, "Out of memory" },
    };

    (void)state;
    put("long", "123456", 0600);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str content = STR("untouched");
        error e = file_read(arena, path(rows[i].name), rows[i].max, &content);

        assert_non_null(e);
        assert_int_equal(e->status, rows[i].status);
        assert_non_null(strstr(e->message, rows[i].reason));
        assert_text(content, "untouched");
    }
}

static void a_private_file_is_for_its_owner_alone(void **state)
{
    str content;

    (void)state;
    umask(0);
    assert_null(file_write_private(arena, path("key"), STR("one")));
    assert_int_equal(mode_of("key"), 0600);
    put("key", "old", 0644);
    put("key.new", "left by a crash", 0666);
    assert_null(file_write_private(arena, path("key"), STR("two")));
    assert_int_equal(mode_of("key"), 0600);
    assert_null(file_read(arena, path("key"), 100, &content));
    assert_text(content, "two");
    assert_int_equal(access(path("key.new"), F_OK), -1);
}

static void a_link_in_the_way_is_not_followed(void **state)
{
    str content;

    (void)state;
    put("precious", "gold", 0600);
    assert_int_equal(symlink(path("precious"), path("key.new")), 0);
    assert_null(file_write_private(arena, path("key"), STR("two")));
    assert_null(file_read(arena, path("precious"), 100, &content));
    assert_text(content, "gold");
}

static void what_cannot_be_written_is_explained_and_leaves_nothing(void **state)
{
    error e = file_write_private(arena, path("missing/key"), STR("x"));

    (void)state;
    assert_int_equal(e->status, 404);
    assert_int_equal(mkdir(path("taken"), 0700), 0);
    e = file_write_private(arena, path("taken"), STR("x"));
    assert_int_equal(e->status, 500);
    assert_non_null(strstr(e->message, "Is a directory"));
    assert_int_equal(access(path("taken.new"), F_OK), -1);
}

static void a_file_is_written_once(void **state)
{
    bool existed = true;
    str content;

    (void)state;
    umask(0);
    put("temporary", "left by a crash", 0666);
    assert_null(file_write_once(arena, path("temporary"), path("mail"), STR("first"), &existed));
    assert_false(existed);
    assert_int_equal(mode_of("mail"), 0600);
    assert_null(file_write_once(arena, path("temporary"), path("mail"), STR("second"), &existed));
    assert_true(existed);
    assert_null(file_read(arena, path("mail"), 100, &content));
    assert_text(content, "first");
    assert_int_equal(access(path("temporary"), F_OK), -1);
}

static void a_file_that_cannot_be_written_once_leaves_nothing(void **state)
{
    bool existed = true;
    error e = file_write_once(arena, path("no/temporary"), path("mail"), STR("x"), &existed);

    (void)state;
    assert_int_equal(e->status, 404);
    e = file_write_once(arena, path("temporary"), path("no/mail"), STR("x"), &existed);
    assert_int_equal(e->status, 404);
    assert_non_null(strstr(e->message, "no/mail"));
    assert_true(existed);
    assert_int_equal(access(path("temporary"), F_OK), -1);
    assert_int_equal(access(path("mail"), F_OK), -1);
}

struct visits {
    unsigned seen, enough;
    bool found;
};

static bool count_visit(str name, void *cookie)
{
    struct visits *visits = cookie;

    visits->found |= str_is(name, ".hidden");
    return ++visits->seen < visits->enough;
}

static void each_name_of_a_directory_is_visited_until_enough(void **state)
{
    static const char *const names[] = { "a", "b", ".hidden" };
    struct visits all = { .enough = 10 }, some = { .enough = 2 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put(names[i], "", 0600);
    assert_null(file_visit(arena, directory.path, count_visit, &all));
    assert_int_equal(all.seen, 3);
    assert_true(all.found);
    assert_null(file_visit(arena, directory.path, count_visit, &some));
    assert_int_equal(some.seen, 2);
    assert_int_equal(file_visit(arena, path("missing"), count_visit, &all)->status, 404);
    assert_int_equal(file_visit(arena, path("a"), count_visit, &all)->status, 500);
}

static void what_is_removed_is_gone_and_may_be_removed_again(void **state)
{
    (void)state;
    put("a", "", 0600);
    for (int i = 0; i < 2; i++) {
        assert_null(file_remove(arena, path("a")));
        assert_int_equal(access(path("a"), F_OK), -1);
    }
    assert_int_equal(file_remove(arena, directory.path)->status, 500);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(directories_are_made_with_those_above),
        FILE_TEST(a_file_in_the_way_of_a_directory_is_an_error),
        FILE_TEST(a_file_is_read_whole),
        FILE_TEST(what_cannot_be_read_is_explained),
        FILE_TEST(a_private_file_is_for_its_owner_alone),
        FILE_TEST(a_link_in_the_way_is_not_followed),
        FILE_TEST(what_cannot_be_written_is_explained_and_leaves_nothing),
        FILE_TEST(a_file_is_written_once),
        FILE_TEST(a_file_that_cannot_be_written_once_leaves_nothing),
        FILE_TEST(each_name_of_a_directory_is_visited_until_enough),
        FILE_TEST(what_is_removed_is_gone_and_may_be_removed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
