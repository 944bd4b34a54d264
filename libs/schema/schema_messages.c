/* The messages of one reading. A property's messages carry the names of the properties around it
 * as a prefix ("items.0.price must be …"). Like NestJS's pipe this stops, at a property's border,
 * once the messages and their paths have taken a million characters, and says so in a last
 * message. */
#include "schema/schema_internal.h"

enum {
    MESSAGES_LENGTH_MAX = 1000000, /* UTF-16 units, paths included */
    MESSAGE_BYTES_MAX = 1024 * 1024,
    FIRST_MESSAGES = 8,
};

struct schema_reader schema_reader_of(struct arena *arena, enum schema_unknown unknown)
{
    return (struct schema_reader){
        .arena = arena,
        .unknown = unknown,
        .name_of = schema_json_name,
        .budget = MESSAGES_LENGTH_MAX,
        .text = buf_new(MESSAGE_BYTES_MAX),
    };
}

static bool make_room(struct schema_reader *r)
{
    size_t capacity = r->capacity ? r->capacity * 2 : FIRST_MESSAGES;

    if (r->count < r->capacity)
        return true;
    str *more = ARENA_ARRAY(r->arena, str, capacity);

    if (!more)
        return false;
    for (size_t i = 0; i < r->count; i++)
        more[i] = r->messages[i];
    r->messages = more;
    r->capacity = capacity;
    return true;
}

/* Moves the composed message to the list. */
static void take_message(struct schema_reader *r)
{
    str text = buf_failed(&r->text) ? (str){ NULL, 0 } : arena_copy(r->arena, buf_text(&r->text));

    if (text.at && make_room(r))
        r->messages[r->count++] = text;
    else
        r->no_memory = true;
    buf_clear(&r->text);
}

static void add_name(struct schema_reader *r, const struct schema_path *path)
{
    if (!path->field)
        buf_add_uint(&r->text, path->index);
    else if (path->up)
        schema_json_name(path->field, &r->text);
    else
        r->name_of(path->field, &r->text);
}

static void add_prefix(struct schema_reader *r, const struct schema_path *path)
{
    if (!path)
        return;
    add_prefix(r, path->up);
    add_name(r, path);
    buf_add_char(&r->text, '.');
}

/* Length of the path with a point behind each name, in UTF-16 units. */
static int64_t path_len(struct schema_reader *r, const struct schema_path *path)
{
    add_prefix(r, path);
    int64_t len = (int64_t)str_utf16_len(buf_text(&r->text));

    buf_clear(&r->text);
    return len;
}

/* Whether a property that begins to complain is still heard. */
static bool heard(struct schema_reader *r)
{
    if (r->budget <= 0)
        r->cut = true;
    return r->budget > 0 && !r->no_memory;
}

static bool path_heard(struct schema_reader *r, struct schema_path *path)
{
    if (path->state == SCHEMA_UNHEARD)
        path->state = heard(r) ? SCHEMA_HEARD : SCHEMA_MUTE;
    return path->state == SCHEMA_HEARD;
}

/* The nearest property around: an element is named in its list's messages by the list's name. */
static const struct field *named_field(const struct schema_path *path)
{
    while (!path->field)
        path = path->up;
    return path->field;
}

/* Pays for a message that stands in the buffer behind `start`, and takes it. */
static void pay_and_take(struct schema_reader *r, size_t start, int64_t path)
{
    str text = buf_text(&r->text);

    r->budget -= path + (int64_t)str_utf16_len(str_slice(text, start, text.len));
    take_message(r);
}

void schema_complain(struct schema_reader *r, struct schema_path *path, const struct rule *rule,
                     const struct json *value)
{
    if (!path_heard(r, path))
        return;
    struct schema_path named = { path->up, named_field(path), 0, SCHEMA_HEARD };
    int64_t len = path_len(r, path);

    add_name(r, &named);
    str name = arena_copy(r->arena, buf_text(&r->text));

    buf_clear(&r->text);
    add_prefix(r, path->up);
    size_t start = r->text.len;

    schema_rule_message(rule, name.at ? name : STR(""), value, &r->text);
    pay_and_take(r, start, len);
}

void schema_complain_nested(struct schema_reader *r, struct schema_path *path, bool each)
{
    if (!path_heard(r, path))
        return;
    struct schema_path named = { path->up, named_field(path), 0, SCHEMA_HEARD };
    int64_t len = path_len(r, path);

    add_prefix(r, path->up);
    size_t start = r->text.len;

    if (each)
        BUF_ADD(&r->text, "each value in ");
    BUF_ADD(&r->text, "nested property ");
    add_name(r, &named);
    BUF_ADD(&r->text, " must be either object or array");
    pay_and_take(r, start, len);
}

void schema_complain_unknown(struct schema_reader *r, struct schema_path *up, str name)
{
    if (!heard(r))
        return;
    int64_t len = path_len(r, up) + (int64_t)str_utf16_len(name) + 1;

    add_prefix(r, up);
    size_t start = r->text.len;

    BUF_ADD(&r->text, "property ");
    buf_add(&r->text, name);
    BUF_ADD(&r->text, " should not exist");
    pay_and_take(r, start, len);
}

void schema_complain_plainly(struct schema_reader *r, str message)
{
    buf_add(&r->text, message);
    take_message(r);
}

error schema_finish(struct schema_reader *r)
{
    if (r->cut)
        schema_complain_plainly(r, STR("Further validation errors were omitted"));
    buf_free(&r->text);
    if (r->no_memory)
        return &ERROR_OUT_OF_MEMORY;
    return r->count ? error_list(r->arena, 400, (strs){ r->messages, r->count }) : NULL;
}
