#include "database/errors.h"

#include "testing/store.h"

static void a_constraint_has_the_name_that_postgresql_gives_it(void **state)
{
    static const struct {
        const char *message;
        bool primary;
        const char *name;
    } rows[] = {
        { "UNIQUE constraint failed: users.email", false, "users_email_key" },
        { "UNIQUE constraint failed: events.stream_id, events.version", false,
          "events_stream_id_version_key" },
        { "UNIQUE constraint failed: a.b, a.c, a.d", false, "a_b_c_d_key" },
        { "UNIQUE constraint failed: users.id", true, "users_pkey" },
        { "UNIQUE constraint failed: items.order_id, items.line", true, "items_pkey" },
        { "UNIQUE constraint failed: users.rowid", true, "users_pkey" },
        { "UNIQUE constraint failed: index 'users_lower_email'", false, "users_lower_email" },
        { "something else", false, "something else" },
        { "", false, "" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str name = db_constraint_name(arena, rows[i].message, rows[i].primary);

        assert_string_equal(name.at, rows[i].name);
        assert_int_equal(name.len, strlen(rows[i].name));
    }
    arena_free(arena);
}

static void a_conflict_is_renamed_by_its_constraint_alone(void **state)
{
    static const struct error TAKEN = ERROR(409, "E-mail taken");
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    error conflict = db_conflict(arena, STR("users_email_key"));
    error lookalike = error_because(arena, error_new(arena, 409, "users_email_key"), 409, "Exists");

    (void)state;
    assert_int_equal(conflict->status, 409);
    assert_ptr_equal(db_rename_conflict(conflict, "users_email_key", &TAKEN), &TAKEN);
    assert_ptr_equal(db_rename_conflict(conflict, "users_email", &TAKEN), conflict);
    assert_ptr_equal(db_rename_conflict(lookalike, "users_email_key", &TAKEN), lookalike);
    assert_ptr_equal(db_rename_conflict(&DB_NO_ROW, "users_email_key", &TAKEN), &DB_NO_ROW);
    assert_null(db_rename_conflict(NULL, "users_email_key", &TAKEN));
    arena_free(arena);
}

static void errors_without_memory_are_out_of_memory(void **state)
{
    struct arena *arena = arena_new(ARENA_BLOCK_SIZE);

    (void)state;
    while (arena_alloc(arena, 16))
        continue;
    assert_ptr_equal(db_conflict(arena, STR("a_b_key")), &ERROR_OUT_OF_MEMORY);
    assert_ptr_equal(db_internal_error(arena, "%d", 1), &ERROR_OUT_OF_MEMORY);
    assert_ptr_equal(db_unavailable(arena, "busy", "locked"), &ERROR_OUT_OF_MEMORY);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constraint_has_the_name_that_postgresql_gives_it),
        cmocka_unit_test(a_conflict_is_renamed_by_its_constraint_alone),
        cmocka_unit_test(errors_without_memory_are_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
