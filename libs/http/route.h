/* Route tables: an HTTP API at a glance. A row says who may ask, what comes in, which message it becomes and
 * what goes out; guards, validation, dispatch and the OpenAPI document are read from the same rows.
 *
 *     const struct route user_routes[] = {
 *         { HTTP_POST, "/users",     ACCESS_ANYONE,        .pattern = "user.create",
 *           .body = create_user_schema, .reply = user_schema, .status = 201 },
 *         { HTTP_GET,  "/users/:id", ACCESS_SELF_OR_ADMIN, .pattern = "user.findById",
 *           .payload = user_id_schema, .reply = user_schema },
 *         { 0 },
 *     };
 *
 * Matching is NestJS's on Express: case-insensitive literals, one trailing slash allowed, parameters
 * percent-decoded, no dot-segment removal, rows tried in their order; a path that exists with another method
 * is a 404, never a 405; HEAD is served by GET. */
#pragma once

#include "http/message.h"
#include "runtime/call.h"
#include "schema/schema.h"

/* Who may use a route. A row that says nothing is refused when the service starts. */
enum access {
    ACCESS_UNSET,
    ACCESS_ANYONE,
    ACCESS_AUTHENTICATED, /* a valid bearer token of a living, active user */
    ACCESS_SELF_OR_ADMIN, /* … who is the user that `:id` names, or has the role admin */
    ACCESS_ADMIN,         /* … who has the role admin */
};

/* One request on its way through a route. */
struct exchange {
    struct http_request *request;
    struct http_response *response;
    const struct json *body; /* parsed, not yet validated; NULL without a JSON body */
};

struct route {
    enum http_method method;
    const char *path; /* "/users/:id" */
    enum access access;

    /* The message that the request becomes. Without `payload` the validated body is the payload; with it,
     * its members are filled from the path parameter of the same name and, where a member's table is
     * `body`, from the body. */
    const char *pattern;
    const struct schema *(*payload)(void);
    const struct schema *(*query)(void); /* query parameters; 400 when they break its rules */
    const struct schema *(*body)(void);
    const struct schema *(*reply)(void);
    int status; /* of success; 0: 200 */

    /* Instead of a pattern: a function that does it. It sets the response itself. */
    error (*handle)(struct call *call, struct exchange *exchange);

    const char *tag;     /* OpenAPI: group of operations; "Users" */
    const char *summary; /* OpenAPI: what it does, one line */
    const char *name;    /* OpenAPI operationId: "UsersController_create" */
};

/* Finds the row for a request and fills in the request's row and path parameters (in `arena`). `tables` is an array
 * of route tables ended by NULL, each ended by a row without path. Errors: 404 `Cannot GET /nope?x=1`, 400
 * `Failed to decode param '%zz'`. */
error http_route(struct arena *arena, const struct route *const *tables,
                 struct http_request *request, const struct route **out);

/* Reads the body as NestJS's body parser does, before any routing: `*out` is NULL when there is no body of a
 * JSON or urlencoded type. Errors: 400 with V8's text, 413, 415. */
error http_body(struct arena *arena, const struct http_request *request, const struct json **out);

/* Looks for rows without access, unknown `:id` for ACCESS_SELF_OR_ADMIN, two rows for one method and path, a
 * pattern and a handler both or neither. NULL when the table is sound. */
error http_routes_check(struct arena *arena, const struct route *routes);
