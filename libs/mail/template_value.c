/* Values as JavaScript has them: their text, whether they are true, when two are equal. */
#include "mail/template_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct template_value mail_template_number(double number)
{
    return (struct template_value){ .type = TEMPLATE_NUMBER, .number = number };
}

struct template_value mail_template_boolean(bool value)
{
    return (struct template_value){ .type = TEMPLATE_BOOLEAN, .number = value };
}

static struct template_value string_of(str text)
{
    return (struct template_value){ .type = TEMPLATE_STRING, .text = text };
}

struct template_value mail_template_value(const struct json *json)
{
    switch (json ? json->type : JSON_NULL) {
    case JSON_NULL: break;
    case JSON_FALSE:
    case JSON_TRUE: return mail_template_boolean(json->type == JSON_TRUE);
    case JSON_NUMBER: return mail_template_number(json_number(json));
    case JSON_STRING: return string_of(json->text);
    case JSON_ARRAY: return (struct template_value){ .type = TEMPLATE_ARRAY, .node = json };
    case JSON_OBJECT: return (struct template_value){ .type = TEMPLATE_OBJECT, .node = json };
    }
    return (struct template_value){ .type = TEMPLATE_NULL };
}

/* --- properties ---------------------------------------------------------------------------------- */

/* Whether `name` is written as JavaScript writes the index: "0", "12", not "01". */
static bool is_index(str name, size_t count, size_t *out)
{
    uint64_t index;

    if (!str_to_uint(name, UINT32_MAX - 1, &index) || (name.len > 1 && name.at[0] == '0'))
        return false;
    *out = (size_t)index;
    return index < count;
}

static const struct json *element(const struct json *array, str name)
{
    const struct json *found = array->first;
    size_t index;

    if (!is_index(name, array->count, &index))
        return NULL;
    while (index--)
        found = found->next;
    return found;
}

/* A character of a string is a string of the same kind, and since no path ends with an index, all that can be
 * asked of it is how long it is. */
static struct template_value string_property(str text, str name)
{
    size_t length = str_utf16_len(text), index;

    if (str_is(name, "length"))
        return mail_template_number((double)length);
    return is_index(name, length, &index) ? string_of(STR("?")) : mail_template_value(NULL);
}

struct template_value mail_template_property(const struct template_value *value, str name)
{
    switch (value->type) {
    case TEMPLATE_STRING: return string_property(value->text, name);
    case TEMPLATE_ARRAY:
        if (str_is(name, "length"))
            return mail_template_number(value->node->count);
        return mail_template_value(element(value->node, name));
    case TEMPLATE_OBJECT: return mail_template_value(json_member(value->node, name));
    case TEMPLATE_NULL:
    case TEMPLATE_BOOLEAN:
    case TEMPLATE_NUMBER: break;
    }
    return mail_template_value(NULL);
}

/* --- truth --------------------------------------------------------------------------------------- */

bool mail_template_empty(const struct template_value *value)
{
    switch (value->type) {
    case TEMPLATE_NULL: return true;
    case TEMPLATE_BOOLEAN: return value->number == 0;
    case TEMPLATE_STRING: return !value->text.len;
    case TEMPLATE_ARRAY: return !value->node->count;
    case TEMPLATE_NUMBER:
    case TEMPLATE_OBJECT: break;
    }
    return false;
}

bool mail_template_truthy(const struct template_value *value)
{
    return !mail_template_empty(value) && !(value->type == TEMPLATE_NUMBER && value->number == 0);
}

/* --- texts --------------------------------------------------------------------------------------- */

static void print_number(double number, struct buf *out)
{
    if (isinf(number))
        buf_add(out, number < 0 ? STR("-Infinity") : STR("Infinity"));
    else if (isnan(number))
        BUF_ADD(out, "NaN");
    else
        json_write_number(out, number);
}

static void print_elements(const struct json *array, struct buf *out)
{
    for (const struct json *item = array->first; item; item = item->next) {
        struct template_value value = mail_template_value(item);

        mail_template_print(&value, out);
        if (item->next)
            buf_add_char(out, ',');
    }
}

void mail_template_print(const struct template_value *value, struct buf *out)
{
    switch (value->type) {
    case TEMPLATE_NULL: break;
    case TEMPLATE_BOOLEAN: buf_add(out, value->number != 0 ? STR("true") : STR("false")); break;
    case TEMPLATE_NUMBER: print_number(value->number, out); break;
    case TEMPLATE_STRING: buf_add(out, value->text); break;
    case TEMPLATE_ARRAY: print_elements(value->node, out); break;
    case TEMPLATE_OBJECT: BUF_ADD(out, "[object Object]"); break;
    }
}

/* --- equality ------------------------------------------------------------------------------------ */

static double digits_value(str digits, unsigned base)
{
    double value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.at[i];
        unsigned digit = 99;

        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        if (digit >= base)
            return NAN;
        value = value * base + digit;
    }
    return digits.len ? value : NAN;
}

static size_t count_digits(str s, size_t from)
{
    size_t at = from;

    while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9')
        at++;
    return at - from;
}

/* Whether all of `s` is digits with an optional point and exponent. */
static bool is_decimal(str s)
{
    size_t whole = count_digits(s, 0), at = whole, fraction = 0;

    if (at < s.len && s.at[at] == '.') {
        fraction = count_digits(s, at + 1);
        at += 1 + fraction;
    }
    if (!whole && !fraction)
        return false;
    if (at < s.len && (s.at[at] | 0x20) == 'e') {
        at++;
        at += at < s.len && (s.at[at] == '+' || s.at[at] == '-');
        size_t exponent = count_digits(s, at);

        if (!exponent)
            return false;
        at += exponent;
    }
    return at == s.len;
}

/* A text as a number (ECMAScript's StringToNumber). */
static double number_of_text(str text)
{
    size_t blanks = mail_template_leading_blanks(text);
    char digits[400];

    text = str_slice(text, blanks, text.len);
    text.len -= mail_template_trailing_blanks(text);
    if (!text.len)
        return 0;
    if (text.len > 2 && text.at[0] == '0')
        switch (text.at[1] | 0x20) {
        case 'x': return digits_value(str_slice(text, 2, text.len), 16);
        case 'o': return digits_value(str_slice(text, 2, text.len), 8);
        case 'b': return digits_value(str_slice(text, 2, text.len), 2);
        default: break;
        }
    double sign = text.at[0] == '-' ? -1 : 1;

    if (text.at[0] == '-' || text.at[0] == '+')
        text = str_slice(text, 1, text.len);
    if (str_is(text, "Infinity"))
        return sign * INFINITY;
    if (!is_decimal(text) || text.len >= sizeof digits)
        return NAN;
    memcpy(digits, text.at, text.len);
    digits[text.len] = 0;
    return sign * strtod(digits, NULL);
}

static double number_of(const struct template_value *value)
{
    return value->type == TEMPLATE_STRING ? number_of_text(value->text) : value->number;
}

static bool is_compound(const struct template_value *value)
{
    return value->type == TEMPLATE_ARRAY || value->type == TEMPLATE_OBJECT;
}

static bool equals_text_of(const struct template_value *compound,
                           const struct template_value *other, struct buf *scratch)
{
    buf_clear(scratch);
    mail_template_print(compound, scratch);
    struct template_value text = string_of(buf_text(scratch));

    return !buf_failed(scratch) && mail_template_loosely_equal(&text, other, scratch);
}

bool mail_template_loosely_equal(const struct template_value *a, const struct template_value *b,
                                 struct buf *scratch)
{
    if (a->type == TEMPLATE_NULL || b->type == TEMPLATE_NULL)
        return a->type == b->type;
    if (is_compound(a) && is_compound(b))
        return a->node == b->node;
    if (is_compound(a))
        return equals_text_of(a, b, scratch);
    if (is_compound(b))
        return equals_text_of(b, a, scratch);
    if (a->type == TEMPLATE_STRING && b->type == TEMPLATE_STRING)
        return str_eq(a->text, b->text);
    return number_of(a) == number_of(b);
}
