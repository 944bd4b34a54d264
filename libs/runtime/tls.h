/* TLS for streams (OpenSSL; TLS 1.2 and 1.3). A stream that has been told to speak it looks the same to its
 * owner as any other: what it reads and writes is plain. */
#pragma once

#include "base/error.h"
#include "runtime/stream.h"

struct tls_context;

/* All three are PEM texts, at == NULL or empty: not given. */
struct tls_options {
    str certificate, key; /* what we show; a chain, our own certificate first */
    str authorities;      /* whom we trust. Of a server: its clients must show a certificate */
    bool server;
};

/* The error says which text is not what it should be. A client needs `authorities`, a server
 * `certificate` and `key`. */
error tls_context_new(struct arena *arena, const struct tls_options *options,
                      struct tls_context **out);

/* NULL is fine; streams that use it go on. */
void tls_context_free(struct tls_context *context);

/* Makes a new stream speak TLS; to be called before stream_adopt and before anything is read or written. `name`
 * is the host or address that a server's certificate must be for; NULL on a server's side. A handshake that
 * fails closes the stream. */
error stream_start_tls(struct stream *stream, struct tls_context *context, const char *name);
