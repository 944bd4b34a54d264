/* Compressed bodies. */
#pragma once

#include "base/error.h"

enum http_coding { HTTP_GZIP, HTTP_DEFLATE };

/* Inflates a whole body into `arena`. 413 when it would become longer than `max`; 400 with zlib's text
 * ("incorrect header check", "unexpected end of file") when it is not what it claims to be. */
error http_inflate(struct arena *arena, str body, enum http_coding coding, size_t max, str *out);
