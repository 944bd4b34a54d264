/* Between template_scan.c and template_path.c: the place in the source. */
#pragma once

#include "mail/template_internal.h"

#include <string.h>

static inline str rest_of(const struct template_reader *reader)
{
    return str_slice(reader->source, reader->at, reader->source.len);
}

/* The next byte; 0, which no template holds, at the end. */
static inline char next_of(const struct template_reader *reader)
{
    return reader->at < reader->source.len ? reader->source.at[reader->at] : 0;
}

static inline void advance(struct template_reader *reader, size_t len)
{
    for (size_t i = 0; i < len; i++)
        reader->line += reader->source.at[reader->at + i] == '\n';
    reader->at += len;
}

/* Passes `text` if it comes next. */
static inline bool take(struct template_reader *reader, const char *text)
{
    if (!str_starts_with(rest_of(reader), str_of(text)))
        return false;
    advance(reader, strlen(text));
    return true;
}

static inline void skip_blanks(struct template_reader *reader)
{
    advance(reader, mail_template_leading_blanks(rest_of(reader)));
}

/* Where `text` begins in `s` from `from` on, or `s.len`. */
static inline size_t find(str s, size_t from, const char *text)
{
    const char *hit = from < s.len ? memmem(s.at + from, s.len - from, text, strlen(text)) : NULL;

    return hit ? (size_t)(hit - s.at) : s.len;
}

static inline bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* The beginning of a piece of the source, for messages. */
static inline str brief(str s)
{
    enum { BRIEF_MAX = 60 };
    size_t len = s.len < BRIEF_MAX ? s.len : BRIEF_MAX;

    while (len < s.len && len && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len--;
    return str_slice(s, 0, len);
}

/* Length of the identifier that `s` begins with. */
size_t mail_template_identifier_len(str s);

/* Whether an identifier may end before `s`. */
bool mail_template_ends_identifier(str s);

/* Reads the tag's path. */
error mail_template_scan_path(struct template_reader *reader, struct template_tag *tag);

/* What to say about something that may not stand in a tag. */
error mail_template_unexpected(const struct template_reader *reader,
                               const struct template_tag *tag);
