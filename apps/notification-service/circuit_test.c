#include "testing/test.h"

#include "apps/notification-service/circuit.h"

enum { MOST = 8, MIDDLE = 125 }; /* of the first pause's jitter */

static void all_may_go_while_nothing_fails(void **state)
{
    struct circuit circuit = { 0 };

    (void)state;
    assert_int_equal(circuit_limit(&circuit, 0, MOST), MOST);
    assert_false(circuit_passed(&circuit));
}

static void after_a_failure_none_goes_for_a_pause_and_then_one(void **state)
{
    struct circuit circuit = { 0 };

    (void)state;
    assert_true(circuit_failed(&circuit, 1000, MIDDLE));
    assert_int_equal(circuit_limit(&circuit, 1000, MOST), 0);
    assert_int_equal(circuit_limit(&circuit, 1499, MOST), 0);
    assert_int_equal(circuit_limit(&circuit, 1500, MOST), 1);
    assert_true(circuit_passed(&circuit));
    assert_int_equal(circuit_limit(&circuit, 1500, MOST), MOST);
    assert_false(circuit_passed(&circuit));
}

static void what_fails_during_a_pause_does_not_count(void **state)
{
    struct circuit circuit = { 0 };

    (void)state;
    circuit_failed(&circuit, 1000, MIDDLE);
    for (int i = 0; i < MOST; i++)
        assert_false(circuit_failed(&circuit, 1001, MIDDLE));
    assert_int_equal(circuit_limit(&circuit, 1500, MOST), 1);
}

static void the_pause_doubles_up_to_half_a_minute(void **state)
{
    static const uint64_t LEAST_MS[] = { 375, 750, 1500, 3000, 6000, 12000, 22500, 22500 };
    static const uint64_t MOST_MS[] = { 625, 1250, 2500, 5000, 10000, 20000, 37500, 37500 };
    struct circuit low = { 0 }, high = { 0 };
    uint64_t now_low = 0, now_high = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(LEAST_MS); i++) {
        uint64_t half = LEAST_MS[i] / 3 * 2;

        assert_int_equal(circuit_failed(&low, now_low, 0), i == 0);
        assert_int_equal(low.resume_ms - now_low, LEAST_MS[i]);
        circuit_failed(&high, now_high, half);
        assert_int_equal(high.resume_ms - now_high, MOST_MS[i]);
        now_low = low.resume_ms;
        now_high = high.resume_ms;
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_may_go_while_nothing_fails),
        cmocka_unit_test(after_a_failure_none_goes_for_a_pause_and_then_one),
        cmocka_unit_test(what_fails_during_a_pause_does_not_count),
        cmocka_unit_test(the_pause_doubles_up_to_half_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
