#include "auth/digest.h"

#include "testing/test.h"

/* FIPS 180-2, appendix B. */
static void the_digest_is_sha256(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str digest;

    (void)state;
    assert_null(auth_digest(arena, STR("abc"), &digest));
    assert_text(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_null(auth_digest(arena, STR(""), &digest));
    assert_text(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_digest_is_sha256) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
