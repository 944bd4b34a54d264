#include "testing/store.h"

#include "runtime/clock.h"

#include <semaphore.h>

/* A unit of work on a fiber of its own. */
struct job {
    struct call call;
    struct db *db;
    error (*work)(struct db_unit *unit, void *argument);
    int64_t value; /* for the work */
    const char *sql;
    bool ran;
    int runs;
    int64_t changes;
    error result;
    struct wait ended;
};

static void run_job(void *argument)
{
    struct job *job = argument;

    job->result = db_transaction(&job->call, job->db, job->work, job);
    wait_done(&job->ended);
}

static struct job job_of(struct store *store, error (*work)(struct db_unit *, void *))
{
    return (struct job){ .call = call_new(store_arena(store), 30 * 1000),
                         .db = store->db,
                         .work = work };
}

static void start(struct job *job)
{
    assert_done(fiber_start(run_job, job));
}

static error end(struct store *store, struct job *job)
{
    assert_done(call_wait(&store->call, &job->ended));
    return job->result;
}

static error insert(struct db_unit *unit, void *argument)
{
    struct job *job = argument;
    struct number number = { job->value };
    error e = db_unit_run(unit, IN(number, &number), "INSERT INTO numbers VALUES (:value)");

    job->ran = true;
    job->runs++;
    job->changes = db_unit_changes(unit);
    return e;
}

static error run_sql(struct db_unit *unit, void *argument)
{
    struct job *job = argument;

    job->ran = true;
    return db_unit_run(unit, NO_INPUT, job->sql);
}

static void make_table(struct store *store)
{
    store_write(store, "CREATE TABLE numbers (value INTEGER UNIQUE)");
}

static int64_t count_numbers(struct store *store)
{
    return store_number(store, "SELECT count(*) AS value FROM numbers");
}

struct durability {
    int64_t synchronous, foreign_keys, trusted_schema;
    str journal_mode;
};
static SCHEMA(durability, FIELD(synchronous), FIELD(foreign_keys), FIELD(trusted_schema),
              FIELD(journal_mode));

STORE_TEST(the_writer_waits_for_the_disk)
{
    static const char *const rows[] = { "PRAGMA synchronous", "PRAGMA foreign_keys",
                                        "PRAGMA trusted_schema", "PRAGMA journal_mode" };
    struct durability found = { .trusted_schema = 1 };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_done(
            db_write_one(&store->call, store->db, NO_INPUT, OUT(durability, &found), rows[i]));
    assert_int_equal(found.synchronous, 2); /* FULL */
    assert_int_equal(found.foreign_keys, 1);
    assert_int_equal(found.trusted_schema, 0);
    assert_true(str_is(found.journal_mode, "wal"));
}

/* A unit that keeps the committer until it is let go, so that a test can fill the queue behind it. */
struct gate {
    struct job job;
    sem_t entered, open;
};

static error wait_at_gate(struct db_unit *unit, void *argument)
{
    struct gate *gate = (struct gate *)argument;

    (void)unit;
    sem_post(&gate->entered);
    while (sem_wait(&gate->open))
        continue;
    return NULL;
}

static void close_gate(struct store *store, struct gate *gate)
{
    gate->job = job_of(store, wait_at_gate);
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
    start(&gate->job);
    /* The committer is woken when this turn of the loop ends. */
    while (sem_trywait(&gate->entered))
        assert_done(call_sleep(&store->call, 1));
}

static void open_gate(struct store *store, struct gate *gate)
{
    sem_post(&gate->open);
    assert_done(end(store, &gate->job));
    sem_destroy(&gate->entered);
    sem_destroy(&gate->open);
}

STORE_TEST(a_unit_that_fails_leaves_the_others_of_its_commit)
{
    enum { COUNT = 9 };
    struct job jobs[COUNT];
    struct gate gate;

    make_table(store);
    close_gate(store, &gate);
    uint64_t commits = db_counts(store->db).commits;

    for (int i = 0; i < COUNT; i++) {
        jobs[i] = job_of(store, insert);
        jobs[i].value = i % 3 == 2 ? 0 : i; /* 2, 5 and 8 repeat what 0 has inserted */
        start(&jobs[i]);
    }
    assert_int_equal(db_counts(store->db).queued, COUNT);
    open_gate(store, &gate);
    for (int i = 0; i < COUNT; i++) {
        error e = end(store, &jobs[i]);

        if (i % 3 == 2)
            assert_cause(e, 409, "numbers_value_key");
        else
            assert_done(e);
    }
    assert_int_equal(count_numbers(store), 6);
    /* The gate wrote nothing, but its transaction was one too. */
    assert_int_equal(db_counts(store->db).commits - commits, 2);
    assert_int_equal(db_counts(store->db).queued, 0);
}

static error insert_twice(struct db_unit *unit, void *argument)
{
    TRY(insert(unit, argument));
    return insert(unit, argument);
}

static error insert_and_refuse(struct db_unit *unit, void *argument)
{
    TRY(insert(unit, argument));
    return error_new(db_unit_arena(unit), 402, "Refused");
}

static error ignore_a_failure(struct db_unit *unit, void *argument)
{
    struct job *job = argument;
    struct number number = { 1 }, out;

    insert_twice(unit, argument);
    job->value++;
    assert_non_null(db_unit_run(unit, IN(number, &number), "INSERT INTO numbers VALUES (99)"));
    assert_non_null(db_unit_one(unit, NO_INPUT, OUT(number, &out), "SELECT 1 AS value"));
    return NULL;
}

static error read_in_a_unit(struct db_unit *unit, void *argument)
{
    struct job *job = argument;
    struct number *numbers, out = { 0 };
    size_t count;

    TRY(insert(unit, argument));
    if (db_unit_one(unit, NO_INPUT, OUT(number, &out), "SELECT 1 AS value WHERE 1 = 2") !=
        &DB_NO_ROW)
        return &ERROR_INTERNAL;
    TRY(db_unit_all(unit, NO_INPUT, ROWS(number, &numbers, &count), "SELECT * FROM numbers"));
    job->value = (int64_t)count;
    return db_unit_run(unit, NO_INPUT, "UPDATE numbers SET value = value + 1");
}

STORE_TEST(a_unit_that_fails_leaves_no_trace)
{
    static error (*const works[])(struct db_unit *, void *) = { insert_twice, insert_and_refuse,
                                                                ignore_a_failure };
    static const int statuses[] = { 409, 402, 409 };

    make_table(store);
    for (size_t i = 0; i < 3; i++) {
        struct job job = job_of(store, works[i]);

        start(&job);
        error e = end(store, &job);

        assert_non_null(e);
        assert_int_equal(e->status, statuses[i]);
        assert_true(job.ran);
        assert_int_equal(count_numbers(store), 0);
    }
}

STORE_TEST(a_unit_that_fails_in_company_leaves_no_trace_either)
{
    struct job before = job_of(store, insert), refused = job_of(store, insert_and_refuse),
               conflicting = job_of(store, insert_twice), after = job_of(store, insert);
    struct gate gate;

    make_table(store);
    before.value = 1;
    refused.value = 2;
    conflicting.value = 4;
    after.value = 8;
    close_gate(store, &gate);
    start(&before);
    start(&refused);
    start(&conflicting);
    start(&after);
    open_gate(store, &gate);
    assert_int_equal(end(store, &refused)->status, 402);
    assert_cause(end(store, &conflicting), 409, "numbers_value_key");
    assert_done(end(store, &before));
    assert_done(end(store, &after));
    assert_int_equal(store_number(store, "SELECT sum(value) AS value FROM numbers"), 9);
}

static error look_and_refuse(struct db_unit *unit, void *argument)
{
    struct job *job = argument;
    struct number out;

    job->runs++;
    TRY(db_unit_one(unit, NO_INPUT, OUT(number, &out), "SELECT count(*) AS value FROM numbers"));
    return error_new(db_unit_arena(unit), 402, "Refused");
}

/* Two inserts, and between them a unit that fails. How often the first one has run, in the end. */
static int runs_beside(struct store *store, error (*failing)(struct db_unit *, void *))
{
    struct job before = job_of(store, insert), refused = job_of(store, failing),
               after = job_of(store, insert);
    struct gate gate;

    before.value = 1;
    refused.value = 2;
    after.value = 4;
    close_gate(store, &gate);
    start(&before);
    start(&refused);
    start(&after);
    open_gate(store, &gate);
    assert_int_equal(end(store, &refused)->status, 402);
    assert_done(end(store, &before));
    assert_done(end(store, &after));
    assert_int_equal(refused.runs, before.runs);
    assert_int_equal(store_number(store, "SELECT sum(value) AS value FROM numbers"), 5);
    return before.runs;
}

STORE_TEST(a_unit_that_refuses_before_it_writes_makes_nobody_run_again)
{
    make_table(store);
    uint64_t commits = db_counts(store->db).commits;

    assert_int_equal(runs_beside(store, look_and_refuse), 1);
    assert_int_equal(db_counts(store->db).commits - commits, 2); /* with the gate's */
}

STORE_TEST(a_unit_that_fails_after_it_has_written_makes_its_company_run_once_more)
{
    make_table(store);
    uint64_t commits = db_counts(store->db).commits;

    assert_int_equal(runs_beside(store, insert_and_refuse), 2);
    assert_int_equal(db_counts(store->db).commits - commits, 2);
}

STORE_TEST(units_of_one_turn_share_a_commit_though_the_committer_sleeps)
{
    enum { COUNT = 9 };
    struct job jobs[COUNT];

    make_table(store);
    assert_done(call_sleep(&store->call, 20));
    uint64_t commits = db_counts(store->db).commits;

    for (int i = 0; i < COUNT; i++) {
        jobs[i] = job_of(store, insert);
        jobs[i].value = i;
        start(&jobs[i]);
    }
    for (int i = 0; i < COUNT; i++)
        assert_done(end(store, &jobs[i]));
    assert_int_equal(db_counts(store->db).commits - commits, 1);
}

STORE_TEST(a_unit_reads_what_it_wrote)
{
    struct job job = job_of(store, read_in_a_unit);

    make_table(store);
    store_write(store, "INSERT INTO numbers VALUES (10)");
    job.value = 5;
    start(&job);
    assert_done(end(store, &job));
    assert_int_equal(job.changes, 1);
    assert_int_equal(job.value, 2);
    assert_int_equal(store_number(store, "SELECT sum(value) AS value FROM numbers"), 17);
}

/* Its tenth of the units: the rest of the fiber's share follow one after the other. */
struct share {
    struct store *store;
    int64_t first;
    error result;
    struct wait ended;
};

enum { FIBERS = 100, UNITS = 1000 };

static void write_share(void *argument)
{
    struct share *share = argument;
    struct call call = call_new(store_arena(share->store), 30 * 1000);

    for (int64_t i = 0; i < UNITS / FIBERS && !share->result; i++) {
        struct number number = { share->first + i }, out = { 0 };

        share->result = db_write(&call, share->store->db, IN(number, &number),
                                 "INSERT INTO numbers VALUES (:value)");
        if (!share->result)
            share->result = db_one(&call, share->store->db, IN(number, &number), OUT(number, &out),
                                   "SELECT * FROM numbers WHERE value = :value");
    }
    wait_done(&share->ended);
}

STORE_TEST(units_that_come_together_share_commits)
{
    struct share shares[FIBERS] = { { 0 } };

    make_table(store);
    struct db_counts before = db_counts(store->db);

    for (int i = 0; i < FIBERS; i++) {
        shares[i] = (struct share){ .store = store, .first = i * 1000 };
        assert_done(fiber_start(write_share, &shares[i]));
    }
    for (int i = 0; i < FIBERS; i++) {
        assert_done(call_wait(&store->call, &shares[i].ended));
        assert_done(shares[i].result);
    }
    struct db_counts after = db_counts(store->db);

    assert_int_equal(after.units - before.units, UNITS);
    assert_in_range(after.commits - before.commits, UNITS / DB_BATCH_MAX, UNITS / 2);
    store_close(store);
    store_open(store);
    assert_int_equal(count_numbers(store), UNITS);
}

STORE_TEST(a_unit_that_is_cancelled_in_the_queue_never_runs)
{
    struct job first = job_of(store, insert), cancelled = job_of(store, insert),
               late = job_of(store, insert), last = job_of(store, insert);
    struct gate gate;

    make_table(store);
    cancelled.value = 1;
    late.value = 2;
    late.call.deadline_ms = clock_ms() + 20;
    last.value = 3;
    close_gate(store, &gate);
    start(&first);
    start(&cancelled);
    start(&late);
    start(&last);
    call_cancel(&cancelled.call);
    assert_ptr_equal(end(store, &cancelled), &ERROR_CANCELLED);
    assert_ptr_equal(end(store, &late), &ERROR_DEADLINE);
    assert_int_equal(db_counts(store->db).queued, 2);
    open_gate(store, &gate);
    assert_done(end(store, &first));
    assert_done(end(store, &last));
    assert_false(cancelled.ran);
    assert_false(late.ran);
    assert_int_equal(count_numbers(store), 2);

    struct job never = job_of(store, insert);

    call_cancel(&never.call);
    start(&never);
    assert_ptr_equal(end(store, &never), &ERROR_CANCELLED);
    assert_false(never.ran);
}

STORE_TEST(a_unit_that_runs_is_waited_for)
{
    struct gate gate;

    close_gate(store, &gate);
    call_cancel(&gate.job.call);
    assert_done(call_sleep(&store->call, 30));
    assert_false(gate.job.ended.done);
    open_gate(store, &gate); /* and its result is success */
}

STORE_TEST(the_deadline_stops_an_endless_unit_alone)
{
    struct job before = job_of(store, insert), endless = job_of(store, run_sql),
               after = job_of(store, insert);
    struct gate gate;

    make_table(store);
    before.value = 1;
    after.value = 2;
    endless.sql = "INSERT INTO numbers WITH RECURSIVE n(value) AS"
                  " (SELECT 1000 UNION ALL SELECT value + 1 FROM n) SELECT value FROM n";
    endless.call.deadline_ms = clock_ms() + 300;
    close_gate(store, &gate);
    start(&before);
    start(&endless);
    start(&after);
    open_gate(store, &gate);
    assert_ptr_equal(end(store, &endless), &ERROR_DEADLINE);
    assert_done(end(store, &before));
    assert_done(end(store, &after));
    assert_true(endless.ran);
    assert_int_equal(store_number(store, "SELECT sum(value) AS value FROM numbers"), 3);
}

STORE_TEST(a_full_disk_fails_those_that_need_room)
{
    struct job small = job_of(store, insert), large = job_of(store, run_sql),
               next = job_of(store, insert);
    struct gate gate;

    make_table(store);
    store_write(store, "CREATE TABLE blobs (data BLOB)");
    store_write(store, "PRAGMA max_page_count = 20");
    small.value = 1;
    large.sql = "INSERT INTO blobs VALUES (zeroblob(200000))";
    next.value = 2;
    close_gate(store, &gate);
    start(&small);
    start(&large);
    start(&next);
    open_gate(store, &gate);
    error e = end(store, &large);

    assert_cause(e, 503, "full");
    assert_string_equal(e->message, "The store cannot write");
    assert_int_equal(e->retry_after_s, 1);
    assert_done(end(store, &small));
    assert_done(end(store, &next));
    assert_int_equal(count_numbers(store), 2);

    store_write(store, "PRAGMA max_page_count = 1000000");
    store_write(store, large.sql);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM blobs"), 1);
}

STORE_TEST(a_commit_that_is_refused_concerns_its_unit_alone)
{
    struct job good = job_of(store, insert), orphan = job_of(store, run_sql),
               other = job_of(store, insert);
    struct gate gate;

    make_table(store);
    store_write(store, "CREATE TABLE users (id INTEGER PRIMARY KEY)");
    store_write(store, "CREATE TABLE pets (user_id INTEGER REFERENCES users (id)"
                       " DEFERRABLE INITIALLY DEFERRED)");
    good.value = 1;
    orphan.sql = "INSERT INTO pets VALUES (7)";
    other.value = 2;
    close_gate(store, &gate);
    start(&good);
    start(&orphan);
    start(&other);
    open_gate(store, &gate);
    assert_cause(end(store, &orphan), 500, "FOREIGN KEY");
    assert_done(end(store, &good));
    assert_done(end(store, &other));
    assert_int_equal(count_numbers(store), 2);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM pets"), 0);
}

STORE_TEST(a_unit_cannot_end_the_transaction)
{
    static const char *const rows[] = { "COMMIT",         "ROLLBACK",     "BEGIN",
                                        "SAVEPOINT mine", "RELEASE unit", "ROLLBACK TO unit" };

    make_table(store);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_cause(db_write(&store->call, store->db, NO_INPUT, rows[i]), 500, "not authorized");
        store_write(store, "DELETE FROM numbers");
    }
}

STORE_TEST(a_statement_that_ends_the_transaction_itself_fails_its_unit_alone)
{
    struct job good = job_of(store, insert), bad = job_of(store, run_sql);
    struct gate gate;

    make_table(store);
    store_write(store, "INSERT INTO numbers VALUES (1)");
    good.value = 2;
    bad.sql = "INSERT OR ROLLBACK INTO numbers VALUES (1)";
    close_gate(store, &gate);
    start(&good);
    start(&bad);
    open_gate(store, &gate);
    assert_cause(end(store, &bad), 409, "numbers_value_key");
    assert_done(end(store, &good));
    assert_int_equal(count_numbers(store), 2);
}

STORE_TEST(a_full_queue_refuses)
{
    struct job *jobs = calloc(DB_QUEUE_MAX, sizeof *jobs), refused = job_of(store, insert);
    struct gate gate;

    assert_non_null(jobs);
    make_table(store);
    close_gate(store, &gate);
    for (int i = 0; i < DB_QUEUE_MAX; i++) {
        jobs[i] = job_of(store, insert);
        jobs[i].value = i;
        start(&jobs[i]);
    }
    start(&refused);
    error e = end(store, &refused);

    assert_non_null(e);
    assert_int_equal(e->status, 503);
    assert_int_equal(e->retry_after_s, 1);
    open_gate(store, &gate);
    for (int i = 0; i < DB_QUEUE_MAX; i++)
        assert_done(end(store, &jobs[i]));
    assert_int_equal(count_numbers(store), DB_QUEUE_MAX);
    free(jobs);
}

STORE_TEST(closing_finishes_what_is_queued)
{
    enum { COUNT = 300 };
    struct job jobs[COUNT];

    make_table(store);
    for (int i = 0; i < COUNT; i++) {
        jobs[i] = job_of(store, insert);
        jobs[i].value = i;
        start(&jobs[i]);
    }
    call_cancel(&jobs[COUNT - 1].call);
    store_close(store);
    for (int i = 0; i < COUNT - 1; i++)
        assert_done(end(store, &jobs[i]));
    end(store, &jobs[COUNT - 1]);
    store_open(store);
    assert_in_range(count_numbers(store), COUNT - 1, COUNT);
}

STORE_TEST(another_writer_makes_the_store_busy_for_a_while)
{
    struct db *other;
    struct gate gate;

    make_table(store);
    assert_done(db_open(store->arena, store->url, &other));
    close_gate(store, &gate);
    error e = db_write(&store->call, other, NO_INPUT, "INSERT INTO numbers VALUES (1)");

    assert_cause(e, 503, "locked");
    assert_string_equal(e->message, "The store is busy");
    assert_int_equal(e->retry_after_s, 1);
    assert_int_equal(count_numbers(store), 0);
    open_gate(store, &gate);
    assert_done(db_write(&store->call, other, NO_INPUT, "INSERT INTO numbers VALUES (1)"));
    assert_int_equal(count_numbers(store), 1);
    db_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_waits_for_the_disk),
        cmocka_unit_test(a_unit_that_fails_leaves_the_others_of_its_commit),
        cmocka_unit_test(a_unit_that_fails_leaves_no_trace),
        cmocka_unit_test(a_unit_that_fails_in_company_leaves_no_trace_either),
        cmocka_unit_test(a_unit_that_refuses_before_it_writes_makes_nobody_run_again),
        cmocka_unit_test(a_unit_that_fails_after_it_has_written_makes_its_company_run_once_more),
        cmocka_unit_test(units_of_one_turn_share_a_commit_though_the_committer_sleeps),
        cmocka_unit_test(a_unit_reads_what_it_wrote),
        cmocka_unit_test(units_that_come_together_share_commits),
        cmocka_unit_test(a_unit_that_is_cancelled_in_the_queue_never_runs),
        cmocka_unit_test(a_unit_that_runs_is_waited_for),
        cmocka_unit_test(the_deadline_stops_an_endless_unit_alone),
        cmocka_unit_test(a_full_disk_fails_those_that_need_room),
        cmocka_unit_test(a_commit_that_is_refused_concerns_its_unit_alone),
        cmocka_unit_test(a_unit_cannot_end_the_transaction),
        cmocka_unit_test(a_statement_that_ends_the_transaction_itself_fails_its_unit_alone),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(closing_finishes_what_is_queued),
        cmocka_unit_test(another_writer_makes_the_store_busy_for_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
