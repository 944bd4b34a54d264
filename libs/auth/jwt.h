/* JSON Web Tokens (RFC 7519) in their compact form (RFC 7515 section 3.1), signed with
 * HMAC-SHA-256. The algorithm comes from here, never from the token: a header that names another
 * one is refused, so `none` and the confusion of public keys with secrets have no place to
 * begin.
 *
 * Tokens are exchanged with npm's jsonwebtoken 9 and passport-jwt, as a NestJS program
 * configures them. Refused here although they accept it: HS384 and HS512, a token without `exp`,
 * `crit` (RFC 7515 section 4.1.11: extensions that must be understood, and none is), tokens over
 * JWT_TOKEN_MAX, invalid UTF-8, unused bits in base64url, and claims of types that nobody signs
 * (no string `sub`, `email` not a string, `roles` not an array of strings). */
#pragma once

#include "base/error.h"
#include "base/time.h"

enum {
    JWT_TOKEN_MAX = 4096,      /* bytes; longer tokens are refused unread and never made */
    JWT_SECRET_BYTES_MIN = 32, /* RFC 7518 section 3.2 asks for the size of the hash */
};

/* Every defect of a token: 401 {"message":"Unauthorized","statusCode":401}. Which one it was is
 * nobody's business. */
extern const struct error JWT_UNAUTHORIZED;

/* A key with its HMAC state prepared; used by one thread. */
struct jwt_key;

/* Makes a key of the secret's bytes, which need not outlive the call. The key lies in `arena`;
 * jwt_key_free releases what it holds elsewhere and must come before the arena goes. A 500 that
 * says so when the secret is shorter than JWT_SECRET_BYTES_MIN. */
error jwt_key_new(struct arena *arena, str secret, struct jwt_key **out);

/* NULL is fine. */
void jwt_key_free(struct jwt_key *key);

/* The claims that Cuib reads and writes. */
struct jwt_claims {
    str sub;
    str email;        /* at == NULL: none */
    strs roles;       /* none and an empty list are the same */
    int64_t iat, exp; /* seconds since 1970 */
};

/* Makes a token in the arena: the header {"alg":"HS256","typ":"JWT"}, the claims in the order
 * above. ERROR_OUT_OF_MEMORY also when it would be longer than JWT_TOKEN_MAX. */
error jwt_sign(struct jwt_key *key, struct arena *arena, const struct jwt_claims *claims, str *out);

/* Verifies the signature, then header and times, and reads the claims, whose texts lie in the
 * arena. `now` counts in whole seconds and without tolerance: `exp` must lie after it (fractions
 * and huge values are fine), `nbf` must not. `iat` is not checked and is 0 when it is no number;
 * fractions of `iat` and `exp` are cut off in `out`. Errors: JWT_UNAUTHORIZED;
 * ERROR_OUT_OF_MEMORY. */
error jwt_verify(struct jwt_key *key, struct arena *arena, str token, timestamp now,
                 struct jwt_claims *out);

/* The token of an Authorization header's value, as passport-jwt reads it: the second word after
 * the scheme `Bearer` in any case; blanks, tabs and further words are ignored. at == NULL when
 * there is none. */
str jwt_bearer(str authorization);

/* Seconds of a JWT_EXPIRES_IN text: "3600", "60s", "15m", "1h", "7d". False on anything else, on
 * zero and on more than ten years. A bare number is seconds: jsonwebtoken reads the numeric
 * string '3600' as milliseconds, which makes tokens of three seconds and is never meant. */
bool jwt_duration(str text, int64_t *seconds);
