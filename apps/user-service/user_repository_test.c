#include "apps/user-service/user_repository.h"
#include "runtime/random.h"
#include "testing/store.h"

extern const struct embedded_file user_service_migrations[];

static const str ROLES[] = { STR_INIT(ROLE_USER) };

/* A store with the service's tables. */
static void migrate(struct store *store)
{
    assert_done(db_migrate(&store->call, store->db, user_service_migrations));
}

static struct user insert(struct store *store, str email, int64_t created_at_ms)
{
    struct user_row row = {
        .id = random_uuid(),
        .email = email,
        .name = STR("Ana"),
        .password_hash = STR("$2b$04$hash"),
        .is_active = true,
        .roles = { ROLES, 1 },
        .created_at = { created_at_ms },
        .updated_at = { created_at_ms },
    };
    struct user made;

    assert_done(user_insert(&store->call, store->db, &row, &made));
    return made;
}

static error change(struct store *store, uuid id, const struct update_user *changes,
                    struct user *out)
{
    struct update_user copy = *changes;
    struct change_user in = { id, &copy };

    return user_change(&store->call, store->db, &in, STR("$2b$04$other"), out);
}

STORE_TEST(a_user_is_found_by_id_and_by_address)
{
    migrate(store);
    struct user made = insert(store, STR("ana@example.com"), 1000), found;

    assert_done(user_find(&store->call, store->db, &(struct user_id){ made.id }, &found));
    assert_text(found.email, "ana@example.com");
    assert_done(user_find_by_email(&store->call, store->db,
                                   &(struct user_email){ STR("ANA@example.COM") }, &found));
    assert_true(uuid_eq(found.id, made.id));
}

STORE_TEST(an_address_can_be_registered_once)
{
    migrate(store);
    insert(store, STR("ana@example.com"), 1000);
    struct user_row row = {
        .id = random_uuid(),
        .email = STR("Ana@Example.com"),
        .name = STR("Other"),
        .password_hash = STR("x"),
        .roles = { ROLES, 1 },
    };
    struct user made;

    assert_ptr_equal(user_insert(&store->call, store->db, &row, &made), &EMAIL_TAKEN);
}

STORE_TEST(an_unknown_user_is_not_found)
{
    struct user found;
    struct user_id id = { random_uuid() };
    struct update_user nothing_given = { 0 };

    migrate(store);
    assert_ptr_equal(user_find(&store->call, store->db, &id, &found), &USER_NOT_FOUND);
    assert_ptr_equal(user_remove(&store->call, store->db, &id), &USER_NOT_FOUND);
    assert_ptr_equal(change(store, id.id, &nothing_given, &found), &USER_NOT_FOUND);
}

STORE_TEST(a_change_writes_what_is_given_and_nothing_else)
{
    migrate(store);
    struct user made = insert(store, STR("ana@example.com"), 1000), changed;
    struct update_user changes = {
        .given = schema_bit(update_user_schema(), "name"),
        .name = STR("Ana Maria"),
        .email = STR("ignored@example.com"),
    };

    assert_done(change(store, made.id, &changes, &changed));
    assert_text(changed.name, "Ana Maria");
    assert_text(changed.email, "ana@example.com");
    assert_true(changed.updated_at.ms > changed.created_at.ms);
    struct user_row row;

    assert_done(user_find_row_by_email(&store->call, store->db,
                                       &(struct user_email){ STR("ana@example.com") }, &row));
    assert_text(row.password_hash, "$2b$04$hash");
}

STORE_TEST(an_address_cannot_be_changed_to_a_taken_one)
{
    migrate(store);
    struct user ana = insert(store, STR("ana@example.com"), 1000), out;

    insert(store, STR("ion@example.com"), 1000);
    struct update_user changes = {
        .given = schema_bit(update_user_schema(), "email"),
        .email = STR("ion@example.com"),
    };

    assert_ptr_equal(change(store, ana.id, &changes, &out), &EMAIL_TAKEN);
}

STORE_TEST(pages_are_newest_first_and_complete)
{
    struct user_page_query query = { .limit = 2 };
    struct user_page page;
    int64_t last_ms = INT64_MAX;
    size_t seen = 0;

    migrate(store);
    for (int i = 0; i < 5; i++)
        insert(store, arena_printf(store->arena, "user%d@example.com", i), 1000 + i / 2);
    do {
        assert_done(user_list(&store->call, store->db, &query, &page));
        for (size_t i = 0; i < page.items.len; i++) {
            assert_true(page.items.at[i].created_at.ms <= last_ms);
            last_ms = page.items.at[i].created_at.ms;
            seen++;
        }
        query.cursor = page.next_cursor;
    } while (query.cursor.at);
    assert_int_equal(seen, 5);
}

STORE_TEST(a_cursor_that_no_page_gave_is_refused)
{
    static const char *const CURSORS[] = { "x", "AAAA", "????????????????????????????????" };
    struct user_page page;

    migrate(store);
    for (size_t i = 0; i < COUNT_OF(CURSORS); i++) {
        struct user_page_query query = { 2, str_of(CURSORS[i]) };
        error refused = user_list(&store->call, store->db, &query, &page);

        assert_non_null(refused);
        assert_int_equal(refused->status, 400);
    }
}

STORE_TEST(an_order_that_names_no_time_was_created_when_its_event_was_recorded)
{
    migrate(store);
    struct user made = insert(store, STR("ana@example.com"), 1000);
    const struct order_created created[] = {
        { .order_id = random_uuid(), .user_id = made.id, .currency = STR("RON") },
        { .order_id = random_uuid(),
          .user_id = made.id,
          .currency = STR("RON"),
          .created_at = { 5000 } },
    };
    struct user_details found;

    for (int i = 0; i < 2; i++) {
        const struct recorded event = { .id = random_uuid(),
                                        .version = 1,
                                        .recorded_at = { 9000 } };

        assert_done(user_order_add(&store->call, store->db, &event, &created[i]));
    }
    assert_done(user_find_details(&store->call, store->db, &(struct user_id){ made.id }, &found));
    assert_int_equal(found.orders.len, 2);
    assert_int_equal(found.orders.at[0].created_at.ms, 9000);
    assert_int_equal(found.orders.at[1].created_at.ms, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_found_by_id_and_by_address),
        cmocka_unit_test(an_address_can_be_registered_once),
        cmocka_unit_test(an_unknown_user_is_not_found),
        cmocka_unit_test(a_change_writes_what_is_given_and_nothing_else),
        cmocka_unit_test(an_address_cannot_be_changed_to_a_taken_one),
        cmocka_unit_test(pages_are_newest_first_and_complete),
        cmocka_unit_test(a_cursor_that_no_page_gave_is_refused),
        cmocka_unit_test(an_order_that_names_no_time_was_created_when_its_event_was_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
