#include "auth/password.h"

#include "runtime/clock.h"
#include "testing/fiber_test.h"

#include <string.h>

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

enum { COST = PASSWORD_COST_MIN, QUEUE = 8, TIMEOUT_MS = 60 * 1000 };

/* What a test works with. */
static struct {
    struct call *call;
    struct passwords *passwords;
} test;

static void begin(struct call *call, unsigned cost, unsigned threads, unsigned queue_max)
{
    struct password_options options = { cost, threads, queue_max };

    test.call = call;
    assert_null(passwords_new(call->arena, &options, &test.passwords));
}

static void end(void)
{
    passwords_free(test.passwords);
}

/* `PASSWORD_TEST(name) { … }` runs on a fiber while passwords are hashed at the least cost. */
#define PASSWORD_TEST(name)          \
    static void name##_begun(void);  \
    TEST(name)                       \
    {                                \
        begin(call, COST, 2, QUEUE); \
        name##_begun();              \
        end();                       \
    }                                \
    static void name##_begun(void)

static str hash_of(str password)
{
    str hash;

    assert_null(password_hash(test.call, test.passwords, password, &hash));
    return hash;
}

static bool fits(str password, str hash)
{
    bool right;

    assert_null(password_verify(test.call, test.passwords, password, hash, &right));
    return right;
}

static const struct {
    const char *password, *hash;
} BCRYPTJS[] = {
    /* 2.4.3 writes $2a$, 3.0 $2b$ */
    { "", "$2a$04$MQu.PlAFgXBceL5AaJT06OJxqwbCHKljEyHtgcSlB2m.KnFmjYD.O" },
    { "", "$2b$04$hlCsKCMUKjzy/WEynupVjeB6LIh92vu/jyq70PSwV2PixDctuI8h2" },
    { "parola123", "$2a$04$e5k4p1C5gGqWdnfKa.lfjOD.yw1eUGWO/WSj/.nLnCLB48CuoaK7i" },
    { "parola123", "$2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW" },
    { "parola123", "$2y$04$i.gy0IPyGo/toua9Dxj1q.rxSu8uk2O1i.miKh7Wskz7pHtgRp6AW" },
    { "parola123", "$2b$12$E8nLZIaA8EqzVFAYXJCHr.3PgLbxbfnRzEHPt/mGuNpRK5dNOJmgG" },
    { "Parolă cu țâșnitură", "$2a$04$vezMPoPpvOMS1DfLUAJPgez87q8tEOcaonJiAfm8KBr0rTQVoZdvS" },
    { "Parolă cu țâșnitură", "$2b$04$P/HxdPnyTXz3g8md50FYT.N/wF3hV0EvDUUjvU15IPWsmvxFELmam" },
    { "🔐 пароль", "$2a$04$f70.kQCZC663jbl.ipqWQuiulq2O.dHvTU0rAW7oaAn2CQqJSgeRu" },
    { "🔐 пароль", "$2b$04$gabIRNsDHOGy9Lmc8hn69OdlgR9SvarSvAfLUsP1wWLuETvEAcyqe" },
    { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "$2a$04$IC2GrGYSwy/eEv5WPHrxbuOwzdx4XviCX.2Vk5cpbDoshlLg35zH2" },
    { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "$2b$04$ZKp67sf0t9O8yHVPr6dKKO87vaJJ33wvmQosXq7MNpYfBiiGTAIlG" },
    { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "$2a$04$vvq3zUSnOz6m0XtsausQd.z1wWZn9DMVk6z8Q4dAJNAQPcSE2aPp2" },
    { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "$2b$04$PUkL3dyWkRsxOgaHP2DT5eKqILIxcEFEAe79nThttJRDF08qc4Vqm" },
};

PASSWORD_TEST(hashes_of_bcryptjs_are_verified)
{
    for (size_t i = 0; i < COUNT_OF(BCRYPTJS); i++) {
        str hash = str_of(BCRYPTJS[i].hash);

        if (!fits(str_of(BCRYPTJS[i].password), hash) || fits(STR("parola124"), hash))
            fail_msg("'%s' %s", BCRYPTJS[i].password, BCRYPTJS[i].hash);
    }
}

PASSWORD_TEST(a_hash_belongs_to_its_password_alone)
{
    static const str PASSWORDS[] = {
        STR_INIT(""),
        STR_INIT(" "),
        STR_INIT("parola123"),
        STR_INIT("ăâîșț ĂÂÎȘȚ"),
        STR_INIT("🔐"),
        STR_INIT(SEVENTY "1"),
        STR_INIT(SEVENTY "12"),
        STR_INIT("\x7F\t"),
        STR_INIT("\xEF\xBF\xBD"),
    };

    for (size_t i = 0; i < COUNT_OF(PASSWORDS); i++) {
        str hash = hash_of(PASSWORDS[i]);

        assert_int_equal(hash.len, PASSWORD_HASH_TEXT);
        assert_true(str_starts_with(hash, STR("$2b$04$")));
        for (size_t j = 0; j < COUNT_OF(PASSWORDS); j++)
            assert_int_equal(fits(PASSWORDS[j], hash), i == j);
    }
    assert_true(fits((str){ 0 }, hash_of((str){ 0 })));
}

PASSWORD_TEST(each_hash_has_its_own_salt)
{
    assert_false(str_eq(hash_of(STR("parola123")), hash_of(STR("parola123"))));
}

static void hash_at_cost_6(void)
{
    str hash = hash_of(STR("parola123"));

    assert_true(str_starts_with(hash, STR("$2b$06$")));
    assert_true(fits(STR("parola123"), hash));
    assert_true(fits(STR("parola123"), str_of(BCRYPTJS[2].hash)));
}

TEST(the_cost_is_the_options_and_any_stored_one_verifies)
{
    begin(call, 6, 1, 1);
    hash_at_cost_6();
    end();
}

PASSWORD_TEST(passwords_that_bcrypt_would_cut_make_no_hash)
{
    str hash = STR("untouched");
    error failed = password_hash(test.call, test.passwords, STR(SEVENTY "123"), &hash);

    assert_int_equal(failed->status, 400);
    assert_string_equal(failed->message, "password must be shorter than or equal to 72 bytes");
    failed = password_hash(test.call, test.passwords, STR("abc\0def"), &hash);
    assert_int_equal(failed->status, 400);
    assert_string_equal(failed->message, "password must not contain a NUL character");
    assert_true(str_is(hash, "untouched"));
}

/* bcrypt itself would take each of these for the password. */
PASSWORD_TEST(passwords_that_bcrypt_would_cut_fit_no_hash)
{
    assert_false(fits(STR(SEVENTY "123"), hash_of(STR(SEVENTY "12"))));
    assert_false(fits(STR("abc\0def"), hash_of(STR("abc"))));
    assert_false(fits(STR("abc\0"), hash_of(STR("abc"))));
    assert_false(fits(STR("\0"), hash_of(STR(""))));
}

PASSWORD_TEST(malformed_hashes_fit_no_password)
{
    static const str rows[] = {
        STR_INIT(""),
        STR_INIT("*0"),
        STR_INIT("parola123"),
        STR_INIT("$2b$04$"),
        /* The first row of $2b$ for parola123 with one thing changed in each. */
        STR_INIT("$2x$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2c$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2$04$xxy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$1b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2B$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$03$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$00$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$16$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$31$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$ 4$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$04.xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZD="),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkW IMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkW\0IMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZD"),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW."),
        STR_INIT(" $2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkWhIMOub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDX"),
        /* A salt whose last digit has unused bits: bcryptjs refuses it, too. */
        STR_INIT("$2b$04$xy6vqp6C9C4XC1dTkWhIMPub/WnzdHE5s/ZuI/BtUdEPwOtSeYZDW"),
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (fits(STR("parola123"), rows[i]))
            fail_msg("%.*s", STR_ARG(rows[i]));
    assert_false(fits(STR("parola123"), (str){ 0 }));
    assert_false(fits(STR(""), (str){ 0 }));
}

/* The shortest of some tries: what else runs on the machine only adds to it. */
static uint64_t shortest_ns(str password, str hash, bool expected)
{
    uint64_t shortest = UINT64_MAX;

    for (int i = 0; i < 30; i++) {
        uint64_t start = clock_ns();

        assert_int_equal(fits(password, hash), expected);

        uint64_t took = clock_ns() - start;

        if (took < shortest)
            shortest = took;
    }
    return shortest;
}

static void measure(void)
{
    str right = STR("parola123"), hash = hash_of(right);
    uint64_t usual = shortest_ns(right, hash, true);
    const struct {
        str password, hash;
    } rows[] = {
        { STR("parola124"), hash },     /* wrong */
        { right, STR("") },             /* unknown user */
        { right, STR("$2b$xx$") },      /* malformed */
        { STR(SEVENTY SEVENTY), hash }, /* too long */
        { STR("parola123\0"), hash },   /* NUL */
        { STR(""), STR("") },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t took = shortest_ns(rows[i].password, rows[i].hash, false);

        if (took * 5 < usual * 3 || took * 3 > usual * 5)
            fail_msg("row %zu took %llu ns instead of %llu", i, (unsigned long long)took,
                     (unsigned long long)usual);
    }
}

TEST(every_answer_takes_the_same_time)
{
    begin(call, 5, 1, 1);
    measure();
    end();
}

enum { CROWD = 6, CROWD_QUEUE = 2 };

static struct {
    struct call calls[CROWD];
    error failed[CROWD];
    size_t started, ended;
} crowd;

static void join_crowd(void *argument)
{
    size_t i = crowd.started++;
    str hash;

    (void)argument;
    crowd.failed[i] = password_hash(&crowd.calls[i], test.passwords, STR("parola123"), &hash);
    crowd.ended++;
}

static void gather_crowd(uint64_t timeout_ms)
{
    crowd.started = crowd.ended = 0;
    for (size_t i = 0; i < CROWD; i++) {
        crowd.calls[i] = call_new(test.call->arena, timeout_ms);
        assert_null(fiber_start(join_crowd, NULL));
    }
}

static void wait_for_crowd(void)
{
    while (crowd.ended < CROWD)
        assert_null(call_sleep(test.call, 10));
}

/* Threads take from the queue whenever they like, so one or two of the crowd may find more room. */
static void overfill(void)
{
    size_t refused = 0;

    gather_crowd(TIMEOUT_MS);
    assert_in_range(crowd.ended, CROWD - CROWD_QUEUE - 1, CROWD - CROWD_QUEUE);
    wait_for_crowd();
    for (size_t i = 0; i < CROWD; i++) {
        if (!crowd.failed[i])
            continue;
        refused++;
        assert_int_equal(crowd.failed[i]->status, 503);
        assert_true(crowd.failed[i]->retry_after_s > 0);
    }
    assert_in_range(refused, CROWD - CROWD_QUEUE - 1, CROWD - CROWD_QUEUE);
}

TEST(a_full_queue_refuses_at_once_with_503)
{
    begin(call, 10, 1, CROWD_QUEUE);
    overfill();
    end();
}

/* At cost 12 a hash takes 200 ms: those behind the first are late. */
static void be_late(void)
{
    size_t late = 0;

    gather_crowd(50);
    wait_for_crowd();
    for (size_t i = 0; i < CROWD; i++)
        late += crowd.failed[i] == &ERROR_DEADLINE;
    assert_in_range(late, CROWD - 1, CROWD); /* all, if the thread itself started late */
    assert_true(fits(STR("parola123"), str_of(BCRYPTJS[3].hash)));
}

TEST(a_deadline_ends_the_wait_in_the_queue)
{
    begin(call, 12, 1, CROWD);
    be_late();
    end();
}

PASSWORD_TEST(a_cancelled_call_hashes_nothing)
{
    str hash;
    bool right;

    call_cancel(test.call);
    assert_ptr_equal(password_hash(test.call, test.passwords, STR("parola123"), &hash),
                     &ERROR_CANCELLED);
    assert_ptr_equal(password_verify(test.call, test.passwords, STR("parola123"), STR(""), &right),
                     &ERROR_CANCELLED);
}

PASSWORD_TEST(a_full_arena_is_an_ordinary_error)
{
    struct arena *full = arena_new(ARENA_BLOCK_SIZE);
    struct call call = call_new(full, TIMEOUT_MS);
    str hash;

    while (arena_alloc(full, 1))
        ;
    assert_ptr_equal(password_hash(&call, test.passwords, STR("parola123"), &hash),
                     &ERROR_OUT_OF_MEMORY);
    arena_free(full);
}

TEST(a_cost_out_of_range_is_an_error)
{
    static const unsigned COSTS[] = { 0, 3, 16, 31 };

    for (size_t i = 0; i < COUNT_OF(COSTS); i++) {
        struct password_options options = { .cost = COSTS[i], .threads = 1, .queue_max = 1 };
        error failed = passwords_new(call->arena, &options, &test.passwords);

        assert_non_null(failed);
        assert_int_equal(failed->status, 500);
        assert_non_null(strstr(failed->message, "must be 4 to 15"));
    }
    passwords_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_bcryptjs_are_verified),
        cmocka_unit_test(a_hash_belongs_to_its_password_alone),
        cmocka_unit_test(each_hash_has_its_own_salt),
        cmocka_unit_test(the_cost_is_the_options_and_any_stored_one_verifies),
        cmocka_unit_test(passwords_that_bcrypt_would_cut_make_no_hash),
        cmocka_unit_test(passwords_that_bcrypt_would_cut_fit_no_hash),
        cmocka_unit_test(malformed_hashes_fit_no_password),
        cmocka_unit_test(every_answer_takes_the_same_time),
        cmocka_unit_test(a_full_queue_refuses_at_once_with_503),
        cmocka_unit_test(a_deadline_ends_the_wait_in_the_queue),
        cmocka_unit_test(a_cancelled_call_hashes_nothing),
        cmocka_unit_test(a_full_arena_is_an_ordinary_error),
        cmocka_unit_test(a_cost_out_of_range_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
