/* Lower-case hexadecimal, and base64url without padding (RFC 4648 section 5). */
#pragma once

#include "base/str.h"

/* Value of a hexadecimal digit of either case; negative for what is none. */
int hex_digit(char c);

/* Writes 2 * len characters, no NUL. */
void hex_encode(const uint8_t *bytes, size_t len, char *out);

/* Reads exactly `len` bytes from 2 * len lower-case or upper-case digits; false otherwise. */
bool hex_decode(str text, uint8_t *out, size_t len);

/* Characters that `len` bytes take in base64url. */
static inline size_t base64url_len(size_t len)
{
    return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}

/* Writes base64url_len(len) characters, no NUL. */
void base64url_encode(const uint8_t *bytes, size_t len, char *out);

/* Strict: no padding, no other alphabet, unused bits zero. `out` has room for text.len / 4 * 3 + 2 bytes.
 * False on anything else; `*len` is written on success. */
bool base64url_decode(str text, uint8_t *out, size_t *len);
