/* What the files of this folder share: the draft of a document. It is JSON written piece by piece; reading it
 * back with json_parse proves that the tables make JSON, and gives the tree that both documents are
 * printed from. */
#pragma once

#include "base/embed.h"
#include "openapi/openapi.h"

struct openapi_draft {
    struct arena *arena;
    struct buf out;
    struct buf scratch; /* for a name that is compared or copied at once */
    const struct schema *components[OPENAPI_COMPONENTS_MAX]; /* in order of first mention */
    size_t component_count;
    str *operation_ids; /* given so far */
    size_t operation_count;
    error problem; /* the first mistake found in the tables */
};

/* The files of Swagger UI (base/embed.h). */
extern const struct embedded_file swagger_ui_files[];

/* Starts a member: a comma unless it is the first of its object, the quoted name, a colon. */
void openapi_member(struct buf *out, const char *name);

/* A whole member with a string; nothing when `text` is NULL. */
void openapi_text_member(struct buf *out, const char *name, const char *text);

/* Starts an element: a comma unless it is the first of its array. */
void openapi_element(struct buf *out);

/* Appends the words of `text` run together, each with a capital: `create_user` gives CreateUser. A word is
 * a run of ASCII letters and digits. */
void openapi_pascal(struct buf *out, str text);

/* Keeps the first problem. */
void openapi_problem(struct openapi_draft *draft, error problem);

/* Appends {"$ref":"#/components/schemas/CreateUser"} and notes the table as a component. */
void openapi_reference(struct openapi_draft *draft, const struct schema *table);

/* Appends the schema object of a path or query parameter. */
void openapi_parameter_schema(struct openapi_draft *draft, const struct field *field);

/* Appends the `schemas` object: all tables referred to and those they refer to, then Error. */
void openapi_write_components(struct openapi_draft *draft);

/* Appends the `paths` object. */
void openapi_write_paths(struct openapi_draft *draft, const struct route *const *tables);

/* Appends a tree as YAML 1.2 in block style that YAML 1.1 readers take for the same value. Names over 1,000
 * bytes, which YAML wants written in another way, do not occur in our documents. */
void openapi_write_yaml(struct buf *out, const struct json *value);

/* Appends Swagger UI's page, links beginning with `base`, and its script. */
void openapi_write_page(struct buf *out, const char *title, const char *base);
void openapi_write_init_js(struct buf *out, str document);
