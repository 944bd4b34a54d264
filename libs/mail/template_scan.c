/* Cuts a template into texts and tags, as Handlebars' lexer does. `\{{` makes the tag text, up to the next
 * tag; `\\{{` is a backslash before a real tag. Which blanks a tag may hold, where its end is and that `}}}`
 * does not close `{{` all follow that lexer; what it knows beyond the subset is refused by name. */
#include "mail/template_scan.h"

/* --- texts --------------------------------------------------------------------------------------- */

/* What an escaped tag is part of: everything up to the next tag, its backslashes not included. */
static str scan_escaped(struct template_reader *reader)
{
    str rest = rest_of(reader);
    size_t end = find(rest, 2, "{{");

    for (int backslashes = 0; backslashes < 2 && end < rest.len; backslashes++)
        if (end > 2 && rest.at[end - 1] == '\\')
            end--;
    reader->escaped = false;
    advance(reader, end);
    return str_slice(rest, 0, end);
}

/* Up to the next tag or the end, without the backslash that has a meaning. */
static str scan_text(struct template_reader *reader)
{
    str rest = rest_of(reader);
    size_t end = find(rest, 0, "{{");
    str text = str_slice(rest, 0, end);

    advance(reader, end);
    if (end == rest.len)
        return text;
    reader->escaped = str_ends_with(text, STR("\\")) && !str_ends_with(text, STR("\\\\"));
    reader->in_tag = !reader->escaped;
    text.len -= str_ends_with(text, STR("\\"));
    return text;
}

/* --- tags ---------------------------------------------------------------------------------------- */

/* `}}` or `~}}`; for `{{{` `}}}` or `}~}}`. */
static error scan_end(struct template_reader *reader, struct template_tag *tag)
{
    skip_blanks(reader);
    str rest = rest_of(reader);

    if (str_starts_with(rest, STR("}}}}")))
        return mail_template_error(reader, tag->line, "}}}} closes no tag; put a blank between");
    if (tag->triple) {
        tag->strip.close = str_starts_with(rest, STR("}~}}"));
        if (take(reader, "}}}") || take(reader, "}~}}"))
            return NULL;
        return mail_template_error(reader, tag->line, "{{{ is closed by }}}");
    }
    if (str_starts_with(rest, STR("}}}")) || str_starts_with(rest, STR("}~}}")))
        return mail_template_error(reader, tag->line, "}}} closes {{{ only; put a blank between");
    tag->strip.close = str_starts_with(rest, STR("~}}"));
    if (take(reader, "}}") || take(reader, "~}}"))
        return NULL;
    return mail_template_unexpected(reader, tag);
}

/* The name of a block in an opening or closing tag. */
static error scan_block_name(struct template_reader *reader, struct template_tag *tag)
{
    skip_blanks(reader);
    str rest = rest_of(reader);
    str name = str_slice(rest, 0, mail_template_identifier_len(rest));
    str after = str_slice(rest, name.len, rest.len);

    if (!name.len || !mail_template_ends_identifier(after))
        return mail_template_unexpected(reader, tag);
    if (is_one_of(after.at[0], "/."))
        return mail_template_error(reader, tag->line, "a block has a name and no path");
    for (int i = 0; i < TEMPLATE_BLOCKS; i++)
        if (str_is(name, mail_template_blocks[i])) {
            tag->block = (enum template_block)i;
            advance(reader, name.len);
            return NULL;
        }
    return mail_template_error(
        reader, tag->line,
        "the block \"%.*s\" is not supported: only each, if, unless and with are",
        STR_ARG(brief(name)));
}

static error scan_block(struct template_reader *reader, struct template_tag *tag)
{
    TRY(scan_block_name(reader, tag));
    skip_blanks(reader);
    if (is_one_of(next_of(reader), "}~"))
        return mail_template_error(reader, tag->line, "{{#%s}} needs a path",
                                   mail_template_blocks[tag->block]);
    TRY(mail_template_scan_path(reader, tag));
    skip_blanks(reader);
    if (str_starts_with(rest_of(reader), STR("as |")))
        return mail_template_error(reader, tag->line, "block parameters are not supported");
    if (!is_one_of(next_of(reader), "}~"))
        return mail_template_error(reader, tag->line, "{{#%s}} takes one path and nothing else",
                                   mail_template_blocks[tag->block]);
    return scan_end(reader, tag);
}

/* `{{if}}` and the like call the helper. */
static bool is_helper(const struct template_path *path)
{
    static const char *const others[] = { "log", "lookup", "helperMissing", "blockHelperMissing" };

    for (int i = 0; i < TEMPLATE_BLOCKS; i++)
        if (str_is(path->source, mail_template_blocks[i]))
            return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_is(path->source, others[i]))
            return true;
    return false;
}

static error scan_value(struct template_reader *reader, struct template_tag *tag)
{
    tag->type = TEMPLATE_TAG_VALUE;
    skip_blanks(reader);
    TRY(mail_template_scan_path(reader, tag));
    size_t end = reader->at;

    skip_blanks(reader);
    if (is_helper(&tag->path) || (reader->at > end && !is_one_of(next_of(reader), "}~")))
        return mail_template_error(reader, tag->line, "helpers are not supported: {{%.*s …}}",
                                   STR_ARG(brief(tag->path.source)));
    return scan_end(reader, tag);
}

/* The comment's `{{` or `{{~` has been passed. With `!--` it ends at `--}}`, else at the first `}}`. */
static error scan_comment(struct template_reader *reader, struct template_tag *tag)
{
    str rest = rest_of(reader);
    bool dashes = str_starts_with(rest, STR("!--"));
    size_t end = find(rest, 1, dashes ? "--}}" : "}}"), len = dashes ? 4 : 2;
    str before = str_slice(rest, 0, end + 4); /* where the other end would have to lie */
    size_t other = dashes ? find(before, 1, "--~}}") : before.len;

    if (other < before.len) {
        end = other;
        len = 5;
    }
    if (end == rest.len)
        return mail_template_error(reader, tag->line, "the comment is not closed");
    tag->type = TEMPLATE_TAG_COMMENT;
    tag->strip.close = rest.at[end + len - 3] == '~';
    advance(reader, end + len);
    return NULL;
}

/* Whether `else` comes next, after blanks, and is a word. */
static bool take_else(struct template_reader *reader)
{
    str rest = rest_of(reader);
    size_t blanks = mail_template_leading_blanks(rest);
    str word = str_slice(rest, blanks, rest.len);

    if (!str_starts_with(word, STR("else")))
        return false;
    char after = word.len > 4 ? word.at[4] : ' ';

    if ((after >= '0' && after <= '9') || (after >= 'a' && after <= 'z') ||
        (after >= 'A' && after <= 'Z') || after == '_')
        return false;
    advance(reader, blanks + 4);
    return true;
}

static error scan_else(struct template_reader *reader, struct template_tag *tag)
{
    skip_blanks(reader);
    tag->strip.close = next_of(reader) == '~';
    if (take(reader, "}}") || take(reader, "~}}")) {
        tag->type = TEMPLATE_TAG_ELSE;
        return NULL;
    }
    tag->type = TEMPLATE_TAG_ELSE_BLOCK;
    return scan_block(reader, tag);
}

static error refuse(const struct template_reader *reader, const struct template_tag *tag)
{
    static const struct {
        const char *beginning, *name;
    } rows[] = {
        { "{{", "raw blocks are not supported" },
        { ">", "partials are not supported" },
        { "#>", "partials are not supported" },
        { "#*", "decorators are not supported" },
        { "*", "decorators are not supported" },
        { "^", "{{^}} is not supported: write {{else}} or {{#unless}}" },
    };
    str rest = rest_of(reader);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_starts_with(rest, str_of(rows[i].beginning)))
            return mail_template_error(reader, tag->line, "%s", rows[i].name);
    return NULL;
}

static error scan_tag(struct template_reader *reader, struct template_tag *tag)
{
    advance(reader, 2);
    tag->strip.open = take(reader, "~");
    TRY(refuse(reader, tag));
    if (next_of(reader) == '!')
        return scan_comment(reader, tag);
    if (take(reader, "#")) {
        tag->type = TEMPLATE_TAG_OPEN;
        return scan_block(reader, tag);
    }
    if (take(reader, "/")) {
        tag->type = TEMPLATE_TAG_CLOSE;
        TRY(scan_block_name(reader, tag));
        return scan_end(reader, tag);
    }
    if (take_else(reader))
        return scan_else(reader, tag);
    tag->triple = take(reader, "{");
    tag->raw = tag->triple || take(reader, "&");
    return scan_value(reader, tag);
}

error mail_template_scan(struct template_reader *reader, struct template_tag *out)
{
    struct template_tag tag = { .line = reader->line };

    if (!reader->in_tag)
        tag.text = reader->escaped ? scan_escaped(reader) : scan_text(reader);
    if (!tag.text.len && reader->escaped)
        tag.text = scan_escaped(reader);
    if (!tag.text.len && reader->in_tag) {
        tag.line = reader->line;
        reader->in_tag = false;
        TRY(scan_tag(reader, &tag));
    } else if (!tag.text.len) {
        tag.type = TEMPLATE_TAG_END;
    }
    *out = tag;
    return NULL;
}
