/* What compiling refuses and what a field table says. That the output is Handlebars' is tested against it in
 * tests/system/templates.test.mjs. */
#include "mail/template.h"

#include "testing/test.h"

#include <string.h>

struct shipping {
    str street, postal_code;
};

struct line {
    str name;
    int64_t quantity;
    strs notes;
};

struct sale {
    uuid id;
    money total;
    str secret_note;
    json_text extra;
    struct shipping *shipping;
    struct {
        struct line *at;
        size_t len;
    } lines;
};

struct letter {
    str user_name;
    struct sale *sale;
};

static SCHEMA(shipping, FIELD(street), FIELD(postal_code));
static SCHEMA(line, FIELD(name), FIELD(quantity), FIELD(notes));
static SCHEMA(sale, FIELD(id), FIELD(total), FIELD(secret_note, .secret = true), FIELD(extra),
              FIELD(shipping, .of = shipping_schema, .optional = true),
              LIST(lines, .of = line_schema));
static SCHEMA(letter, FIELD(user_name), FIELD(sale, .of = sale_schema));

struct row {
    const char *source;
    const char *expected; /* an error or an output; NULL: no error */
};

static struct arena *fresh_arena(void)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    assert_non_null(arena);
    return arena;
}

static struct mail_template *compiled(struct arena *arena, const char *source)
{
    struct mail_template *template;
    error e = mail_template_compile(arena, "a.html", str_of(source), &template);

    if (e)
        fail_msg("%s: %s", source, e->message);
    return template;
}

static void assert_error(error e, const struct row *row)
{
    if (!row->expected && e)
        fail_msg("%s: %s", row->source, e->message);
    if (!row->expected)
        return;
    if (!e)
        fail_msg("%s: no error", row->source);
    assert_int_equal(e->status, 400);
    assert_string_equal(e->message, row->expected);
}

static void refuse(const struct row *rows, size_t count)
{
    struct arena *arena = fresh_arena();
    struct mail_template *template;

    for (size_t i = 0; i < count; i++)
        assert_error(mail_template_compile(arena, "a.html", str_of(rows[i].source), &template),
                     &rows[i]);
    arena_free(arena);
}

static void check(const struct row *rows, size_t count)
{
    struct arena *arena = fresh_arena();

    for (size_t i = 0; i < count; i++)
        assert_error(mail_template_check(arena, compiled(arena, rows[i].source), letter_schema()),
                     &rows[i]);
    arena_free(arena);
}

static error render(struct arena *arena, const char *source, const char *data, struct buf *out)
{
    const struct json *value;

    assert_null(json_parse(arena, str_of(data), &value));
    return mail_template_render(compiled(arena, source), value, MAIL_ESCAPE_HTML, out);
}

static void an_error_names_the_line_of_the_tag(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{{#if a}}", "a.html:1: {{#if}} is not closed" },
        { "\n\n{{#if a}}\n{{else if b}}\n", "a.html:3: {{#if}} is not closed" },
        { "x\r\n{{#each a}}\r\n{{#with b}}\r\n{{/each}}",
          "a.html:4: {{/each}} cannot close {{#with}}, which is open since line 3" },
        { "{{a}}\n{{!\n\n}}\n{{/if}}", "a.html:5: {{/if}} closes nothing" },
        { "{{\n\na b}}", "a.html:1: helpers are not supported: {{a …}}" },
        { "\\{{a\n}}\n{{a", "a.html:3: the tag is not closed" },
        { "{{else}}", "a.html:1: {{else}} outside of a block" },
        { "{{#if a}}\n{{else}}\n{{else}}", "a.html:3: a second {{else}}" },
    };

    refuse(rows, COUNT_OF(rows));
}

static void what_handlebars_has_beyond_the_subset_is_named(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{{> x}}", "a.html:1: partials are not supported" },
        { "{{#> x}}", "a.html:1: partials are not supported" },
        { "{{* x}}", "a.html:1: decorators are not supported" },
        { "{{{{x}}}}", "a.html:1: raw blocks are not supported" },
        { "{{#x}}",
          "a.html:1: the block \"x\" is not supported: only each, if, unless and with are" },
        { "{{^x}}", "a.html:1: {{^}} is not supported: write {{else}} or {{#unless}}" },
        { "{{[x]}}", "a.html:1: a [segment] is not supported" },
        { "{{'x'}}", "a.html:1: literals are not supported" },
        { "{{#if 1}}", "a.html:1: literals are not supported" },
        { "{{#if (x)}}", "a.html:1: subexpressions are not supported" },
        { "{{#each x as |y|}}", "a.html:1: block parameters are not supported" },
        { "{{@root}}",
          "a.html:1: @root is not supported: only @index, @key, @first and @last are" },
        { "{{lookup}}", "a.html:1: helpers are not supported: {{lookup …}}" },
    };

    refuse(rows, COUNT_OF(rows));
}

static void a_source_that_is_no_text_is_refused(void **state)
{
    (void)state;
    struct arena *arena = fresh_arena();
    struct mail_template *template;
    error e = mail_template_compile(arena, "a.html", STR("a\nb\0c"), &template);

    assert_non_null(e);
    assert_string_equal(e->message, "a.html:2: a NUL byte");
    e = mail_template_compile(arena, "a.html", STR("a\xff"), &template);
    assert_non_null(e);
    assert_string_equal(e->message, "a.html:1: the template is not UTF-8");
    arena_free(arena);
}

static void a_message_shows_the_beginning_of_a_long_name(void **state)
{
    (void)state;
    enum { LONG = 1000 };
    struct arena *arena = fresh_arena();
    struct mail_template *template;
    char source[LONG + 1] = "{{#";

    for (size_t i = 3; i + 1 < LONG; i += 2)
        memcpy(source + i, "ș", 2);
    memcpy(source + LONG - 3, "}}", 3);
    error e = mail_template_compile(arena, "a.html", str_of(source), &template);

    assert_non_null(e);
    assert_true(strlen(e->message) < 200);
    assert_true(str_is_utf8(str_of(e->message)));
    arena_free(arena);
}

static void paths_are_looked_up_in_the_field_table(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{{userName}} {{sale.id}} {{{sale/total}}} {{&this.sale}} {{.}}", NULL },
        { "\n{{sale.totl}}", "a.html:2: {{sale.totl}}: sale has no totl; it has id, total, extra, "
                             "shipping, lines" },
        { "{{user_name}}",
          "a.html:1: {{user_name}}: the data has no user_name; it has userName, sale" },
        { "{{sale.shipping.street}}{{sale.shipping.zip}}",
          "a.html:1: {{sale.shipping.zip}}: sale.shipping has no zip; it has street, postalCode" },
        { "{{sale.id.x}}", "a.html:1: {{sale.id.x}}: sale.id is no object and has no x" },
        { "{{sale.total.length}}",
          "a.html:1: {{sale.total.length}}: sale.total is no object and has no length" },
        { "{{userName.length}} {{sale.lines.length}}", NULL },
        { "{{sale.secretNote}}",
          "a.html:1: {{sale.secretNote}}: sale has no secretNote; it has id, "
          "total, extra, shipping, lines" },
        { "{{sale.extra.any.thing}}{{#each sale.extra}}{{x.y}}{{/each}}", NULL },
        { "{{#if x}}{{/if}}", "a.html:1: {{#if x}}: the data has no x; it has userName, sale" },
        { "{{#if sale}}{{x}}{{/if}}", "a.html:1: {{x}}: the data has no x; it has userName, sale" },
        { "{{#unless sale}}{{else if x}}{{/unless}}",
          "a.html:1: {{#if x}}: the data has no x; it has userName, sale" },
        { "{{../userName}}", "a.html:1: {{../userName}}: \"../\" leads out of the data" },
    };

    check(rows, COUNT_OF(rows));
}

static void blocks_lead_into_lists_and_objects(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{{#each sale.lines}}{{name}}{{../userName}}{{@index}}{{#each notes}}{{this}}{{length}}"
          "{{../name}}{{../../sale.id}}{{@../last}}{{/each}}{{/each}}",
          NULL },
        { "{{#each sale.lines}}\n{{nam}}{{/each}}",
          "a.html:2: {{nam}}: an element of sale.lines has no nam; it has name, quantity, notes" },
        { "{{#each sale.lines}}{{else}}{{name}}{{/each}}",
          "a.html:1: {{name}}: the data has no name; it has userName, sale" },
        { "{{sale.lines.0.name}}{{sale.lines.name}}",
          "a.html:1: {{sale.lines.name}}: sale.lines is a list and has no name" },
        { "{{#each sale.lines}}{{#each notes}}{{x}}{{/each}}{{/each}}",
          "a.html:1: {{x}}: an element of notes is no object and has no x" },
        { "{{#each userName}}{{/each}}", "a.html:1: {{#each userName}}: userName is no list" },
        { "{{#each sale}}{{x}}{{@key}}{{/each}}", NULL },
        { "{{#with sale.shipping}}{{street}}{{../sale.id}}{{#if "
          "street}}{{../userName}}{{/if}}{{/with}}",
          NULL },
        { "{{#with sale}}{{userName}}{{/with}}",
          "a.html:1: {{userName}}: sale has no userName; it has "
          "id, total, extra, shipping, lines" },
        { "{{#with sale}}{{#with this}}{{../userName}}{{/with}}{{/with}}", NULL },
        { "{{@index}}", "a.html:1: {{@index}}: there is no {{#each}} around it" },
        { "{{#each sale.lines}}{{@../index}}{{/each}}",
          "a.html:1: {{@../index}}: there is no {{#each}} around it" },
    };

    check(rows, COUNT_OF(rows));
}

static void a_template_is_filled_with_data(void **state)
{
    (void)state;
    struct arena *arena = fresh_arena();
    struct buf out = buf_new(1000);

    assert_null(
        render(arena,
               "<ul>\n{{#each items}}\n  <li>{{@index}} {{name}}</li>\n{{else}}\nnone\n{{/each}}\n"
               "</ul>\n",
               "{\"items\":[{\"name\":\"a & b\"},{\"name\":\"c\"}]}", &out));
    assert_text(buf_text(&out), "<ul>\n  <li>0 a &amp; b</li>\n  <li>1 c</li>\n</ul>\n");
    buf_free(&out);
    arena_free(arena);
}

static void a_template_without_data_is_filled_with_nothing(void **state)
{
    (void)state;
    struct arena *arena = fresh_arena();
    struct buf out = buf_new(1000);

    assert_null(mail_template_render(compiled(arena, "[{{a.b}}{{#if a}}x{{else}}y{{/if}}]"), NULL,
                                     MAIL_ESCAPE_HTML, &out));
    assert_text(buf_text(&out), "[y]");
    buf_free(&out);
    arena_free(arena);
}

static void a_template_outlives_its_source(void **state)
{
    (void)state;
    struct arena *arena = fresh_arena();
    struct mail_template *template;
    struct buf out = buf_new(1000);
    char source[] = "a{{b}}c", name[] = "a.html";

    assert_null(mail_template_compile(arena, name, str_of(source), &template));
    memset(source, '!', sizeof source - 1);
    memset(name, '!', sizeof name - 1);
    assert_null(mail_template_render(template, NULL, MAIL_ESCAPE_HTML, &out));
    assert_text(buf_text(&out), "ac");
    assert_string_equal(mail_template_check(arena, template, letter_schema())->message,
                        "a.html:1: {{b}}: the data has no b; it has userName, sale");
    buf_free(&out);
    arena_free(arena);
}

static void a_full_buffer_ends_the_rendering(void **state)
{
    (void)state;
    struct arena *arena = fresh_arena();
    struct buf out = buf_new(10);

    assert_ptr_equal(
        render(arena, "{{#each a}}{{this}}{{/each}}", "{\"a\":[\"12345678\",\"9abc\",1]}", &out),
        &ERROR_OUT_OF_MEMORY);
    buf_free(&out);
    arena_free(arena);
}

static void a_full_arena_ends_the_compilation(void **state)
{
    (void)state;
    struct mail_template *template;
    const char *source =
        "{{#if a}}{{b.c}}{{else if d}}{{! e }}{{else}}{{@index}}{{/if}} and some more text";
    size_t refused = 0;
    bool done = false;

    for (size_t max = 1; !done; max += 8) {
        struct arena *arena = arena_new(max);

        assert_non_null(arena);
        error e = mail_template_compile(arena, "a.html", str_of(source), &template);

        done = !e;
        if (e)
            assert_ptr_equal(e, &ERROR_OUT_OF_MEMORY);
        refused += !done;
        arena_free(arena);
    }
    assert_true(refused > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_names_the_line_of_the_tag),
        cmocka_unit_test(what_handlebars_has_beyond_the_subset_is_named),
        cmocka_unit_test(a_source_that_is_no_text_is_refused),
        cmocka_unit_test(a_message_shows_the_beginning_of_a_long_name),
        cmocka_unit_test(paths_are_looked_up_in_the_field_table),
        cmocka_unit_test(blocks_lead_into_lists_and_objects),
        cmocka_unit_test(a_template_is_filled_with_data),
        cmocka_unit_test(a_template_without_data_is_filled_with_nothing),
        cmocka_unit_test(a_template_outlives_its_source),
        cmocka_unit_test(a_full_buffer_ends_the_rendering),
        cmocka_unit_test(a_full_arena_ends_the_compilation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
