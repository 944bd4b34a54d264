/* The head of a request: the request line and the header fields, from bytes to a `struct http_request`
 * and the decisions that the connection has to make (RFC 9112). No input or output happens here.
 *
 * The parser is strict, because whatever it lets pass and a proxy in front of it reads differently is a way
 * to smuggle a request. It refuses what RFC 9112 lets a server refuse:
 *
 *   - a line that does not end in CR LF, a CR elsewhere, any other control character;
 *   - a folded line, a blank before the colon, a field without a name;
 *   - other than exactly one Host in HTTP/1.1, more than one in HTTP/1.0, a Host that is not one;
 *   - Content-Length that is not digits alone or is given twice, even equal;
 *   - Transfer-Encoding beside Content-Length, twice, in HTTP/1.0, or other than `chunked` (501);
 *   - a target that is not `/path`, `http://host/path`, or `*` with OPTIONS; CONNECT (501);
 *   - bytes that a URI cannot have in the target: `#`, and those from 0x80 on, as Node.js does (nginx lets
 *     both pass);
 *   - methods with other than capitals, `-` and `_`, as nginx does (RFC 9110 has no others);
 *   - a version other than HTTP/1.0 and HTTP/1.1 (505). */
#pragma once

#include "http/message.h"
#include "http/server.h"

struct http_head {
    struct http_request request; /* without body and parameters */
    bool keep_alive;             /* the connection may serve another request after this one */
    bool chunked;                /* a chunked body follows */
    bool has_length;             /* Content-Length was given */
    bool expects_continue;       /* asks for `100 Continue` before it sends the body */
    uint64_t content_length;     /* 0 without one */
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* Looks for the end of a head in what has arrived so far. `*scanned` is how much of `input` was looked at
 * before (0 for a new head), so that a head that comes byte by byte is scanned once. `*len` becomes the
 * head's length with its empty line, or 0 when more has to arrive. Errors: 400 for a line that ends without
 * CR, 431 and 414 for a head that is or will be too long. */
error http_head_find(str input, size_t *scanned, size_t *len);

/* Reads a head that http_head_find has found. The request's spans point into `text`, its headers into
 * `out`. On an error `out` holds nothing of use; the error's status is what to answer. */
error http_head_parse(str text, struct http_head *out);
