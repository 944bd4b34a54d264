/* A token's signature apart from its claims, for jwt.c and its tests: published examples sign
 * payloads that are no claims of ours. */
#pragma once

#include "auth/jwt.h"

/* The decoded payload of a token whose signature and header are right, in the arena. Nothing in
 * it has been looked at: not whether it is JSON, not `exp`. Errors as jwt_verify. */
error jwt_payload(struct jwt_key *key, struct arena *arena, str token, str *out);
