#include "base/hex.h"
#include "testing/test.h"

#include <string.h>

static void bytes_become_lower_case_digits_and_come_back(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x01, 0x9A, 0xBC, 0xDE, 0xFF };
    uint8_t back[sizeof bytes];
    char text[2 * sizeof bytes];

    (void)state;
    hex_encode(bytes, sizeof bytes, text);
    assert_text(((str){ text, sizeof text }), "00019abcdeff");
    assert_true(hex_decode((str){ text, sizeof text }, back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_true(hex_decode(STR("00019ABCDEFF"), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void every_other_character_is_no_hex_digit(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = { '0', (char)c };
        uint8_t byte;

        assert_int_equal(hex_decode((str){ text, 2 }, &byte, 1),
                         c && strchr("0123456789abcdefABCDEF", c) != NULL);
    }
    uint8_t byte;

    assert_false(hex_decode(STR("0"), &byte, 1));
    assert_false(hex_decode(STR("000"), &byte, 1));
    assert_true(hex_decode(STR(""), &byte, 0));
}

static void base64url_is_that_of_the_rfc(void **state)
{
    static const struct {
        str bytes;
        const char *text;
    } rows[] = {
        { STR_INIT(""), "" },
        { STR_INIT("f"), "Zg" },
        { STR_INIT("fo"), "Zm8" },
        { STR_INIT("foo"), "Zm9v" },
        { STR_INIT("foob"), "Zm9vYg" },
        { STR_INIT("fooba"), "Zm9vYmE" },
        { STR_INIT("foobar"), "Zm9vYmFy" },
        { STR_INIT("\xFB\xFF\xFE"), "-__-" },
        { STR_INIT("\xFF"), "_w" },
        { STR_INIT("\0\0"), "AAA" },
        { STR_INIT("\x00\x25\x4A\x6F\x94\xB9\xDE"), "ACVKb5S53g" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[32];
        uint8_t back[32];
        size_t len = base64url_len(rows[i].bytes.len);

        base64url_encode((const uint8_t *)rows[i].bytes.at, rows[i].bytes.len, text);
        assert_text(((str){ text, len }), rows[i].text);
        assert_true(base64url_decode((str){ text, len }, back, &len));
        assert_int_equal(len, rows[i].bytes.len);
        assert_memory_equal(back, rows[i].bytes.at, len);
    }
}

static void sloppy_base64url_is_refused(void **state)
{
    static const char *const rows[] = {
        "Z",    "Zm9vY", "Zg==",  "Zm8=",       "Zh", "Zm9",
        "+//-", "Zm 8",  "Zm8\n", "Z\xC3\xA9z", "A=", "ZmAvYg/",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[32];
        size_t len = 42;

        assert_false(base64url_decode(str_of(rows[i]), out, &len));
        assert_int_equal(len, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_lower_case_digits_and_come_back),
        cmocka_unit_test(every_other_character_is_no_hex_digit),
        cmocka_unit_test(base64url_is_that_of_the_rfc),
        cmocka_unit_test(sloppy_base64url_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
