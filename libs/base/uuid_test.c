#include "base/uuid.h"
#include "testing/test.h"

#include <stdio.h>

static void an_id_is_read_in_any_case_and_printed_in_lower(void **state)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        { "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5b", "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5b" },
        { "F47AC10B-58CC-4372-A567-0E02B2C3D479", "f47ac10b-58cc-4372-a567-0e02b2c3d479" },
        { "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000" },
        { "ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff" },
        { "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ffffffff-ffff-ffff-ffff-ffffffffffff" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[UUID_TEXT];
        uuid id;

        assert_true(uuid_parse(str_of(rows[i].text), &id));
        uuid_print(id, text);
        assert_text(((str){ text, sizeof text }), rows[i].printed);
    }
}

static void bytes_are_in_the_order_of_the_text(void **state)
{
    static const uint8_t expected[16] = { 0x01, 0x90, 0xA6, 0xB4, 0x1C, 0x2D, 0x7E, 0x3F,
                                          0x8A, 0x9B, 0x0C, 0x1D, 0x2E, 0x3F, 0x4A, 0x5B };
    uuid id;

    (void)state;
    assert_true(uuid_parse(STR("0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5b"), &id));
    assert_memory_equal(id.bytes, expected, sizeof expected);
}

static void versions_1_to_8_with_variant_8_to_b_are_taken(void **state)
{
    (void)state;
    for (int version = 0; version < 16; version++)
        for (int variant = 0; variant < 16; variant++) {
            char text[UUID_TEXT + 1];
            uuid id;
            bool defined = version >= 1 && version <= 8 && variant >= 8 && variant <= 11;

            snprintf(text, sizeof text, "0190a6b4-1c2d-%xe3f-%xa9b-0c1d2e3f4a5b", version, variant);
            assert_int_equal(uuid_parse(str_of(text), &id), defined);
        }
}

static void other_texts_are_no_ids(void **state)
{
    static const char *const rows[] = {
        "",
        "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5",
        "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5bc",
        "0190a6b41c2d7e3f8a9b0c1d2e3f4a5b",
        "0190a6b4_1c2d-7e3f-8a9b-0c1d2e3f4a5b",
        "0190a6b-41c2d-7e3f-8a9b-0c1d2e3f4a5b",
        "0190a6bg-1c2d-7e3f-8a9b-0c1d2e3f4a5b",
        "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5 ",
        "0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4-5b",
        "{190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5}",
        "00000000-0000-0000-0000-000000000001",
        "ffffffff-ffff-ffff-ffff-fffffffffffe",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uuid id = { { 42 } };

        assert_false(uuid_parse(str_of(rows[i]), &id));
        assert_int_equal(id.bytes[0], 42);
    }
}

static void ids_are_equal_when_all_bytes_are(void **state)
{
    uuid a = { { 1 } }, b = { { 1 } };

    (void)state;
    assert_true(uuid_eq(a, b));
    b.bytes[15] = 1;
    assert_false(uuid_eq(a, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_read_in_any_case_and_printed_in_lower),
        cmocka_unit_test(bytes_are_in_the_order_of_the_text),
        cmocka_unit_test(versions_1_to_8_with_variant_8_to_b_are_taken),
        cmocka_unit_test(other_texts_are_no_ids),
        cmocka_unit_test(ids_are_equal_when_all_bytes_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
