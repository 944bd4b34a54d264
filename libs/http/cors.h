/* Cross-origin headers as NestJS sends them with { origin: FRONTEND_URL, methods: [GET, POST, PUT, DELETE],
 * credentials: true }: the configured origin goes to everyone, whatever Origin they send, and every OPTIONS
 * request to any path is answered as a preflight. Without an origin there is nothing of all this. */
#pragma once

#include "http/message.h"

/* Header lines, made once. */
struct http_cors {
    bool enabled;
    str answer;    /* in front of every answer's own headers; empty when not enabled */
    str preflight; /* the same for a preflight */
};

/* From FRONTEND_URL, which may be NULL, empty or `*`; the lines live in `arena`. An error when the origin cannot
 * stand in a header. */
error http_cors_new(struct arena *arena, const char *origin, struct http_cors *out);

/* Whether the request is one that CORS answers. */
bool http_cors_is_preflight(const struct http_cors *cors, const struct http_request *request);

/* Answers a preflight: 204, the headers that the request announces allowed as they are. */
void http_cors_respond(const struct http_request *request, struct http_response *response);
