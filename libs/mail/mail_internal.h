/* What the files of libs/mail tell each other. */
#pragma once

#include "mail/mail.h"

enum {
    MAIL_ADDRESS_MAX = 320, /* bytes: 64 before the @, 255 behind it (RFC 5321 section 4.5.3.1) */
    MAIL_NAME_MAX = 200,    /* bytes of a name beside an address */
    MAIL_ID_MAX = 200,      /* bytes of a Message-ID; a file is named after it */
    MAIL_LINE_MAX = 76,     /* characters of a line, where there is a choice */
};

/* A mailbox of RFC 5322: `Name <address>`; both are spans of the text that was read, but for a quoted name. */
struct mail_address {
    str name; /* empty: none */
    str address;
};

/* Reads one mailbox, with or without a name. Beyond RFC 5322's form an address may hold UTF-8 (RFC 6532), as those of
 * users may; a server that cannot carry it refuses it. There are no comments, groups or lists. What is anything else
 * is a 400 that names `field`. */
error mail_address_parse(struct arena *arena, const char *field, str text,
                         struct mail_address *out);

/* A "<…@…>" of letters, digits and punctuation that may stand in a file's name; otherwise a 400. */
error mail_id_check(struct arena *arena, str id);

/* Appends `text` as RFC 2047 encoded words with folding between them, the first at `column` of its line. Each word
 * holds whole UTF-8 characters. `text` is well-formed UTF-8. */
void mail_write_words(struct buf *out, str text, size_t column);

/* Appends `text` as quoted-printable (RFC 2045 section 6.7). "\n" and "\r\n" are line breaks; any other byte comes
 * through as it is. No line is "." or begins with "--=_". */
void mail_write_quoted(struct buf *out, str text);

/* Whether all bytes are printable ASCII or blanks. */
bool mail_is_ascii(str text);

/* --- the two ways ---------------------------------------------------------------------------------- */

/* One mail on its way; made on the fiber, used by a thread. */
struct mail_delivery {
    struct arena *arena;  /* of the call, whose fiber waits */
    str from, to;         /* addresses alone, a NUL behind each */
    str message;          /* at == NULL: mail_check, nothing is to be sent */
    str id;               /* the Message-ID without its brackets */
    str temporary;        /* a name that nobody else uses */
    uint64_t deadline_ns; /* of clock_ns */
    error result;
};

struct mail_smtp;

/* In `arena`, but for what mail_smtp_free releases. */
error mail_smtp_new(struct arena *arena, const struct mailer_options *options,
                    struct mail_smtp **out);
void mail_smtp_free(struct mail_smtp *smtp);
str mail_smtp_where(const struct mail_smtp *smtp);

/* Sends the mail, or checks; on any of up to MAIL_THREADS threads. */
error mail_smtp_deliver(struct mail_smtp *smtp, const struct mail_delivery *delivery);

/* Makes the directory with its `tmp`, `new` and `cur`. */
error mail_maildir_make(struct arena *arena, str directory);
error mail_maildir_deliver(str directory, const struct mail_delivery *delivery);
