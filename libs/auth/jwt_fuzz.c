/* Feeds tokens to jwt_verify: the input as it stands, and the input as header and payload
 * (divided by its first line break) under a right signature, since no mutation would get past a
 * wrong one. What is accepted must come through jwt_sign and jwt_verify unchanged. */
#include "auth/jwt.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"

enum { ARENA_FUZZ_MAX = 4 * 1024 * 1024 };

static const timestamp NOW = { INT64_C(1700000000000) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str encode(struct arena *arena, str text)
{
    char *at = arena_alloc(arena, base64url_len(text.len));

    base64url_encode((const uint8_t *)text.at, text.len, at);
    return (str){ at, base64url_len(text.len) };
}

static str token_of(struct arena *arena, str header, str payload)
{
    str front = arena_printf(arena, "%.*s.%.*s", STR_ARG(encode(arena, header)),
                             STR_ARG(encode(arena, payload)));
    uint8_t mac[32];

    HMAC(EVP_sha256(), SECRET, sizeof SECRET - 1, (const uint8_t *)front.at, front.len, mac, NULL);
    return arena_printf(arena, "%.*s.%.*s", STR_ARG(front),
                        STR_ARG(encode(arena, (str){ (const char *)mac, sizeof mac })));
}

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_same(const struct jwt_claims *a, const struct jwt_claims *b)
{
    require(str_eq(a->sub, b->sub) && str_eq(a->email, b->email));
    require(!a->email.at == !b->email.at && a->roles.len == b->roles.len);
    for (size_t i = 0; i < a->roles.len; i++)
        require(str_eq(a->roles.at[i], b->roles.at[i]));
    /* JSON numbers are doubles: beyond 2^53 they are not exact. */
    require((double)a->iat == (double)b->iat && (double)a->exp == (double)b->exp);
}

static void verify(struct jwt_key *key, struct arena *arena, str token)
{
    struct jwt_claims claims, again;
    error failed = jwt_verify(key, arena, token, NOW, &claims);
    str copy;

    require(!failed || failed == &JWT_UNAUTHORIZED);
    if (failed || jwt_sign(key, arena, &claims, &copy))
        return;
    require(claims.exp >= NOW.ms / 1000);
    /* A fraction of the present second was cut off: the copy has expired. */
    if (claims.exp == NOW.ms / 1000)
        return;
    require(!jwt_verify(key, arena, copy, NOW, &again));
    require_same(&claims, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_FUZZ_MAX);
    struct jwt_key *key = NULL;
    str input = { (const char *)data, size }, header, payload = input;
    int64_t seconds;

    require(arena && !jwt_key_new(arena, STR(SECRET), &key));
    verify(key, arena, input);
    verify(key, arena, jwt_bearer(input));
    if (size <= JWT_TOKEN_MAX && str_next_piece(&payload, '\n', &header) && payload.at)
        verify(key, arena, token_of(arena, header, payload));
    require(!jwt_duration(input, &seconds) || seconds > 0);
    jwt_key_free(key);
    arena_free(arena);
    return 0;
}
