/* Schema objects from field tables. A table is a component, written once and referred to by name; a field
 * is an inline schema: schema_describe gives the type and the limits, the rest of its row the annotations. */
#include "openapi/openapi_internal.h"

/* The body of every error, in the forms that NestJS gives it (base/error.h). */
#define ERROR_COMPONENT                                                             \
    "\"Error\":{\"type\":\"object\",\"properties\":{"                               \
    "\"message\":{\"oneOf\":[{\"type\":\"string\"},"                                \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}],"                        \
    "\"description\":\"What went wrong; a list where several rules are broken.\"}," \
    "\"error\":{\"type\":\"string\",\"description\":\"The name of the status.\"},"  \
    "\"statusCode\":{\"type\":\"integer\"}},\"required\":[\"message\",\"statusCode\"]}"

void openapi_element(struct buf *out)
{
    if (out->len && out->at[out->len - 1] != '[' && out->at[out->len - 1] != '{')
        buf_add_char(out, ',');
}

void openapi_member(struct buf *out, const char *name)
{
    openapi_element(out);
    json_write_string(out, str_of(name));
    buf_add_char(out, ':');
}

void openapi_text_member(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    openapi_member(out, name);
    json_write_string(out, str_of(text));
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void openapi_pascal(struct buf *out, str text)
{
    bool begins = true;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (is_alphanumeric(c))
            buf_add_char(out, begins && c >= 'a' ? (char)(c - 'a' + 'A') : c);
        begins = !is_alphanumeric(c);
    }
}

void openapi_problem(struct openapi_draft *draft, error problem)
{
    if (!draft->problem)
        draft->problem = problem;
}

/* The component's name, valid until the next one is asked for. */
static str component_name(struct openapi_draft *draft, const struct schema *table)
{
    buf_clear(&draft->scratch);
    openapi_pascal(&draft->scratch, str_of(table->name));
    return buf_text(&draft->scratch);
}

/* SCHEMA is used once a struct, so a second table of a name is a mistake: its readers would see the first. */
static void check_name(struct openapi_draft *draft, const struct schema *table)
{
    bool taken = str_is(component_name(draft, table), "Error");

    for (size_t i = 0; i < draft->component_count; i++)
        if (str_is(str_of(draft->components[i]->name), table->name))
            taken = true;
    if (taken)
        openapi_problem(draft,
                        error_new(draft->arena, 500,
                                  "OpenAPI: two tables make the component of `%s`", table->name));
}

static void note_component(struct openapi_draft *draft, const struct schema *table)
{
    for (size_t i = 0; i < draft->component_count; i++)
        if (draft->components[i] == table)
            return;
    check_name(draft, table);
    if (draft->component_count == OPENAPI_COMPONENTS_MAX)
        openapi_problem(draft, error_new(draft->arena, 500, "OpenAPI: more than %d tables",
                                         OPENAPI_COMPONENTS_MAX));
    else
        draft->components[draft->component_count++] = table;
}

void openapi_reference(struct openapi_draft *draft, const struct schema *table)
{
    note_component(draft, table);
    BUF_ADD(&draft->out, "{\"$ref\":\"#/components/schemas/");
    buf_add(&draft->out, component_name(draft, table));
    BUF_ADD(&draft->out, "\"}");
}

static void write_list(struct openapi_draft *draft, str list)
{
    str piece;

    BUF_ADD(&draft->out, "[");
    while (list.len && str_next_piece(&list, ',', &piece)) {
        openapi_element(&draft->out);
        json_write_string(&draft->out, str_trim(piece));
    }
    BUF_ADD(&draft->out, "]");
}

/* A text of the table that stands for a value: the string itself, JSON for kinds that are not strings;
 * an array of strings may also be written with commas, as a query parameter is. */
static void write_value(struct openapi_draft *draft, const struct field *field, str text)
{
    bool is_string = field->kind == SCHEMA_STR || field->kind == SCHEMA_UUID ||
                     field->kind == SCHEMA_TIMESTAMP || field->kind == SCHEMA_ENUM;
    bool is_list = field->kind == SCHEMA_STRS;
    const struct json *value;

    if (!is_string && !json_parse(draft->arena, text, &value) &&
        (!is_list || value->type == JSON_ARRAY))
        json_write(&draft->out, value);
    else if (is_list)
        write_list(draft, text);
    else
        json_write_string(&draft->out, text);
}

static void write_value_member(struct openapi_draft *draft, const struct field *field,
                               const char *name, const char *text)
{
    if (!text)
        return;
    openapi_member(&draft->out, name);
    write_value(draft, field, str_of(text));
}

static void write_flag(struct buf *out, const char *name, bool set)
{
    if (!set)
        return;
    openapi_member(out, name);
    BUF_ADD(out, "true");
}

/* Members beside a $ref are ignored in OpenAPI 3.0, hence a list of one reference for an object. */
static void write_type(struct openapi_draft *draft, const struct field *field)
{
    schema_describe(field, &draft->out);
    if (field->kind == SCHEMA_LIST) {
        openapi_member(&draft->out, "items");
        openapi_reference(draft, field->of());
    } else if (field->kind == SCHEMA_OBJECT) {
        openapi_text_member(&draft->out, "type", "object");
        openapi_member(&draft->out, "allOf");
        BUF_ADD(&draft->out, "[");
        openapi_reference(draft, field->of());
        BUF_ADD(&draft->out, "]");
    }
}

static bool is_annotated(const struct field *field)
{
    return field->nullable || field->secret || field->doc || field->example || field->fallback;
}

static void write_property(struct openapi_draft *draft, const struct field *field)
{
    if (field->kind == SCHEMA_OBJECT && !is_annotated(field)) {
        openapi_reference(draft, field->of());
        return;
    }
    BUF_ADD(&draft->out, "{");
    write_type(draft, field);
    write_flag(&draft->out, "nullable", field->nullable);
    write_flag(&draft->out, "writeOnly", field->secret);
    openapi_text_member(&draft->out, "description", field->doc);
    write_value_member(draft, field, "default", field->fallback);
    write_value_member(draft, field, "example", field->example);
    BUF_ADD(&draft->out, "}");
}

void openapi_parameter_schema(struct openapi_draft *draft, const struct field *field)
{
    BUF_ADD(&draft->out, "{");
    write_type(draft, field);
    write_value_member(draft, field, "default", field->fallback);
    write_value_member(draft, field, "example", field->example);
    BUF_ADD(&draft->out, "}");
}

static void write_properties(struct openapi_draft *draft, const struct schema *table)
{
    openapi_member(&draft->out, "properties");
    BUF_ADD(&draft->out, "{");
    for (size_t i = 0; i < table->count; i++) {
        openapi_element(&draft->out);
        BUF_ADD(&draft->out, "\"");
        schema_json_name(&table->fields[i], &draft->out);
        BUF_ADD(&draft->out, "\":");
        write_property(draft, &table->fields[i]);
    }
    BUF_ADD(&draft->out, "}");
}

/* OpenAPI does not allow an empty list, so it is begun with the first name. */
static void write_required(struct openapi_draft *draft, const struct schema *table)
{
    bool begun = false;

    for (size_t i = 0; i < table->count && !table->partial; i++) {
        if (table->fields[i].optional || table->fields[i].fallback)
            continue;
        buf_add(&draft->out, begun ? STR(",\"") : STR(",\"required\":[\""));
        schema_json_name(&table->fields[i], &draft->out);
        BUF_ADD(&draft->out, "\"");
        begun = true;
    }
    if (begun)
        BUF_ADD(&draft->out, "]");
}

static void write_component(struct openapi_draft *draft, const struct schema *table)
{
    openapi_element(&draft->out);
    BUF_ADD(&draft->out, "\"");
    buf_add(&draft->out, component_name(draft, table));
    BUF_ADD(&draft->out, "\":{\"type\":\"object\"");
    write_properties(draft, table);
    write_required(draft, table);
    BUF_ADD(&draft->out, "}");
}

void openapi_write_components(struct openapi_draft *draft)
{
    BUF_ADD(&draft->out, "{");
    /* Writing one may note others, which come after it. */
    for (size_t i = 0; i < draft->component_count; i++)
        write_component(draft, draft->components[i]);
    openapi_element(&draft->out);
    BUF_ADD(&draft->out, ERROR_COMPONENT "}");
}
