/* libcurl tells that a command was refused, but not how; so the server's replies are read along (mail_reply_take), and what
 * a failure means is decided by the last of them:
 *
 *     5yz to MAIL, RCPT, DATA or the mail   422   but for those that ask for authentication
 *     5yz before that; AUTH; certificates   500   a setting is wrong here, or there
 *     4yz, and no reply at all              503   after the mail's end nobody knows whether it was taken */
#include "mail/smtp_internal.h"

#include <string.h>

enum { CLOSING = 221 };

/* --- what the server says -------------------------------------------------------------------------- */

static void add_words(struct reply *reply, str words)
{
    for (size_t i = 0; i < words.len && reply->len < REPLY_MAX; i++) {
        char c = words.at[i];

        reply->text[reply->len++] = c < ' ' || c > '~' ? '?' : c;
    }
}

/* A line "250-…" has others behind it, "250 …" is the last of a reply. The one to QUIT, which libcurl says after a
 * refusal, must not hide the refusal. */
size_t mail_reply_take(char *at, size_t size, size_t count, void *cookie)
{
    struct transfer *transfer = cookie;
    struct reply *reply = &transfer->reply;
    str line = { at, size * count };
    uint64_t code;

    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    if (!str_to_uint(str_slice(line, 0, 3), 999, &code) || code == CLOSING)
        return size * count;
    if (reply->whole)
        *reply = (struct reply){ 0 };
    if (reply->len)
        add_words(reply, STR(" "));
    add_words(reply, reply->len ? str_slice(line, 4, line.len) : line);
    reply->code = (unsigned)code;
    reply->whole = line.len < 4 || line.at[3] != '-';
    /* The whole transfer's timeout does not count for the QUIT that comes now. */
    if (code >= 400)
        transfer->smtp->curl.curl_easy_setopt(transfer->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                                              (long)QUIT_TIMEOUT_S);
    return size * count;
}

/* --- what came of it ------------------------------------------------------------------------------- */

/* `text` with the alphabet of base64url, in which the secrets are. */
static bool holds_secret(const struct mail_smtp *smtp, str text)
{
    char other[REPLY_MAX];
    size_t len = text.len < REPLY_MAX ? text.len : REPLY_MAX;

    for (size_t i = 0; i < len; i++)
        other[i] = text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i];
    for (int i = 0; i < 3; i++) {
        str secret = smtp->secrets[i];

        if (secret.len && (memmem(text.at, text.len, secret.at, secret.len) ||
                           memmem(other, len, secret.at, secret.len)))
            return true;
    }
    return false;
}

/* What libcurl found wrong before MAIL: with TLS, the authentication or our own settings. */
static bool is_of_settings(CURLcode result)
{
    switch (result) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_LOGIN_DENIED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_AUTH_ERROR: return true;
    default: return false;
    }
}

/* RFC 4954 section 6. */
static bool asks_for_authentication(unsigned code)
{
    return code == 530 || code == 534 || code == 535 || code == 538;
}

static int status_of(const struct transfer *transfer)
{
    unsigned code = transfer->reply.code;
    /* A greeting, EHLO or NOOP that failed; after the mail's end libcurl says the same. */
    bool before_mail = transfer->result == CURLE_WEIRD_SERVER_REPLY && !transfer->begun;

    if (code >= 400 && code < 500)
        return 503;
    if (is_of_settings(transfer->result) || asks_for_authentication(code))
        return 500;
    if (code >= 500)
        return before_mail ? 500 : 422;
    return 503;
}

static error failure(const struct transfer *transfer)
{
    const struct mail_smtp *smtp = transfer->smtp;
    const struct reply *reply = &transfer->reply;
    bool refused = reply->code >= 400;
    str words = refused ? (str){ reply->text, reply->len } : str_of(transfer->words);

    if (transfer->result == CURLE_OUT_OF_MEMORY)
        return &ERROR_OUT_OF_MEMORY;
    if (!words.len)
        words = str_of(smtp->curl.curl_easy_strerror(transfer->result));
    if (holds_secret(smtp, words))
        words = refused ? str_slice(words, 0, 3) : STR("failed");
    return error_new(transfer->delivery->arena, status_of(transfer), "%.*s: %.*s%s",
                     STR_ARG(smtp->where), STR_ARG(words),
                     transfer->begun && !refused
                         ? "; it is not known whether the server has taken the mail"
                         : "");
}

/* Any 2yz after the mail's end says that it was taken (RFC 5321 section 4.2.1); libcurl wants a 250. */
static bool was_taken(const struct transfer *transfer)
{
    bool ended = transfer->begun && transfer->sent == transfer->delivery->message.len;

    return transfer->result == CURLE_OK ||
           (ended && transfer->reply.whole && transfer->reply.code / 100 == 2);
}

error mail_outcome(const struct transfer *transfer)
{
    return was_taken(transfer) ? NULL : failure(transfer);
}
