/* From JSON values to members and from texts to JSON values; and the rules that follow from a
 * kind. */
#include "schema/schema_internal.h"

#include <math.h>
#include <string.h>

static const struct rule BY_KIND[][SCHEMA_KIND_RULES] = {
    [SCHEMA_STR] = { IS_STRING },
    [SCHEMA_BOOL] = { IS_BOOLEAN },
    [SCHEMA_INT] = { IS_INT },
    [SCHEMA_DOUBLE] = { IS_NUMBER },
    [SCHEMA_MONEY] = { MAX_DECIMALS(2) },
    [SCHEMA_UUID] = { IS_UUID },
    [SCHEMA_TIMESTAMP] = { IS_ISO8601 },
    [SCHEMA_STRS] = { IS_ARRAY, EACH(IS_STRING) },
    [SCHEMA_ENUM] = { IS_ENUM(NULL) },
    [SCHEMA_JSON] = { IS_DEFINED },
    [SCHEMA_OBJECT] = { { .type = RULE_NONE } }, /* what is nested is its rule */
    [SCHEMA_LIST] = { IS_ARRAY },
};

size_t schema_kind_rules(const struct field *field, struct rule kind[SCHEMA_KIND_RULES])
{
    size_t count = 0;

    for (size_t i = 0; i < SCHEMA_KIND_RULES; i++) {
        kind[i] = BY_KIND[field->kind][i];
        if (kind[i].type == RULE_IS_ENUM)
            kind[i].names = field->names;
        count += kind[i].type != RULE_NONE;
    }
    return count;
}

size_t schema_rules_of(const struct field *field, struct rule kind[SCHEMA_KIND_RULES],
                       const struct rule **rules)
{
    size_t count = 0;

    while (count < SCHEMA_RULES_MAX && field->rules[count].type != RULE_NONE)
        count++;
    *rules = count ? field->rules : kind;
    return count ? count : schema_kind_rules(field, kind);
}

/* One function per kind; the member is written when the value fits. */
static bool bind_str(const struct json *value, str *out)
{
    if (value->type == JSON_STRING)
        *out = value->text;
    return value->type == JSON_STRING;
}

static bool bind_bool(const struct json *value, bool *out)
{
    *out = value->type == JSON_TRUE;
    return value->type == JSON_TRUE || value->type == JSON_FALSE;
}

static bool bind_double(const struct json *value, double *out)
{
    if (value->type != JSON_NUMBER)
        return false;
    *out = json_number(value);
    return isfinite(*out);
}

static bool bind_strs(struct schema_reader *r, const struct json *value, strs *out)
{
    if (value->type != JSON_ARRAY)
        return false;
    str *list = ARENA_ARRAY(r->arena, str, value->count);
    size_t count = 0;

    r->no_memory |= !list;
    for (const struct json *item = value->first; list && item; item = item->next)
        if (!bind_str(item, &list[count++]))
            return false;
    *out = (strs){ list, count };
    return true;
}

static bool bind_enum(const struct field *field, const struct json *value, unsigned *out)
{
    if (value->type != JSON_STRING || !value->text.len)
        return false;
    for (unsigned i = 0; field->names[i]; i++)
        if (str_is(value->text, field->names[i])) {
            *out = i;
            return true;
        }
    return false;
}

/* As json_write, without what NestJS drops at any depth. */
static void write_visible(struct buf *out, const struct json *value)
{
    bool object = value->type == JSON_OBJECT, first = true;

    if (!object && value->type != JSON_ARRAY) {
        json_write(out, value);
        return;
    }
    buf_add_char(out, object ? '{' : '[');
    for (const struct json *item = value->first; item; item = item->next) {
        if (object && schema_is_hidden_name(item->name))
            continue;
        if (!first)
            buf_add_char(out, ',');
        first = false;
        if (object) {
            json_write_string(out, item->name);
            buf_add_char(out, ':');
        }
        write_visible(out, item);
    }
    buf_add_char(out, object ? '}' : ']');
}

static bool bind_json(struct schema_reader *r, const struct json *value, json_text *out)
{
    struct buf text = buf_new(ARENA_CALL_MAX);

    write_visible(&text, value);
    if (!buf_failed(&text))
        out->text = arena_copy(r->arena, buf_text(&text));
    r->no_memory |= !out->text.at;
    buf_free(&text);
    return true;
}

const struct json *schema_rounded(struct arena *arena, const struct json *value)
{
    char digits[MONEY_TEXT];
    money amount;

    if ((value->type != JSON_NUMBER && value->type != JSON_STRING) ||
        !money_round(value->text, &amount))
        return value;
    struct json *rounded = ARENA_NEW(arena, struct json);
    str text = arena_copy(arena, (str){ digits, money_print(amount, digits) });

    if (!rounded || !text.at)
        return NULL;
    *rounded = (struct json){ .type = JSON_NUMBER, .text = text, .source = text };
    return rounded;
}

bool schema_bind(struct schema_reader *r, const struct field *field, const struct json *value,
                 void *out)
{
    switch (field->kind) {
    case SCHEMA_STR: return bind_str(value, out);
    case SCHEMA_BOOL: return bind_bool(value, out);
    case SCHEMA_INT: return json_integer(value, out);
    case SCHEMA_DOUBLE: return bind_double(value, out);
    case SCHEMA_MONEY: return value->type == JSON_NUMBER && money_parse(value->text, out);
    case SCHEMA_UUID: return value->type == JSON_STRING && uuid_parse(value->text, out);
    case SCHEMA_TIMESTAMP:
        return value->type == JSON_STRING && schema_read_timestamp(value->text, out);
    case SCHEMA_STRS: return bind_strs(r, value, out);
    case SCHEMA_ENUM: return bind_enum(field, value, out);
    case SCHEMA_JSON: return bind_json(r, value, out);
    case SCHEMA_OBJECT:
    case SCHEMA_LIST: break;
    }
    return false;
}
