/* HTTP requests to other systems, by libcurl (http/curl.h) on a pool of threads. */
#pragma once

#include "runtime/call.h"

enum {
    HTTP_CLIENT_THREADS = 8,
    HTTP_CLIENT_QUEUE_MAX = 64,
    HTTP_CLIENT_HEADERS_MAX = 8,
    HTTP_CLIENT_BODY_MAX = 64 * 1024, /* of an answer; a longer one is an error */
};

struct http_client;

/* A 500 that says so when libcurl is not installed. The client lies in `arena`. */
error http_client_new(struct arena *arena, struct http_client **out);

/* To be called when no request is under way. NULL is fine. */
void http_client_free(struct http_client *client);

struct http_client_request {
    const char *url;                              /* http or https */
    const char *headers[HTTP_CLIENT_HEADERS_MAX]; /* "Name: value", ended by NULL */
    str body;
};

struct http_client_answer {
    int status;
    str body; /* in the call's arena */
};

/* POSTs the body and waits for the answer, until the call's deadline at the latest; a cancelled call is waited for as
 * long. Redirections are answers like others. An error (502; 503 when too many requests wait) says that there was no
 * answer, not that the request was not received. */
error http_client_post(struct call *call, struct http_client *client,
                       const struct http_client_request *request, struct http_client_answer *out);
