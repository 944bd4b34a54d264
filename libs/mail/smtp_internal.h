/* What smtp.c and smtp_outcome.c share. */
#pragma once

#include "http/curl.h"
#include "mail/mail_internal.h"

#include <stdatomic.h>

enum { REPLY_MAX = 500, QUIT_TIMEOUT_S = 5 };

struct line {
    atomic_flag taken;
    CURL *easy; /* NULL until first used */
};

struct mail_smtp {
    struct http_curl curl;
    enum mail_tls tls;
    str where;
    const char *url, *user, *password, *ca; /* NULL: none */
    str secrets[3]; /* what no error quotes: the password, and as AUTH LOGIN and PLAIN say it */
    struct line lines[MAIL_THREADS];
};

/* The last reply, its lines joined by blanks. */
struct reply {
    unsigned code; /* 0: none */
    bool whole;
    size_t len;
    char text[REPLY_MAX];
};

struct transfer {
    const struct mail_smtp *smtp;
    const struct mail_delivery *delivery;
    CURL *easy;
    size_t sent;
    bool begun; /* DATA was accepted */
    CURLcode result;
    long connects; /* new connections that it took */
    struct reply reply;
    char words[CURL_ERROR_SIZE]; /* libcurl's own */
};

/* libcurl's CURLOPT_HEADERFUNCTION: reads the server's replies along; `cookie` is the transfer. */
size_t mail_reply_take(char *at, size_t size, size_t count, void *cookie);

/* NULL when the server has taken the mail, or passed the check. */
error mail_outcome(const struct transfer *transfer);
