/* What HTTP carries: a request as handlers see it, and the answer they give. Both live in the call's arena. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* a well-formed token that we know no more about */
};

enum {
    HTTP_PARAMS_MAX = 4, /* `:name` segments in a path */
};

struct http_header {
    str name, value;
};

struct http_param {
    str name;  /* "id" */
    str value; /* percent-decoded */
};

struct route;

struct http_request {
    enum http_method method;
    str method_name;
    str target; /* raw, with the query: what 404 texts show */
    str path;   /* raw, without the query; absolute-form reduced to its path */
    str query;  /* raw, after the `?`; at == NULL without one */
    const struct http_header *headers;
    size_t header_count;
    str body; /* chunks joined; never longer than the engine's limit */
    struct http_param params[HTTP_PARAMS_MAX]; /* filled in by the router */
    size_t param_count;
    const struct route *route; /* set by the router; NULL: no row fits */
};

/* The first header of that name (any case); at == NULL when there is none. */
str http_header(const struct http_request *request, str name);

/* The value of a query parameter, decoded as Express 5's flat parser does: `+` is a blank, a bad escape stays
 * as it is, of repeated names the first counts. at == NULL when absent or out of memory. */
str http_query(const struct http_request *request, struct arena *arena, str name);

/* A path parameter; at == NULL when the route has none of that name. */
str http_param(const struct http_request *request, str name);

/* The answer. A handler sets what differs from the start: status 200, no headers, no body. */
struct http_response {
    int status;
    const char *content_type; /* of the body; a literal */
    str body;                 /* must live until the call ends, or be static */
    struct buf headers;       /* complete lines "Name: value\r\n"; see http_add_header */
    bool no_etag;             /* leave the ETag out */
};

/* Adds a header. Values with CR, LF or NUL are an assertion: they must have been refused before. */
void http_add_header(struct http_response *response, str name, str value);

/* Answers with a body of that type. */
void http_respond(struct http_response *response, int status, const char *content_type, str body);

#define HTTP_JSON "application/json; charset=utf-8"

/* Answers with NestJS's body for the error, in the arena: {"message","error","statusCode"} and its other
 * two forms, a list of messages, Retry-After. */
void http_respond_error(struct arena *arena, struct http_response *response, error e);
