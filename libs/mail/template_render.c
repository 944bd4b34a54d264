/* Fills a template with data. What the compiled JavaScript of Handlebars does shows in three places:
 *
 *   - `../` counts the contexts that differ, by ==, from the one around them, so that {{#if}} adds none.
 *   - A block that stays in its context hands on `{}` where that is null.
 *   - Values that are not escaped are joined by `+`. A program gives its value on to the program around it,
 *     and as long as there have been numbers and booleans only, `+` adds them: {{{a}}}{{{b}}} of 1 and 2 is 3.
 *     `struct sum` is such a value; as soon as there is a text, all that is held back is written. */
#include "mail/template_internal.h"

#include <string.h>

static const struct error TOO_MANY_STEPS = ERROR(500, "A template takes too many steps");
static const struct json EMPTY_OBJECT = { .type = JSON_OBJECT };

/* The contexts, from the innermost outwards. */
struct context {
    struct template_value value;
    const struct context *up;
};

/* The rounds of {{#each}}, likewise. */
struct round {
    struct template_value key;
    size_t index;
    bool last;
    const struct round *up;
};

struct scope {
    struct template_value here;
    const struct context *contexts;
    const struct round *rounds; /* NULL outside of {{#each}} */
};

/* What a program has given so far. */
struct sum {
    enum { SUM_NOTHING, SUM_HELD, SUM_TEXT } state;
    struct template_value held; /* a number or a boolean */
    struct sum *up;             /* NULL for a text that goes to the output */
};

struct render {
    struct buf *out;
    enum mail_escape escape;
    struct buf scratch;
    size_t steps;
};

/* --- values -------------------------------------------------------------------------------------- */

static struct template_value data_value(const struct scope *scope, const struct template_path *path)
{
    const struct round *round = scope->rounds;

    for (size_t i = 0; i < path->depth && round; i++)
        round = round->up;
    if (!round)
        return mail_template_value(NULL);
    switch (path->data) {
    case TEMPLATE_INDEX: return mail_template_number((double)round->index);
    case TEMPLATE_KEY: return round->key;
    case TEMPLATE_FIRST: return mail_template_boolean(round->index == 0);
    case TEMPLATE_LAST: return mail_template_boolean(round->last);
    case TEMPLATE_NO_DATA: break;
    }
    return mail_template_value(NULL);
}

static struct template_value context_value(const struct scope *scope, size_t depth)
{
    const struct context *context = scope->contexts;

    if (!depth)
        return scope->here;
    while (depth-- && context)
        context = context->up;
    return context ? context->value : mail_template_value(NULL);
}

static struct template_value value_of(const struct scope *scope, const struct template_path *path)
{
    struct template_value value;

    if (path->data)
        return data_value(scope, path);
    value = context_value(scope, path->depth);
    for (size_t i = 0; i < path->names.len; i++)
        value = mail_template_property(&value, path->names.at[i]);
    return value;
}

/* --- output -------------------------------------------------------------------------------------- */

/* From now on `sum` is a text, and so are those around it: what they hold is written first. */
static void become_text(struct render *render, struct sum *sum)
{
    if (!sum || sum->state == SUM_TEXT)
        return;
    become_text(render, sum->up);
    if (sum->state == SUM_HELD)
        mail_template_print(&sum->held, render->out);
    sum->state = SUM_TEXT;
}

static void add_text(struct render *render, struct sum *sum, str text)
{
    become_text(render, sum);
    buf_add(render->out, text);
}

/* Adds a value as `+` does; null is an empty text. */
static void add_value(struct render *render, struct sum *sum, const struct template_value *value)
{
    bool number = value->type == TEMPLATE_NUMBER || value->type == TEMPLATE_BOOLEAN;

    if (number && sum->state == SUM_NOTHING) {
        sum->held = *value;
        sum->state = SUM_HELD;
    } else if (number && sum->state == SUM_HELD) {
        sum->held = mail_template_number(sum->held.number + value->number);
    } else {
        become_text(render, sum);
        mail_template_print(value, render->out);
    }
}

static str entity(char c)
{
    switch (c) {
    case '&': return STR("&amp;");
    case '<': return STR("&lt;");
    case '>': return STR("&gt;");
    case '"': return STR("&quot;");
    case '\'': return STR("&#x27;");
    case '`': return STR("&#x60;");
    case '=': return STR("&#x3D;");
    default: return (str){ NULL, 0 };
    }
}

static void add_escaped(struct buf *out, str text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        str escape = entity(text.at[i]);

        if (!escape.len)
            continue;
        buf_add(out, str_slice(text, start, i - start));
        buf_add(out, escape);
        start = i + 1;
    }
    buf_add(out, str_slice(text, start, text.len));
}

static void render_value(struct render *render, const struct template_node *node,
                         const struct scope *scope, struct sum *sum)
{
    struct template_value value = value_of(scope, &node->path);

    if (node->raw || render->escape == MAIL_ESCAPE_NONE) {
        add_value(render, sum, &value);
        return;
    }
    become_text(render, sum);
    if (value.type == TEMPLATE_ARRAY) {
        buf_clear(&render->scratch);
        mail_template_print(&value, &render->scratch);
        add_escaped(render->out, buf_text(&render->scratch));
    } else if (value.type == TEMPLATE_STRING) {
        add_escaped(render->out, value.text);
    } else {
        mail_template_print(&value, render->out);
    }
}

/* Templates nest loops, and a full buffer does not end one by itself. */
static error take_step(struct render *render)
{
    if (++render->steps > MAIL_TEMPLATE_STEPS_MAX)
        return &TOO_MANY_STEPS;
    if (buf_failed(render->out) || buf_failed(&render->scratch))
        return &ERROR_OUT_OF_MEMORY;
    return NULL;
}

/* --- blocks -------------------------------------------------------------------------------------- */

static error render_program(struct render *render, const struct template_program *program,
                            const struct scope *scope, struct sum *up);

/* Whether `../` does not lead out of a context. */
static bool is_same(struct render *render, const struct template_value *here,
                    const struct template_value *around)
{
    if (around->type == TEMPLATE_NULL && here->node == &EMPTY_OBJECT)
        return true;
    return mail_template_loosely_equal(here, around, &render->scratch);
}

/* Renders the program, or nothing where it is NULL, with `scope.here` as its context. */
static error enter(struct render *render, const struct template_program *program,
                   struct scope scope, struct sum *up)
{
    struct context inner = { scope.here, scope.contexts };

    if (!program) {
        become_text(render, up);
        return NULL;
    }
    if (!is_same(render, &scope.here, &scope.contexts->value))
        scope.contexts = &inner;
    return render_program(render, program, &scope, up);
}

/* The same for a program that stays in its context. */
static error stay(struct render *render, const struct template_program *program,
                  const struct scope *around, struct sum *up)
{
    struct scope scope = *around;

    if (scope.here.type == TEMPLATE_NULL)
        scope.here = mail_template_value(&EMPTY_OBJECT);
    return enter(render, program, scope, up);
}

static error render_each(struct render *render, const struct template_node *node,
                         const struct scope *scope, struct sum *up)
{
    struct template_value list = value_of(scope, &node->path);
    bool array = list.type == TEMPLATE_ARRAY, object = list.type == TEMPLATE_OBJECT;
    struct round round = { .up = scope->rounds };

    if ((!array && !object) || !list.node->first)
        return stay(render, node->inverse, scope, up);
    become_text(render, up);
    for (const struct json *item = list.node->first; item; item = item->next) {
        struct scope inner = { mail_template_value(item), scope->contexts, &round };

        round.key = object ? (struct template_value){ .type = TEMPLATE_STRING, .text = item->name }
                           : mail_template_number((double)round.index);
        round.last = !item->next;
        TRY(take_step(render));
        TRY(enter(render, node->program, inner, up));
        round.index++;
    }
    return NULL;
}

static error render_block(struct render *render, const struct template_node *node,
                          const struct scope *scope, struct sum *up)
{
    struct template_value value;
    struct scope inner = *scope;
    bool chosen;

    if (node->block == TEMPLATE_EACH)
        return render_each(render, node, scope, up);
    value = value_of(scope, &node->path);
    if (node->block == TEMPLATE_WITH) {
        if (mail_template_empty(&value))
            return stay(render, node->inverse, scope, up);
        inner.here = value;
        return enter(render, node->program, inner, up);
    }
    chosen = mail_template_truthy(&value) == (node->block == TEMPLATE_IF);
    return stay(render, chosen ? node->program : node->inverse, scope, up);
}

static error render_node(struct render *render, const struct template_node *node,
                         const struct scope *scope, struct sum *sum)
{
    TRY(take_step(render));
    switch (node->type) {
    case TEMPLATE_TEXT:
        if (node->text.len)
            add_text(render, sum, node->text);
        return NULL;
    case TEMPLATE_COMMENT: return NULL;
    case TEMPLATE_VALUE: render_value(render, node, scope, sum); return NULL;
    case TEMPLATE_BLOCK: break;
    }
    return render_block(render, node, scope, sum);
}

/* An empty program gives an empty text. */
static error render_program(struct render *render, const struct template_program *program,
                            const struct scope *scope, struct sum *up)
{
    struct sum sum = { .up = up };

    for (const struct template_node *node = program->first; node; node = node->next)
        TRY(render_node(render, node, scope, &sum));
    if (sum.state == SUM_HELD && up)
        add_value(render, up, &sum.held);
    else
        become_text(render, &sum);
    return NULL;
}

error mail_template_render(const struct mail_template *template, const struct json *data,
                           enum mail_escape escape, struct buf *out)
{
    struct render render = { .out = out, .escape = escape, .scratch = buf_new(out->max) };
    struct context root = { mail_template_value(data), NULL };
    struct scope scope = { root.value, &root, NULL };
    error e = render_program(&render, &template->program, &scope, NULL);

    if (!e && (buf_failed(out) || buf_failed(&render.scratch)))
        e = &ERROR_OUT_OF_MEMORY;
    buf_free(&render.scratch);
    return e;
}
