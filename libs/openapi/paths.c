/* The `paths` object from route tables: one operation a row, rows of one path together. */
#include "http/status.h"
#include "openapi/openapi_internal.h"

#include <string.h>

/* No word for HTTP_OTHER: openapi_write_paths reports it. */
static const char *const method_words[] = {
    [HTTP_GET] = "get",         [HTTP_HEAD] = "head",   [HTTP_POST] = "post",
    [HTTP_PUT] = "put",         [HTTP_PATCH] = "patch", [HTTP_DELETE] = "delete",
    [HTTP_OPTIONS] = "options", [HTTP_OTHER] = NULL,
};

static const char *const access_sentences[] = {
    [ACCESS_UNSET] = NULL,
    [ACCESS_ANYONE] = NULL,
    [ACCESS_AUTHENTICATED] = "For any user who is logged in.",
    [ACCESS_SELF_OR_ADMIN] = "For the user whose `id` it is, and for admins.",
    [ACCESS_ADMIN] = "For admins.",
};

static bool has_path_parameters(const struct route *route)
{
    return strstr(route->path, "/:") != NULL;
}

/* Cuts the next segment off a path: "/users/:id" gives "users", then ":id". */
static bool next_segment(str *path, str *segment)
{
    while (str_next_piece(path, '/', segment))
        if (segment->len)
            return true;
    return false;
}

/* OpenAPI writes {id} for :id. */
static void write_path(struct buf *out, const char *path)
{
    str rest = str_of(path), segment;

    openapi_element(out);
    BUF_ADD(out, "\"");
    if (str_is(rest, "/"))
        BUF_ADD(out, "/");
    while (next_segment(&rest, &segment)) {
        if (segment.at[0] == ':')
            buf_printf(out, "/{%.*s}", STR_ARG(str_slice(segment, 1, segment.len)));
        else
            buf_printf(out, "/%.*s", STR_ARG(segment));
    }
    BUF_ADD(out, "\":");
}

/* Appends the group of a row without .tag; `App`, as NestJS's AppController, for "/". */
static void write_tag(struct buf *out, const struct route *route)
{
    str path = str_of(route->path), segment;

    if (route->tag)
        buf_add(out, str_of(route->tag));
    else if (next_segment(&path, &segment))
        openapi_pascal(out, segment);
    else
        BUF_ADD(out, "App");
}

/* The draft's scratch buffer, as a text of the arena. */
static str take_scratch(struct openapi_draft *draft)
{
    str text = arena_copy(draft->arena, buf_text(&draft->scratch));

    if (!text.at)
        openapi_problem(draft, &ERROR_OUT_OF_MEMORY);
    buf_clear(&draft->scratch);
    return text;
}

static str tag_of(struct openapi_draft *draft, const struct route *route)
{
    buf_clear(&draft->scratch);
    write_tag(&draft->scratch, route);
    return take_scratch(draft);
}

/* "UsersController_findById" of "user.findById", "UsersController_getUsersId" of the path when there is no
 * pattern or `from_path` asks for it. */
static str derived_id(struct openapi_draft *draft, const struct route *route, bool from_path)
{
    str tag = tag_of(draft, route);
    struct buf *out = &draft->scratch;

    openapi_pascal(out, tag);
    BUF_ADD(out, "Controller_");
    if (route->pattern && !from_path) {
        const char *dot = strrchr(route->pattern, '.');

        buf_add(out, str_of(dot ? dot + 1 : route->pattern));
    } else {
        buf_add(out, str_of(method_words[route->method]));
        openapi_pascal(out, str_of(route->path));
    }
    return take_scratch(draft);
}

static bool is_taken(const struct openapi_draft *draft, str id)
{
    for (size_t i = 0; i < draft->operation_count; i++)
        if (str_eq(draft->operation_ids[i], id))
            return true;
    return false;
}

static void write_operation_id(struct openapi_draft *draft, const struct route *route)
{
    str id = route->name ? str_of(route->name) : derived_id(draft, route, false);

    if (!route->name && is_taken(draft, id))
        id = derived_id(draft, route, true);
    if (is_taken(draft, id))
        openapi_problem(draft,
                        error_new(draft->arena, 500,
                                  "OpenAPI: two routes have the operationId `%.*s`", STR_ARG(id)));
    draft->operation_ids[draft->operation_count++] = id;
    openapi_member(&draft->out, "operationId");
    json_write_string(&draft->out, id);
}

/* The row of the payload that takes the path parameter, or NULL. */
static const struct field *field_of_parameter(struct openapi_draft *draft,
                                              const struct route *route, str name)
{
    const struct schema *payload = route->payload ? route->payload() : NULL;

    for (size_t i = 0; payload && i < payload->count; i++) {
        buf_clear(&draft->scratch);
        schema_json_name(&payload->fields[i], &draft->scratch);
        if (str_eq(buf_text(&draft->scratch), name))
            return &payload->fields[i];
    }
    return NULL;
}

static void write_path_parameter(struct openapi_draft *draft, const struct route *route, str name)
{
    const struct field *field = field_of_parameter(draft, route, name);

    openapi_element(&draft->out);
    BUF_ADD(&draft->out, "{\"name\":");
    json_write_string(&draft->out, name);
    BUF_ADD(&draft->out, ",\"required\":true,\"in\":\"path\"");
    openapi_text_member(&draft->out, "description", field ? field->doc : NULL);
    openapi_member(&draft->out, "schema");
    if (field)
        openapi_parameter_schema(draft, field);
    else
        BUF_ADD(&draft->out, "{\"type\":\"string\"}");
    BUF_ADD(&draft->out, "}");
}

static void write_query_parameter(struct openapi_draft *draft, const struct field *field,
                                  bool required)
{
    openapi_element(&draft->out);
    BUF_ADD(&draft->out, "{\"name\":\"");
    schema_json_name(field, &draft->out);
    BUF_ADD(&draft->out, "\",\"required\":");
    buf_add(&draft->out, required ? STR("true") : STR("false"));
    BUF_ADD(&draft->out, ",\"in\":\"query\"");
    openapi_text_member(&draft->out, "description", field->doc);
    /* The first of repeated parameters counts, so a list is one parameter with commas. */
    if (field->kind == SCHEMA_STRS)
        BUF_ADD(&draft->out, ",\"style\":\"form\",\"explode\":false");
    openapi_member(&draft->out, "schema");
    openapi_parameter_schema(draft, field);
    BUF_ADD(&draft->out, "}");
}

static void write_parameters(struct openapi_draft *draft, const struct route *route)
{
    const struct schema *query = route->query ? route->query() : NULL;
    str path = str_of(route->path), segment;

    openapi_member(&draft->out, "parameters");
    BUF_ADD(&draft->out, "[");
    while (next_segment(&path, &segment))
        if (segment.at[0] == ':')
            write_path_parameter(draft, route, str_slice(segment, 1, segment.len));
    for (size_t i = 0; query && i < query->count; i++) {
        const struct field *field = &query->fields[i];
        bool required = !query->partial && !field->optional && !field->fallback;

        write_query_parameter(draft, field, required);
    }
    BUF_ADD(&draft->out, "]");
}

static void write_content(struct openapi_draft *draft, const struct schema *table)
{
    openapi_member(&draft->out, "content");
    BUF_ADD(&draft->out, "{\"application/json\":{\"schema\":");
    if (table->bare)
        openapi_parameter_schema(draft, table->fields);
    else
        openapi_reference(draft, table);
    BUF_ADD(&draft->out, "}}");
}

static void write_body(struct openapi_draft *draft, const struct route *route)
{
    if (!route->body)
        return;
    openapi_member(&draft->out, "requestBody");
    BUF_ADD(&draft->out, "{\"required\":true");
    write_content(draft, route->body());
    BUF_ADD(&draft->out, "}");
}

static void write_success(struct openapi_draft *draft, const struct route *route)
{
    int status = route->status ? route->status : 200;

    buf_printf(&draft->out, "\"%d\":{", status);
    openapi_member(&draft->out, "description");
    json_write_string(&draft->out, http_reason(status));
    if (route->reply && status != 204)
        write_content(draft, route->reply());
    BUF_ADD(&draft->out, "}");
}

static void write_error(struct openapi_draft *draft, int status)
{
    openapi_element(&draft->out);
    buf_printf(&draft->out, "\"%d\":{", status);
    openapi_text_member(&draft->out, "description", error_name(status));
    BUF_ADD(&draft->out, ",\"content\":{\"application/json\":{\"schema\":"
                         "{\"$ref\":\"#/components/schemas/Error\"}}}}");
}

/* What guards and validation answer. An object may also be somebody else's where any user may ask. */
static void write_responses(struct openapi_draft *draft, const struct route *route)
{
    bool parameters = has_path_parameters(route);
    bool guarded = access_sentences[route->access] != NULL;

    openapi_member(&draft->out, "responses");
    BUF_ADD(&draft->out, "{");
    write_success(draft, route);
    if (route->body || route->query || parameters)
        write_error(draft, 400);
    if (guarded)
        write_error(draft, 401);
    if (guarded && (parameters || route->access != ACCESS_AUTHENTICATED))
        write_error(draft, 403);
    if (parameters)
        write_error(draft, 404);
    BUF_ADD(&draft->out, "}");
}

static void write_operation(struct openapi_draft *draft, const struct route *route)
{
    struct buf *out = &draft->out;
    const char *who = access_sentences[route->access];

    openapi_member(out, method_words[route->method]);
    BUF_ADD(out, "{");
    write_operation_id(draft, route);
    openapi_text_member(out, "summary", route->summary);
    openapi_text_member(out, "description", who);
    write_parameters(draft, route);
    write_body(draft, route);
    write_responses(draft, route);
    if (who)
        BUF_ADD(out, ",\"security\":[{\"bearer\":[]}]");
    BUF_ADD(out, ",\"tags\":[");
    json_write_string(out, tag_of(draft, route));
    BUF_ADD(out, "]}");
}

/* Walks the rows of all tables; starts with `row` NULL and ends with it. */
struct walk {
    const struct route *const *table;
    const struct route *row;
};

static const struct route *next_row(struct walk *walk)
{
    if (walk->row)
        walk->row++;
    else if (*walk->table)
        walk->row = *walk->table;
    while (walk->row && !walk->row->path) {
        walk->table++;
        walk->row = *walk->table;
    }
    return walk->row;
}

/* The first row of all with that path. */
static const struct route *first_of_path(const struct route *const *tables, const char *path)
{
    struct walk walk = { .table = tables };

    while (next_row(&walk) && strcmp(walk.row->path, path) != 0)
        continue;
    return walk.row;
}

static void write_path_item(struct openapi_draft *draft, const struct route *const *tables,
                            const char *path)
{
    struct walk walk = { .table = tables };

    write_path(&draft->out, path);
    BUF_ADD(&draft->out, "{");
    while (next_row(&walk))
        if (strcmp(walk.row->path, path) == 0)
            write_operation(draft, walk.row);
    BUF_ADD(&draft->out, "}");
}

/* Makes room for the operations' ids; false when the tables cannot be written. */
static bool prepare(struct openapi_draft *draft, const struct route *const *tables)
{
    struct walk walk = { .table = tables };
    size_t count = 0;

    for (; next_row(&walk); count++)
        if (!method_words[walk.row->method])
            openapi_problem(draft,
                            error_new(draft->arena, 500, "OpenAPI: the method of %s has no name",
                                      walk.row->path));
    draft->operation_ids = ARENA_ARRAY(draft->arena, str, count);
    if (!draft->operation_ids)
        openapi_problem(draft, &ERROR_OUT_OF_MEMORY);
    return !draft->problem;
}

void openapi_write_paths(struct openapi_draft *draft, const struct route *const *tables)
{
    struct walk walk = { .table = tables };

    if (!prepare(draft, tables))
        return;
    BUF_ADD(&draft->out, "{");
    while (next_row(&walk))
        if (first_of_path(tables, walk.row->path) == walk.row)
            write_path_item(draft, tables, walk.row->path);
    BUF_ADD(&draft->out, "}");
}
