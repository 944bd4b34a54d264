/* Makes a tree of a template's texts and tags. */
#include "mail/template_internal.h"

static error count_node(struct template_reader *reader, const struct template_tag *tag)
{
    if (++reader->nodes <= MAIL_TEMPLATE_NODES_MAX)
        return NULL;
    return mail_template_error(reader, tag->line, "a template may have %d tags and texts",
                               MAIL_TEMPLATE_NODES_MAX);
}

/* A node at the end of the program; NULL when there is no memory. */
static struct template_node *append(struct template_reader *reader,
                                    struct template_program *program,
                                    const struct template_tag *tag, enum template_node_type type)
{
    struct template_node *node = ARENA_NEW(reader->arena, struct template_node);

    if (!node)
        return NULL;
    *node = (struct template_node){ .type = type,
                                    .line = tag->line,
                                    .previous = program->last,
                                    .strip = tag->strip,
                                    .path = tag->path,
                                    .raw = tag->raw,
                                    .block = tag->block,
                                    .open = tag->strip };
    if (program->last)
        program->last->next = node;
    else
        program->first = node;
    program->last = node;
    return node;
}

/* What a block's tag is called in messages. */
static const char *name_of(const struct template_tag *tag)
{
    return mail_template_blocks[tag->block];
}

static error read_block(struct template_reader *reader, struct template_node *node, unsigned depth,
                        struct template_tag *end);

static enum template_node_type type_of(const struct template_tag *tag)
{
    switch (tag->type) {
    case TEMPLATE_TAG_COMMENT: return TEMPLATE_COMMENT;
    case TEMPLATE_TAG_VALUE: return TEMPLATE_VALUE;
    default: return TEMPLATE_TEXT;
    }
}

static error add_leaf(struct template_reader *reader, const struct template_tag *tag,
                      struct template_program *program)
{
    TRY(count_node(reader, tag));
    struct template_node *node = append(reader, program, tag, type_of(tag));

    if (!node)
        return &ERROR_OUT_OF_MEMORY;
    node->original = node->text = tag->text;
    return NULL;
}

static error add_block(struct template_reader *reader, const struct template_tag *open,
                       unsigned depth, struct template_program *program)
{
    struct template_tag end;

    TRY(count_node(reader, open));
    struct template_node *node = append(reader, program, open, TEMPLATE_BLOCK);

    if (!node)
        return &ERROR_OUT_OF_MEMORY;
    TRY(read_block(reader, node, depth + 1, &end));
    if (end.type == TEMPLATE_TAG_END)
        return mail_template_error(reader, open->line, "{{#%s}} is not closed", name_of(open));
    if (end.block != open->block)
        return mail_template_error(reader, end.line,
                                   "{{/%s}} cannot close {{#%s}}, which is open since line %u",
                                   name_of(&end), name_of(open), open->line);
    node->close = end.strip;
    if (node->inverse && node->inverse->chained)
        node->inverse->first->close = end.strip;
    return NULL;
}

/* Up to a tag that ends a program: `end`. */
static error read_program(struct template_reader *reader, unsigned depth,
                          struct template_program *program, struct template_tag *end)
{
    for (;;) {
        TRY(mail_template_scan(reader, end));
        switch (end->type) {
        case TEMPLATE_TAG_TEXT:
        case TEMPLATE_TAG_COMMENT:
        case TEMPLATE_TAG_VALUE: TRY(add_leaf(reader, end, program)); break;
        case TEMPLATE_TAG_OPEN: TRY(add_block(reader, end, depth, program)); break;
        default: return NULL;
        }
    }
}

/* The block of an `{{else if}}`, as the only node of its program. Where its end is, Handlebars takes `~` from the tag
 * that opens it, except for the first of a chain, whose end is the whole block's. */
static error read_chained(struct template_reader *reader, struct template_tag *end, unsigned depth,
                          struct template_program *program)
{
    TRY(count_node(reader, end));
    struct template_node *node = append(reader, program, end, TEMPLATE_BLOCK);

    if (!node)
        return &ERROR_OUT_OF_MEMORY;
    node->close = end->strip;
    program->chained = true;
    return read_block(reader, node, depth + 1, end);
}

static error read_inverse(struct template_reader *reader, unsigned depth, struct template_tag *end,
                          struct template_node *block)
{
    block->middle = end->strip;
    block->inverse = ARENA_NEW(reader->arena, struct template_program);
    if (!block->inverse)
        return &ERROR_OUT_OF_MEMORY;
    if (end->type == TEMPLATE_TAG_ELSE_BLOCK)
        return read_chained(reader, end, depth, block->inverse);
    TRY(read_program(reader, depth, block->inverse, end));
    if (end->type == TEMPLATE_TAG_ELSE || end->type == TEMPLATE_TAG_ELSE_BLOCK)
        return mail_template_error(reader, end->line, "a second {{else}}");
    return NULL;
}

/* A block from behind its opening tag to behind its closing tag, which is `end`, or to the end of the source. */
static error read_block(struct template_reader *reader, struct template_node *node, unsigned depth,
                        struct template_tag *end)
{
    if (depth > MAIL_TEMPLATE_DEPTH_MAX)
        return mail_template_error(reader, node->line, "blocks may be nested %d deep",
                                   MAIL_TEMPLATE_DEPTH_MAX);
    node->program = ARENA_NEW(reader->arena, struct template_program);
    if (!node->program)
        return &ERROR_OUT_OF_MEMORY;
    TRY(read_program(reader, depth, node->program, end));
    if (end->type == TEMPLATE_TAG_ELSE || end->type == TEMPLATE_TAG_ELSE_BLOCK)
        TRY(read_inverse(reader, depth, end, node));
    return NULL;
}

error mail_template_parse(struct template_reader *reader, struct template_program *out)
{
    struct template_tag end;

    TRY(read_program(reader, 0, out, &end));
    switch (end.type) {
    case TEMPLATE_TAG_CLOSE:
        return mail_template_error(reader, end.line, "{{/%s}} closes nothing", name_of(&end));
    case TEMPLATE_TAG_ELSE:
    case TEMPLATE_TAG_ELSE_BLOCK:
        return mail_template_error(reader, end.line, "{{else}} outside of a block");
    default: return NULL;
    }
}
