#include "openapi/openapi_internal.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *const size_names[] = { "", "small", "large", NULL };

struct origin {
    str country;
};

struct apple {
    uuid id;
    str name;
    double weight;
    money price;
    bool ripe;
    strs tags;
    unsigned size;
    struct origin *origin;
    timestamp picked_at;
};

struct create_apple {
    str name, pin;
    int64_t count;
    struct origin *origin;
    json_text notes;
};

struct change_apple {
    fieldset given;
    str name;
};

struct apple_id {
    uuid apple_id;
};

struct apple_query {
    int64_t limit;
    str cursor, variety;
    strs tags;
};

struct basket {
    struct {
        struct apple *at;
        size_t len;
    } apples;
    struct origin *from;
};

/* clang-format off */
static SCHEMA(origin, FIELD(country, RULES(IS_ISO31661_ALPHA2)));

static SCHEMA(apple,
    FIELD(id),
    FIELD(name),
    FIELD(weight),
    FIELD(price, .example = "1.50"),
    FIELD(ripe),
    FIELD(tags, .example = "7"),
    FIELD(size, .names = size_names),
    FIELD(origin, .of = origin_schema, .optional = true, .nullable = true),
    FIELD(picked_at));

static SCHEMA(create_apple,
    FIELD(name, RULES(IS_STRING, MIN_LENGTH(2), MAX_LENGTH(20), IS_NOT_EMPTY), .example = "12", .doc = "as on the sign"),
    FIELD(pin, RULES(IS_STRING), .secret = true),
    FIELD(count, RULES(IS_INT, AT_LEAST(1), AT_MOST(9)), .fallback = "3"),
    FIELD(origin, .of = origin_schema),
    FIELD(notes, RULES(IS_DEFINED), .optional = true, .doc = "anything"));

static PARTIAL(change_apple, FIELD(name, RULES(IS_STRING)));

static BARE(apple_id, FIELD(apple_id, .doc = "which apple"));

static SCHEMA(apple_query,
    FIELD(limit, RULES(IS_INT, AT_LEAST(1), AT_MOST(100)), .fallback = "20"),
    FIELD(cursor, .optional = true, .doc = "nextCursor of the page before"),
    FIELD(variety),
    FIELD(tags, RULES(ARRAY_MAX_SIZE(4), EACH(MAX_LENGTH(5))), .fallback = "red, round"));

static SCHEMA(basket, LIST(apples, .of = apple_schema, RULES(ARRAY_NOT_EMPTY)), FIELD(from, .of = origin_schema))
                                                                                                                                                                                                                             ;
/* clang-format on */

static error answer_nothing(struct call *call, struct exchange *exchange)
{
    (void)call;
    (void)exchange;
    return NULL;
}

/* The documents of one or two tables; they live in the test's state. */
struct made {
    struct arena *arena;
    struct openapi openapi;
};

static int make_arena(void **state)
{
    static struct made made;

    made = (struct made){ .arena = arena_new(ARENA_CALL_MAX) };
    *state = &made;
    return made.arena ? 0 : -1;
}

static int drop(void **state)
{
    struct made *made = *state;

    openapi_free(&made->openapi);
    arena_free(made->arena);
    return 0;
}

static error make(struct made *made, const struct route *one, const struct route *two)
{
    const struct route *const tables[] = { one, two, NULL };

    openapi_free(&made->openapi);
    return openapi_new(made->arena, &(struct openapi_info){ "Orchard", "Apples.", "1.0", tables },
                       &made->openapi);
}

/* The text of a member, found by its path of names. */
static str part(struct made *made, const char *const *names)
{
    const struct json *value;

    assert_null(json_parse(made->arena, buf_text(&made->openapi.json), &value));
    for (; *names; names++) {
        value = json_member(value, str_of(*names));
        assert_non_null(value);
    }
    return value->source;
}

#define PART(...) part(made, (const char *const[]){ __VA_ARGS__, NULL })
#define OPERATION(...) PART("paths", __VA_ARGS__)
#define COMPONENT(...) PART("components", "schemas", __VA_ARGS__)

static void assert_text(str actual, const char *expected)
{
    char text[4096];

    assert_true(actual.len < sizeof text);
    memcpy(text, actual.at, actual.len);
    text[actual.len] = '\0';
    assert_string_equal(text, expected);
}

/* The expected texts read best as the document is laid out. */
/* clang-format off */
#define ERROR_SCHEMA                                                                   \
    "\"Error\":{\"type\":\"object\",\"properties\":{"                                  \
    "\"message\":{\"oneOf\":[{\"type\":\"string\"},"                                   \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}],"                           \
    "\"description\":\"What went wrong; a list where several rules are broken.\"},"    \
    "\"error\":{\"type\":\"string\",\"description\":\"The name of the status.\"},"     \
    "\"statusCode\":{\"type\":\"integer\"}},\"required\":[\"message\",\"statusCode\"]}"

#define DOCUMENT(paths, schemas)                                                       \
    "{\"openapi\":\"3.0.0\",\"paths\":{" paths "},"                                    \
    "\"info\":{\"title\":\"Orchard\",\"description\":\"Apples.\",\"version\":\"1.0\"," \
    "\"contact\":{}},\"tags\":[],\"servers\":[],"                                      \
    "\"components\":{\"securitySchemes\":{\"bearer\":"                                 \
    "{\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\",\"type\":\"http\"}},"             \
    "\"schemas\":{" schemas ERROR_SCHEMA "}}}"

#define CONTENT(name)                                                                  \
    "\"content\":{\"application/json\":{\"schema\":"                                   \
    "{\"$ref\":\"#/components/schemas/" name "\"}}}"
#define BAD_REQUEST "\"400\":{\"description\":\"Bad Request\"," CONTENT("Error") "}"
#define UNAUTHORIZED "\"401\":{\"description\":\"Unauthorized\"," CONTENT("Error") "}"
#define FORBIDDEN "\"403\":{\"description\":\"Forbidden\"," CONTENT("Error") "}"
#define NOT_FOUND "\"404\":{\"description\":\"Not Found\"," CONTENT("Error") "}"

#define CREATE_DOCUMENT DOCUMENT(                                                      \
    "\"/origins\":{\"post\":{\"operationId\":\"OriginsController_create\","            \
        "\"summary\":\"Adds an origin\",\"parameters\":[],"                            \
        "\"requestBody\":{\"required\":true," CONTENT("Origin") "},"                   \
        "\"responses\":{\"201\":{\"description\":\"Created\"," CONTENT("Origin") "},"  \
            BAD_REQUEST "},"                                                           \
        "\"tags\":[\"Origins\"]}}",                                                    \
    "\"Origin\":{\"type\":\"object\",\"properties\":{"                                 \
        "\"country\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z]{2}$\"}},"            \
        "\"required\":[\"country\"]},")

#define DELETE_DOCUMENT DOCUMENT(                                                      \
    "\"/apples/{appleId}\":{\"delete\":{"                                              \
        "\"operationId\":\"FruitTreesController_delete\","                             \
        "\"description\":\"For the user whose `id` it is, and for admins.\","          \
        "\"parameters\":[{\"name\":\"appleId\",\"required\":true,\"in\":\"path\","     \
            "\"description\":\"which apple\","                                         \
            "\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}],"                  \
        "\"responses\":{\"204\":{\"description\":\"No Content\"},"                     \
            BAD_REQUEST "," UNAUTHORIZED "," FORBIDDEN "," NOT_FOUND "},"              \
        "\"security\":[{\"bearer\":[]}],\"tags\":[\"Fruit trees\"]}}", "")
/* clang-format on */

static void a_document_without_routes_has_all_its_members(void **state)
{
    struct made *made = *state;

    assert_null(make(made, NULL, NULL));
    assert_text(buf_text(&made->openapi.json), DOCUMENT("", ""));
}

static void a_body_and_a_reply_are_components(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_POST, "/origins", ACCESS_ANYONE, .pattern = "origin.create", .body = origin_schema,
          .reply = origin_schema, .status = 201, .summary = "Adds an origin" },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(buf_text(&made->openapi.json), CREATE_DOCUMENT);
}

static void a_guarded_row_with_a_path_parameter_has_its_errors(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_DELETE, "/apples/:appleId", ACCESS_SELF_OR_ADMIN, .pattern = "apple.delete",
          .payload = apple_id_schema, .status = 204, .tag = "Fruit trees" },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(buf_text(&made->openapi.json), DELETE_DOCUMENT);
}

static void query_parameters_are_required_only_without_a_default(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/apples", ACCESS_ANYONE, .pattern = "apple.list",
          .query = apple_query_schema },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(
        OPERATION("/apples", "get", "parameters"),
        "[{\"name\":\"limit\",\"required\":false,\"in\":\"query\",\"schema\":"
        "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":20}},"
        "{\"name\":\"cursor\",\"required\":false,\"in\":\"query\","
        "\"description\":\"nextCursor of the page before\",\"schema\":{\"type\":\"string\"}},"
        "{\"name\":\"variety\",\"required\":true,\"in\":\"query\",\"schema\":"
        "{\"type\":\"string\"}},"
        "{\"name\":\"tags\",\"required\":false,\"in\":\"query\",\"style\":\"form\","
        "\"explode\":false,\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
        "\"maxLength\":5},\"maxItems\":4,\"default\":[\"red\",\"round\"]}}]");
    assert_text(OPERATION("/apples", "get", "responses", "400", "description"), "\"Bad Request\"");
}

static void each_kind_of_field_has_its_type(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/apples", ACCESS_ANYONE, .pattern = "apple.any", .reply = apple_schema },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(
        COMPONENT("Apple"),
        "{\"type\":\"object\",\"properties\":{"
        "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"name\":{\"type\":\"string\"},"
        "\"weight\":{\"type\":\"number\"},"
        "\"price\":{\"type\":\"number\",\"multipleOf\":0.01,\"example\":1.5},"
        "\"ripe\":{\"type\":\"boolean\"},"
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"example\":[\"7\"]},"
        "\"size\":{\"type\":\"string\",\"enum\":[\"small\",\"large\"]},"
        "\"origin\":{\"type\":\"object\",\"allOf\":[{\"$ref\":\"#/components/schemas/Origin\"}],"
        "\"nullable\":true},"
        "\"pickedAt\":{\"type\":\"string\",\"format\":\"date-time\"}},"
        "\"required\":[\"id\",\"name\",\"weight\",\"price\",\"ripe\",\"tags\",\"size\","
        "\"pickedAt\"]}");
}

static void rules_and_annotations_of_a_field_are_in_its_schema(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_POST, "/apples", ACCESS_ANYONE, .pattern = "apple.create",
          .body = create_apple_schema },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(COMPONENT("CreateApple"),
                "{\"type\":\"object\",\"properties\":{"
                "\"name\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":20,"
                "\"description\":\"as on the sign\",\"example\":\"12\"},"
                "\"pin\":{\"type\":\"string\",\"writeOnly\":true},"
                "\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,\"default\":3},"
                "\"origin\":{\"$ref\":\"#/components/schemas/Origin\"},"
                "\"notes\":{\"description\":\"anything\"}},"
                "\"required\":[\"name\",\"pin\",\"origin\"]}");
}

static void nothing_of_a_partial_is_required(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_PUT, "/apples", ACCESS_ANYONE, .pattern = "apple.change",
          .body = change_apple_schema },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(COMPONENT("ChangeApple"),
                "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}");
}

static void a_table_is_one_component_however_often_it_is_named(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/baskets", ACCESS_ANYONE, .pattern = "basket.any", .reply = basket_schema },
        { HTTP_GET, "/apples", ACCESS_ANYONE, .pattern = "apple.any", .reply = apple_schema },
        { 0 },
    };
    const struct json *document, *schemas;

    assert_null(make(made, routes, NULL));
    assert_null(json_parse(made->arena, buf_text(&made->openapi.json), &document));
    schemas = json_member(json_member(document, STR("components")), STR("schemas"));
    assert_int_equal(schemas->count, 4);
    assert_text(schemas->first->name, "Basket");
    assert_text(schemas->first->next->name, "Apple");
    assert_text(schemas->first->next->next->name, "Origin");
    assert_text(schemas->first->next->next->next->name, "Error");
    assert_text(COMPONENT("Basket", "properties"),
                "{\"apples\":{\"type\":\"array\",\"minItems\":1,"
                "\"items\":{\"$ref\":\"#/components/schemas/Apple\"}},"
                "\"from\":{\"$ref\":\"#/components/schemas/Origin\"}}");
}

static void rows_of_one_path_stand_together(void **state)
{
    struct made *made = *state;
    static const struct route one[] = {
        { HTTP_GET, "/apples/:id", ACCESS_ADMIN, .pattern = "apple.get" },
        { HTTP_GET, "/pears", ACCESS_ANYONE, .pattern = "pear.get" },
        { 0 },
    };
    static const struct route two[] = {
        { HTTP_DELETE, "/apples/:id", ACCESS_ADMIN, .pattern = "apple.delete" },
        { 0 },
    };
    const struct json *document, *paths;

    assert_null(make(made, one, two));
    assert_null(json_parse(made->arena, buf_text(&made->openapi.json), &document));
    paths = json_member(document, STR("paths"));
    assert_int_equal(paths->count, 2);
    assert_text(paths->first->name, "/apples/{id}");
    assert_int_equal(paths->first->count, 2);
    assert_text(paths->first->first->name, "get");
    assert_text(paths->first->first->next->name, "delete");
    assert_text(paths->first->next->name, "/pears");
}

static void operations_have_ids_of_their_own(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/", ACCESS_ANYONE, .handle = answer_nothing },
        { HTTP_GET, "/health/live", ACCESS_ANYONE, .handle = answer_nothing },
        { HTTP_GET, "/apples/:id", ACCESS_ANYONE, .pattern = "apple.findById" },
        { HTTP_GET, "/apples/:id/seeds", ACCESS_ANYONE, .pattern = "apple.findById" },
        { HTTP_GET, "/pears", ACCESS_ANYONE, .pattern = "pears", .name = "allPears" },
        { HTTP_GET, "/plums", ACCESS_ANYONE, .pattern = "plums" },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(OPERATION("/", "get", "operationId"), "\"AppController_get\"");
    assert_text(OPERATION("/health/live", "get", "operationId"),
                "\"HealthController_getHealthLive\"");
    assert_text(OPERATION("/apples/{id}", "get", "operationId"), "\"ApplesController_findById\"");
    assert_text(OPERATION("/apples/{id}/seeds", "get", "operationId"),
                "\"ApplesController_getApplesIdSeeds\"");
    assert_text(OPERATION("/pears", "get", "operationId"), "\"allPears\"");
    assert_text(OPERATION("/plums", "get", "operationId"), "\"PlumsController_plums\"");
}

static void who_may_ask_is_said_and_secured(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/me", ACCESS_AUTHENTICATED, .pattern = "me.get" },
        { HTTP_GET, "/me/:id", ACCESS_AUTHENTICATED, .pattern = "me.find" },
        { HTTP_GET, "/all", ACCESS_ADMIN, .pattern = "all.get" },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    assert_text(OPERATION("/me", "get"),
                "{\"operationId\":\"MeController_get\","
                "\"description\":\"For any user who is logged in.\",\"parameters\":[],"
                "\"responses\":{\"200\":{\"description\":\"OK\"}," UNAUTHORIZED
                "},\"security\":[{\"bearer\":[]}],\"tags\":[\"Me\"]}");
    assert_text(
        OPERATION("/me/{id}", "get", "parameters"),
        "[{\"name\":\"id\",\"required\":true,\"in\":\"path\",\"schema\":{\"type\":\"string\"}}]");
    assert_text(OPERATION("/me/{id}", "get", "responses", "403", "description"), "\"Forbidden\"");
    assert_text(OPERATION("/all", "get", "description"), "\"For admins.\"");
    assert_text(OPERATION("/all", "get", "responses", "403", "description"), "\"Forbidden\"");
}

static void texts_of_any_kind_are_escaped(void **state)
{
    struct made *made = *state;
    const struct route *const tables[] = { NULL };
    struct openapi_info info = { "A \"title\" <&>", "line\nline\t\\ ă😀", "1", tables };

    assert_null(openapi_new(made->arena, &info, &made->openapi));
    assert_text(PART("info"), "{\"title\":\"A \\\"title\\\" <&>\",\"description\":"
                              "\"line\\nline\\t\\\\ ă😀\",\"version\":\"1\",\"contact\":{}}");
}

/* The same tag as that of another table. */
static const struct schema *other_origin_schema(void)
{
    static struct schema other;

    other = *origin_schema();
    return &other;
}

static const struct schema *error_schema(void)
{
    static struct schema table;

    table = *origin_schema();
    table.name = "error";
    return &table;
}

static void mistakes_in_the_tables_are_errors(void **state)
{
    struct made *made = *state;
    static const struct route one[] = {
        { HTTP_GET, "/a", ACCESS_ANYONE, .pattern = "a", .reply = origin_schema, .name = "it" },
        { 0 },
    };
    static const struct route same_name[] = {
        { HTTP_GET, "/b", ACCESS_ANYONE, .pattern = "b", .name = "it" },
        { 0 },
    };
    static const struct route same_component[] = {
        { HTTP_GET, "/b", ACCESS_ANYONE, .pattern = "b", .reply = other_origin_schema },
        { 0 },
    };
    static const struct route error_component[] = {
        { HTTP_GET, "/b", ACCESS_ANYONE, .pattern = "b", .reply = error_schema },
        { 0 },
    };
    static const struct route odd_method[] = {
        { HTTP_OTHER, "/b", ACCESS_ANYONE, .pattern = "b" },
        { 0 },
    };
    static const struct route not_utf8[] = {
        { HTTP_GET, "/b", ACCESS_ANYONE, .pattern = "b", .summary = "\xff" },
        { 0 },
    };
    static const struct {
        const struct route *table;
        const char *message;
    } rows[] = {
        { same_name, "OpenAPI: two routes have the operationId `it`" },
        { same_component, "OpenAPI: two tables make the component of `origin`" },
        { error_component, "OpenAPI: two tables make the component of `error`" },
        { odd_method, "OpenAPI: the method of /b has no name" },
        { not_utf8, "OpenAPI: a text in the tables is not UTF-8" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        error e = make(made, one, rows[i].table);

        assert_non_null(e);
        assert_int_equal(e->status, 500);
        assert_string_equal(e->message, rows[i].message);
        assert_null(made->openapi.json.at);
    }
}

static void a_document_that_does_not_fit_is_an_error(void **state)
{
    struct made *made = *state;
    char *summary = arena_alloc(made->arena, OPENAPI_DOCUMENT_MAX);

    assert_non_null(summary);
    memset(summary, 'x', OPENAPI_DOCUMENT_MAX - 1);
    summary[OPENAPI_DOCUMENT_MAX - 1] = '\0';
    const struct route routes[] = {
        { HTTP_GET, "/b", ACCESS_ANYONE, .pattern = "b", .summary = summary },
        { 0 },
    };

    assert_ptr_equal(make(made, routes, NULL), &ERROR_OUT_OF_MEMORY);
    assert_null(made->openapi.json.at);
}

/* Each time a little more of the arena is left, until it is enough. */
static void an_arena_that_is_full_at_any_point_is_an_error(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/apples/:id", ACCESS_ADMIN, .pattern = "apple.get", .reply = basket_schema },
        { HTTP_PUT, "/apples/:id", ACCESS_ADMIN, .pattern = "apple.get",
          .query = apple_query_schema },
        { 0 },
    };
    const struct route *const tables[] = { routes, NULL };
    const struct openapi_info info = { "a", "b", "c", tables };
    size_t failures = 0;

    for (;; failures++) {
        struct arena *arena = arena_new(ARENA_BLOCK_SIZE + failures * 64);

        assert_non_null(arena);
        assert_non_null(arena_alloc(arena, ARENA_BLOCK_SIZE));
        error e = openapi_new(arena, &info, &made->openapi);

        arena_free(arena);
        if (!e)
            break;
        assert_ptr_equal(e, &ERROR_OUT_OF_MEMORY);
    }
    assert_true(failures > 10);
}

static void yaml_is_the_same_document(void **state)
{
    struct made *made = *state;
    static const struct route routes[] = {
        { HTTP_GET, "/apples/:id", ACCESS_ADMIN, .pattern = "apple.get" },
        { 0 },
    };

    assert_null(make(made, routes, NULL));
    str yaml = buf_text(&made->openapi.yaml);

    assert_true(str_starts_with(yaml, STR("openapi: 3.0.0\n"
                                          "paths:\n"
                                          "  /apples/{id}:\n"
                                          "    get:\n"
                                          "      operationId: ApplesController_get\n"
                                          "      description: For admins.\n"
                                          "      parameters:\n"
                                          "        - name: id\n"
                                          "          required: true\n"
                                          "          in: path\n"
                                          "          schema:\n"
                                          "            type: string\n"
                                          "      responses:\n"
                                          "        '200':\n"
                                          "          description: OK\n"
                                          "        '400':\n")));
    assert_true(str_ends_with(yaml, STR("        statusCode:\n"
                                        "          type: integer\n"
                                        "      required:\n"
                                        "        - message\n"
                                        "        - statusCode\n")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_without_routes_has_all_its_members),
        TEST(a_body_and_a_reply_are_components),
        TEST(a_guarded_row_with_a_path_parameter_has_its_errors),
        TEST(query_parameters_are_required_only_without_a_default),
        TEST(each_kind_of_field_has_its_type),
        TEST(rules_and_annotations_of_a_field_are_in_its_schema),
        TEST(nothing_of_a_partial_is_required),
        TEST(a_table_is_one_component_however_often_it_is_named),
        TEST(rows_of_one_path_stand_together),
        TEST(operations_have_ids_of_their_own),
        TEST(who_may_ask_is_said_and_secured),
        TEST(texts_of_any_kind_are_escaped),
        TEST(mistakes_in_the_tables_are_errors),
        TEST(a_document_that_does_not_fit_is_an_error),
        TEST(an_arena_that_is_full_at_any_point_is_an_error),
        TEST(yaml_is_the_same_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
