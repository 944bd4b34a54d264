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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
