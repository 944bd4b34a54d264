/* The paths in a template's tags: `a.b`, `../a`, `this`, `@index`. What an identifier is made of, what may follow
 * it, and what is a literal instead, are the rules of Handlebars' lexer. */
#include "mail/template_scan.h"

size_t mail_template_identifier_len(str s)
{
    size_t at = 0;

    while (at < s.len && !is_one_of(s.at[at], "!\"#%&'()*+,./;<=>@[\\]^`{|}~") &&
           !mail_template_leading_blanks(str_slice(s, at, 3)))
        at++;
    return at;
}

bool mail_template_ends_identifier(str s)
{
    return s.len &&
           (is_one_of(s.at[0], "=~}/.)|") || mail_template_leading_blanks(str_slice(s, 0, 3)));
}

static size_t digits_len(str s)
{
    size_t at = 0;

    while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9')
        at++;
    return at;
}

/* Whether `true`, `null`, `-1`, `2.5` come next: literals, and not names, where something follows that is no
 * separator. `items.0.name` is a path, `items.0` is none. */
static bool is_literal(str s)
{
    static const char *const words[] = { "true", "false", "undefined", "null" };
    size_t len = 0;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_starts_with(s, str_of(words[i])))
            len = strlen(words[i]);
    if (!len) {
        size_t sign = str_starts_with(s, STR("-")), digits = digits_len(str_slice(s, sign, s.len));

        if (!digits)
            return false;
        len = sign + digits;
        digits = digits_len(str_slice(s, len + 1, s.len));
        if (len < s.len && s.at[len] == '.' && digits)
            len += 1 + digits;
    }
    s = str_slice(s, len, s.len);
    return mail_template_ends_identifier(s) && !is_one_of(s.at[0], "=/.|");
}

/* What the next bytes are, where they cannot be part of a path. */
static const char *name_of_unsupported(str s)
{
    static const struct {
        const char *beginning, *name;
    } rows[] = {
        { "[", "a [segment] is" },        { "\"", "literals are" },
        { "'", "literals are" },          { "(", "subexpressions are" },
        { "|", "block parameters are" },  { "=", "arguments with names are" },
        { "@", "this data variable is" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_starts_with(s, str_of(rows[i].beginning)))
            return rows[i].name;
    return is_literal(s) ? "literals are" : NULL;
}

error mail_template_unexpected(const struct template_reader *reader, const struct template_tag *tag)
{
    str rest = rest_of(reader);
    const char *unsupported = name_of_unsupported(rest);
    size_t len = mail_template_identifier_len(rest);

    if (unsupported)
        return mail_template_error(reader, tag->line, "%s not supported", unsupported);
    if (find(rest, 0, "}}") == rest.len)
        return mail_template_error(reader, tag->line, "the tag is not closed");
    while (!len || (len < rest.len && ((unsigned char)rest.at[len] & 0xc0) == 0x80))
        len++;
    return mail_template_error(reader, tag->line, "\"%.*s\" is not expected in the tag",
                               STR_ARG(brief(str_slice(rest, 0, len))));
}

/* `..`, `.` or a name. */
static error scan_segment(struct template_reader *reader, const struct template_tag *tag, str *out)
{
    str rest = rest_of(reader);
    size_t len = mail_template_identifier_len(rest);

    if (str_starts_with(rest, STR("..")))
        len = 2;
    else if (str_starts_with(rest, STR(".")) &&
             mail_template_ends_identifier(str_slice(rest, 1, rest.len)))
        len = 1;
    else if (!len || !mail_template_ends_identifier(str_slice(rest, len, rest.len)) ||
             is_literal(rest))
        return mail_template_unexpected(reader, tag);
    *out = str_slice(rest, 0, len);
    advance(reader, len);
    return NULL;
}

/* Passes the `/` or `.` between two segments. */
static bool take_separator(struct template_reader *reader)
{
    str rest = rest_of(reader);

    if (str_starts_with(rest, STR(".")) &&
        (str_starts_with(rest, STR("..")) ||
         mail_template_ends_identifier(str_slice(rest, 1, rest.len))))
        return false;
    return take(reader, "/") || take(reader, ".");
}

enum { NAMES_MAX = 16 }; /* of one path */

struct names {
    str at[NAMES_MAX];
    size_t len;
};

static error add_segment(const struct template_reader *reader, struct template_tag *tag,
                         str segment, struct names *names)
{
    bool up = str_is(segment, "..");

    if (up || str_is(segment, ".") || str_is(segment, "this")) {
        if (names->len)
            return mail_template_error(reader, tag->line,
                                       "\"%.*s\" may stand at the beginning of a path only",
                                       STR_ARG(segment));
        tag->path.depth += up;
        return NULL;
    }
    if (names->len == NAMES_MAX)
        return mail_template_error(reader, tag->line, "a path may have %d names", NAMES_MAX);
    names->at[names->len++] = segment;
    return NULL;
}

static error keep_names(const struct template_reader *reader, const struct names *names, strs *out)
{
    str *at = ARENA_ARRAY(reader->arena, str, names->len);

    if (!at)
        return &ERROR_OUT_OF_MEMORY;
    if (names->len)
        memcpy(at, names->at, names->len * sizeof *at);
    *out = (strs){ at, names->len };
    return NULL;
}

static error find_data(const struct template_reader *reader, struct template_tag *tag)
{
    static const char *const names[] = { [TEMPLATE_INDEX] = "index",
                                         [TEMPLATE_KEY] = "key",
                                         [TEMPLATE_FIRST] = "first",
                                         [TEMPLATE_LAST] = "last" };
    const struct template_path *path = &tag->path;

    for (int i = TEMPLATE_INDEX; i <= TEMPLATE_LAST && path->names.len == 1; i++)
        if (str_is(path->names.at[0], names[i])) {
            tag->path.data = (enum template_data)i;
            return NULL;
        }
    return mail_template_error(reader, tag->line,
                               "%.*s is not supported: only @index, @key, @first and @last are",
                               STR_ARG(brief(path->source)));
}

error mail_template_scan_path(struct template_reader *reader, struct template_tag *tag)
{
    size_t start = reader->at;
    bool data = take(reader, "@");
    struct names names = { .len = 0 };
    str segment;

    tag->path = (struct template_path){ .data = TEMPLATE_NO_DATA };
    do {
        TRY(scan_segment(reader, tag, &segment));
        TRY(add_segment(reader, tag, segment, &names));
    } while (take_separator(reader));
    tag->path.source = str_slice(reader->source, start, reader->at - start);
    TRY(keep_names(reader, &names, &tag->path.names));
    return data ? find_data(reader, tag) : NULL;
}
