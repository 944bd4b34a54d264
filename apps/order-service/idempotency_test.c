#include "testing/store.h"

#include "apps/order-service/idempotency.h"

#include "runtime/random.h"

extern const struct embedded_file order_service_migrations[];

static const timestamp NOW = { 1700000000000 };

enum { HOUR_MS = 60 * 60 * 1000 };

static struct idempotency request_of(struct store *store, uuid user, int64_t body)
{
    const struct number number = { body };
    struct idempotency made;

    assert_done(
        idempotency_of(store->arena, user, "POST /x", STR("key"), IN(number, &number), &made));
    return made;
}

struct job {
    const struct idempotency *request;
    timestamp now;
    str answer;
};

static error find_in_unit(struct db_unit *unit, void *argument)
{
    struct job *job = argument;

    return idempotency_find(unit, job->request, job->now, &job->answer);
}

static error take_in_unit(struct db_unit *unit, void *argument)
{
    struct job *job = argument;

    return idempotency_take(unit, job->request, job->now, job->answer);
}

static error answer_in_unit(struct db_unit *unit, void *argument)
{
    struct job *job = argument;

    return idempotency_answer(unit, job->request, job->answer);
}

static error find_at(struct store *store, const struct idempotency *request, int64_t age_ms,
                     str *answer)
{
    struct job job = { request, { NOW.ms + age_ms }, { NULL, 0 } };
    error failed = db_transaction(&store->call, store->db, find_in_unit, &job);

    *answer = job.answer;
    return failed;
}

static void take(struct store *store, const struct idempotency *request, str answer)
{
    struct job job = { request, NOW, answer };

    assert_done(db_transaction(&store->call, store->db, take_in_unit, &job));
}

static void migrate(struct store *store)
{
    assert_done(db_migrate(&store->call, store->db, order_service_migrations));
}

STORE_TEST(a_key_that_was_never_used_has_no_answer)
{
    struct idempotency request = request_of(store, random_uuid(), 1);
    str answer;

    migrate(store);
    assert_done(find_at(store, &request, 0, &answer));
    assert_null(answer.at);
}

STORE_TEST(a_key_has_the_answer_that_it_was_taken_with)
{
    struct idempotency request = request_of(store, random_uuid(), 1);
    str answer;

    migrate(store);
    take(store, &request, STR("{\"id\":1}"));
    assert_done(find_at(store, &request, HOUR_MS, &answer));
    assert_text(answer, "{\"id\":1}");
}

STORE_TEST(a_key_without_an_answer_is_running_until_it_gets_one)
{
    struct idempotency request = request_of(store, random_uuid(), 1);
    struct job job = { .request = &request, .answer = STR("{}") };
    str answer;

    migrate(store);
    take(store, &request, (str){ NULL, 0 });
    assert_ptr_equal(find_at(store, &request, 0, &answer), &IDEMPOTENCY_RUNNING);
    assert_ptr_equal(find_at(store, &request, 48 * HOUR_MS, &answer), &IDEMPOTENCY_RUNNING);
    assert_done(db_transaction(&store->call, store->db, answer_in_unit, &job));
    assert_done(find_at(store, &request, 0, &answer));
    assert_text(answer, "{}");
}

STORE_TEST(another_body_is_refused)
{
    uuid user = random_uuid();
    struct idempotency first = request_of(store, user, 1), other = request_of(store, user, 2);
    str answer;

    migrate(store);
    take(store, &first, STR("{}"));
    assert_ptr_equal(find_at(store, &other, 0, &answer), &IDEMPOTENCY_OTHER_BODY);
}

STORE_TEST(a_key_belongs_to_one_user)
{
    struct idempotency mine = request_of(store, random_uuid(), 1);
    struct idempotency theirs = request_of(store, random_uuid(), 1);
    str answer;

    migrate(store);
    take(store, &mine, STR("{}"));
    assert_done(find_at(store, &theirs, 0, &answer));
    assert_null(answer.at);
}

STORE_TEST(a_key_is_free_again_after_a_day)
{
    uuid user = random_uuid();
    struct idempotency first = request_of(store, user, 1), other = request_of(store, user, 2);
    str answer;

    migrate(store);
    take(store, &first, STR("{}"));
    assert_done(find_at(store, &first, 24 * HOUR_MS - 1, &answer));
    assert_text(answer, "{}");
    assert_done(find_at(store, &other, 24 * HOUR_MS, &answer));
    assert_null(answer.at);
    take(store, &other, STR("{\"new\":1}"));
    assert_done(find_at(store, &other, 0, &answer));
    assert_text(answer, "{\"new\":1}");
}

STORE_TEST(what_is_too_old_is_removed_unless_it_runs)
{
    struct idempotency answered = request_of(store, random_uuid(), 1);
    struct idempotency running = request_of(store, random_uuid(), 1);

    migrate(store);
    take(store, &answered, STR("{}"));
    take(store, &running, (str){ NULL, 0 });
    assert_done(
        idempotency_purge(&store->call, store->db, (timestamp){ NOW.ms + 24 * HOUR_MS - 1 }));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM idempotency_keys"), 2);
    assert_done(idempotency_purge(&store->call, store->db, (timestamp){ NOW.ms + 24 * HOUR_MS }));
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM idempotency_keys"), 1);
}

STORE_TEST(without_a_key_nothing_is_kept)
{
    struct idempotency none = { .user_id = random_uuid(), .route = STR("POST /x") };
    str answer;

    migrate(store);
    take(store, &none, STR("{}"));
    assert_done(find_at(store, &none, 0, &answer));
    assert_null(answer.at);
    assert_int_equal(store_number(store, "SELECT count(*) AS value FROM idempotency_keys"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_was_never_used_has_no_answer),
        cmocka_unit_test(a_key_has_the_answer_that_it_was_taken_with),
        cmocka_unit_test(a_key_without_an_answer_is_running_until_it_gets_one),
        cmocka_unit_test(another_body_is_refused),
        cmocka_unit_test(a_key_belongs_to_one_user),
        cmocka_unit_test(a_key_is_free_again_after_a_day),
        cmocka_unit_test(what_is_too_old_is_removed_unless_it_runs),
        cmocka_unit_test(without_a_key_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
