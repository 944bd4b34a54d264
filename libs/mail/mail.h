/* Mails: their text (RFC 5322, MIME), and the two ways they take: SMTP by libcurl on a pool of threads, or, where there is no
 * server, a Maildir. */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "runtime/call.h"

enum {
    MAIL_THREADS = 4,           /* connections to the server at the same time */
    MAIL_QUEUE_MAX = 256,       /* mails waiting for one; more are refused with a 503 */
    MAIL_SUBJECT_MAX = 1000,    /* bytes */
    MAIL_MAX = 2 * 1024 * 1024, /* bytes of a whole message */
    MAIL_TIMEOUT_MS = 30 * 1000,
    MAIL_CONNECT_TIMEOUT_MS = 10 * 1000,
};

struct mail {
    str from, to; /* addresses: "a@b.c" or "Cuib <a@b.c>"; what would break a header is a 400 */
    str subject;  /* any UTF-8; in RFC 2047 words where it is not ASCII. With a line break: a 400 */
    str text, html; /* UTF-8; `html` may be empty */
    str message_id; /* "<…@…>" */
    timestamp date;
};

/* Appends the whole message, with CRLF: From, To, Subject, Date (RFC 5322, +0000), Message-ID, MIME-Version,
 * Auto-Submitted: auto-generated, and multipart/alternative with quoted-printable parts. A function of `mail` alone. */
error mail_print(struct arena *arena, const struct mail *mail, struct buf *out);

struct mailer;

/* SMTP_TLS. */
enum mail_tls {
    MAIL_TLS_NONE,
    MAIL_TLS_STARTTLS,    /* required: without it nothing is sent */
    MAIL_TLS_OPPORTUNIST, /* STARTTLS where the server offers it */
    MAIL_TLS_IMPLICIT,    /* from the first byte: port 465 */
};

struct mailer_options {
    str smtp_host; /* at == NULL: a Maildir */
    unsigned smtp_port;
    str smtp_user, smtp_password; /* at == NULL: no AUTH */
    enum mail_tls tls;
    str smtp_ca;  /* PEM file of authorities; at == NULL: the system's */
    str maildir;  /* its directory, made when it is missing */
    str hostname; /* for EHLO and names in the Maildir; at == NULL: "localhost" */
};

/* `options` is copied into `arena`, where the mailer lies. */
error mailer_new(struct arena *arena, const struct mailer_options *options, struct mailer **out);

/* To be called when no mail is being sent. NULL is fine. */
void mailer_free(struct mailer *mailer);

/* Hands the mail over: NULL when the server has taken it (250 after its end), or it lies in the Maildir's `new`,
 * synced. Connections are kept for the next mail. A Maildir's file is named after the Message-ID, so that a mail which is
 * sent twice lies there once. Errors:
 *     400   the mail itself is refused here (header injection, too long)
 *     422   the server refuses it for good (5yz to MAIL, RCPT or DATA): trying again is pointless
 *     503   the server is away, busy or says 4yz: try again later; also when it is unknown whether it took the mail
 *     500   the settings are refused (AUTH, a certificate): as 503, but a person has to look
 * with the server's own words in the message. The password is in none. */
error mail_send(struct call *call, struct mailer *mailer, const struct mail *mail);

/* Whether mails can be handed over now: connects, says EHLO (and AUTH), NOOP and QUIT; or writes to the Maildir's `tmp`.
 * Errors as above. */
error mail_check(struct call *call, struct mailer *mailer);

/* The directory or smtp://host:port, for people. */
str mailer_where(const struct mailer *mailer);
