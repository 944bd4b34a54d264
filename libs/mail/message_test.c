/* Mails are taken apart again here, by other means than they were made with: the lines are unfolded, the words and
 * parts decoded, and what comes out is compared with what went in. */
#include "mail/mail_internal.h"
#include "testing/test.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(ARENA_CALL_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct mail a_mail(void)
{
    return (struct mail){
        .from = STR("Cuib <noreply@cuib.example>"),
        .to = STR("ana@example.com"),
        .subject = STR("Hello"),
        .text = STR("Hello Ana\n"),
        .html = STR("<p>Hello Ana</p>\n"),
        .message_id = STR("<42.confirmation@cuib.example>"),
        .date = { 784111777000 },
    };
}

static str print(const struct mail *mail)
{
    struct buf out = buf_new(MAIL_MAX);

    assert_null(mail_print(arena, mail, &out));
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

static error refusal(const struct mail *mail)
{
    struct buf out = buf_new(MAIL_MAX);
    error failed = mail_print(arena, mail, &out);

    assert_int_equal(out.len, 0);
    buf_free(&out);
    return failed;
}

/* --- taking apart ---------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    size_t value = str_find(STR("0123456789ABCDEF"), c);

    assert_in_range(value, 0, 15);
    return (int)value;
}

/* "=XX" into bytes, and "=" at a line's end away. */
static str unquote(str text)
{
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '=')
            to[len++] = text.at[i];
        else if (str_starts_with(str_slice(text, i, 3), STR("=\r\n")))
            i += 2;
        else {
            assert_true(i + 2 < text.len);
            to[len++] = (char)(hex_value(text.at[i + 1]) * 16 + hex_value(text.at[i + 2]));
            i += 2;
        }
    }
    return (str){ to, len };
}

static size_t find(str text, const char *what)
{
    const char *at = memmem(text.at, text.len, what, strlen(what));

    return at ? (size_t)(at - text.at) : text.len;
}

static str cut(str text, size_t start)
{
    return str_slice(text, start, text.len);
}

/* The header's value with its folding; `at` is NULL when there is none. */
static str folded_header(str mail, const char *name)
{
    str start = arena_printf(arena, "\r\n%s: ", name);
    str head = arena_printf(arena, "\r\n%.*s", (int)find(mail, "\r\n\r\n") + 2, mail.at);
    size_t at = find(head, start.at);

    if (at == head.len)
        return (str){ 0 };
    str value = cut(head, at + start.len);

    for (size_t i = 0; i < value.len; i++)
        if (str_starts_with(cut(value, i), STR("\r\n")) && cut(value, i + 2).at[0] != ' ')
            return str_slice(value, 0, i);
    return value;
}

static str header(str mail, const char *name)
{
    str folded = folded_header(mail, name);
    char *to = arena_alloc(arena, folded.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < folded.len; i++)
        if (folded.at[i] != '\r' && folded.at[i] != '\n')
            to[len++] = folded.at[i];
    return (str){ to, len };
}

/* All words of a value that is nothing but words; each must be whole UTF-8 and of 75 characters at most. */
static str decode_words(str value)
{
    struct buf out = buf_new(10000);
    str word;

    while (str_next_piece(&value, ' ', &word)) {
        assert_in_range(word.len, 12, 75);
        assert_true(str_starts_with(word, STR("=?UTF-8?Q?")) && str_ends_with(word, STR("?=")));
        str text = arena_copy(arena, str_slice(word, 10, word.len - 12));

        assert_int_equal(str_find(text, '?'), text.len);
        for (size_t i = 0; i < text.len; i++)
            if (text.at[i] == '_')
                ((char *)text.at)[i] = ' ';
        text = unquote(text);
        assert_true(str_is_utf8(text));
        buf_add(&out, text);
    }
    str decoded = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return decoded;
}

/* The decoded part of that type, with "\n" for line breaks. */
static str part(str mail, const char *type)
{
    str start = arena_printf(arena, "Content-Type: text/%s; charset=UTF-8\r\n", type);
    str rest = cut(mail, find(mail, start.at));

    rest = cut(rest, find(rest, "\r\n\r\n") + 4);
    rest = unquote(str_slice(rest, 0, find(rest, "\r\n--=_alternative")));
    char *to = arena_alloc(arena, rest.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < rest.len; i++)
        if (!str_starts_with(cut(rest, i), STR("\r\n")))
            to[len++] = rest.at[i];
    to[len] = '\0';
    return (str){ to, len };
}

static void check_lines(str mail)
{
    str line;

    assert_true(str_ends_with(mail, STR("\r\n")));
    for (size_t i = 0; i < mail.len; i++) {
        assert_true(mail.at[i] != '\n' || (i && mail.at[i - 1] == '\r'));
        assert_true(mail.at[i] != '\r' || cut(mail, i + 1).at[0] == '\n');
    }
    while (str_next_piece(&mail, '\n', &line)) {
        assert_in_range(line.len, 0, 77);
        assert_false(str_ends_with(line, STR(" \r")) || str_ends_with(line, STR("\t\r")));
    }
}

static str repeat(const char *text, size_t times)
{
    struct buf out = buf_new(MAIL_MAX * 2);

    while (times--)
        buf_add(&out, str_of(text));
    str copy = arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

/* --- tests ----------------------------------------------------------------------------------------- */

static void a_mail_is_printed_as_it_is_specified(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    assert_text(print(&mail), "From: Cuib <noreply@cuib.example>\r\n"
                              "To: ana@example.com\r\n"
                              "Subject: Hello\r\n"
                              "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
                              "Message-ID: <42.confirmation@cuib.example>\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "Content-Type: multipart/alternative; boundary=\"=_alternative\"\r\n"
                              "\r\n"
                              "--=_alternative\r\n"
                              "Content-Type: text/plain; charset=UTF-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "Hello Ana\r\n"
                              "\r\n"
                              "--=_alternative\r\n"
                              "Content-Type: text/html; charset=UTF-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "<p>Hello Ana</p>\r\n"
                              "\r\n"
                              "--=_alternative--\r\n");
}

static void a_mail_without_html_has_one_part(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    mail.html = (str){ 0 };
    str printed = print(&mail);

    assert_text(header(printed, "Content-Type"), "text/plain; charset=UTF-8");
    assert_text(header(printed, "Content-Transfer-Encoding"), "quoted-printable");
    assert_text(cut(printed, find(printed, "\r\n\r\n")), "\r\n\r\nHello Ana\r\n\r\n");
}

static void subjects_come_back_as_they_were(void **state)
{
    const str rows[] = {
        STR("Comanda ta a fost confirmat\u0103"),
        STR("\u0218i \u021bara \u0219i \u00eenc\u0103 \u00c2"),
        STR("\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600"),
        STR("a subject of ASCII alone that is longer than what fits into one line of a mail"),
        STR("=?UTF-8?Q?not_a_word?="),
        STR(" blanks around "),
        STR(" "),
        STR("question? equals= under_score \"quotes\" \t tab\x01\x7f"),
        repeat("\u0103\u0219\u021b \U0001f44d ", 60),
        repeat("x", MAIL_SUBJECT_MAX),
        repeat("\u021b", MAIL_SUBJECT_MAX / 2),
        repeat("\U0001f600", MAIL_SUBJECT_MAX / 4),
        repeat(" ", MAIL_SUBJECT_MAX),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mail mail = a_mail();

        mail.subject = rows[i];
        str printed = print(&mail);

        check_lines(printed);
        assert_text(decode_words(header(printed, "Subject")), rows[i].at);
    }
}

/* Each length moves the characters to other places in the line, and the break with them. */
static void no_length_of_a_subject_splits_a_character(void **state)
{
    (void)state;
    for (size_t length = 0; length < 200; length++) {
        struct mail mail = a_mail();

        mail.subject = arena_printf(arena, "%.*s\u0219\U0001f600\u20ac%.*s", (int)(length % 70),
                                    repeat("-", 70).at, (int)length, repeat("\u0103", 100).at);
        mail.subject.len -= length % 2; /* half a letter, which "%.*s" has cut */
        str printed = print(&mail);

        check_lines(printed);
        assert_true(str_eq(decode_words(header(printed, "Subject")), mail.subject));
        arena_reset(arena);
    }
}

static void short_subjects_of_ascii_are_left_alone(void **state)
{
    static const char *const rows[] = { "", "Order #12 (2 items) confirmed: 99.90 RON",
                                        "?= =", "From: nobody" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mail mail = a_mail();

        mail.subject = str_of(rows[i]);
        assert_text(header(print(&mail), "Subject"), rows[i]);
    }
}

static void mailboxes_are_printed_so_that_nothing_is_misread(void **state)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        { "a@b.c", "a@b.c" },
        { "  <a@b.c> ", "a@b.c" },
        { "<a@b.c>", "a@b.c" },
        { "Cuib<a@b.c>", "Cuib <a@b.c>" },
        { "Ana Pop <a@b.c>", "Ana Pop <a@b.c>" },
        { "Pop, Ana <a@b.c>", "\"Pop, Ana\" <a@b.c>" },
        { "\"Pop, Ana\" <a@b.c>", "\"Pop, Ana\" <a@b.c>" },
        { "\"say \\\"hi\\\" \\\\\" <a@b.c>", "\"say \\\"hi\\\" \\\\\" <a@b.c>" },
        { "<<a@b.c>", "\"<\" <a@b.c>" },
        { "e@vil.c <x>, <a@b.c>", "\"e@vil.c <x>,\" <a@b.c>" },
        { "\u021aar\u0103 <a@b.c>", "=?UTF-8?Q?=C8=9Aar=C4=83?= <a@b.c>" },
        { "=?UTF-8?Q?x?= <a@b.c>", "=?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?= <a@b.c>" },
        { "o'neil+tag@sub-domain.example.co", "o'neil+tag@sub-domain.example.co" },
        { "\"a b\"@c.d", "\"a b\"@c.d" },
        { "\"<\"@c.d", "\"<\"@c.d" },
        { "\u021bar\u0103@ex\u00e2mple.ro", "\u021bar\u0103@ex\u00e2mple.ro" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mail mail = a_mail();

        mail.to = mail.from = str_of(rows[i].text);
        str printed = print(&mail);

        assert_text(header(printed, "To"), rows[i].printed);
        assert_text(header(printed, "From"), rows[i].printed);
    }
}

static void a_long_name_is_folded(void **state)
{
    struct mail mail = a_mail();
    str name = repeat("\u0219ase ", MAIL_NAME_MAX / 6), decoded;

    (void)state;
    name.len--; /* the last blank */
    mail.to = arena_printf(arena, "%.*s <a@b.c>", STR_ARG(name));
    str printed = print(&mail), to = header(printed, "To");

    check_lines(printed);
    assert_true(str_ends_with(to, STR(" <a@b.c>")));
    decoded = decode_words(str_slice(to, 0, to.len - 8));
    assert_true(str_eq(decoded, name));
}

static void what_would_break_a_header_is_refused(void **state)
{
    static const str addresses[] = {
        STR_INIT(""),
        STR_INIT("a"),
        STR_INIT("@"),
        STR_INIT("a@"),
        STR_INIT("@b.c"),
        STR_INIT("a@b.c\r\nBcc: x@y.z"),
        STR_INIT("a@b.c\nBcc: x@y.z"),
        STR_INIT("a@b.c\rBcc: x@y.z"),
        STR_INIT("a@b.c\0"),
        STR_INIT("Ana\r\nBcc: x@y.z\r\n <a@b.c>"),
        STR_INIT("\"Ana\n\" <a@b.c>"),
        STR_INIT("a@b.c, x@y.z"),
        STR_INIT("a@b.c,x@y.z"),
        STR_INIT("a@b.c x@y.z"),
        STR_INIT("a@b.c;x@y.z"),
        STR_INIT("a@b.c> SIZE=1 <x@y.z"),
        STR_INIT("<a@b.c> <x@y.z"),
        STR_INIT("<a@b.c>>"),
        STR_INIT("a b@c.d"),
        STR_INIT("a@b@c.d"),
        STR_INIT(".a@b.c"),
        STR_INIT("a..b@c.d"),
        STR_INIT("a@b..c"),
        STR_INIT("a@b.c."),
        STR_INIT("a@[127.0.0.1]"),
        STR_INIT("a(comment)@b.c"),
        STR_INIT("\"a\"b\"@c.d"),
        STR_INIT("\"a\\\"@c.d"),
        STR_INIT("\"\"@c.d"),
        STR_INIT("\"half <a@b.c>"),
        STR_INIT("\"half\\\" <a@b.c>"),
        STR_INIT("a\xff@b.c"),
        STR_INIT("a\xc2\x85@b.c"),
        STR_INIT("Ana\u2028Bcc: x <a@b.c>"),
        STR_INIT("Ana\u2029 <a@b.c>"),
        STR_INIT("a\t@b.c"),
        STR_INIT("group: a@b.c;"),
        STR_INIT("<>"),
        STR_INIT("undisclosed <>"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct mail from = a_mail(), to = a_mail();

        from.from = to.to = addresses[i];
        assert_int_equal(refusal(&from)->status, 400);
        assert_int_equal(refusal(&to)->status, 400);
        assert_non_null(strstr(refusal(&from)->message, "sender"));
        assert_non_null(strstr(refusal(&to)->message, "recipient"));
    }
}

static void subjects_with_line_breaks_are_refused(void **state)
{
    static const str rows[] = {
        STR_INIT("a\r\nBcc: x@y.z"),
        STR_INIT("a\nb"),
        STR_INIT("a\rb"),
        STR_INIT("a\0b"),
        STR_INIT("\n"),
        STR_INIT("not UTF-8 \xc8"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mail mail = a_mail();

        mail.subject = rows[i];
        assert_int_equal(refusal(&mail)->status, 400);
    }
}

static void message_ids_must_be_able_to_name_files(void **state)
{
    static const str bad[] = {
        STR_INIT(""),           STR_INIT("<>"),      STR_INIT("a@b"),
        STR_INIT("<a@b"),       STR_INIT("<a>"),     STR_INIT("<a@b>\r\nBcc: x@y.z"),
        STR_INIT("<a\r\n@b>"),  STR_INIT("<a\0@b>"), STR_INIT("<../x@b>"),
        STR_INIT("<a/b@c>"),    STR_INIT("<a@b/c>"), STR_INIT("<.@b>"),
        STR_INIT("<a@b@c>"),    STR_INIT("<a b@c>"), STR_INIT("<a:2,S@c>"),
        STR_INIT("<\u021b@c>"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct mail mail = a_mail();

        mail.message_id = bad[i];
        assert_int_equal(refusal(&mail)->status, 400);
    }
    struct mail mail = a_mail();

    mail.message_id = repeat("x", MAIL_ID_MAX - 4);
    mail.message_id = arena_printf(arena, "<%.*s@b>", STR_ARG(mail.message_id));
    assert_true(str_eq(header(print(&mail), "Message-ID"), mail.message_id));
    mail.message_id = arena_printf(arena, "<x%.*s", STR_ARG(cut(mail.message_id, 1)));
    assert_int_equal(refusal(&mail)->status, 400);
}

static void dates_are_those_of_rfc_5322(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
        { 999, "Thu, 01 Jan 1970 00:00:00 +0000" },
        { -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
        { 951782399000, "Mon, 28 Feb 2000 23:59:59 +0000" },
        { 951782400000, "Tue, 29 Feb 2000 00:00:00 +0000" },
        { 1785542699123, "Sat, 01 Aug 2026 00:04:59 +0000" },
        { 253402300799000, "Fri, 31 Dec 9999 23:59:59 +0000" },
    };
    struct mail mail = a_mail();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        mail.date = (timestamp){ rows[i].ms };
        assert_text(header(print(&mail), "Date"), rows[i].text);
    }
    mail.date = (timestamp){ 253402300800000 };
    assert_int_equal(refusal(&mail)->status, 400);
    mail.date = (timestamp){ INT64_MIN };
    assert_int_equal(refusal(&mail)->status, 400);
}

static void parts_come_back_as_they_were(void **state)
{
    const str rows[] = {
        STR(""),
        STR("no line break at the end"),
        STR("\n"),
        STR("\n\n\n"),
        STR(".\n..\n.a\n\n.\n"),
        STR("From here\nFrom there\n"),
        STR("trailing blank \ntrailing tab\t\n \n\t\n "),
        STR("1 = 1, =3D, =\n=_alternative\n--=_alternative\n--=_alternative--\n"),
        STR("\u021aara \u0219i \U0001f44d\n"),
        STR("\x01\x7f\x1b[0m\n"),
        repeat("x", 1000),
        repeat("x ", 1000),
        repeat(" ", 1000),
        repeat("\u0219", 1000),
        repeat(".", 1000),
        repeat("From ", 500),
        repeat("=\n", 100),
        repeat("Salut \u0219i bun venit, comanda ta este pe drum. ", 50),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mail mail = a_mail();

        mail.text = rows[i];
        mail.html = arena_printf(arena, "<p>%.*s</p>", STR_ARG(rows[i]));
        str printed = print(&mail);

        check_lines(printed);
        assert_true(mail_is_ascii(header(printed, "Subject")));
        for (size_t k = 0; k < printed.len; k++)
            assert_true((unsigned char)printed.at[k] < 0x7f);
        assert_int_equal(find(printed, "\r\n."), printed.len);
        assert_text(part(printed, "plain"), rows[i].at);
        assert_text(part(printed, "html"), mail.html.at);
    }
}

/* A line's end may stand anywhere in the 76 columns. */
static void no_length_of_a_line_is_broken_wrongly(void **state)
{
    (void)state;
    for (size_t length = 0; length < 160; length++) {
        struct mail mail = a_mail();

        mail.text =
            arena_printf(arena, "%.*s \n%.*s\u021b\n%.*s=\n", (int)length, repeat("x", 160).at,
                         (int)length, repeat("y", 160).at, (int)length, repeat(".", 160).at);
        str printed = print(&mail);

        check_lines(printed);
        assert_text(part(printed, "plain"), mail.text.at);
        arena_reset(arena);
    }
}

static void line_breaks_of_either_kind_are_line_breaks(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    mail.text = STR("a\r\nb\nc\rd\r\r\n");
    assert_text(part(print(&mail), "plain"), "a\nb\nc\rd\r\n");
}

static void what_is_too_long_is_refused(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    mail.subject = repeat("x", MAIL_SUBJECT_MAX + 1);
    assert_non_null(strstr(refusal(&mail)->message, "subject"));
    mail = a_mail();
    mail.html = repeat("x", MAIL_MAX);
    assert_int_equal(refusal(&mail)->status, 400);
    assert_non_null(strstr(refusal(&mail)->message, "bytes"));
    mail = a_mail();
    mail.to = arena_printf(arena, "%.*s@b.c", 65, repeat("a", 65).at);
    assert_int_equal(refusal(&mail)->status, 400);
    mail.to = arena_printf(arena, "%.*s <a@b.c>", MAIL_NAME_MAX + 1, repeat("a", 300).at);
    assert_int_equal(refusal(&mail)->status, 400);
    mail = a_mail();
    mail.text = STR("not UTF-8 \xff");
    assert_int_equal(refusal(&mail)->status, 400);
}

/* What is accepted fits into MAIL_MAX, so a failure is the heap's. */
static void the_worst_mails_fit(void **state)
{
    static const char *const rows[] = { " \n", ".\n",    ". \n", "=",  "\n", "From \n",
                                        "\t",  "\u021b", "x",    "\r", ".",  " " };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t low = 0, high = MAIL_MAX;
        struct mail mail = a_mail();

        /* About the longest that is accepted. */
        while (high - low > MAIL_MAX / 64) {
            struct buf out = buf_new(2 * MAIL_MAX);

            arena_reset(arena);
            mail.text = repeat(rows[i], (low + high) / 2 / strlen(rows[i]));
            error failed = mail_print(arena, &mail, &out);

            if (failed)
                assert_int_equal(failed->status, 400);
            else
                assert_in_range(out.len, 0, MAIL_MAX);
            *(failed ? &high : &low) = (low + high) / 2;
            buf_free(&out);
        }
        assert_true(low > MAIL_MAX / 9);
    }
}

static void a_full_buffer_is_no_fault_of_the_mail(void **state)
{
    struct mail mail = a_mail();
    struct buf out = buf_new(100);

    (void)state;
    assert_ptr_equal(mail_print(arena, &mail, &out), &ERROR_OUT_OF_MEMORY);
    buf_free(&out);
}

#define MAIL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAIL_TEST(a_mail_is_printed_as_it_is_specified),
        MAIL_TEST(a_mail_without_html_has_one_part),
        MAIL_TEST(subjects_come_back_as_they_were),
        MAIL_TEST(no_length_of_a_subject_splits_a_character),
        MAIL_TEST(short_subjects_of_ascii_are_left_alone),
        MAIL_TEST(mailboxes_are_printed_so_that_nothing_is_misread),
        MAIL_TEST(a_long_name_is_folded),
        MAIL_TEST(what_would_break_a_header_is_refused),
        MAIL_TEST(subjects_with_line_breaks_are_refused),
        MAIL_TEST(message_ids_must_be_able_to_name_files),
        MAIL_TEST(dates_are_those_of_rfc_5322),
        MAIL_TEST(parts_come_back_as_they_were),
        MAIL_TEST(no_length_of_a_line_is_broken_wrongly),
        MAIL_TEST(line_breaks_of_either_kind_are_line_breaks),
        MAIL_TEST(what_is_too_long_is_refused),
        MAIL_TEST(the_worst_mails_fit),
        MAIL_TEST(a_full_buffer_is_no_fault_of_the_mail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
