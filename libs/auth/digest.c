#include "auth/digest.h"
#include "base/hex.h"

#include <openssl/evp.h>

enum { DIGEST_BYTES = 32 };

error auth_digest(struct arena *arena, str text, str *out)
{
    unsigned char digest[DIGEST_BYTES];
    char *hex = arena_alloc(arena, 2 * sizeof digest);

    if (!hex || EVP_Digest(text.at, text.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return &ERROR_OUT_OF_MEMORY;
    hex_encode(digest, sizeof digest, hex);
    *out = (str){ hex, 2 * sizeof digest };
    return NULL;
}
