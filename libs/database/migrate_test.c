#include "testing/store.h"

#define FILE_OF(name, text)                                   \
    {                                                         \
        name, (const unsigned char *)(text), sizeof(text) - 1 \
    }

static const struct embedded_file two[] = {
    FILE_OF("001_users.sql", "CREATE TABLE users (id INTEGER PRIMARY KEY);\n"
                             "INSERT INTO users VALUES (1);\n"),
    FILE_OF("002_roles.sql",
            "ALTER TABLE users ADD COLUMN role TEXT; -- a comment; not a statement\n"
            "UPDATE users SET role = 'a;b';\n"),
    { 0 },
};

static int64_t count_history(struct store *store)
{
    return store_number(store, "SELECT count(*) AS value FROM migrations");
}

STORE_TEST(migrations_run_once_and_in_order)
{
    assert_done(db_migrate(&store->call, store->db, two));
    assert_done(db_migrate(&store->call, store->db, two));
    store_close(store);
    store_open(store);
    assert_done(db_migrate(&store->call, store->db, two));
    assert_int_equal(count_history(store), 2);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM users"
                                         " WHERE role = 'a;b'"),
                     1);
}

STORE_TEST(a_checksum_is_what_sha256sum_prints)
{
    static const struct embedded_file one[] = { FILE_OF("001.sql", "SELECT 1;\n"), { 0 } };

    assert_done(db_migrate(&store->call, store->db, one));
    assert_int_equal(
        store_number(store, "SELECT count(*) AS value FROM migrations WHERE checksum ="
                            " 'b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd'"),
        1);
}

STORE_TEST(a_new_migration_runs_later)
{
    const struct embedded_file first[] = { two[0], { 0 } };

    assert_done(db_migrate(&store->call, store->db, first));
    assert_int_equal(count_history(store), 1);
    assert_done(db_migrate(&store->call, store->db, two));
    assert_int_equal(count_history(store), 2);
    assert_int_equal(store_number(store, "SELECT applied_at > 1600000000000 AS value"
                                         " FROM migrations LIMIT 1"),
                     1);
}

STORE_TEST(no_migrations_are_fine)
{
    assert_done(db_migrate(&store->call, store->db, (const struct embedded_file[]){ { 0 } }));
    assert_int_equal(count_history(store), 0);
}

STORE_TEST(a_history_that_does_not_fit_is_refused)
{
    const struct embedded_file changed[] = {
        two[0], FILE_OF("002_roles.sql", "SELECT 1;"), FILE_OF("003_more.sql", "SELECT 1;"), { 0 }
    };
    const struct embedded_file unknown[] = { two[1], FILE_OF("003_more.sql", "SELECT 1;"), { 0 } };

    assert_done(db_migrate(&store->call, store->db, two));
    error e = db_migrate(&store->call, store->db, changed);

    assert_non_null(e);
    assert_non_null(strstr(e->message, "002_roles.sql was changed"));
    e = db_migrate(&store->call, store->db, unknown);
    assert_non_null(e);
    assert_non_null(strstr(e->message, "001_users.sql, which this program does not know"));
    assert_int_equal(count_history(store), 2);
}

STORE_TEST(a_migration_that_fails_leaves_no_trace)
{
    static const char *const rows[] = {
        "CREATE TABLE pets (id INTEGER); INSERT INTO nowhere VALUES (1);",
        "CREATE TABLE pets (id INTEGER); COMMIT; SELECT 1;",
        "CREATE TABLE pets (id INTEGER); INSERT INTO users VALUES (1);",
        "CREATE TABLE pets (id INTEGER); CREATE TABEL x (id INTEGER);",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct embedded_file files[] = {
            two[0], { "002_bad.sql", (const unsigned char *)rows[i], strlen(rows[i]) }, { 0 }
        };
        error e = db_migrate(&store->call, store->db, files);

        assert_non_null(e);
        assert_string_equal(e->message, "Migration 002_bad.sql failed");
        assert_non_null(e->cause);
        assert_int_equal(count_history(store), 1);
        assert_int_equal(store_number(store, "SELECT count(*) AS value FROM sqlite_schema"
                                             " WHERE name = 'pets'"),
                         0);
    }
    assert_done(db_migrate(&store->call, store->db, two));
}

struct starter {
    struct store *store;
    struct db *db;
    error result;
    struct wait ended;
};

static void migrate(void *argument)
{
    struct starter *starter = argument;
    struct call call = call_new(store_arena(starter->store), 30 * 1000);

    starter->result = db_migrate(&call, starter->db, two);
    wait_done(&starter->ended);
}

STORE_TEST(programs_that_start_at_once_do_not_run_one_twice)
{
    enum { COUNT = 5 };
    struct starter starters[COUNT];

    for (int i = 0; i < COUNT; i++) {
        starters[i] = (struct starter){ .store = store };
        assert_done(db_open(store->arena, store->url, &starters[i].db));
    }
    for (int i = 0; i < COUNT; i++)
        assert_done(fiber_start(migrate, &starters[i]));
    for (int i = 0; i < COUNT; i++) {
        assert_done(call_wait(&store->call, &starters[i].ended));
        assert_done(starters[i].result);
        db_close(starters[i].db);
    }
    assert_int_equal(count_history(store), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_run_once_and_in_order),
        cmocka_unit_test(a_checksum_is_what_sha256sum_prints),
        cmocka_unit_test(a_new_migration_runs_later),
        cmocka_unit_test(no_migrations_are_fine),
        cmocka_unit_test(a_history_that_does_not_fit_is_refused),
        cmocka_unit_test(a_migration_that_fails_leaves_no_trace),
        cmocka_unit_test(programs_that_start_at_once_do_not_run_one_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
