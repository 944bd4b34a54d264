/* ETags as Express makes them: weak, from the body's length and SHA-1. SHA-1 serves here as a checksum that
 * NestJS's clients already hold; nothing relies on it for security. */
#pragma once

#include "base/error.h"

enum { HTTP_ETAG_MAX = 4 + 16 + 1 + 27 }; /* W/"<length in hex>-<27 characters of base64>" */

struct http_etags;

/* Something that makes ETags; NULL when there is no memory or OpenSSL refuses SHA-1. */
struct http_etags *http_etags_new(void);
void http_etags_free(struct http_etags *etags);

/* Writes the body's ETag, quotes included, to `out`. Returns its length; 0 when OpenSSL failed. */
size_t http_etag(struct http_etags *etags, str body, char out[HTTP_ETAG_MAX]);

/* Whether the value of If-None-Match names `etag` in the weak comparison (RFC 9110 section 8.8.3.2) or is
 * `*`. */
bool http_etag_matches(str if_none_match, str etag);
