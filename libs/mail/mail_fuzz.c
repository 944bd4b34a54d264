/* A mail of arbitrary bytes: its parts are separated by lines of "--". Whatever comes, the mail is refused or its head
 * has exactly the lines that it should have, and nothing but them. */
#include "mail/mail_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const HEADERS[] = {
    "From: ",
    "To: ",
    "Subject: ",
    "Date: ",
    "Message-ID: ",
    "MIME-Version: 1.0",
    "Auto-Submitted: auto-generated",
    "Content-Type: ",
};

enum { HEADER_COUNT = sizeof HEADERS / sizeof HEADERS[0], LINE_MAX_SMTP = 998 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static str next_part(str *rest)
{
    const char *end = rest->at ? memmem(rest->at, rest->len, "\n--\n", 4) : NULL;
    str part = end ? (str){ rest->at, (size_t)(end - rest->at) } : *rest;

    *rest = end ? str_slice(*rest, part.len + 4, rest->len) : (str){ "", 0 };
    return part;
}

/* Takes a line off, which must end with CRLF and hold neither of them. */
static str next_line(str *rest)
{
    size_t len = str_find(*rest, '\r');
    str line = str_slice(*rest, 0, len);

    expect(len + 1 < rest->len && rest->at[len + 1] == '\n');
    expect(str_find(line, '\n') == len && str_find(line, '\0') == len && len <= LINE_MAX_SMTP);
    *rest = str_slice(*rest, len + 2, rest->len);
    return line;
}

static void check_head(str *rest, bool has_html)
{
    int seen = 0;
    str line;

    while ((line = next_line(rest)).len) {
        if (line.at[0] == ' ') {
            expect(seen > 0 && str_trim(line).len > 0);
            continue;
        }
        if (seen == HEADER_COUNT) {
            expect(!has_html);
            expect(str_eq(line, STR("Content-Transfer-Encoding: quoted-printable")));
            continue;
        }
        expect(str_starts_with(line, str_of(HEADERS[seen])));
        seen++;
    }
    expect(seen == HEADER_COUNT);
}

/* Two parts have three boundaries. */
static void check_body(str rest, bool has_html)
{
    int boundaries = 0;

    while (rest.len) {
        str line = next_line(&rest);

        expect(mail_is_ascii(line) && line.len <= MAIL_LINE_MAX &&
               !str_starts_with(line, STR(".")));
        boundaries += str_starts_with(line, STR("--=_"));
    }
    expect(boundaries == (has_html ? 3 : 0));
}

static void check_printed(const struct mail *mail, str printed)
{
    check_head(&printed, mail->html.len > 0);
    check_body(printed, mail->html.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf out = buf_new(MAIL_MAX);
    str rest = { (const char *)data, size };

    if (!arena)
        return 0;
    struct mail mail = {
        .from = next_part(&rest),
        .to = next_part(&rest),
        .subject = next_part(&rest),
        .message_id = next_part(&rest),
        .text = next_part(&rest),
        .html = next_part(&rest),
    };

    memcpy(&mail.date, rest.at, rest.len < sizeof mail.date ? rest.len : sizeof mail.date);
    error failed = mail_print(arena, &mail, &out);

    if (failed)
        expect(failed->status == 400 && out.len == 0);
    else
        check_printed(&mail, buf_text(&out));
    buf_free(&out);
    arena_free(arena);
    return 0;
}
