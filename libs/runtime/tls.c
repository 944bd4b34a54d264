#include "runtime/tls.h"
#include "runtime/tls_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* OpenSSL keeps count of its users, and is used up when the last is gone. */
struct tls_context {
    SSL_CTX *ssl;
    bool server;
};

enum wish { NOTHING, INPUT, OUTPUT };

struct tls {
    SSL *ssl;
    enum wish to_send, to_receive; /* what the last of each waits for */
};

/* --- contexts ------------------------------------------------------------------------------------ */

static BIO *bio_of(str text)
{
    return BIO_new_mem_buf(text.at, (int)text.len);
}

/* The first certificate is ours, those after it lead to an authority. */
static bool use_certificates(SSL_CTX *ssl, BIO *bio)
{
    X509 *own = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
    bool good = own && SSL_CTX_use_certificate(ssl, own) == 1;

    X509_free(own);
    while (good && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        good = SSL_CTX_add0_chain_cert(ssl, next) == 1;
        if (!good)
            X509_free(next);
    }
    return good;
}

static bool use_key(SSL_CTX *ssl, BIO *bio)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool good = key && SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;

    EVP_PKEY_free(key);
    return good;
}

static bool use_authorities(SSL_CTX *ssl, BIO *bio)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    X509 *authority;
    int count = 0;

    while ((authority = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        count += X509_STORE_add_cert(store, authority) == 1 &&
                 SSL_CTX_add_client_CA(ssl, authority) == 1;
        X509_free(authority);
    }
    return count;
}

static bool use_text(SSL_CTX *ssl, str text, bool (*use)(SSL_CTX *ssl, BIO *bio))
{
    BIO *bio = text.len ? bio_of(text) : NULL;
    bool good = bio && use(ssl, bio);

    BIO_free(bio);
    ERR_clear_error();
    return good;
}

static error set_up(struct arena *arena, SSL_CTX *ssl, const struct tls_options *options)
{
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    if ((options->server || options->certificate.len) &&
        !use_text(ssl, options->certificate, use_certificates))
        return error_new(arena, 500, "the TLS certificate is missing or is no certificate in PEM");
    if ((options->server || options->certificate.len) && !use_text(ssl, options->key, use_key))
        return error_new(arena, 500,
                         "the TLS key is missing, no key in PEM, or not the certificate's");
    if ((!options->server || options->authorities.len) &&
        !use_text(ssl, options->authorities, use_authorities))
        return error_new(arena, 500,
                         "the TLS authorities are missing or hold no certificate in PEM");
    if (!options->server || options->authorities.len)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return NULL;
}

error tls_context_new(struct arena *arena, const struct tls_options *options,
                      struct tls_context **out)
{
    struct tls_context *context = calloc(1, sizeof *context);

    if (!context)
        return &ERROR_OUT_OF_MEMORY;
    context->server = options->server;
    context->ssl = SSL_CTX_new(options->server ? TLS_server_method() : TLS_client_method());
    error failed = context->ssl ? set_up(arena, context->ssl, options) : &ERROR_OUT_OF_MEMORY;

    if (failed) {
        tls_context_free(context);
        return failed;
    }
    *out = context;
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

/* --- one connection ------------------------------------------------------------------------------ */

/* The peer must be who we wanted to reach: an address is compared with addresses, a name with names. */
static bool expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1)
        return true;
    ERR_clear_error();
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls *tls_new(struct tls_context *context, int fd, const char *name)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (!tls)
        return NULL;
    tls->ssl = SSL_new(context->ssl);
    if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1 || (name && !expect_name(tls->ssl, name))) {
        tls_free(tls);
        return NULL;
    }
    if (context->server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    ERR_clear_error();
    free(tls);
}

/* OpenSSL's result as that of recv or send. */
static ssize_t result_of(struct tls *tls, int result, enum wish *wish)
{
    int reason = SSL_get_error(tls->ssl, result);

    ERR_clear_error();
    *wish = NOTHING;
    if (result > 0)
        return result;
    if (reason == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = ECONNRESET;
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
        return -1;
    *wish = reason == SSL_ERROR_WANT_READ ? INPUT : OUTPUT;
    errno = EAGAIN;
    return -1;
}

static int clamp(size_t len)
{
    return len > INT32_MAX ? INT32_MAX : (int)len;
}

ssize_t tls_receive(struct tls *tls, char *out, size_t len)
{
    return result_of(tls, SSL_read(tls->ssl, out, clamp(len)), &tls->to_receive);
}

ssize_t tls_send(struct tls *tls, const char *bytes, size_t len)
{
    ssize_t put = result_of(tls, SSL_write(tls->ssl, bytes, clamp(len)), &tls->to_send);

    if (put == 0)
        errno = ECONNRESET;
    return put ? put : -1;
}

void tls_end(struct tls *tls)
{
    if (SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

bool tls_sending_wants_input(const struct tls *tls)
{
    return tls->to_send == INPUT;
}

bool tls_receiving_wants_output(const struct tls *tls)
{
    return tls->to_receive == OUTPUT;
}
