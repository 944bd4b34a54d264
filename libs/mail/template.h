/* Templates in the syntax of Handlebars 4.7: the part of it that mails need, compiled once.
 *
 *     {{x}}  {{{x}}}  {{&x}}              a value, escaped as Handlebars escapes it, or as it is
 *     {{a.b}}  {{a/b}}  {{this}}  {{this.x}}  {{../x}}     paths
 *     {{#each list}} … {{else}} … {{/each}}, with {{@index}}, {{@key}}, {{@first}}, {{@last}}
 *     {{#if x}} … {{else if y}} … {{else}} … {{/if}}  {{#unless x}} … {{/unless}}  {{#with x}} … {{/with}}
 *     {{! … }}  {{!-- … --}}  {{~ x ~}}  \{{raw}}
 *
 * and the same removal of lines that hold nothing but a block's tag. Everything else that Handlebars knows (helpers,
 * partials, decorators, block parameters, literals, `[…]` segments) is an error when the template is compiled. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"
#include "schema/schema.h"

enum {
    MAIL_TEMPLATE_MAX = 256 * 1024, /* bytes of a source */
    MAIL_TEMPLATE_DEPTH_MAX = 32,   /* blocks within blocks */
    MAIL_TEMPLATE_NODES_MAX = 10 * 1000,
};

struct mail_template;

/* Compiles `source`, which is copied, into `arena`. A 400 names the template, the line and what is wrong:
 * "order-confirmation.html:12: {{#if}} is not closed". */
error mail_template_compile(struct arena *arena, const char *name, str source,
                            struct mail_template **out);

/* Whether every path of the template leads to a member of the table (by its JSON names, through lists and objects).
 * A 400 names the first that does not: "order-confirmation.html:12: {{order.totl}}: order has no totl; it has id,
 * items, total". */
error mail_template_check(struct arena *arena, const struct mail_template *template,
                          const struct schema *schema);

enum mail_escape {
    MAIL_ESCAPE_HTML, /* {{x}} escapes & < > " ' ` = as Handlebars does */
    MAIL_ESCAPE_NONE, /* for texts that are no HTML: Handlebars' `noEscape` */
};

/* Appends the template filled with `data`, a JSON object. Values are printed as JavaScript prints them; what is missing
 * or null is empty. ERROR_OUT_OF_MEMORY when `out` is full. */
error mail_template_render(const struct mail_template *template, const struct json *data,
                           enum mail_escape escape, struct buf *out);
