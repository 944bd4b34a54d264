#include "mail/mail_internal.h"

#include <string.h>

#define WORD_START "=?UTF-8?Q?"
#define WORD_END "?="

enum {
    WORD_MAX = 75, /* of an encoded word, RFC 2047 section 2 */
    CHARACTER_MAX = 4 * 3,
};

static const char DIGITS[] = "0123456789ABCDEF";

static size_t put_hex(char *to, char c)
{
    to[0] = '=';
    to[1] = DIGITS[(unsigned char)c >> 4];
    to[2] = DIGITS[(unsigned char)c & 15];
    return 3;
}

/* --- encoded words --------------------------------------------------------------------------------- */

/* The strictest set, that of a name (RFC 2047 section 5 (3)). */
static bool stays_in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!*+-/", c));
}

static size_t encode_byte(char *to, char c)
{
    if (!stays_in_word(c) && c != ' ')
        return put_hex(to, c);
    *to = c == ' ' ? '_' : c;
    return 1;
}

/* Takes one character off the text. */
static size_t encode_character(char to[CHARACTER_MAX], str *text)
{
    size_t len = encode_byte(to, text->at[0]), taken = 1;

    while (taken < text->len && taken < 4 && ((unsigned char)text->at[taken] & 0xc0) == 0x80)
        len += encode_byte(to + len, text->at[taken++]);
    *text = str_slice(*text, taken, text->len);
    return len;
}

void mail_write_words(struct buf *out, str text, size_t column)
{
    /* As much as fits into the word and, at the beginning, into the line. */
    size_t room = WORD_MAX, used = sizeof WORD_START WORD_END - 1;

    if (column + room > MAIL_LINE_MAX)
        room = MAIL_LINE_MAX > column ? MAIL_LINE_MAX - column : 0;
    BUF_ADD(out, WORD_START);
    while (text.len) {
        char character[CHARACTER_MAX];
        size_t len = encode_character(character, &text);

        if (used + len > room) {
            BUF_ADD(out, WORD_END "\r\n " WORD_START);
            room = WORD_MAX;
            used = sizeof WORD_START WORD_END - 1;
        }
        buf_add(out, (str){ character, len });
        used += len;
    }
    BUF_ADD(out, WORD_END);
}

/* --- quoted-printable ------------------------------------------------------------------------------ */

/* Bytes of the line break that the text begins with; 0: none. */
static size_t line_break(str text)
{
    if (str_starts_with(text, STR("\n")))
        return 1;
    return str_starts_with(text, STR("\r\n")) ? 2 : 0;
}

/* Bytes at the beginning that stay as they are. Blanks are lost at the end of a line, so the last is no such byte. */
static size_t plain_run(str text, size_t max)
{
    size_t len = 0;

    while (len < max && len < text.len && text.at[len] >= ' ' && text.at[len] <= '~' &&
           text.at[len] != '=')
        len++;
    str rest = str_slice(text, len, text.len);
    bool ends_line = rest.len == 0 || line_break(rest);

    return len && ends_line && text.at[len - 1] == ' ' ? len - 1 : len;
}

/* A lone dot and "From " at the beginning of a line have a meaning to some. */
static bool means_something(str text)
{
    return str_starts_with(text, STR(".")) || str_starts_with(text, STR("From "));
}

/* Writes what fits into the rest of the line, which ends before MAIL_LINE_MAX so that the "=" of a soft break fits,
 * too. 0: nothing fits. */
static size_t write_piece(struct buf *out, str *text, size_t column)
{
    size_t room = MAIL_LINE_MAX - 1 - column;
    size_t len = column == 0 && means_something(*text) ? 0 : plain_run(*text, room);
    char quoted[3];

    if (len) {
        buf_add(out, str_slice(*text, 0, len));
        *text = str_slice(*text, len, text->len);
        return len;
    }
    if (room < sizeof quoted)
        return 0;
    buf_add(out, (str){ quoted, put_hex(quoted, text->at[0]) });
    *text = str_slice(*text, 1, text->len);
    return sizeof quoted;
}

void mail_write_quoted(struct buf *out, str text)
{
    size_t column = 0;

    while (text.len) {
        size_t taken = line_break(text);
        size_t written = taken ? 0 : write_piece(out, &text, column);

        column += written;
        text = str_slice(text, taken, text.len);
        if (taken)
            BUF_ADD(out, "\r\n");
        else if (!written)
            BUF_ADD(out, "=\r\n");
        if (!written)
            column = 0;
    }
}
