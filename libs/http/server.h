/* The HTTP/1.1 engine (RFC 9110, RFC 9112): connections on the loop, strict parsing, one fiber per request.
 *
 * A connection reads until a whole request (head and body) is there, then a fiber runs the handler, and the
 * answer is queued on the stream; the next pipelined request is looked at only after that, so answers
 * are in order. Every phase has a deadline that progress does not extend: head, body, handler, idle. The
 * handler's is its call's: a handler that waits gets ERROR_DEADLINE and answers with it.
 *
 * What cannot be a request is answered with NestJS's error body and `Connection: close`, and the connection is closed
 * in a way that lets the answer arrive: head.h and chunked.h say what that is; 408 for a head or body that takes
 * too long, 413 without reading the body on. Connections that send nothing are closed without a word. A client that ends
 * its side after a request still gets the answer; one that resets the connection has its call cancelled. */
#pragma once

#include "http/message.h"
#include "runtime/stream.h"

enum {
    HTTP_HEAD_MAX = 16 * 1024,  /* request line and headers: 431 above */
    HTTP_TARGET_MAX = 8 * 1024, /* 414 above */
    HTTP_HEADERS_MAX = 100,     /* header lines: 431 above */
    HTTP_BODY_MAX = 100 * 1024, /* decoded: 413 above */
    HTTP_HEAD_TIMEOUT_MS = 10 * 1000,
    HTTP_BODY_TIMEOUT_MS = 30 * 1000,
    HTTP_IDLE_TIMEOUT_MS = 5 * 1000, /* keep-alive, as NestJS: "Keep-Alive: timeout=5" */
    HTTP_CONNECTIONS_MAX = 10 * 1000,
};

struct http_server;

/* An answer, for whoever counts them. */
struct http_answered {
    const struct http_request *request; /* NULL: what came could not be read as one */
    int status;                         /* as it was sent */
    uint64_t
        duration_ns; /* since the loop's turn in which it was whole; 0: it was refused before that */
};

struct http_server_options {
    const char *address; /* NULL: does not listen, serves what http_server_take gives it */
    unsigned port;
    bool share_port;
    unsigned connections_max;    /* 0: HTTP_CONNECTIONS_MAX */
    uint64_t request_timeout_ms; /* the call's deadline; 0: CALL_TIMEOUT_MS */
    uint64_t head_timeout_ms;    /* 0: HTTP_HEAD_TIMEOUT_MS, and so on */
    uint64_t body_timeout_ms;
    uint64_t idle_timeout_ms; /* what "Keep-Alive: timeout=" says, in whole seconds */
    const char *cors_origin;  /* FRONTEND_URL; NULL or "": no CORS, OPTIONS is an ordinary method */

    /* Runs on a fiber and fills the response (200, empty at the start). Its call is cancelled when the
     * connection goes away. */
    void (*handle)(struct call *call, struct http_request *request, struct http_response *response,
                   void *cookie);

    /* Told of every answer, the engine's own included, and of those that nobody waits for any more. It does not
     * suspend. Or NULL. */
    void (*answered)(const struct http_answered *answered, void *cookie);
    void *cookie;
};

/* Listens and serves. The error names the address and port. `options` is copied. */
error http_server_new(struct arena *arena, const struct http_server_options *options,
                      struct http_server **out);

/* Serves one stream that somebody else accepted and perhaps already read from: how a port serves two
 * languages. The server owns it from here on. */
void http_server_take(struct http_server *server, struct stream *stream);

/* The port that is listened on. */
unsigned http_server_port(const struct http_server *server);

/* Stops accepting, closes idle connections, lets requests that run or are being received finish with
 * `Connection: close`, and calls `drained(cookie)` at the end of the turn in which nothing is left; the
 * server may be freed there. A connection that was used a moment ago (a quarter of a second) is given that long to
 * send the request that may be on its way. After `timeout_ms` what is left is cut off: its connections are
 * aborted, its calls cancelled, and `drained` is called when their handlers have returned. Once only. */
void http_server_drain(struct http_server *server, uint64_t timeout_ms,
                       void (*drained)(void *cookie), void *cookie);

/* After `drained`. NULL is fine. */
void http_server_free(struct http_server *server);

/* Requests being handled now (those whose client is gone included), and connections open. */
size_t http_server_active(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);
