/* A mail's text. Header lines are folded at MAIL_LINE_MAX; what is not short, printable ASCII becomes encoded words.
 * Both parts are quoted-printable, in which "=" is always followed by two hexadecimal digits or a line break: so the
 * boundary, which begins with "=_", occurs in no part, and no random number is needed. */
#include "mail/mail_internal.h"

#include <string.h>

#define BOUNDARY "=_alternative"

enum { HEADER_BOUND = 16 * 1024, PLAIN_MAX = 60 };

static const char WEEKDAYS[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char MONTHS[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* --- header lines ---------------------------------------------------------------------------------- */

/* Text that looks like an encoded word would be decoded. */
static bool is_plain(str text)
{
    if (text.len > PLAIN_MAX || !mail_is_ascii(text) || str_trim(text).len != text.len)
        return false;
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.at[i] == '=' && text.at[i + 1] == '?')
            return false;
    return true;
}

static void write_text(struct buf *out, str text, size_t column)
{
    if (is_plain(text))
        buf_add(out, text);
    else
        mail_write_words(out, text, column);
}

static bool needs_quotes(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("()<>[]:;@\\,.\"", name.at[i]))
            return true;
    return false;
}

static void write_quoted_name(struct buf *out, str name)
{
    BUF_ADD(out, "\"");
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\')
            BUF_ADD(out, "\\");
        buf_add_char(out, name.at[i]);
    }
    BUF_ADD(out, "\"");
}

/* The address behind a name begins a line when it does not fit into the last. */
static void write_mailbox(struct buf *out, str field, const struct mail_address *mailbox)
{
    size_t start = out->len;

    buf_add(out, field);
    if (!mailbox->name.len) {
        buf_add(out, mailbox->address);
        BUF_ADD(out, "\r\n");
        return;
    }
    if (is_plain(mailbox->name) && needs_quotes(mailbox->name))
        write_quoted_name(out, mailbox->name);
    else
        write_text(out, mailbox->name, field.len);
    if (out->len - start + mailbox->address.len + 3 > MAIL_LINE_MAX)
        BUF_ADD(out, "\r\n");
    BUF_ADD(out, " <");
    buf_add(out, mailbox->address);
    BUF_ADD(out, ">\r\n");
}

static void write_date(struct buf *out, timestamp date)
{
    struct calendar day = timestamp_calendar(date);

    buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", WEEKDAYS[day.weekday],
               day.day, MONTHS[day.month - 1], day.year, day.hour, day.minute, day.second);
}

/* --- parts ----------------------------------------------------------------------------------------- */

static void write_part(struct buf *out, str type, str text)
{
    BUF_ADD(out, "Content-Type: text/");
    buf_add(out, type);
    BUF_ADD(out, "; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    mail_write_quoted(out, text);
}

/* The line break before a boundary is the boundary's. */
static void write_parts(struct buf *out, const struct mail *mail)
{
    if (!mail->html.len) {
        write_part(out, STR("plain"), mail->text);
        BUF_ADD(out, "\r\n");
        return;
    }
    BUF_ADD(out, "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n");
    BUF_ADD(out, "--" BOUNDARY "\r\n");
    write_part(out, STR("plain"), mail->text);
    BUF_ADD(out, "\r\n--" BOUNDARY "\r\n");
    write_part(out, STR("html"), mail->html);
    BUF_ADD(out, "\r\n--" BOUNDARY "--\r\n");
}

/* --- the whole ------------------------------------------------------------------------------------- */

/* Not less than what mail_write_quoted makes of it: a line's break also pays for its first and last character, which
 * may have to be quoted; a soft break comes after MAIL_LINE_MAX - 3 characters at the earliest. */
static size_t quoted_bound(str text)
{
    size_t bytes = text.len + 8;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '\n')
            bytes += 6;
        else if (c < ' ' || c > '~' || c == '=')
            bytes += 2;
    }
    return bytes + bytes / (MAIL_LINE_MAX - 3) * 6;
}

static bool holds(str text, char c)
{
    return str_find(text, c) < text.len;
}

static error check(struct arena *arena, const struct mail *mail)
{
    int year = timestamp_calendar(mail->date).year;

    if (holds(mail->subject, '\r') || holds(mail->subject, '\n') || holds(mail->subject, '\0'))
        return error_new(arena, 400, "The mail's subject holds a line break");
    if (mail->subject.len > MAIL_SUBJECT_MAX)
        return error_new(arena, 400, "The mail's subject has more than %d bytes", MAIL_SUBJECT_MAX);
    if (!str_is_utf8(mail->subject) || !str_is_utf8(mail->text) || !str_is_utf8(mail->html))
        return error_new(arena, 400, "The mail is not UTF-8");
    if (HEADER_BOUND + quoted_bound(mail->text) + quoted_bound(mail->html) > MAIL_MAX)
        return error_new(arena, 400, "The mail has more than %d bytes", MAIL_MAX);
    if (year < 1900 || year > 9999)
        return error_new(arena, 400, "The mail's date is of no year that mails know");
    return NULL;
}

error mail_print(struct arena *arena, const struct mail *mail, struct buf *out)
{
    struct mail_address from, to;

    TRY(mail_address_parse(arena, "sender", mail->from, &from));
    TRY(mail_address_parse(arena, "recipient", mail->to, &to));
    TRY(mail_id_check(arena, mail->message_id));
    TRY(check(arena, mail));
    write_mailbox(out, STR("From: "), &from);
    write_mailbox(out, STR("To: "), &to);
    BUF_ADD(out, "Subject: ");
    write_text(out, mail->subject, sizeof "Subject: " - 1);
    BUF_ADD(out, "\r\n");
    write_date(out, mail->date);
    BUF_ADD(out, "Message-ID: ");
    buf_add(out, mail->message_id);
    BUF_ADD(out, "\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n");
    write_parts(out, mail);
    return buf_failed(out) ? &ERROR_OUT_OF_MEMORY : NULL;
}
