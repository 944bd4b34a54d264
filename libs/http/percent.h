/* Percent-decoding of paths and queries, as Express does the one and Node.js's querystring the other. */
#pragma once

#include "base/error.h"

/* A path parameter, decoded as decodeURIComponent does it. `*out` is `text` itself when nothing is escaped, else
 * in `arena`. 400 `Failed to decode param '%zz'` when an escape is malformed or what comes out is not UTF-8. */
error http_decode_param(struct arena *arena, str text, str *out);

/* A name or value of a query or an urlencoded body: `+` is a blank, a malformed escape stays as it is, what is not
 * UTF-8 then becomes U+FFFD. `at` is NULL when the arena refused. */
str http_decode_query(struct arena *arena, str text);
