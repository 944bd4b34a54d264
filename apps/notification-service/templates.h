/* The templates of the mails: three files each (subject, HTML, text) in each language, "ro/order-confirmation.html".
 * They are in the program; a directory may replace them file by file. */
#pragma once

#include "apps/notification-service/letter.h"
#include "mail/template.h"

enum letter_part { LETTER_SUBJECT, LETTER_HTML, LETTER_TEXT, LETTER_PARTS };

/* "subject", "html", "text", NULL: the suffixes. */
extern const char *const letter_part_names[];

/* Which one of them. */
struct template_key {
    enum language language;
    enum letter letter;
    enum letter_part part;
};

/* Reads, compiles and checks one template. `directory` is MAIL_TEMPLATES (at == NULL: none). The error names the
 * file, and the line where it is one of the template's own. */
error template_load(struct arena *arena, str directory, struct template_key key,
                    struct mail_template **out);

/* Fills it. A subject is one line: what breaks lines in it becomes a blank. */
error template_fill(struct arena *arena, const struct mail_template *template,
                    enum letter_part part, const struct json *values, str *out);

/* All of them, as they are when the service starts. */
struct templates {
    struct mail_template *of[LANGUAGE_COUNT][LETTER_COUNT][LETTER_PARTS];
};

error templates_load(struct arena *arena, str directory, struct templates *out);
