/* Follows each path of a template through the field tables of its data, without any data. A member that may hold any
 * JSON may have any member itself. */
#include "mail/template_internal.h"

enum type_kind {
    TYPE_ANY,
    TYPE_SCALAR, /* a number or a boolean */
    TYPE_TEXT,
    TYPE_TEXTS,
    TYPE_OBJECT,
    TYPE_LIST, /* of objects */
};

struct type {
    enum type_kind kind;
    const struct schema *schema; /* OBJECT and LIST */
    str label;                   /* what messages call it */
};

/* The contexts, from the innermost outwards. */
struct place {
    struct type type;
    const struct place *up;
};

struct checker {
    struct arena *arena;
    const char *name;
    const struct template_node *node;
    struct buf scratch;
};

/* --- messages ------------------------------------------------------------------------------------ */

static error complain(const struct checker *checker, str text)
{
    const struct template_node *node = checker->node;
    bool block = node->type == TEMPLATE_BLOCK;

    if (!text.at)
        return &ERROR_OUT_OF_MEMORY;
    return error_new(checker->arena, 400, "%s:%u: {{%s%s%s%.*s}}: %.*s", checker->name, node->line,
                     block ? "#" : "", block ? mail_template_blocks[node->block] : "",
                     block ? " " : "", STR_ARG(node->path.source), STR_ARG(text));
}

static error no_such_member(struct checker *checker, const struct type *type, str name)
{
    struct buf *list = &checker->scratch;
    const struct schema *schema = type->schema;

    buf_clear(list);
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->fields[i].secret)
            continue;
        if (list->len)
            BUF_ADD(list, ", ");
        schema_json_name(&schema->fields[i], list);
    }
    return complain(checker,
                    arena_printf(checker->arena, "%.*s has no %.*s; it has %.*s",
                                 STR_ARG(type->label), STR_ARG(name), STR_ARG(buf_text(list))));
}

/* --- types --------------------------------------------------------------------------------------- */

static struct type type_of(const struct field *field)
{
    switch (field->kind) {
    case SCHEMA_STR:
    case SCHEMA_UUID:
    case SCHEMA_TIMESTAMP:
    case SCHEMA_ENUM: return (struct type){ .kind = TYPE_TEXT };
    case SCHEMA_BOOL:
    case SCHEMA_INT:
    case SCHEMA_DOUBLE:
    case SCHEMA_MONEY: return (struct type){ .kind = TYPE_SCALAR };
    case SCHEMA_STRS: return (struct type){ .kind = TYPE_TEXTS };
    case SCHEMA_OBJECT: return (struct type){ .kind = TYPE_OBJECT, .schema = field->of() };
    case SCHEMA_LIST: return (struct type){ .kind = TYPE_LIST, .schema = field->of() };
    case SCHEMA_JSON: break;
    }
    return (struct type){ .kind = TYPE_ANY };
}

/* The row of that JSON name among those that are printed, or NULL. */
static const struct field *find_field(struct checker *checker, const struct schema *schema,
                                      str name)
{
    for (size_t i = 0; i < schema->count; i++) {
        buf_clear(&checker->scratch);
        schema_json_name(&schema->fields[i], &checker->scratch);
        if (!schema->fields[i].secret && str_eq(buf_text(&checker->scratch), name))
            return &schema->fields[i];
    }
    return NULL;
}

static bool is_number(str name)
{
    uint64_t number;

    return str_to_uint(name, UINT32_MAX, &number);
}

static struct type element_of(const struct type *list)
{
    switch (list->kind) {
    case TYPE_TEXTS: return (struct type){ .kind = TYPE_TEXT };
    case TYPE_LIST: return (struct type){ .kind = TYPE_OBJECT, .schema = list->schema };
    default: return (struct type){ .kind = TYPE_ANY };
    }
}

/* The type of a member; its label is left to the caller. */
static error member_of(struct checker *checker, const struct type *type, str name, struct type *out)
{
    bool list = type->kind == TYPE_LIST || type->kind == TYPE_TEXTS;
    const struct field *field;

    if (type->kind == TYPE_ANY) {
        *out = *type;
    } else if ((list || type->kind == TYPE_TEXT) && str_is(name, "length")) {
        *out = (struct type){ .kind = TYPE_SCALAR };
    } else if (list && is_number(name)) {
        *out = element_of(type);
    } else if (type->kind == TYPE_OBJECT) {
        field = find_field(checker, type->schema, name);
        if (!field)
            return no_such_member(checker, type, name);
        *out = type_of(field);
    } else {
        return complain(checker, arena_printf(checker->arena, "%.*s is %s and has no %.*s",
                                              STR_ARG(type->label), list ? "a list" : "no object",
                                              STR_ARG(name)));
    }
    return NULL;
}

/* `a.b` of the names a, b, c. */
static str join(struct arena *arena, strs names, size_t count)
{
    str joined = names.at[0];

    for (size_t i = 1; i < count && joined.at; i++)
        joined = arena_printf(arena, "%.*s.%.*s", STR_ARG(joined), STR_ARG(names.at[i]));
    return joined;
}

/* --- the walk ------------------------------------------------------------------------------------ */

static error check_data(const struct checker *checker, const struct template_path *path,
                        size_t rounds, struct type *out)
{
    if (path->depth >= rounds)
        return complain(checker, STR("there is no {{#each}} around it"));
    *out = (struct type){ .kind = path->data == TEMPLATE_KEY ? TYPE_ANY : TYPE_SCALAR,
                          .label = path->source };
    return NULL;
}

static error check_path(struct checker *checker, const struct template_path *path,
                        const struct place *place, size_t rounds, struct type *out)
{
    struct type type;

    if (path->data)
        return check_data(checker, path, rounds, out);
    for (size_t i = 0; i < path->depth && place; i++)
        place = place->up;
    if (!place)
        return complain(checker, STR("\"../\" leads out of the data"));
    type = place->type;
    for (size_t i = 0; i < path->names.len; i++) {
        TRY(member_of(checker, &type, path->names.at[i], &type));
        type.label = join(checker->arena, path->names, i + 1);
        if (!type.label.at)
            return &ERROR_OUT_OF_MEMORY;
    }
    *out = type;
    return NULL;
}

static error check_program(struct checker *checker, const struct template_program *program,
                           const struct place *place, size_t rounds);

static error check_each(struct checker *checker, const struct template_node *node,
                        const struct type *list, const struct place *around, size_t rounds)
{
    struct place place = { .up = around };

    if (list->kind == TYPE_SCALAR || list->kind == TYPE_TEXT)
        return complain(checker,
                        arena_printf(checker->arena, "%.*s is no list", STR_ARG(list->label)));
    place.type = element_of(list);
    place.type.label = arena_printf(checker->arena, "an element of %.*s", STR_ARG(list->label));
    if (!place.type.label.at)
        return &ERROR_OUT_OF_MEMORY;
    return check_program(checker, node->program, &place, rounds + 1);
}

static bool is_this(const struct template_path *path)
{
    return !path->data && !path->depth && !path->names.len;
}

static error check_block(struct checker *checker, const struct template_node *node,
                         const struct place *place, size_t rounds)
{
    struct place inner = { .up = place };

    TRY(check_path(checker, &node->path, place, rounds, &inner.type));
    if (node->block == TEMPLATE_EACH)
        TRY(check_each(checker, node, &inner.type, place, rounds));
    else if (node->block == TEMPLATE_WITH && !is_this(&node->path))
        TRY(check_program(checker, node->program, &inner, rounds));
    else
        TRY(check_program(checker, node->program, place, rounds));
    return node->inverse ? check_program(checker, node->inverse, place, rounds) : NULL;
}

static error check_program(struct checker *checker, const struct template_program *program,
                           const struct place *place, size_t rounds)
{
    struct type type;

    for (const struct template_node *node = program->first; node; node = node->next) {
        checker->node = node;
        if (node->type == TEMPLATE_VALUE)
            TRY(check_path(checker, &node->path, place, rounds, &type));
        else if (node->type == TEMPLATE_BLOCK)
            TRY(check_block(checker, node, place, rounds));
    }
    return NULL;
}

error mail_template_check(struct arena *arena, const struct mail_template *template,
                          const struct schema *schema)
{
    enum { NAMES_SIZE = 16 * 1024 };
    struct checker checker = { .arena = arena,
                               .name = template->name,
                               .scratch = buf_new(NAMES_SIZE) };
    struct place root = { .type = { TYPE_OBJECT, schema, STR("the data") } };
    error e = check_program(&checker, &template->program, &root, 0);

    if (!e && buf_failed(&checker.scratch))
        e = &ERROR_OUT_OF_MEMORY;
    buf_free(&checker.scratch);
    return e;
}
