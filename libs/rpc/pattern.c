#include "rpc/pattern.h"

#include <string.h>

enum { ROUTE_MAX = 64 * 1024 * 1024 }; /* of a pattern as long as the longest frame may be */

/* --- the order of keys --------------------------------------------------------------------------- */

/* What ICU tells apart at first sight, in its order; control characters that are not here count as
 * nothing. Letters are compared without case. */
static const char ORDER[] =
    "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int weight(char c)
{
    if (c & 0x80)
        return 0x100 + (unsigned char)c;
    const char *found = c ? strchr(ORDER, lower(c)) : NULL;

    return found ? (int)(found - ORDER) + 1 : 0;
}

/* The weight of the next character that counts; 0 at the end. */
static int next_weight(str *rest)
{
    int found = 0;

    while (rest->len && !found) {
        found = weight(rest->at[0]);
        *rest = str_slice(*rest, 1, SIZE_MAX);
    }
    return found;
}

/* Lower case is before upper case, where the texts differ in nothing else. */
static int compare_case(str a, str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (a.at[i] != b.at[i])
            return (unsigned char)b.at[i] - (unsigned char)a.at[i];
    return 0;
}

int rpc_collate(str a, str b)
{
    str rest_a = a, rest_b = b;
    int of_a, of_b;

    do {
        of_a = next_weight(&rest_a);
        of_b = next_weight(&rest_b);
    } while (of_a == of_b && of_a);
    return of_a == of_b ? compare_case(a, b) : of_a - of_b;
}

/* --- printing ------------------------------------------------------------------------------------ */

static void print(struct buf *out, const struct json *value, unsigned depth);

/* Only what would end the string is escaped; a line break stays one. */
static void print_quoted(struct buf *out, str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '"');
}

/* Insertion keeps the order of keys that are equal. */
static size_t sort_members(const struct json *object,
                           const struct json *sorted[RPC_PATTERN_KEYS_MAX])
{
    size_t count = 0;

    for (const struct json *member = object->first; member; member = member->next) {
        size_t i = count++;

        for (; i && rpc_collate(sorted[i - 1]->name, member->name) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = member;
    }
    return count;
}

static void print_member(struct buf *out, str name, const struct json *value, unsigned depth)
{
    print_quoted(out, name);
    buf_add_char(out, ':');
    if (value->type == JSON_STRING)
        print_quoted(out, value->text);
    else
        print(out, value, depth + 1);
}

static void print_object(struct buf *out, const struct json *object, unsigned depth)
{
    const struct json *sorted[RPC_PATTERN_KEYS_MAX];
    size_t count = sort_members(object, sorted);

    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, i ? ',' : '{');
        print_member(out, sorted[i]->name, sorted[i], depth);
    }
    buf_add(out, count ? STR("}") : STR("{}"));
}

/* An array is an object whose keys are 0, 1, 2: digits are compared as characters, 10 before 2. */
static void print_array(struct buf *out, const struct json *array, unsigned depth)
{
    struct json members[RPC_PATTERN_KEYS_MAX], object = *array;
    char names[RPC_PATTERN_KEYS_MAX][2];
    size_t i = 0;

    for (const struct json *element = array->first; element; element = element->next, i++) {
        members[i] = *element;
        names[i][0] = (char)('0' + (i < 10 ? i : i / 10));
        names[i][1] = (char)('0' + i % 10);
        members[i].name = (str){ names[i], i < 10 ? 1 : 2 };
        members[i].next = element->next ? &members[i + 1] : NULL;
    }
    object.first = i ? members : NULL;
    print_object(out, &object, depth);
}

static void print_container(struct buf *out, const struct json *value, unsigned depth)
{
    if (depth > RPC_PATTERN_DEPTH_MAX)
        BUF_ADD(out, "[MAX_DEPTH_REACHED]");
    else if (value->count > RPC_PATTERN_KEYS_MAX)
        BUF_ADD(out, "[TOO_MANY_KEYS]");
    else if (value->type == JSON_ARRAY)
        print_array(out, value, depth);
    else
        print_object(out, value, depth);
}

static void print(struct buf *out, const struct json *value, unsigned depth)
{
    switch (value->type) {
    case JSON_NULL: BUF_ADD(out, "null"); return;
    case JSON_FALSE: BUF_ADD(out, "false"); return;
    case JSON_TRUE: BUF_ADD(out, "true"); return;
    case JSON_NUMBER: json_write_number(out, json_number(value)); return;
    case JSON_STRING: buf_add(out, value->text); return;
    case JSON_ARRAY:
    case JSON_OBJECT: print_container(out, value, depth); return;
    }
}

/* --- routes -------------------------------------------------------------------------------------- */

static const str NO_ROUTE = { NULL, 0 };

static str print_route(struct arena *arena, const struct json *pattern)
{
    struct buf text = buf_new(ROUTE_MAX);

    print(&text, pattern, 0);
    str route = buf_failed(&text) ? NO_ROUTE : arena_copy(arena, buf_text(&text));

    buf_free(&text);
    return route;
}

str rpc_route_of(struct arena *arena, const struct json *pattern)
{
    if (!pattern)
        return NO_ROUTE;
    switch (pattern->type) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE: return NO_ROUTE;
    case JSON_STRING: return pattern->text;
    default: return print_route(arena, pattern);
    }
}

/* What most patterns are: no JSON text begins so, and none needs to be tried. */
static bool is_plain(str text)
{
    return text.len && ((text.at[0] >= 'a' && text.at[0] <= 'z' && !strchr("tfn", text.at[0])) ||
                        (text.at[0] >= 'A' && text.at[0] <= 'Z'));
}

str rpc_route(struct arena *arena, const struct json *pattern)
{
    const struct json *parsed;

    if (!pattern || pattern->type != JSON_STRING)
        return rpc_route_of(arena, pattern);
    if (is_plain(pattern->text) || json_parse(arena, pattern->text, &parsed))
        return pattern->text;
    return rpc_route_of(arena, parsed);
}
