/* Between the files of the templates. A template is compiled in three steps, each as Handlebars takes it:
 *
 *     template_scan.c     cuts the source into texts and tags: what `{{`, `\{{`, `{{!--` and `~` mean
 *     template_parse.c    makes a tree of them
 *     template_space.c    takes the lines out of it that hold nothing but a block's tag or a comment
 *
 * template_render.c then walks the tree with data, whose values are JavaScript's (template_value.c), and
 * template_check.c walks it with a field table. */
#pragma once

#include "mail/template.h"

enum { MAIL_TEMPLATE_STEPS_MAX = 1000 * 1000 }; /* nodes visited by one rendering */

/* --- the tree ------------------------------------------------------------------------------------ */

/* Of `{{~x}}` and `{{x~}}`. */
struct template_strip {
    bool open, close;
};

enum template_data {
    TEMPLATE_NO_DATA,
    TEMPLATE_INDEX,
    TEMPLATE_KEY,
    TEMPLATE_FIRST,
    TEMPLATE_LAST
};

/* `../a.b`: a depth of 1 and the names a, b; `this` has no names. `@../index` is data at a depth of 1. */
struct template_path {
    str source;
    enum template_data data;
    size_t depth;
    strs names;
};

enum template_block {
    TEMPLATE_EACH,
    TEMPLATE_IF,
    TEMPLATE_UNLESS,
    TEMPLATE_WITH,
    TEMPLATE_BLOCKS, /* how many; no block */
};
extern const char *const mail_template_blocks[]; /* their names, ended by NULL */

enum template_node_type { TEMPLATE_TEXT, TEMPLATE_COMMENT, TEMPLATE_VALUE, TEMPLATE_BLOCK };

struct template_program;

struct template_node {
    enum template_node_type type;
    unsigned line;
    struct template_node *previous, *next;

    /* TEXT: `text` is what is left of `original`. The flags are Handlebars' own: they keep a line from
     * being taken away twice. */
    str original, text;
    bool left_stripped, right_stripped;

    struct template_strip strip; /* COMMENT and VALUE */
    struct template_path path;   /* VALUE and BLOCK */
    bool raw;                    /* VALUE: not escaped */

    /* BLOCK. An `{{else if}}` is an `inverse` that is `chained` and holds one block. */
    enum template_block block;
    struct template_program *program, *inverse; /* `inverse` may be NULL */
    struct template_strip open, middle, close;  /* of the tags around `program` and `inverse` */
};

struct template_program {
    struct template_node *first, *last;
    bool chained;
};

struct mail_template {
    const char *name;
    struct template_program program;
};

/* --- reading ------------------------------------------------------------------------------------- */

struct template_reader {
    struct arena *arena;
    const char *name;
    str source;
    size_t at;     /* what is left begins here, */
    unsigned line; /* in this line */
    bool in_tag;   /* a tag comes next */
    bool escaped;  /* what comes next is text, although it looks like a tag */
    size_t nodes;
};

enum template_tag_type {
    TEMPLATE_TAG_TEXT, /* no tag */
    TEMPLATE_TAG_COMMENT,
    TEMPLATE_TAG_VALUE,
    TEMPLATE_TAG_OPEN,
    TEMPLATE_TAG_ELSE,
    TEMPLATE_TAG_ELSE_BLOCK, /* `{{else if x}}` */
    TEMPLATE_TAG_CLOSE,
    TEMPLATE_TAG_END, /* of the source */
};

struct template_tag {
    enum template_tag_type type;
    unsigned line;
    str text;
    struct template_strip strip;
    struct template_path path;
    bool raw, triple; /* `{{&x}}` and `{{{x}}}`; the latter */
    enum template_block block;
};

/* The next text or tag; texts are not empty. */
error mail_template_scan(struct template_reader *reader, struct template_tag *out);

/* The 400 that names template and line. */
error mail_template_error(const struct template_reader *reader, unsigned line, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

error mail_template_parse(struct template_reader *reader, struct template_program *out);

/* Strips the texts of the tree. */
void mail_template_strip(struct template_program *root);

/* Length in bytes of the whitespace (JavaScript's `\s`) that `s`, which is UTF-8, begins or ends with. */
size_t mail_template_leading_blanks(str s);
size_t mail_template_trailing_blanks(str s);

/* --- values -------------------------------------------------------------------------------------- */

enum template_value_type {
    TEMPLATE_NULL, /* also undefined */
    TEMPLATE_BOOLEAN,
    TEMPLATE_NUMBER,
    TEMPLATE_STRING,
    TEMPLATE_ARRAY,
    TEMPLATE_OBJECT,
};

struct template_value {
    enum template_value_type type;
    double number;           /* NUMBER; 0 or 1 for BOOLEAN */
    str text;                /* STRING */
    const struct json *node; /* ARRAY and OBJECT: what makes two of them the same */
};

/* `json` may be NULL. */
struct template_value mail_template_value(const struct json *json);
struct template_value mail_template_number(double number);
struct template_value mail_template_boolean(bool value);

/* The own property of that name: a member, an element, a `length`; else null. */
struct template_value mail_template_property(const struct template_value *value, str name);

/* What {{#if}} takes for true; what {{#with}} takes for something: 0 too. */
bool mail_template_truthy(const struct template_value *value);
bool mail_template_empty(const struct template_value *value);

/* Appends String(value), null as nothing. */
void mail_template_print(const struct template_value *value, struct buf *out);

/* JavaScript's ==. `scratch` is for texts to compare. */
bool mail_template_loosely_equal(const struct template_value *a, const struct template_value *b,
                                 struct buf *scratch);
