/* The OpenAPI 3.0 document of an HTTP API, read off the tables that serve it: paths, guards, parameters and
 * status codes come from route tables (http/route.h), types and limits from field tables (schema/schema.h).
 * Nothing is written down twice, so the document cannot disagree with the program. Beside the document,
 * this serves Swagger UI, the page that shows it and sends requests from it; the page needs no other
 * host.
 *
 *     struct openapi openapi;
 *
 *     TRY(openapi_new(arena, &(struct openapi_info){ .title = "Shop", .description = "The gateway.",
 *                                                    .version = "1.0", .routes = tables }, &openapi));
 *     if (openapi_serve(&openapi, request, response))
 *         return;
 *
 * What a row gives:
 *     .name                   operationId; without it, NestJS's form: `UsersController_findById` from the tag
 *                             and the pattern's last part, `HealthController_getHealthReady` where there
 *                             is no pattern or the short form is taken
 *     .tag                    the group; without it, the first segment of the path: /users gives `Users`
 *     .payload                types of path parameters (the members of the same JSON name)
 *     .query                  query parameters: required unless .optional or with a .fallback
 *     .body, .reply           components, named after the table: create_user is `CreateUser`
 *     .access                 `security`, 401 and 403, and a sentence about who may ask
 * An answer that the row does not tell of (a 409 of the service behind it) is not in the document. */
#pragma once

#include "http/route.h"

enum {
    OPENAPI_DOCUMENT_MAX = 1024 * 1024, /* bytes of each of the documents */
    OPENAPI_COMPONENTS_MAX = 256,       /* different tables that routes name */
};

struct openapi_info {
    const char *title, *description, *version;
    const struct route *const *routes; /* tables, ended by NULL */
};

/* The texts, made once at the start; owned by whoever made them. */
struct openapi {
    struct buf json, yaml; /* the document */
    struct buf page;       /* Swagger UI's page at /api/docs, whose links begin with `./docs/` */
    struct buf page_below; /* the same at /api/docs/ and /api/docs/index.html: `./` */
    struct buf init_js;    /* its script, which holds the document */
};

/* Builds all the texts. `arena` is for the work in between and for the error's text. A mistake in the tables
 * is a 500 that says where: two rows with one operationId, two tables with one component name (`error` is
 * taken by the body of errors), a method that OpenAPI has no word for, a text that is not UTF-8. Sound
 * tables (schema_check, http_routes_check) are the caller's business. On failure `*out` is untouched. */
error openapi_new(struct arena *arena, const struct openapi_info *info, struct openapi *out);

/* Releases the texts. */
void openapi_free(struct openapi *openapi);

/* Serves /api/docs, /api/docs/…, /api/docs-json and /api/docs-yaml (GET and HEAD, paths without regard to
 * case, as @nestjs/swagger's `setup('api/docs')` does). False when the request is for something else, a
 * file that Swagger UI does not have included; then the response is untouched. Bodies are static or belong
 * to `openapi`, which must outlive the call. */
bool openapi_serve(const struct openapi *openapi, const struct http_request *request,
                   struct http_response *response);
