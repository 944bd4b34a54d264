/* E-mail addresses and URLs: what validator.js takes and what not. */
#include "schema/rules.h"

#include "testing/test.h"

#include <string.h>

static void check_all(bool (*is)(str text), const str *texts, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++)
        if (is(texts[i]) != expected)
            fail_msg("%s \"%.*s\"", expected ? "refuses" : "accepts", STR_ARG(texts[i]));
}

static void addresses_are_taken(void **state)
{
    static const str rows[] = {
        STR_INIT("a@b.co"),
        STR_INIT("A@B.CO"),
        STR_INIT("1@2.co"),
        STR_INIT("-@b.co"),
        STR_INIT("_@b.co"),
        STR_INIT("'@b.co"),
        STR_INIT("{a}@b.co"),
        STR_INIT("a%b@c.co"),
        STR_INIT("a/b@c.co"),
        STR_INIT("user+tag@example.com"),
        STR_INIT("user.name@example.com"),
        STR_INIT("o'brien@example.com"),
        STR_INIT("a!#$%&*+-/=?^_`{|}~z@example.com"),
        STR_INIT("\"quoted\"@example.com"),
        STR_INIT("\"quo ted\"@example.com"),
        STR_INIT("\"quo\\\"ted\"@example.com"),
        STR_INIT("\"a@b\"@c.co"),
        STR_INIT("\"\"@b.co"),
        STR_INIT("\"@b.co"),
        STR_INIT("user@sub.example.co.uk"),
        STR_INIT("a@b--c.co"),
        STR_INIT("a@1.co"),
        STR_INIT("a@co.uk"),
        STR_INIT("a@b.museum"),
        STR_INIT("user@xn--exempl-cua.ro"),
        STR_INIT("a@b.xn--p1ai"),
        STR_INIT("ăîș@example.com"),
        STR_INIT("user@exemplă.ro"),
        STR_INIT("a@пример.рф"),
        STR_INIT("a@😀.co"),
        STR_INIT("a@b.ăă"),
        STR_INIT("a\xE2\x80\x8B"
                 "b@example.com"),
    };

    (void)state;
    check_all(schema_is_email, rows, COUNT_OF(rows), true);
}

static void other_texts_are_no_addresses(void **state)
{
    static const str rows[] = {
        STR_INIT(""),
        STR_INIT("a@b"),
        STR_INIT("a@b.c"),
        STR_INIT("a@localhost"),
        STR_INIT("user"),
        STR_INIT("@example.com"),
        STR_INIT("user@"),
        STR_INIT(".user@example.com"),
        STR_INIT("user.@example.com"),
        STR_INIT("us..er@example.com"),
        STR_INIT("a,b@example.com"),
        STR_INIT("a;b@example.com"),
        STR_INIT("a:b@example.com"),
        STR_INIT("a(b)@example.com"),
        STR_INIT("a<b@example.com"),
        STR_INIT("a\"b@example.com"),
        STR_INIT("a\\b@example.com"),
        STR_INIT("\"a\"b\"@c.co"),
        STR_INIT("user name@example.com"),
        STR_INIT(" user@example.com"),
        STR_INIT("user@example.com "),
        STR_INIT("user@example.com\n"),
        STR_INIT("user@example..com"),
        STR_INIT("user@.example.com"),
        STR_INIT("user@-example.com"),
        STR_INIT("user@example-.com"),
        STR_INIT("user@exa_mple.com"),
        STR_INIT("user@example.com."),
        STR_INIT("user@example.123"),
        STR_INIT("user@example.c0m"),
        STR_INIT("a@b.-co"),
        STR_INIT("a@b.c-"),
        STR_INIT("a@1.2.3.4.5"),
        STR_INIT("😀@b.co"),
        STR_INIT("a@b.😀😀"),
        STR_INIT("a@b.©©"),
        STR_INIT("a@ｂ.co"),
        STR_INIT("a\xC2\xA0"
                 "b@example.com"),
        STR_INIT("a\0@b.co"),
        STR_INIT("a@b\0.co"),
        STR_INIT("a\tb@c.co"),
        STR_INIT("user@127.0.0.1"),
        STR_INIT("user@[127.0.0.1]"),
        STR_INIT("a@[::1]"),
        STR_INIT("Name <user@example.com>"),
        STR_INIT("mailto:a@b.co"),
        STR_INIT("user@@example.com"),
        STR_INIT("a@b.co,c@d.co"),
    };

    (void)state;
    check_all(schema_is_email, rows, COUNT_OF(rows), false);
}

static void urls_are_taken(void **state)
{
    static const str rows[] = {
        STR_INIT("http://a.com"),        STR_INIT("a.com"),
        STR_INIT("https://a.com/x?y#z"), STR_INIT("ftp://a.com"),
        STR_INIT("http://1.2.3.4:80/"),  STR_INIT("http://user:pass@a.com"),
        STR_INIT("http://user@a.com"),   STR_INIT("http://[::1]:80/x"),
        STR_INIT("http://ăî.com"),       STR_INIT("http://a.com:"),
        STR_INIT("HTTP://A.COM"),        STR_INIT("http:a.com"),
        STR_INIT("a.com:8080/x"),        STR_INIT("user:pass@a.com"),
    };

    (void)state;
    check_all(schema_is_url, rows, COUNT_OF(rows), true);
}

static void other_texts_are_no_urls(void **state)
{
    static const str rows[] = {
        STR_INIT(""),
        STR_INIT("localhost"),
        STR_INIT("http://localhost"),
        STR_INIT("http://a"),
        STR_INIT("http://a.c"),
        STR_INIT("http://a.123"),
        STR_INIT("http://a_b.com"),
        STR_INIT("http://a..com"),
        STR_INIT("http://a.com."),
        STR_INIT("http://-a.com"),
        STR_INIT("//a.com"),
        STR_INIT("javascript:alert(1)"),
        STR_INIT("ws://a.com"),
        STR_INIT("http:/a.com"),
        STR_INIT("http://"),
        STR_INIT("http://a.com:0"),
        STR_INIT("http://a.com:99999"),
        STR_INIT("http://a.com/<x>"),
        STR_INIT("http://a.com/ x"),
        STR_INIT("mailto:a@b.co"),
        STR_INIT("http://a:b:c@d.com"),
        STR_INIT("http://@a.com"),
        STR_INIT("http://[::g]/"),
    };

    (void)state;
    check_all(schema_is_url, rows, COUNT_OF(rows), false);
}

/* Appends `count` copies of `piece`. */
static void repeat(struct buf *out, const char *piece, int count)
{
    for (int i = 0; i < count; i++)
        buf_add(out, str_of(piece));
}

static void lengths_have_limits(void **state)
{
    static const struct {
        const char *before, *piece;
        int count;
        const char *behind;
        bool valid;
    } rows[] = {
        { "", "x", 64, "@example.com", true }, { "", "x", 65, "@example.com", false },
        { "", "ă", 32, "@example.com", true }, { "", "ă", 33, "@example.com", false },
        { "a@", "b", 63, ".com", true },       { "a@", "b", 64, ".com", false },
        { "a@", "😀", 31, ".com", true },       { "a@", "😀", 32, ".com", false },
        { "a@", "bcd.", 62, "com", true },     { "abcd@", "bcd.", 61, "comcom", false },
    };
    struct buf text = buf_new(1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&text);
        repeat(&text, rows[i].before, 1);
        repeat(&text, rows[i].piece, rows[i].count);
        repeat(&text, rows[i].behind, 1);
        if (schema_is_email(buf_text(&text)) != rows[i].valid)
            fail_msg("%.*s", STR_ARG(buf_text(&text)));
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken),     cmocka_unit_test(other_texts_are_no_addresses),
        cmocka_unit_test(lengths_have_limits),     cmocka_unit_test(urls_are_taken),
        cmocka_unit_test(other_texts_are_no_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
