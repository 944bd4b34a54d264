/* Processes that end without a warning. A child, which is this program again, writes numbers and tells each
 * that was acknowledged. */
#include "testing/store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_FIBERS = 16, HEARD_MAX = 100000 };

static void make_table(struct store *store)
{
    store_write(store, "CREATE TABLE numbers (value INTEGER UNIQUE)");
}

static int64_t count_numbers(struct store *store)
{
    return store_number(store, "SELECT count(*) AS value FROM numbers");
}

struct child {
    struct store *store;
    int64_t first;
};

static void write_for_ever(void *argument)
{
    struct child *child = argument;
    struct arena *arena = store_arena(child->store);

    for (int64_t i = child->first;; i += CHILD_FIBERS) {
        struct number number = { i };
        struct call call = call_new(arena, 30 * 1000);

        if (db_write(&call, child->store->db, IN(number, &number),
                     "INSERT INTO numbers VALUES (:value)") ||
            write(STDOUT_FILENO, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static error insert_and_abort(struct db_unit *unit, void *argument)
{
    (void)argument;
    TRY(db_unit_run(unit, NO_INPUT, "INSERT INTO numbers VALUES (2)"));
    abort();
}

static void be_child(void *argument)
{
    struct store *store = argument;
    struct child children[CHILD_FIBERS];

    store->call = call_new(store->arena, 60 * 1000);
    store_open(store);
    make_table(store);
    for (int64_t i = 0; i < CHILD_FIBERS; i++) {
        children[i] = (struct child){ store, i };
        assert_done(fiber_start(write_for_ever, &children[i]));
    }
    call_sleep(&store->call, 50 * 1000);
}

static void be_aborting_child(void *argument)
{
    struct store *store = argument;

    store->call = call_new(store->arena, 60 * 1000);
    store_open(store);
    make_table(store);
    store_write(store, "INSERT INTO numbers VALUES (1)");
    db_transaction(&store->call, store->db, insert_and_abort, NULL);
}

static int child_main(const char *how, const char *url)
{
    struct store store = { .url = url, .arena = arena_new(ARENA_CALL_MAX) };

    if (loop_init())
        return 1;
    return fiber_run_all(strcmp(how, "abort") == 0 ? be_aborting_child : be_child, &store) != NULL;
}

/* Starts this program anew; `*from` is what it tells. */
static pid_t start_child(const struct store *store, const char *how, int *from)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();

    assert_return_code(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "crash_test", how, store->url, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    *from = ends[0];
    return pid;
}

static void reap(pid_t pid, int expected_signal)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), expected_signal);
}

/* The child is killed once it has told `enough` numbers; what the pipe still holds is told, too. */
static int hear_and_kill(pid_t pid, int from, int enough, int64_t *heard)
{
    int count = 0;

    while (count < HEARD_MAX && read(from, &heard[count], sizeof *heard) == sizeof *heard) {
        if (++count == enough)
            kill(pid, SIGKILL);
    }
    reap(pid, SIGKILL);
    assert_in_range(count, enough, HEARD_MAX);
    return count;
}

STORE_TEST(what_was_acknowledged_survives_a_kill)
{
    int64_t *heard = arena_alloc(store->arena, HEARD_MAX * sizeof *heard);

    assert_non_null(heard);
    for (int round = 0; round < 5; round++) {
        int from;

        store_close(store);
        unlink(store_path(store, ""));
        pid_t pid = start_child(store, "write", &from);
        int count = hear_and_kill(pid, from, 400 + 111 * round, heard);

        close(from);
        store_open(store);
        for (int i = 0; i < count; i++) {
            struct number in = { heard[i] }, out;

            assert_done(db_one(&store->call, store->db, IN(number, &in), OUT(number, &out),
                               "SELECT * FROM numbers WHERE value = :value"));
        }
        /* What is there without having been acknowledged was on its way. */
        assert_in_range(count_numbers(store), count, count + CHILD_FIBERS);
    }
}

STORE_TEST(a_unit_that_died_halfway_is_undone)
{
    int from;

    store_close(store);
    reap(start_child(store, "abort", &from), SIGABRT);
    close(from);
    store_open(store);
    assert_int_equal(count_numbers(store), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
        cmocka_unit_test(a_unit_that_died_halfway_is_undone),
    };

    if (argc == 3)
        return child_main(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
