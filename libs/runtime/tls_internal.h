/* What a stream asks of its TLS. Receiving and sending are as recv and send of a socket that does not block; a
 * handshake happens on the way, so each may have to wait for the other direction. */
#pragma once

#include "runtime/tls.h"

#include <sys/types.h>

struct tls;

struct tls *tls_new(struct tls_context *context, int fd, const char *name);
void tls_free(struct tls *tls);

/* Gives a whole record when there is room for STREAM_READ_SIZE bytes, so that nothing stays behind that the
 * socket would not tell of. */
ssize_t tls_receive(struct tls *tls, char *out, size_t len);
ssize_t tls_send(struct tls *tls, const char *bytes, size_t len);

/* Tells the peer that nothing more will be sent. */
void tls_end(struct tls *tls);

/* Whether sending waits for the socket to become readable, and receiving for it to become writable. */
bool tls_sending_wants_input(const struct tls *tls);
bool tls_receiving_wants_output(const struct tls *tls);
