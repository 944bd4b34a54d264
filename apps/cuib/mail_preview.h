/* `cuib mail`: looks at the templates of the mails without sending any. Those of MAIL_TEMPLATES are read anew each
 * time, so that who writes them sees what he does.
 *
 *     cuib mail preview [TEMPLATE] [--port N]
 *         serves all templates, filled with an example, on http://127.0.0.1:N (0, and when it is left out: a free port)
 *     cuib mail render TEMPLATE LANGUAGE html|text|subject [-]
 *         prints one, filled with an example, or with the JSON object on its standard input
 *
 * Gives the exit code: 0, 1 for a template or data that are wrong, 64 for the command line. */
#pragma once

int mail_command(int argc, char **argv);
