/* The reader: a recursive descent whose depth is limited, in the order of V8's parser so that the
 * first mistake it meets is the one that V8 reports. It makes one node per value, twelve nodes at
 * a time. A string is a span of the text unless it has an escape; a number stays text until
 * somebody asks.
 *
 * An object's members are kept in the order of the text while they are read. Whether a name came
 * before is first asked of a 64-bit filter; a name that the filter knows is compared with the
 * members one by one in a small object, and a large object, or one with a name that looks like an
 * array index, is sorted out at its end (json_members.c), so that no input makes the reader
 * quadratic. */
#include "json/json_internal.h"

#include <string.h>

enum {
    NODES_AT_ONCE = 12,
    SMALL_OBJECT = 16,
};

void *json_fail(struct json_reader *reader, const char *at, enum json_fault fault)
{
    reader->fault = fault;
    reader->fault_at = at;
    return NULL;
}

static struct json *node_new(struct json_reader *r, enum json_type type)
{
    if (!r->spares) {
        r->spare = arena_alloc(r->arena, NODES_AT_ONCE * sizeof *r->spare);
        if (!r->spare)
            return json_fail(r, r->at, JSON_FAULT_NO_MEMORY);
        r->spares = NODES_AT_ONCE;
    }
    struct json *node = r->spare++;

    r->spares--;
    *node = (struct json){ .type = type, .source = { r->at, 0 } };
    return node;
}

static struct json *node_end(struct json_reader *r, struct json *node)
{
    node->source.len = (size_t)(r->at - node->source.at);
    return node;
}

static void skip_blanks(struct json_reader *r)
{
    if (r->at < r->end && (unsigned char)*r->at > ' ')
        return;
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* After blanks: whether the next character is `c`. */
static bool next_is(struct json_reader *r, char c)
{
    skip_blanks(r);
    return r->at < r->end && *r->at == c;
}

static bool take(struct json_reader *r, char c)
{
    if (!next_is(r, c))
        return false;
    r->at++;
    return true;
}

static struct json *read_literal(struct json_reader *r, str word, enum json_type type)
{
    struct json *node = node_new(r, type);

    if (!node)
        return NULL;
    for (size_t i = 0; i < word.len; i++, r->at++)
        if (r->at == r->end || *r->at != word.at[i])
            return json_fail(r, r->at, JSON_FAULT_TOKEN);
    return node_end(r, node);
}

static struct json *read_text(struct json_reader *r)
{
    struct json *node = node_new(r, JSON_STRING);

    return node && json_read_string(r, &node->text) ? node_end(r, node) : NULL;
}

static struct json *read_number(struct json_reader *r)
{
    struct json *node = node_new(r, JSON_NUMBER);

    if (!node || !json_read_number(r, &node->text))
        return NULL;
    node->source = node->text;
    return node;
}

static struct json *read_value(struct json_reader *r);

static struct json *open(struct json_reader *r, enum json_type type)
{
    if (r->depth == JSON_DEPTH_MAX)
        return json_fail(r, r->at, JSON_FAULT_TOO_DEEP);
    struct json *node = node_new(r, type);

    if (node) {
        r->at++;
        r->depth++;
    }
    return node;
}

static struct json *close(struct json_reader *r, struct json *node)
{
    r->depth--;
    return node_end(r, node);
}

static void append(struct json *parent, struct json **last, struct json *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->count++;
}

static struct json *read_array(struct json_reader *r)
{
    struct json *array = open(r, JSON_ARRAY), *last = NULL;

    if (!array || take(r, ']'))
        return array ? close(r, array) : NULL;
    do {
        struct json *element = read_value(r);

        if (!element)
            return NULL;
        append(array, &last, element);
    } while (take(r, ','));
    if (!take(r, ']'))
        return json_fail(r, r->at, JSON_FAULT_COMMA_OR_BRACKET);
    return close(r, array);
}

/* Whether the object must be sorted out at its end because of this name. */
static bool must_settle(const struct json *object, str name, uint64_t *seen)
{
    if (!name.len)
        return json_member(object, name);
    unsigned first = (unsigned char)name.at[0], last = (unsigned char)name.at[name.len - 1];
    uint64_t bit = UINT64_C(1) << ((name.len * 7 + first * 3 + last * 5) & 63);
    bool known = *seen & bit;

    *seen |= bit;
    if (first >= '0' && first <= '9')
        return true;
    return known && (object->count > SMALL_OBJECT || json_member(object, name));
}

/* Reads `"name":` and the value. V8 words what is wrong with the first member differently. */
static struct json *read_member(struct json_reader *r, const struct json *object)
{
    bool first = object->count == 0;
    str name;

    if (!next_is(r, '"'))
        return json_fail(r, r->at, first ? JSON_FAULT_NAME_OR_BRACE : JSON_FAULT_QUOTED_NAME);
    if (!json_read_string(r, &name))
        return NULL;
    if (!take(r, ':'))
        return json_fail(r, r->at, first ? JSON_FAULT_COLON : JSON_FAULT_TOKEN);
    struct json *value = read_value(r);

    if (value)
        value->name = name;
    return value;
}

static struct json *read_object(struct json_reader *r)
{
    struct json *object = open(r, JSON_OBJECT), *last = NULL;
    uint64_t seen = 0;
    bool unsettled = false;

    if (!object || take(r, '}'))
        return object ? close(r, object) : NULL;
    do {
        struct json *member = read_member(r, object);

        if (!member)
            return NULL;
        unsettled |= must_settle(object, member->name, &seen);
        append(object, &last, member);
    } while (take(r, ','));
    if (!take(r, '}'))
        return json_fail(r, r->at, JSON_FAULT_COMMA_OR_BRACE);
    if (unsettled && !json_settle_members(r->arena, object))
        return json_fail(r, r->at, JSON_FAULT_NO_MEMORY);
    return close(r, object);
}

static struct json *read_value(struct json_reader *r)
{
    skip_blanks(r);
    char c = r->at < r->end ? *r->at : '\0';

    switch (c) {
    case '"': return read_text(r);
    case '{': return read_object(r);
    case '[': return read_array(r);
    case 't': return read_literal(r, STR("true"), JSON_TRUE);
    case 'f': return read_literal(r, STR("false"), JSON_FALSE);
    case 'n': return read_literal(r, STR("null"), JSON_NULL);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return read_number(r);
        return json_fail(r, r->at, JSON_FAULT_TOKEN);
    }
}

error json_parse(struct arena *arena, str text, const struct json **out)
{
    struct json_reader r = {
        .at = text.at, .end = text.at + text.len, .text = text, .arena = arena
    };
    const struct json *value = read_value(&r);

    if (!value)
        return json_fault_error(&r);
    skip_blanks(&r);
    if (r.at < r.end) {
        json_fail(&r, r.at, JSON_FAULT_MORE_TEXT);
        return json_fault_error(&r);
    }
    *out = value;
    return NULL;
}

error json_parse_body(struct arena *arena, str text, const struct json **out)
{
    if (str_starts_with(text, STR("\xEF\xBB\xBF")))
        text = str_slice(text, 3, text.len);
    struct json_reader r = { .at = text.at, .end = text.at + text.len, .arena = arena };

    skip_blanks(&r);
    if (r.at < r.end && *r.at != '{' && *r.at != '[')
        return json_first_character_error(arena, text, r.at);
    return json_parse(arena, text.len ? text : STR("{}"), out);
}

const struct json *json_member(const struct json *object, str name)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *member = object->first; member; member = member->next)
        if (str_eq(member->name, name))
            return member;
    return NULL;
}
