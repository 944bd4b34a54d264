/* Answers as bytes, headers in the order in which NestJS on Express prints them, without X-Powered-By: CORS, the
 * handler's own, Content-Type, Content-Length, ETag, Date, Connection, Keep-Alive. */
#pragma once

#include "http/cors.h"
#include "http/date.h"
#include "http/etag.h"

/* What printing needs beside the answer; one for a server. */
struct http_printer {
    struct http_cors cors;
    str keep_alive; /* header lines */
    struct http_etags *etags;
    struct http_date date;
};

/* `cors_origin` as in http_cors_new, `idle_timeout_ms` is what Keep-Alive promises; the header lines live in
 * `arena`. */
error http_printer_init(struct http_printer *printer, struct arena *arena, const char *cors_origin,
                        uint64_t idle_timeout_ms);
void http_printer_free(struct http_printer *printer);

struct http_answer {
    const struct http_request *request; /* NULL when there was none that could be understood */
    const struct http_response *response;
    bool keep_alive;
};

/* Appends the answer. Its body is left out for HEAD, its length not; 204 and 304 have neither. An answer with a
 * content type gets an ETag, and when a GET or HEAD with status 200 has an If-None-Match that names it (and no
 * `Cache-Control: no-cache`), it becomes a 304. Returns the status that was printed. */
int http_print(struct http_printer *printer, const struct http_answer *answer, struct buf *out);
