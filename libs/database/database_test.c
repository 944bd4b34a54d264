#include "testing/store.h"

#include "runtime/clock.h"
#include "runtime/random.h"

#include <sys/stat.h>

enum colour { RED, GREEN };
static const char *const colour_names[] = { "red", "green", NULL };

struct address {
    str city;
};
static SCHEMA(address, FIELD(city));

struct everything {
    uuid id;
    str text;
    bool flag;
    int64_t number;
    double ratio;
    money price;
    timestamp at;
    strs tags;
    unsigned colour;
    json_text extra;
    struct address *home;
    struct {
        struct address *at;
        size_t len;
    } others;
};
static SCHEMA(everything, FIELD(id), FIELD(text, .optional = true), FIELD(flag), FIELD(number),
              FIELD(ratio), FIELD(price), FIELD(at, .optional = true), FIELD(tags),
              FIELD(colour, .names = colour_names), FIELD(extra, .optional = true),
              FIELD(home, .of = address_schema, .optional = true),
              LIST(others, .of = address_schema));

struct change {
    fieldset given;
    str text;
    int64_t number;
};
static PARTIAL(change, FIELD(text), FIELD(number));

/* Some of the columns, and a member without one. */
struct excerpt {
    str text;
    int64_t number, unrelated;
};
static SCHEMA(excerpt, FIELD(text, .optional = true), FIELD(number), FIELD(unrelated));

static void make_table(struct store *store)
{
    store_write(store, "CREATE TABLE things (id TEXT, text TEXT, flag INTEGER, number INTEGER,"
                       " ratio REAL, price INTEGER, at INTEGER, tags TEXT, colour TEXT,"
                       " extra TEXT, home TEXT, others TEXT)");
}

static error insert(struct store *store, const struct everything *thing)
{
    return db_write(&store->call, store->db, IN(everything, thing),
                    "INSERT INTO things VALUES (:id, :text, :flag, :number, :ratio, :price, :at,"
                    " :tags, :colour, :extra, :home, :others)");
}

static error read_only_thing(struct store *store, struct everything *out)
{
    return db_one(&store->call, store->db, NO_INPUT, OUT(everything, out), "SELECT * FROM things");
}

STORE_TEST(a_row_of_all_kinds_comes_back_as_it_went)
{
    const str tags[] = { STR_INIT("a"), STR_INIT("\"b\"") };
    struct address home = { STR("Ia\xC8\x99i") }, others[] = { { STR("x") }, { STR("y") } };
    const struct everything in = {
        .id = random_uuid(),
        .text = STR("it's; -- \"quoted\" \xF0\x9F\x98\x80"),
        .flag = true,
        .number = INT64_MIN,
        .ratio = 0.1,
        .price = { 123456789012345678 },
        .at = { 1700000000123 },
        .tags = { tags, 2 },
        .colour = GREEN,
        .extra = { STR("{\"a\":[1,2]}") },
        .home = &home,
        .others = { others, 2 },
    };
    struct everything out = { .number = 5 };

    make_table(store);
    assert_done(insert(store, &in));
    assert_done(read_only_thing(store, &out));
    assert_true(uuid_eq(out.id, in.id));
    assert_true(str_eq(out.text, in.text));
    assert_true(out.flag);
    assert_int_equal(out.number, INT64_MIN);
    assert_true(out.ratio == 0.1);
    assert_int_equal(out.price.minor, in.price.minor);
    assert_int_equal(out.at.ms, in.at.ms);
    assert_int_equal(out.tags.len, 2);
    assert_true(str_eq(out.tags.at[1], tags[1]));
    assert_int_equal(out.colour, GREEN);
    assert_true(str_eq(out.extra.text, in.extra.text));
    assert_true(str_eq(out.home->city, home.city));
    assert_int_equal(out.others.len, 2);
    assert_true(str_is(out.others.at[1].city, "y"));
}

STORE_TEST(an_absent_text_is_null)
{
    const struct everything absent = { .number = 1 }, empty = { .text = STR(""), .number = 2 };
    struct everything out = { .text = STR("x"), .number = 7, .home = &(struct address){ { 0 } } };

    make_table(store);
    assert_done(insert(store, &absent));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM things WHERE text IS NULL"
                                         " AND extra IS NULL AND home IS NULL AND at IS NULL"
                                         " AND tags = '[]' AND others = '[]'"),
                     1);
    assert_done(read_only_thing(store, &out));
    assert_null(out.text.at);
    assert_null(out.extra.text.at);
    assert_null(out.home);
    assert_int_equal(out.at.ms, 0);

    store_write(store, "DELETE FROM things");
    assert_done(insert(store, &empty));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM things WHERE text = ''"),
                     1);
    assert_done(read_only_thing(store, &out));
    assert_non_null(out.text.at);
    assert_int_equal(out.text.len, 0);
}

STORE_TEST(a_member_that_was_not_given_is_null)
{
    struct change change = { .text = STR("new"), .number = 99 };
    struct excerpt out = { .unrelated = 3 };

    change.given = schema_bit(change_schema(), "text");
    store_write(store, "CREATE TABLE notes (text TEXT, number INTEGER)");
    store_write(store, "INSERT INTO notes VALUES ('old', 1)");
    assert_done(db_write(&store->call, store->db, IN(change, &change),
                         "UPDATE notes SET text = coalesce(:text, text),"
                         " number = coalesce(:number, number)"));
    assert_done(
        db_one(&store->call, store->db, NO_INPUT, OUT(excerpt, &out), "SELECT * FROM notes"));
    assert_true(str_is(out.text, "new"));
    assert_int_equal(out.number, 1);
    assert_int_equal(out.unrelated, 3);

    change.given = 0;
    assert_done(db_one(&store->call, store->db, NO_INPUT, OUT(change, &change),
                       "SELECT NULL AS text, 4 AS number"));
    assert_int_equal(change.given, schema_bit(change_schema(), "number"));
}

STORE_TEST(what_does_not_fit_is_named)
{
    static const struct {
        const char *sql, *cause;
    } rows[] = {
        { "SELECT :missing AS text", "parameter :missing" },
        { "SELECT ? AS text", "parameter ?" },
        { "SELECT @text AS text", "parameter @text" },
        { "SELECT 1 AS missing", "column missing" },
        { "SELECT 1 AS missing WHERE 1 = 2", "column missing" },
        { "SELECT 1 AS text", "text cannot hold an integer" },
        { "SELECT 'a' AS number", "number cannot hold a text" },
        { "SELECT 1.5 AS number", "number cannot hold a number" },
        { "SELECT x'00' AS text", "text holds a blob" },
        { "SELECT 1 AS number UNION SELECT 2", "more than one row" },
        { "SELECT 1 AS number; SELECT 2", "not exactly one statement" },
        { "  -- nothing", "not exactly one statement" },
        { "SELECT * FROM nowhere", "no such table: nowhere" },
        { "SELECT \"text\" AS text", "no such column" },
        { "INSERT INTO notes VALUES ('a', 1) RETURNING *", "readonly" },
        { "ATTACH 'other' AS other", "too many attached" },
    };
    struct excerpt in = { .text = STR("a") }, out = { .text = STR("before"), .number = 3 };

    store_write(store, "CREATE TABLE notes (text TEXT, number INTEGER)");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        error e =
            db_one(&store->call, store->db, IN(excerpt, &in), OUT(excerpt, &out), rows[i].sql);

        assert_cause(e, 500, rows[i].cause);
        assert_int_equal(e->form, ERROR_BRIEF);
        assert_true(str_is(out.text, "before"));
        assert_int_equal(out.number, 3);
    }
    assert_cause(
        db_write(&store->call, store->db, NO_INPUT, "DELETE FROM notes WHERE text = :text"), 500,
        "parameter :text");
}

STORE_TEST(what_is_stored_in_a_wrong_form_is_named)
{
    static const struct {
        const char *sql, *cause;
    } rows[] = {
        { "SELECT 'blue' AS colour", "colour cannot hold 'blue'" },
        { "SELECT 'no uuid' AS id", "id cannot hold 'no uuid'" },
        { "SELECT '[1' AS tags", "tags: Expected" },
        { "SELECT '{\"city\":7}' AS home", "home: home.city must be a string" },
    };
    struct everything out = { .colour = GREEN };
    const struct everything nameless = { .colour = 2 };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_cause(db_one(&store->call, store->db, NO_INPUT, OUT(everything, &out), rows[i].sql),
                     500, rows[i].cause);
    assert_int_equal(out.colour, GREEN);
    make_table(store);
    assert_cause(insert(store, &nameless), 500, "colour has no name for the value 2");
}

STORE_TEST(no_row_is_an_error_of_its_own)
{
    struct number out = { 5 };

    assert_ptr_equal(db_one(&store->call, store->db, NO_INPUT, OUT(number, &out),
                            "SELECT 1 AS value WHERE 1 = 2"),
                     &DB_NO_ROW);
    assert_int_equal(out.value, 5);
}

STORE_TEST(all_rows_are_read_up_to_the_limit)
{
    struct number limit = { DB_ROWS_MAX }, *numbers = NULL;
    size_t count = 7;
    const char *sql = "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n"
                      " WHERE value < :value) SELECT value FROM n";

    assert_done(
        db_all(&store->call, store->db, IN(number, &limit), ROWS(number, &numbers, &count), sql));
    assert_int_equal(count, DB_ROWS_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i].value, i + 1);
    limit.value++;
    count = 7;
    assert_cause(
        db_all(&store->call, store->db, IN(number, &limit), ROWS(number, &numbers, &count), sql),
        500, "more than 10000 rows");
    assert_int_equal(count, 7);
    assert_done(db_all(&store->call, store->db, NO_INPUT, ROWS(number, &numbers, &count),
                       "SELECT 1 AS value WHERE 1 = 2"));
    assert_int_equal(count, 0);
    assert_non_null(numbers);
}

STORE_TEST(a_read_sees_what_was_written_before)
{
    struct number in = { 0 }, out;

    store_write(store, "CREATE TABLE numbers (value INTEGER)");
    for (in.value = 1; in.value <= 200; in.value++) {
        assert_done(db_write_one(&store->call, store->db, IN(number, &in), OUT(number, &out),
                                 "INSERT INTO numbers VALUES (:value) RETURNING *"));
        assert_int_equal(out.value, in.value);
        assert_int_equal(store_number(store, "SELECT max(value) AS value FROM numbers"), in.value);
    }
    assert_ptr_equal(db_write_one(&store->call, store->db, IN(number, &in), OUT(number, &out),
                                  "UPDATE numbers SET value = 0 WHERE value = :value RETURNING *"),
                     &DB_NO_ROW);
    assert_int_equal(out.value, 200);
}

STORE_TEST(a_conflict_has_the_name_of_its_constraint)
{
    static const struct error MINE = ERROR(409, "Mine");
    static const struct {
        const char *sql, *constraint;
    } rows[] = {
        { "INSERT INTO users VALUES (1, 'b', 'p', 1)", "users_pkey" },
        { "INSERT INTO users VALUES (2, 'a', 'p', 1)", "users_email_key" },
        { "INSERT INTO users VALUES (2, 'b', 'N', 1)", "users_lower_name" },
        { "INSERT INTO events VALUES ('s', 1, 'x')", "events_stream_id_version_key" },
        { "INSERT INTO events VALUES ('s', 2, 'id')", "events_pkey" },
        { "UPDATE users SET email = 'z'", "users_email_key" },
    };

    store_write(store, "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE,"
                       " name TEXT NOT NULL, age INTEGER CHECK (age > 0))");
    store_write(store, "CREATE UNIQUE INDEX users_lower_name ON users (lower(name))");
    store_write(store, "CREATE TABLE events (stream_id TEXT, version INTEGER,"
                       " id TEXT PRIMARY KEY, UNIQUE (stream_id, version))");
    store_write(store, "INSERT INTO users VALUES (1, 'a', 'n', 1), (5, 'e', 'm', 1)");
    store_write(store, "INSERT INTO events VALUES ('s', 1, 'id')");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        error e = db_write(&store->call, store->db, NO_INPUT, rows[i].sql);

        assert_cause(e, 409, rows[i].constraint);
        assert_ptr_equal(db_rename_conflict(e, rows[i].constraint, &MINE), &MINE);
        assert_ptr_equal(db_rename_conflict(e, "users_age_key", &MINE), e);
    }
}

STORE_TEST(other_violations_are_our_own_fault)
{
    static const struct {
        const char *sql, *cause;
    } rows[] = {
        { "INSERT INTO users VALUES (1, NULL, 1)", "NOT NULL constraint failed: users.name" },
        { "INSERT INTO users VALUES (1, 'a', 0)", "CHECK constraint failed" },
        { "INSERT INTO pets VALUES (9)", "FOREIGN KEY constraint failed" },
        { "INSERT INTO numbers VALUES ('a')", "cannot store TEXT value in INTEGER column" },
    };

    store_write(store, "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
                       " age INTEGER CHECK (age > 0))");
    store_write(store, "CREATE TABLE pets (user_id INTEGER REFERENCES users (id))");
    store_write(store, "CREATE TABLE numbers (value INTEGER) STRICT");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        error e = db_write(&store->call, store->db, NO_INPUT, rows[i].sql);

        assert_cause(e, 500, rows[i].cause);
        assert_string_equal(e->message, ERROR_INTERNAL.message);
    }
}

static const char endless_sql[] =
    "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n)"
    " SELECT max(value) AS value FROM n";

STORE_TEST(the_deadline_stops_an_endless_read)
{
    struct call call = call_new(store->arena, 50);
    struct number out;
    uint64_t begin_ns = clock_ns();

    assert_ptr_equal(db_one(&call, store->db, NO_INPUT, OUT(number, &out), endless_sql),
                     &ERROR_DEADLINE);
    assert_in_range((clock_ns() - begin_ns) / 1000000, 49, 500);
    assert_ptr_equal(db_one(&call, store->db, NO_INPUT, OUT(number, &out), "SELECT 1 AS value"),
                     &ERROR_DEADLINE);
    assert_int_equal(store_number(store, "SELECT 1 AS value"), 1);
}

STORE_TEST(no_read_keeps_the_loop_for_long)
{
    struct number out;

    assert_cause(db_one(&store->call, store->db, NO_INPUT, OUT(number, &out), endless_sql), 500,
                 "more than 1000 ms");
    assert_int_equal(store_number(store, "SELECT 1 AS value"), 1);
}

/* An open read transaction would keep the log from being reused, and it would grow and grow. */
STORE_TEST(reads_leave_no_transaction_open)
{
    struct number in = { 0 }, out;
    struct stat wal;

    store_write(store, "CREATE TABLE numbers (value INTEGER, filler TEXT)");
    for (; in.value < 300; in.value++) {
        assert_done(db_write(&store->call, store->db, IN(number, &in),
                             "INSERT INTO numbers VALUES (:value, hex(zeroblob(50000)))"));
        assert_done(db_one(&store->call, store->db, NO_INPUT, OUT(number, &out),
                           "SELECT value FROM numbers LIMIT 1"));
        assert_non_null(db_one(&store->call, store->db, NO_INPUT, OUT(number, &out),
                               "SELECT value FROM numbers UNION ALL SELECT 1"));
    }
    assert_int_equal(stat(store_path(store, "-wal"), &wal), 0);
    assert_in_range(wal.st_size, 1, 8 * 1024 * 1024);
}

STORE_TEST(only_the_owner_may_read_the_files)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };

    store_write(store, "CREATE TABLE numbers (value INTEGER)");
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM numbers"), 0);
    for (size_t i = 0; i < 3; i++) {
        struct stat file;

        assert_int_equal(stat(store_path(store, suffixes[i]), &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
}

STORE_TEST(a_new_column_is_seen_by_a_prepared_statement)
{
    struct excerpt out = { .number = 1 };
    const char *sql = "SELECT * FROM notes";

    store_write(store, "CREATE TABLE notes (text TEXT)");
    store_write(store, "INSERT INTO notes VALUES ('a')");
    assert_done(db_one(&store->call, store->db, NO_INPUT, OUT(excerpt, &out), sql));
    store_write(store, "ALTER TABLE notes ADD COLUMN number INTEGER DEFAULT 9");
    assert_done(db_one(&store->call, store->db, NO_INPUT, OUT(excerpt, &out), sql));
    assert_int_equal(out.number, 9);
    store_write(store, "ALTER TABLE notes ADD COLUMN other INTEGER");
    assert_cause(db_one(&store->call, store->db, NO_INPUT, OUT(excerpt, &out), sql), 500,
                 "column other");
}

STORE_TEST(statements_that_are_no_literals_work_too)
{
    enum { MANY = 1000 };
    static char texts[MANY][40];
    char reused[40];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(texts[i], sizeof texts[i], "SELECT %d AS value", i);
            snprintf(reused, sizeof reused, "SELECT %d AS value", -i);
            assert_int_equal(store_number(store, texts[i]), i);
            assert_int_equal(store_number(store, reused), -i);
        }
    }
}

STORE_TEST(one_statement_serves_two_tables_of_fields)
{
    struct excerpt excerpt = { .number = 4 }, out = { 0 };
    struct change change = { .given = 2, .number = 5 };
    const char *sql = "SELECT :number AS number";

    for (int i = 0; i < 2; i++) {
        assert_done(
            db_one(&store->call, store->db, IN(excerpt, &excerpt), OUT(excerpt, &out), sql));
        assert_int_equal(out.number, 4);
        assert_done(db_one(&store->call, store->db, IN(change, &change), OUT(excerpt, &out), sql));
        assert_int_equal(out.number, 5);
    }
}

STORE_TEST(a_url_that_is_none_is_refused_without_its_password)
{
    static const struct {
        const char *url, *message;
    } rows[] = {
        { "postgres://user:secret@host/db", "scheme postgres: are not supported" },
        { "store.db", "begins with a scheme" },
        { "", "begins with a scheme" },
        { "sqlite:", "names no file" },
        { "sqlite://host/store.db", "names no file" },
        { "sqlite::memory:", "names no file" },
        { "sqlite:/proc/nowhere/store.db", "/proc/nowhere" },
        { "sqlite:/tmp", "'/tmp' cannot be opened" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct db *db = NULL;
        error e = db_open(store->arena, rows[i].url, &db);

        assert_non_null(e);
        if (!strstr(e->message, rows[i].message))
            fail_msg("'%s' does not say '%s'", e->message, rows[i].message);
        assert_null(strstr(e->message, "secret"));
        assert_null(db);
    }
}

STORE_TEST(a_file_that_is_no_store_is_refused)
{
    const char *path = testing_path(&store->directory, "text.db");
    struct db *db = NULL;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("This is a text.\n", file);
    fclose(file);
    str url = arena_printf(store->arena, "sqlite:%s", path);
    error e = db_open(store->arena, url.at, &db);

    assert_non_null(e);
    assert_non_null(strstr(e->message, "not a database"));
    assert_null(db);
}

STORE_TEST(a_closed_store_refuses)
{
    struct db *db = store->db;
    struct number out;

    assert_done(db_ping(&store->call, db));
    db_close(db);
    assert_int_equal(db_ping(&store->call, db)->status, 503);
    assert_int_equal(
        db_one(&store->call, db, NO_INPUT, OUT(number, &out), "SELECT 1 AS value")->status, 503);
    assert_int_equal(db_write(&store->call, db, NO_INPUT, "CREATE TABLE t (a)")->status, 503);
    db_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_all_kinds_comes_back_as_it_went),
        cmocka_unit_test(an_absent_text_is_null),
        cmocka_unit_test(a_member_that_was_not_given_is_null),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(what_is_stored_in_a_wrong_form_is_named),
        cmocka_unit_test(no_row_is_an_error_of_its_own),
        cmocka_unit_test(all_rows_are_read_up_to_the_limit),
        cmocka_unit_test(a_read_sees_what_was_written_before),
        cmocka_unit_test(a_conflict_has_the_name_of_its_constraint),
        cmocka_unit_test(other_violations_are_our_own_fault),
        cmocka_unit_test(the_deadline_stops_an_endless_read),
        cmocka_unit_test(no_read_keeps_the_loop_for_long),
        cmocka_unit_test(reads_leave_no_transaction_open),
        cmocka_unit_test(only_the_owner_may_read_the_files),
        cmocka_unit_test(a_new_column_is_seen_by_a_prepared_statement),
        cmocka_unit_test(statements_that_are_no_literals_work_too),
        cmocka_unit_test(one_statement_serves_two_tables_of_fields),
        cmocka_unit_test(a_url_that_is_none_is_refused_without_its_password),
        cmocka_unit_test(a_file_that_is_no_store_is_refused),
        cmocka_unit_test(a_closed_store_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
