/* The whitespace that tags take away. `{{~` and `~}}` take all of it up to the next character. Beside that, a
 * line that holds nothing but one tag of a block, or a comment, leaves nothing behind: neither its indentation
 * nor its end.
 *
 *     <ul>
 *       {{#each items}}        <- gone
 *       <li>{{name}}</li>
 *       {{/each}}              <- gone
 *     </ul>
 *
 * The order of the steps, and that the questions look at a text as it was while the strokes change what is
 * left of it, are Handlebars' own (its class WhitespaceControl): where tags share a line or `~` meets a line
 * of its own, the outcome depends on both. */
#include "mail/template_internal.h"

#include <string.h>

/* --- JavaScript's whitespace --------------------------------------------------------------------- */

/* In UTF-8: tab to carriage return, blank, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F,
 * U+3000, U+FEFF. */
static bool is_wide_blank(const unsigned char *c)
{
    unsigned code = (c[0] & 0xfU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);

    return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000 || code == 0xfeff;
}

/* Length of the whitespace character that begins at `at`, or 0. */
static size_t blank_at(str s, size_t at)
{
    const unsigned char *c = (const unsigned char *)s.at + at;
    size_t left = s.len - at;

    if (c[0] < 0x80)
        return c[0] == ' ' || (c[0] >= '\t' && c[0] <= '\r');
    if (c[0] == 0xc2)
        return left > 1 && c[1] == 0xa0 ? 2 : 0;
    return (c[0] & 0xf0) == 0xe0 && left > 2 && is_wide_blank(c) ? 3 : 0;
}

size_t mail_template_leading_blanks(str s)
{
    size_t at = 0;

    for (size_t len; at < s.len && (len = blank_at(s, at)) > 0;)
        at += len;
    return at;
}

size_t mail_template_trailing_blanks(str s)
{
    size_t end = s.len;

    while (end) {
        size_t start = end - 1;

        while (start && ((unsigned char)s.at[start] & 0xc0) == 0x80)
            start--;
        if (!blank_at(s, start))
            break;
        end = start;
    }
    return s.len - end;
}

/* --- questions ----------------------------------------------------------------------------------- */

static bool has_line_end(str s)
{
    return str_find(s, '\n') < s.len;
}

/* Whether the line before `node` (of the program's end: NULL) holds nothing. The first text of the whole
 * template need not begin with a line's end. */
static bool is_line_begin(const struct template_program *program, const struct template_node *node,
                          bool root)
{
    const struct template_node *before = node ? node->previous : program->last;

    if (!before)
        return root;
    if (before->type != TEMPLATE_TEXT)
        return false;
    size_t blanks = mail_template_trailing_blanks(before->original);

    if (root && !before->previous && blanks == before->original.len)
        return true;
    return has_line_end(str_slice(before->original, before->original.len - blanks, blanks));
}

/* Likewise for the line after `node` (of the program's beginning: NULL). */
static bool is_line_end(const struct template_program *program, const struct template_node *node,
                        bool root)
{
    const struct template_node *after = node ? node->next : program->first;

    if (!after)
        return root;
    if (after->type != TEMPLATE_TEXT)
        return false;
    size_t blanks = mail_template_leading_blanks(after->original);

    if (root && !after->next && blanks == after->original.len)
        return true;
    return has_line_end(str_slice(after->original, 0, blanks));
}

/* --- strokes ------------------------------------------------------------------------------------- */

enum extent { LINE, ALL };

static size_t line_beginning(str text)
{
    size_t at = 0;

    while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t'))
        at++;
    if (at + 1 < text.len && text.at[at] == '\r' && text.at[at + 1] == '\n')
        return at + 2;
    if (at < text.len && (text.at[at] == '\r' || text.at[at] == '\n'))
        return at + 1;
    return at;
}

/* Takes whitespace off the beginning of `node`, a text or not, or NULL. */
static void strip_beginning(struct template_node *node, enum extent extent)
{
    if (!node || node->type != TEMPLATE_TEXT || (extent == LINE && node->right_stripped))
        return;
    size_t len =
        extent == ALL ? mail_template_leading_blanks(node->text) : line_beginning(node->text);

    node->text = str_slice(node->text, len, node->text.len);
    node->right_stripped = len > 0;
}

static size_t indentation(str text)
{
    size_t len = 0;

    while (len < text.len && strchr(" \t", text.at[text.len - len - 1]))
        len++;
    return len;
}

/* Off the end, likewise. */
static void strip_end(struct template_node *node, enum extent extent)
{
    if (!node || node->type != TEMPLATE_TEXT || (extent == LINE && node->left_stripped))
        return;
    size_t len =
        extent == ALL ? mail_template_trailing_blanks(node->text) : indentation(node->text);

    node->text.len -= len;
    node->left_stripped = len > 0;
}

/* --- the walk ------------------------------------------------------------------------------------ */

/* What a node asks of the texts beside it. */
struct request {
    struct template_strip strip;
    bool open_alone, close_alone; /* the inner side of a block's first and last tag ends its line */
    bool alone;                   /* a comment */
};

static void strip_program(struct template_program *program, bool root);

/* The programs between the first `{{else}}` and the last, which are one unless there is none. */
static struct template_program *else_program(const struct template_node *block)
{
    if (block->inverse && block->inverse->chained)
        return block->inverse->first->program;
    return block->inverse;
}

/* Around the `{{else}}`. */
static void strip_middle(const struct template_node *block, struct template_program *other)
{
    struct template_program *program = block->program;

    if (block->middle.open)
        strip_end(program->last, ALL);
    if (block->middle.close)
        strip_beginning(other->first, ALL);
    if (block->close.open)
        strip_end(other->last, ALL);
    if (is_line_begin(program, NULL, false) && is_line_end(other, NULL, false)) {
        strip_end(program->last, LINE);
        strip_beginning(other->first, LINE);
    }
}

static struct request strip_block(const struct template_node *block)
{
    struct template_program *program = block->program, *other = else_program(block);

    strip_program(program, false);
    if (block->inverse)
        strip_program(block->inverse, false);
    struct request request = {
        .strip = { block->open.open, block->close.close },
        .open_alone = is_line_end(program, NULL, false),
        .close_alone = is_line_begin(other ? other : program, NULL, false),
    };

    if (block->open.close)
        strip_beginning(program->first, ALL);
    if (other)
        strip_middle(block, other);
    else if (block->close.open)
        strip_end(program->last, ALL);
    return request;
}

static struct request request_of(const struct template_node *node)
{
    switch (node->type) {
    case TEMPLATE_BLOCK: return strip_block(node);
    case TEMPLATE_COMMENT: return (struct request){ .strip = node->strip, .alone = true };
    case TEMPLATE_VALUE: return (struct request){ .strip = node->strip };
    case TEMPLATE_TEXT: break;
    }
    return (struct request){ .alone = false };
}

static void strip_lines(struct template_node *node, struct request request, bool begins, bool ends)
{
    if (request.alone && begins && ends) {
        strip_beginning(node->next, LINE);
        strip_end(node->previous, LINE);
    }
    if (request.open_alone && begins) {
        strip_beginning(node->program->first, LINE);
        strip_end(node->previous, LINE);
    }
    if (request.close_alone && ends) {
        const struct template_program *last = node->inverse ? node->inverse : node->program;

        strip_beginning(node->next, LINE);
        strip_end(last->last, LINE);
    }
}

static void strip_program(struct template_program *program, bool root)
{
    for (struct template_node *node = program->first; node; node = node->next) {
        if (node->type == TEMPLATE_TEXT)
            continue;
        struct request request = request_of(node);
        bool begins = is_line_begin(program, node, root), ends = is_line_end(program, node, root);

        if (request.strip.close)
            strip_beginning(node->next, ALL);
        if (request.strip.open)
            strip_end(node->previous, ALL);
        strip_lines(node, request, begins, ends);
    }
}

void mail_template_strip(struct template_program *root)
{
    strip_program(root, true);
}
