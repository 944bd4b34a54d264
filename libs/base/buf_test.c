#include "base/buf.h"
#include "testing/test.h"

#include <string.h>

static void an_empty_buffer_has_an_empty_text(void **state)
{
    struct buf buf = buf_new(10);

    (void)state;
    assert_text(buf_text(&buf), "");
    buf_add(&buf, (str){ NULL, 0 });
    assert_text(buf_text(&buf), "");
    assert_non_null(buf_reserve(&buf, 0));
    assert_false(buf_failed(&buf));
    buf_free(&buf);
}

static void all_that_is_added_is_there(void **state)
{
    struct buf buf = buf_new(1000);

    (void)state;
    BUF_ADD(&buf, "n=");
    buf_add_uint(&buf, 0);
    buf_add_char(&buf, ' ');
    buf_add_uint(&buf, UINT64_MAX);
    buf_add_char(&buf, ' ');
    buf_add_int(&buf, INT64_MIN);
    buf_add_char(&buf, ' ');
    buf_add_int(&buf, 7);
    buf_printf(&buf, " %s-%03d", "x", 5);
    assert_text(buf_text(&buf), "n=0 18446744073709551615 -9223372036854775808 7 x-005");
    buf_free(&buf);
}

static void the_limit_can_be_reached_and_not_passed(void **state)
{
    static const size_t limits[] = { 0, 1, 255, 256, 257, 1000, 4096, 100000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct buf buf = buf_new(limits[i]);

        for (size_t n = 0; n < limits[i]; n++)
            buf_add_char(&buf, 'x');
        assert_false(buf_failed(&buf));
        assert_int_equal(buf_text(&buf).len, limits[i]);
        buf_add_char(&buf, 'y');
        assert_true(buf_failed(&buf));
        assert_int_equal(buf_text(&buf).len, limits[i]);
        buf_free(&buf);
    }
}

static void a_formatted_text_may_fill_the_buffer(void **state)
{
    struct buf buf = buf_new(5);

    (void)state;
    buf_printf(&buf, "%s", "12345");
    assert_false(buf_failed(&buf));
    assert_text(buf_text(&buf), "12345");
    buf_clear(&buf);
    buf_printf(&buf, "%s", "123456");
    assert_true(buf_failed(&buf));
    assert_text(buf_text(&buf), "");
    buf_free(&buf);
}

static void a_failure_sticks_until_the_buffer_is_cleared(void **state)
{
    struct buf buf = buf_new(4);

    (void)state;
    BUF_ADD(&buf, "ab");
    BUF_ADD(&buf, "cde");
    BUF_ADD(&buf, "f");
    buf_printf(&buf, "g");
    assert_true(buf_failed(&buf));
    assert_null(buf_reserve(&buf, 0));
    assert_text(buf_text(&buf), "ab");
    buf_clear(&buf);
    BUF_ADD(&buf, "wxyz");
    assert_false(buf_failed(&buf));
    assert_text(buf_text(&buf), "wxyz");
    buf_free(&buf);
    BUF_ADD(&buf, "1234");
    assert_text(buf_text(&buf), "1234");
    buf_free(&buf);
}

static void a_wrapping_size_fails(void **state)
{
    struct buf buf = buf_new(SIZE_MAX);

    (void)state;
    BUF_ADD(&buf, "abc");
    assert_null(buf_reserve(&buf, SIZE_MAX - 2));
    assert_true(buf_failed(&buf));
    buf_clear(&buf);
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_free(&buf);
}

static void the_front_can_be_dropped(void **state)
{
    struct buf buf = buf_new(100);

    (void)state;
    BUF_ADD(&buf, "hello world");
    buf_drop_front(&buf, 0);
    buf_drop_front(&buf, 6);
    assert_text(buf_text(&buf), "world");
    buf_drop_front(&buf, 5);
    assert_text(buf_text(&buf), "");
    buf_drop_front(&buf, 0);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_has_an_empty_text),
        cmocka_unit_test(all_that_is_added_is_there),
        cmocka_unit_test(the_limit_can_be_reached_and_not_passed),
        cmocka_unit_test(a_formatted_text_may_fill_the_buffer),
        cmocka_unit_test(a_failure_sticks_until_the_buffer_is_cleared),
        cmocka_unit_test(a_wrapping_size_fails),
        cmocka_unit_test(the_front_can_be_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
