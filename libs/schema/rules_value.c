/* Rules on values of any type: what they are, how large, how long, how many. */
#include "base/uuid.h"
#include "schema/rules_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is(const struct json *value, enum json_type type)
{
    return value && value->type == type;
}

static bool is_text(const struct json *value, const char *text)
{
    return is(value, JSON_STRING) && str_is(value->text, text);
}

bool schema_value_is_defined(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return value && value->type != JSON_NULL;
}

bool schema_value_is_not_empty(const struct rule *rule, const struct json *value)
{
    return schema_value_is_defined(rule, value) && !is_text(value, "");
}

bool schema_value_is_empty(const struct rule *rule, const struct json *value)
{
    return !schema_value_is_not_empty(rule, value);
}

bool schema_value_equals(const struct rule *rule, const struct json *value)
{
    return is_text(value, rule->text);
}

bool schema_value_differs(const struct rule *rule, const struct json *value)
{
    return !is_text(value, rule->text);
}

bool schema_value_is_in(const struct rule *rule, const struct json *value)
{
    if (!is(value, JSON_STRING) || !value->text.len)
        return false;
    for (const char *const *name = rule->names; *name; name++)
        if (str_is(value->text, *name))
            return true;
    return false;
}

bool schema_value_is_not_in(const struct rule *rule, const struct json *value)
{
    return !schema_value_is_in(rule, value);
}

bool schema_value_is_string(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_STRING);
}

bool schema_value_is_boolean(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_TRUE) || is(value, JSON_FALSE);
}

bool schema_value_is_int(const struct rule *rule, const struct json *value)
{
    int64_t exact;

    (void)rule;
    if (!is(value, JSON_NUMBER))
        return false;
    if (json_integer(value, &exact))
        return true;
    double number = json_number(value);

    return isfinite(number) && number == trunc(number);
}

bool schema_value_is_number(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_NUMBER) && isfinite(json_number(value));
}

/* Decimals of a number as ECMAScript prints it: "1.25" has two, "1e-7" seven, "1e+21" none. */
static double decimals(double number)
{
    struct buf text = buf_new(64);

    json_write_number(&text, number);
    buf_add_char(&text, '\0'); /* for strtol */
    str printed = str_slice(buf_text(&text), 0, text.len - 1);
    size_t e = str_find(printed, 'e'), point = str_find(printed, '.');
    double count = point < e ? (double)(e - point - 1) : 0;

    if (e < printed.len)
        count -= (double)strtol(printed.at + e + 1, NULL, 10);
    buf_free(&text);
    return count;
}

/* Most prices need no conversion: few digits with no exponent are the shortest text but for
 * zeros. */
static bool short_text(str text, size_t *count)
{
    size_t point = str_find(text, '.'), end = text.len;

    if (text.len > 16 || str_find(text, 'e') < text.len || str_find(text, 'E') < text.len)
        return false;
    while (end > point + 1 && text.at[end - 1] == '0')
        end--;
    *count = end > point ? end - point - 1 : 0;
    return true;
}

bool schema_value_max_decimals(const struct rule *rule, const struct json *value)
{
    size_t count;

    if (!is(value, JSON_NUMBER))
        return false;
    if (short_text(value->text, &count))
        return (double)count <= rule->low;
    double number = json_number(value);

    return isfinite(number) && (number == trunc(number) || decimals(number) <= rule->low);
}

bool schema_value_is_array(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_ARRAY);
}

bool schema_value_is_object(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_OBJECT);
}

bool schema_value_is_not_empty_object(const struct rule *rule, const struct json *value)
{
    (void)rule;
    if (!is(value, JSON_OBJECT))
        return false;
    for (const struct json *member = value->first; member; member = member->next)
        if (!schema_is_hidden_name(member->name))
            return true;
    return false;
}

bool schema_value_at_least(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_NUMBER) && json_number(value) >= rule->low;
}

bool schema_value_at_most(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_NUMBER) && json_number(value) <= rule->low;
}

bool schema_value_is_positive(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_NUMBER) && json_number(value) > 0;
}

bool schema_value_is_negative(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_NUMBER) && json_number(value) < 0;
}

bool schema_value_is_divisible(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_NUMBER) && fmod(json_number(value), trunc(rule->low)) == 0;
}

/* A number is judged by its text as JavaScript prints it. */
static bool text_or_number(const struct json *value, bool (*holds)(str text))
{
    if (is(value, JSON_STRING))
        return holds(value->text);
    if (!is(value, JSON_NUMBER))
        return false;
    struct buf text = buf_new(64);

    json_write_number(&text, json_number(value));
    bool answer = holds(buf_text(&text));

    buf_free(&text);
    return answer;
}

bool schema_value_is_latitude(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return text_or_number(value, schema_is_latitude);
}

bool schema_value_is_longitude(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return text_or_number(value, schema_is_longitude);
}

bool schema_value_min_size(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_ARRAY) && value->count >= rule->low;
}

bool schema_value_max_size(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_ARRAY) && value->count <= rule->low;
}

bool schema_value_array_not_empty(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return is(value, JSON_ARRAY) && value->count > 0;
}

static bool is_compound(const struct json *value)
{
    return value->type == JSON_ARRAY || value->type == JSON_OBJECT;
}

/* An order in which `===` is equality; two arrays or objects are never equal, so they keep an
 * order of their own. */
static int by_identity(const void *a, const void *b)
{
    const struct json *left = *(const struct json *const *)a,
                      *right = *(const struct json *const *)b;

    if (left->type != right->type)
        return (left->type > right->type) - (left->type < right->type);
    if (is_compound(left))
        return (left->source.at > right->source.at) - (left->source.at < right->source.at);
    if (left->type != JSON_NUMBER)
        return str_compare(left->text, right->text);
    double x = json_number(left), y = json_number(right);

    return (x > y) - (x < y);
}

bool schema_value_array_unique(const struct rule *rule, const struct json *value)
{
    const struct json **sorted;
    size_t count = 0;
    bool unique = true;

    (void)rule;
    if (!is(value, JSON_ARRAY))
        return false;
    if (value->count < 2)
        return true;
    sorted = malloc(value->count * sizeof(const struct json *));
    if (!sorted)
        return false;
    for (const struct json *item = value->first; item; item = item->next)
        sorted[count++] = item;
    qsort(sorted, count, sizeof(const struct json *), by_identity);
    for (size_t i = 1; unique && i < count; i++)
        unique = is_compound(sorted[i]) || by_identity(&sorted[i - 1], &sorted[i]) != 0;
    free(sorted);
    return unique;
}

/* Bytes bound the number of characters from both sides, which spares most texts the counting. */
static bool long_enough(str text, double min)
{
    return (double)text.len >= min &&
           ((double)text.len >= 4 * min || (double)schema_text_len(text) >= min);
}

static bool short_enough(str text, double max)
{
    return (double)text.len <= max || (double)schema_text_len(text) <= max;
}

bool schema_value_min_length(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && long_enough(value->text, rule->low);
}

bool schema_value_max_length(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && short_enough(value->text, rule->low);
}

bool schema_value_length(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && long_enough(value->text, rule->low) &&
           short_enough(value->text, rule->high);
}

bool schema_value_byte_length(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && (double)value->text.len >= rule->low &&
           (double)value->text.len <= rule->high;
}

/* The two rules that class-validator does not have say nothing of what is no string: IS_STRING
 * does, and NestJS's list of messages stays NestJS's. */
bool schema_value_max_bytes(const struct rule *rule, const struct json *value)
{
    return !is(value, JSON_STRING) || (double)value->text.len <= rule->low;
}

bool schema_value_no_nul(const struct rule *rule, const struct json *value)
{
    (void)rule;
    return !is(value, JSON_STRING) || !memchr(value->text.at, '\0', value->text.len);
}

bool schema_value_matches(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && rule->matches(value->text);
}

static bool contains(const struct json *value, const char *text)
{
    return memmem(value->text.at, value->text.len, text, strlen(text)) != NULL;
}

bool schema_value_contains(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && contains(value, rule->text);
}

bool schema_value_lacks(const struct rule *rule, const struct json *value)
{
    return is(value, JSON_STRING) && !contains(value, rule->text);
}

bool schema_value_is_uuid_version(const struct rule *rule, const struct json *value)
{
    enum { VERSION_AT = 14 };
    uuid id;

    return is(value, JSON_STRING) && uuid_parse(value->text, &id) &&
           value->text.at[VERSION_AT] == (char)('0' + (int)rule->low) &&
           (id.bytes[8] & 0xC0) == 0x80;
}
