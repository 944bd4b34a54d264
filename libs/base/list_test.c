#include "base/list.h"
#include "testing/test.h"

struct item {
    int number;
    struct link link;
};

static int take(struct link *list)
{
    struct link *link = list_take(list);

    return link ? LIST_ELEMENT(link, struct item, link)->number : 0;
}

static void elements_come_in_the_order_they_were_appended(void **state)
{
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    struct link list;

    (void)state;
    list_init(&list);
    assert_true(list_empty(&list));
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].link);
    assert_false(list_empty(&list));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(take(&list), i);
    assert_true(list_empty(&list));
    assert_null(list_take(&list));
}

static void an_element_leaves_from_the_middle_and_may_leave_again(void **state)
{
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    struct link list;

    (void)state;
    list_init(&list);
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].link);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_true(list_empty(&items[1].link));
    assert_int_equal(take(&list), 1);
    list_append(&list, &items[1].link);
    assert_int_equal(take(&list), 3);
    assert_int_equal(take(&list), 2);
    assert_null(list_take(&list));
}

static void a_zeroed_link_is_on_no_list(void **state)
{
    struct link link = { 0 };

    (void)state;
    assert_true(list_empty(&link));
    list_remove(&link);
    assert_true(list_empty(&link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_in_the_order_they_were_appended),
        cmocka_unit_test(an_element_leaves_from_the_middle_and_may_leave_again),
        cmocka_unit_test(a_zeroed_link_is_on_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
