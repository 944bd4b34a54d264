/* Password hashes: bcrypt by libcrypt, interchangeable with npm's bcryptjs 2 and 3. Made with
 * `$2b$`; `$2a$`, `$2b$` and `$2y$` are verified. `$2x$`, which marks hashes of a faulty
 * implementation, is not.
 *
 * A hash takes some 200 ms at cost 12, so it is computed on a pool of threads whose queue is
 * bounded: what goes beyond is refused at once rather than after its deadline. All functions are
 * for the loop's thread. */
#pragma once

#include "runtime/offload.h"

enum {
    PASSWORD_BYTES_MAX = 72, /* bcrypt reads no further; longer passwords are refused */
    PASSWORD_HASH_TEXT = 60, /* bytes of a bcrypt hash */
    PASSWORD_COST_MIN = 4,
    PASSWORD_COST_MAX = 15, /* 1.7 s; a stored hash that asks for more counts as malformed */
};

struct passwords;

struct password_options {
    unsigned cost;      /* bcrypt's, PASSWORD_COST_MIN … MAX; one more doubles the work */
    unsigned threads;   /* hashing at once, 1 … 64 */
    unsigned queue_max; /* waiting; beyond it calls are refused with 503 and Retry-After */
};

/* Starts the pool. A 500 that says so when the cost is out of range; the errors of
 * offload_pool_new. */
error passwords_new(struct arena *arena, const struct password_options *options,
                    struct passwords **out);

/* Ends the pool as offload_pool_free does. NULL is fine. */
void passwords_free(struct passwords *passwords);

/* A fresh `$2b$` hash of PASSWORD_HASH_TEXT bytes, in the call's arena. 400 when the password is
 * longer than PASSWORD_BYTES_MAX or has a NUL byte (at which libcrypt stops and bcryptjs does
 * not); 503 when the queue is full; the call's deadline while it waits in the queue. */
error password_hash(struct call *call, struct passwords *passwords, str password, str *out);

/* Whether the password belongs to the hash, compared in constant time. False after the same
 * work, so that the time tells nothing, when there is no hash (an empty text: unknown user),
 * when the hash is malformed and when password_hash would not take the password. The work is
 * that of the options' cost, or of the stored hash's, which differs only after the cost has been
 * changed. Errors: 503 and deadline as above. */
error password_verify(struct call *call, struct passwords *passwords, str password, str hash,
                      bool *out);
