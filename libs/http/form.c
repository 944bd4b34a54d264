#include "http/form.h"
#include "http/percent.h"
#include "json/json.h"

static const struct error TOO_MANY = { .status = 413,
                                       .form = ERROR_BRIEF,
                                       .message = "too many parameters" };
static const struct error TOO_DEEP = { .status = 400,
                                       .form = ERROR_BRIEF,
                                       .message = "The input exceeded the depth" };

enum {
    INDEX_MAX = 100,            /* a larger number in brackets is a name */
    JSON_MAX = 2 * 1024 * 1024, /* of the JSON text; a body within HTTP_BODY_MAX stays far below */
};

/* A value, or a container of named ones. What is pushed with `[]` has the empty name; whether a container
 * is an array shows when all names are known. */
struct node {
    str name, text;
    bool is_leaf;
    struct node *first, *last, *next;
};

static struct node *add_child(struct arena *arena, struct node *parent, str name)
{
    struct node *child = ARENA_NEW(arena, struct node);

    if (!child)
        return NULL;
    child->name = name;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    return child;
}

/* A value that gets company becomes the first element of a container. */
static bool make_container(struct arena *arena, struct node *node)
{
    if (!node->is_leaf)
        return true;
    struct node *child = add_child(arena, node, STR(""));

    if (!child)
        return false;
    child->is_leaf = true;
    child->text = node->text;
    node->is_leaf = false;
    return true;
}

static struct node *descend(struct arena *arena, struct node *parent, str name)
{
    if (!make_container(arena, parent))
        return NULL;
    if (name.len)
        for (struct node *child = parent->first; child; child = child->next)
            if (str_eq(child->name, name))
                return child;
    return add_child(arena, parent, name);
}

static bool assign(struct arena *arena, struct node *node, str text)
{
    if (node->is_leaf || node->first) {
        if (!make_container(arena, node))
            return false;
        node = add_child(arena, node, STR(""));
        if (!node)
            return false;
    }
    node->is_leaf = true;
    node->text = text;
    return true;
}

/* Cuts the next `[name]` off; what is not one ends the name. */
static bool next_bracket(str *rest, str *name)
{
    if (rest->len == 0 || rest->at[0] != '[')
        return false;
    size_t end = str_find(*rest, ']');

    if (end == rest->len)
        return false;
    *name = str_slice(*rest, 1, end - 1);
    *rest = str_slice(*rest, end + 1, rest->len);
    return true;
}

/* What stands before the first `[…]`. */
static size_t plain_len(str key)
{
    size_t open = str_find(key, '[');
    str rest = str_slice(key, open, key.len);

    return str_find(rest, ']') == rest.len ? key.len : open;
}

static bool is_dropped(str name)
{
    return str_eq(name, STR("__proto__"));
}

static error add_pair(struct arena *arena, struct node *root, str key, str value)
{
    size_t open = plain_len(key);
    str rest = str_slice(key, open, key.len), piece = str_slice(key, 0, open);
    struct node *node = root;
    unsigned depth = 0;

    if (is_dropped(piece))
        return NULL;
    if (open)
        node = descend(arena, root, piece);
    while (node && next_bracket(&rest, &piece)) {
        if (is_dropped(piece))
            return NULL;
        if (++depth > HTTP_FORM_DEPTH_MAX)
            return &TOO_DEEP;
        node = descend(arena, node, piece);
    }
    return node && assign(arena, node, value) ? NULL : &ERROR_OUT_OF_MEMORY;
}

static error read_pairs(struct arena *arena, struct node *root, str form)
{
    str pair;
    unsigned count = 0;

    while (str_next_piece(&form, '&', &pair)) {
        size_t equals = str_find(pair, '=');

        if (++count > HTTP_FORM_PAIRS_MAX)
            return &TOO_MANY;
        str key = http_decode_query(arena, str_slice(pair, 0, equals));
        str value = http_decode_query(arena, str_slice(pair, equals + 1, pair.len));

        if (!key.at || !value.at)
            return &ERROR_OUT_OF_MEMORY;
        if (key.len)
            TRY(add_pair(arena, root, key, value));
    }
    return NULL;
}

static bool is_array(const struct node *node)
{
    uint64_t index;

    for (const struct node *child = node->first; child; child = child->next)
        if (child->name.len && !str_to_uint(child->name, INDEX_MAX, &index))
            return false;
    return node->first;
}

/* Depth is bounded by HTTP_FORM_DEPTH_MAX. */
static void write_node(struct buf *out, const struct node *node, bool array)
{
    unsigned position = 0;

    if (node->is_leaf) {
        json_write_string(out, node->text);
        return;
    }
    buf_add_char(out, array ? '[' : '{');
    for (const struct node *child = node->first; child; child = child->next, position++) {
        if (position)
            BUF_ADD(out, ",");
        if (!array && child->name.len)
            json_write_string(out, child->name);
        else if (!array)
            buf_printf(out, "\"%u\"", position);
        if (!array)
            BUF_ADD(out, ":");
        write_node(out, child, is_array(child));
    }
    buf_add_char(out, array ? ']' : '}');
}

error http_form_to_json(struct arena *arena, str form, str *out)
{
    struct node root = { 0 };
    struct buf text = buf_new(JSON_MAX);

    TRY(read_pairs(arena, &root, form));
    write_node(&text, &root, false);
    str copy = buf_failed(&text) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&text));

    buf_free(&text);
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = copy;
    return NULL;
}
