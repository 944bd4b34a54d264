#include "base/error.h"
#include "testing/test.h"

static void fixed_errors_have_a_status_and_a_message(void **state)
{
    static const struct {
        error e;
        int status;
        enum error_form form;
    } rows[] = {
        { &ERROR_OUT_OF_MEMORY, 503, ERROR_NAMED },
        { &ERROR_INTERNAL, 500, ERROR_BRIEF },
        { &ERROR_DEADLINE, 504, ERROR_NAMED },
        { &ERROR_CANCELLED, 499, ERROR_NAMED },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(rows[i].e->status, rows[i].status);
        assert_int_equal(rows[i].e->form, rows[i].form);
        assert_non_null(rows[i].e->message);
    }
}

static void an_error_is_formatted_into_the_arena(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    error cause = error_new(arena, 500, "disk %d", 3);
    error e = error_because(arena, cause, 503, "cannot %s", "store");

    (void)state;
    assert_int_equal(e->status, 503);
    assert_string_equal(e->message, "cannot store");
    assert_ptr_equal(e->cause, cause);
    assert_string_equal(cause->message, "disk 3");
    assert_null(cause->cause);
    assert_null(e->messages);
    arena_free(arena);
}

static void a_list_is_kept_beside_the_name(void **state)
{
    static const str texts[] = { STR_INIT("a must be a string"), STR_INIT("b should not exist") };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    error e = error_list(arena, 400, (strs){ texts, 2 });

    (void)state;
    assert_int_equal(e->status, 400);
    assert_string_equal(e->message, "Bad Request");
    assert_int_equal(e->messages->len, 2);
    assert_text(e->messages->at[1], "b should not exist");
    arena_free(arena);
}

static void a_full_arena_gives_the_fixed_error(void **state)
{
    struct arena *arena = arena_new(64);

    (void)state;
    while (arena_alloc(arena, 16))
        ;
    assert_ptr_equal(error_new(arena, 400, "x"), &ERROR_OUT_OF_MEMORY);
    assert_ptr_equal(error_because(arena, NULL, 400, "x"), &ERROR_OUT_OF_MEMORY);
    assert_ptr_equal(error_list(arena, 400, (strs){ 0 }), &ERROR_OUT_OF_MEMORY);
    arena_free(arena);
}

static void a_status_has_the_name_that_nestjs_gives_it(void **state)
{
    static const struct {
        int status;
        const char *name;
    } rows[] = {
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 412, "Precondition Failed" },
        { 413, "Payload Too Large" },
        { 415, "Unsupported Media Type" },
        { 418, "I'm a teapot" },
        { 422, "Unprocessable Entity" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 499, "Error" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(error_name(rows[i].status), rows[i].name);
}

static error twice(error first, int *reached)
{
    TRY(first);
    ++*reached;
    return NULL;
}

static void try_hands_on_an_error_and_nothing_else(void **state)
{
    int reached = 0;

    (void)state;
    assert_ptr_equal(twice(&ERROR_INTERNAL, &reached), &ERROR_INTERNAL);
    assert_int_equal(reached, 0);
    assert_null(twice(NULL, &reached));
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_errors_have_a_status_and_a_message),
        cmocka_unit_test(an_error_is_formatted_into_the_arena),
        cmocka_unit_test(a_list_is_kept_beside_the_name),
        cmocka_unit_test(a_full_arena_gives_the_fixed_error),
        cmocka_unit_test(a_status_has_the_name_that_nestjs_gives_it),
        cmocka_unit_test(try_hands_on_an_error_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
