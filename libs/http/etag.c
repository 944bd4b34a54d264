#include "http/etag.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHA1_SIZE = 20,
    HASH_TEXT = 27, /* of base64's 28; the last is always `=` */
};

/* One context, prepared once: looking SHA-1 up for each body would cost more than computing it. */
struct http_etags {
    EVP_MD *sha1;
    EVP_MD_CTX *context;
};

struct http_etags *http_etags_new(void)
{
    struct http_etags *etags = calloc(1, sizeof *etags);

    if (!etags)
        return NULL;
    etags->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    etags->context = EVP_MD_CTX_new();
    if (!etags->sha1 || !etags->context || !EVP_DigestInit_ex2(etags->context, etags->sha1, NULL)) {
        http_etags_free(etags);
        return NULL;
    }
    return etags;
}

void http_etags_free(struct http_etags *etags)
{
    if (!etags)
        return;
    EVP_MD_CTX_free(etags->context);
    EVP_MD_free(etags->sha1);
    free(etags);
}

static bool digest(struct http_etags *etags, str body, uint8_t out[SHA1_SIZE])
{
    return EVP_DigestInit_ex2(etags->context, NULL, NULL) &&
           EVP_DigestUpdate(etags->context, body.at, body.len) &&
           EVP_DigestFinal_ex(etags->context, out, NULL);
}

/* The first 27 characters of base64. */
static char *put_base64(char *to, const uint8_t bytes[SHA1_SIZE])
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[SHA1_SIZE + 1] = { 0 };

    memcpy(padded, bytes, SHA1_SIZE);
    for (size_t i = 0; i < HASH_TEXT; i++) {
        const uint8_t *three = padded + i / 4 * 3;
        unsigned bits = (unsigned)three[0] << 16 | (unsigned)three[1] << 8 | three[2];

        *to++ = ALPHABET[bits >> (18 - i % 4 * 6) & 63];
    }
    return to;
}

static char *put_hex(char *to, size_t value)
{
    unsigned shift = 60;

    while (shift && !(value >> shift))
        shift -= 4;
    for (;; shift -= 4) {
        *to++ = "0123456789abcdef"[value >> shift & 15];
        if (!shift)
            return to;
    }
}

size_t http_etag(struct http_etags *etags, str body, char out[HTTP_ETAG_MAX])
{
    uint8_t hash[SHA1_SIZE];
    char *to = out;

    if (!digest(etags, body, hash))
        return 0;
    memcpy(to, "W/\"", 3);
    to = put_hex(to + 3, body.len);
    *to++ = '-';
    to = put_base64(to, hash);
    *to++ = '"';
    return (size_t)(to - out);
}

static str opaque(str tag)
{
    return str_starts_with(tag, STR("W/")) ? str_slice(tag, 2, tag.len) : tag;
}

bool http_etag_matches(str if_none_match, str etag)
{
    str candidate;

    if (str_eq(str_trim(if_none_match), STR("*")))
        return true;
    while (str_next_piece(&if_none_match, ',', &candidate))
        if (str_eq(opaque(str_trim(candidate)), opaque(etag)))
            return true;
    return false;
}
