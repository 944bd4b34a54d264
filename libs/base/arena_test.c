#include "base/arena.h"
#include "testing/test.h"

#include <stdio.h>
#include <string.h>

static void everything_is_aligned_and_apart(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    char *previous = NULL;

    (void)state;
    for (size_t size = 0; size < 3000; size++) {
        char *at = arena_alloc(arena, size);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        assert_ptr_not_equal(at, previous);
        memset(at, 0xA5, size);
        if (size > 1)
            assert_int_equal((unsigned char)previous[0], 0xA5);
        previous = at;
    }
    arena_free(arena);
}

static void contents_survive_growth(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str texts[2000];

    (void)state;
    for (int i = 0; i < 2000; i++)
        texts[i] = arena_printf(arena, "text number %d of many", i);
    for (int i = 0; i < 2000; i++) {
        char expected[40];

        snprintf(expected, sizeof expected, "text number %d of many", i);
        assert_text(texts[i], expected);
        assert_int_equal(texts[i].at[texts[i].len], '\0');
    }
    arena_free(arena);
}

static void an_arena_never_exceeds_its_limit(void **state)
{
    static const size_t limits[] = {
        0, 16, 100, 4096, ARENA_BLOCK_SIZE, 3 * ARENA_BLOCK_SIZE + 5, 1 << 20
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct arena *arena = arena_new(limits[i]);
        size_t taken = 0;

        while (arena_alloc(arena, 16))
            taken += 16;
        assert_int_equal(taken, limits[i] / 16 * 16);
        assert_int_equal(arena_used(arena), taken);
        assert_null(arena_alloc(arena, 16));
        arena_free(arena);
    }
}

static void a_large_piece_may_take_all_that_is_left(void **state)
{
    struct arena *arena = arena_new(1 << 20);

    (void)state;
    assert_non_null(arena_alloc(arena, ARENA_BLOCK_SIZE));
    assert_non_null(arena_alloc(arena, (1 << 20) - ARENA_BLOCK_SIZE));
    assert_null(arena_alloc(arena, 1));
    arena_free(arena);
}

static void sizes_that_would_wrap_are_refused(void **state)
{
    struct arena *arena = arena_new(SIZE_MAX);

    (void)state;
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX - 8));
    assert_null(arena_alloc(arena, SIZE_MAX / 2));
    assert_null(arena_zalloc(arena, SIZE_MAX / 8, 16));
    assert_null(arena_zalloc(arena, (size_t)1 << 33, (size_t)1 << 33));
    assert_non_null(arena_alloc(arena, 16));
    arena_free(arena);
}

static void a_reset_forgets_all_and_keeps_one_block(void **state)
{
    struct arena *arena = arena_new(64 * 1024);
    void *first = arena_alloc(arena, 100);

    (void)state;
    for (int round = 0; round < 100; round++) {
        assert_non_null(arena_alloc(arena, 40 * 1024));
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
        assert_ptr_equal(arena_alloc(arena, 100), first);
    }
    arena_free(arena);
}

static void zeroed_memory_is_zero_after_use_too(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    memset(arena_alloc(arena, 4000), 0xFF, 4000);
    arena_reset(arena);
    uint64_t *numbers = ARENA_ARRAY(arena, uint64_t, 400);

    for (int i = 0; i < 400; i++)
        assert_int_equal(numbers[i], 0);
    arena_free(arena);
}

static void a_copy_is_ended_and_of_its_own(void **state)
{
    struct arena *arena = arena_new(64);
    char text[] = "abc";
    str copy = arena_copy(arena, (str){ text, 3 });

    (void)state;
    text[0] = 'x';
    assert_text(copy, "abc");
    assert_int_equal(copy.at[3], '\0');
    assert_text(arena_copy(arena, (str){ NULL, 0 }), "");
    assert_null(arena_copy(arena, STR("a text of more than thirty-two bytes")).at);
    assert_null(arena_printf(arena, "%64d", 1).at);
    arena_free(arena);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_aligned_and_apart),
        cmocka_unit_test(contents_survive_growth),
        cmocka_unit_test(an_arena_never_exceeds_its_limit),
        cmocka_unit_test(a_large_piece_may_take_all_that_is_left),
        cmocka_unit_test(sizes_that_would_wrap_are_refused),
        cmocka_unit_test(a_reset_forgets_all_and_keeps_one_block),
        cmocka_unit_test(zeroed_memory_is_zero_after_use_too),
        cmocka_unit_test(a_copy_is_ended_and_of_its_own),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
