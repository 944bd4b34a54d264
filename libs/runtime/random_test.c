#include "runtime/random.h"
#include "runtime/clock.h"
#include "testing/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void assert_all_different(uint8_t (*values)[16], size_t count)
{
    qsort(values, count, 16, compare);
    for (size_t i = 1; i < count; i++)
        assert_memory_not_equal(values[i - 1], values[i], 16);
}

static void bytes_do_not_repeat(void **state)
{
    static uint8_t values[20000][16];

    (void)state;
    for (size_t i = 0; i < 10000; i++)
        random_bytes(values[i], 16);
    random_bytes(values[10000], 10000 * sizeof values[0]);
    assert_all_different(values, 20000);
}

static void each_bit_is_as_often_set_as_not(void **state)
{
    enum { COUNT = 40000 };
    int set[64] = { 0 };

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        uint64_t value;

        random_bytes(&value, sizeof value);
        for (int bit = 0; bit < 64; bit++)
            set[bit] += (int)(value >> bit & 1);
    }
    /* Eight standard deviations. */
    for (int bit = 0; bit < 64; bit++)
        assert_in_range(set[bit], COUNT / 2 - 800, COUNT / 2 + 800);
}

static void a_number_lies_below_its_bound(void **state)
{
    static const uint64_t bounds[] = { 1, 2, 3, 10, 1000, UINT64_MAX / 2 + 2, UINT64_MAX };
    int seen[10] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bounds); i++)
        for (int k = 0; k < 1000; k++)
            assert_true(random_below(bounds[i]) < bounds[i]);
    for (int i = 0; i < 10000; i++)
        seen[random_below(10)]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 700, 1300);
}

static int64_t time_of(uuid id)
{
    int64_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.bytes[i];
    return ms;
}

static void ids_are_of_version_7_and_carry_the_time(void **state)
{
    int64_t before = clock_now().ms;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char text[UUID_TEXT];
        uuid id = random_uuid(), back;

        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        assert_in_range(time_of(id), before, clock_now().ms + 1);
        uuid_print(id, text);
        assert_true(uuid_parse((str){ text, sizeof text }, &back));
        assert_true(uuid_eq(id, back));
    }
}

static void ids_increase(void **state)
{
    uuid previous = random_uuid();

    (void)state;
    for (int i = 0; i < 300000; i++) {
        uuid id = random_uuid();

        assert_true(memcmp(previous.bytes, id.bytes, 10) < 0);
        previous = id;
    }
}

enum { THREADS = 4, IDS = 5000 };

static uint8_t ids[THREADS * IDS][16];

static void *make_ids(void *argument)
{
    uint8_t(*own)[16] = argument;

    for (int i = 0; i < IDS; i++) {
        uuid id = random_uuid();

        memcpy(own[i], id.bytes, 16);
    }
    return NULL;
}

static void threads_make_different_ids(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i * IDS]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_all_different(ids, THREADS * IDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_do_not_repeat),
        cmocka_unit_test(each_bit_is_as_often_set_as_not),
        cmocka_unit_test(a_number_lies_below_its_bound),
        cmocka_unit_test(ids_are_of_version_7_and_carry_the_time),
        cmocka_unit_test(ids_increase),
        cmocka_unit_test(threads_make_different_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
