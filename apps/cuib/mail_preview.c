#include "apps/cuib/mail_preview.h"
#include "apps/notification-service/templates.h"
#include "http/server.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_MAX = 8 * 1024 * 1024,
    DATA_MAX = 1024 * 1024,
    DRAIN_MS = 1000,
    EXIT_USAGE = 64, /* sysexits.h: EX_USAGE */
};

#define HTML "text/html; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

struct preview_settings {
    str mail_templates;
};

static SCHEMA(preview_settings, FIELD(mail_templates, .optional = true));

/* One run of the command. */
struct preview {
    struct arena *arena;
    str directory;
    const char *template; /* that is opened first; NULL: the index */
    unsigned port;
    struct wait stop, drained;
    int status;
};

static int complain(const char *what, error failed, int status)
{
    log_flush();
    fprintf(stderr, "cuib mail %s: %s\n", what, failed->message);
    return status;
}

static int usage(void)
{
    fprintf(stderr, "cuib mail: usage: cuib mail preview [TEMPLATE] [--port N]\n"
                    "                  cuib mail render TEMPLATE LANGUAGE html|text|subject [-]\n");
    return EXIT_USAGE;
}

/* --- one template -------------------------------------------------------------------------------- */

static bool index_of(const char *const *names, str name, int *out)
{
    for (int i = 0; names[i]; i++) {
        if (!str_is(name, names[i]))
            continue;
        *out = i;
        return true;
    }
    return false;
}

static bool make_key(str language, str letter, str part, struct template_key *out)
{
    int indices[3];

    if (!index_of(mail_languages, language, &indices[0]) ||
        !index_of(letter_names, letter, &indices[1]) ||
        !index_of(letter_part_names, part, &indices[2]))
        return false;
    *out = (struct template_key){ (enum language)indices[0], (enum letter)indices[1],
                                  (enum letter_part)indices[2] };
    return true;
}

/* Fills it with `values`, or, when they are NULL, with the example. */
static error fill(struct arena *arena, str directory, struct template_key key,
                  const struct json *values, str *out)
{
    const struct letter_facts example = letter_example(key.letter, key.language);
    struct mail_template *template;

    TRY(template_load(arena, directory, key, &template));
    if (!values)
        TRY(letter_values(arena, key.letter, &example, &values));
    return template_fill(arena, template, key.part, values, out);
}

/* --- pages --------------------------------------------------------------------------------------- */

static const char HEAD[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mails</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "iframe{width:100%;height:44rem;border:1px solid #bbb}"
    "pre{white-space:pre-wrap;border:1px solid #bbb;padding:1rem}"
    "td,th{padding:.2rem 1.5rem .2rem 0;text-align:left}</style></head><body>\n";

static void add_escaped(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&': BUF_ADD(out, "&amp;"); break;
        case '<': BUF_ADD(out, "&lt;"); break;
        case '>': BUF_ADD(out, "&gt;"); break;
        case '"': BUF_ADD(out, "&quot;"); break;
        default: buf_add_char(out, text.at[i]);
        }
    }
}

static void add_index(struct buf *out)
{
    BUF_ADD(out, "<h1>Mails</h1>\n<table>\n");
    for (int letter = 0; letter_names[letter]; letter++) {
        buf_printf(out, "<tr><th>%s</th>", letter_names[letter]);
        for (int i = 0; mail_languages[i]; i++)
            buf_printf(out, "<td><a href=\"/%s/%s\">%s</a></td>", mail_languages[i],
                       letter_names[letter], mail_languages[i]);
        BUF_ADD(out, "</tr>\n");
    }
    BUF_ADD(out, "</table>\n");
}

static void add_part(struct call *call, const struct preview *preview, struct template_key key,
                     struct buf *out)
{
    str text;
    error failed = fill(call->arena, preview->directory, key, NULL, &text);

    buf_printf(out, "<h2>%s</h2>\n", letter_part_names[key.part]);
    if (!failed && key.part == LETTER_HTML) {
        buf_printf(out, "<iframe sandbox src=\"/%s/%s.html\"></iframe>\n",
                   mail_languages[key.language], letter_names[key.letter]);
        return;
    }
    buf_add(out, failed ? STR("<pre class=\"error\">") : STR("<pre>"));
    add_escaped(out, failed ? str_of(failed->message) : text);
    BUF_ADD(out, "</pre>\n");
}

static void add_letter(struct call *call, const struct preview *preview, struct template_key key,
                       struct buf *out)
{
    buf_printf(out, "<p><a href=\"/\">Mails</a></p>\n<h1>%s (%s)</h1>\n", letter_names[key.letter],
               mail_languages[key.language]);
    for (int part = 0; part < LETTER_PARTS; part++) {
        key.part = (enum letter_part)part;
        add_part(call, preview, key, out);
    }
}

static void respond_page(struct call *call, struct http_response *response, struct buf *page)
{
    BUF_ADD(page, "</body></html>\n");
    str body = buf_failed(page) ? (str){ NULL, 0 } : arena_copy(call->arena, buf_text(page));

    if (body.at)
        http_respond(response, 200, HTML, body);
    else
        http_respond_error(call->arena, response, &ERROR_OUT_OF_MEMORY);
}

static void respond_part(struct call *call, const struct preview *preview, struct template_key key,
                         struct http_response *response)
{
    str text;
    error failed = fill(call->arena, preview->directory, key, NULL, &text);

    if (failed)
        http_respond(response, 500, PLAIN, str_of(failed->message));
    else
        http_respond(response, 200, key.part == LETTER_HTML ? HTML : PLAIN, text);
}

/* "/", "/ro/order-confirmation" and "/ro/order-confirmation.html". */
static void serve(struct call *call, struct http_request *request, struct http_response *response,
                  void *cookie)
{
    const struct preview *preview = cookie;
    str rest = str_slice(request->path, 1, request->path.len), language, letter;
    struct template_key key;
    struct buf page = buf_new(PAGE_MAX);
    bool named = rest.len && str_next_piece(&rest, '/', &language) && rest.at;
    size_t dot = named ? str_find(rest, '.') : 0;

    letter = str_slice(rest, 0, dot);
    buf_add(&page, str_of(HEAD));
    http_add_header(response, STR("Cache-Control"), STR("no-store"));
    if (str_is(request->path, "/")) {
        add_index(&page);
        respond_page(call, response, &page);
    } else if (named && dot == rest.len && make_key(language, letter, STR("html"), &key)) {
        add_letter(call, preview, key, &page);
        respond_page(call, response, &page);
    } else if (named && make_key(language, letter, str_slice(rest, dot + 1, rest.len), &key)) {
        respond_part(call, preview, key, response);
    } else {
        http_respond(response, 404, PLAIN, STR("There is no such mail.\n"));
    }
    buf_free(&page);
}

/* --- preview ------------------------------------------------------------------------------------- */

static void stop_wanted(void *cookie)
{
    wait_done(&((struct preview *)cookie)->stop);
}

static void drained(void *cookie)
{
    wait_done(&((struct preview *)cookie)->drained);
}

static void serve_until_stopped(struct preview *preview, struct http_server *server)
{
    struct call call = call_new(preview->arena, CALL_TIMEOUT_MS);

    printf("http://127.0.0.1:%u/", http_server_port(server));
    if (preview->template)
        printf("%s/%s", mail_languages[0], preview->template);
    putchar('\n');
    fflush(stdout);
    call_wait_done(&call, &preview->stop);
    http_server_drain(server, DRAIN_MS, drained, preview);
    call_wait_done(&call, &preview->drained);
}

/* Runs on a fiber. */
static void run_preview(void *argument)
{
    struct preview *preview = argument;
    const struct http_server_options options = {
        .address = "127.0.0.1",
        .port = preview->port,
        .handle = serve,
        .cookie = preview,
    };
    struct http_server *server = NULL;
    error failed = signals_on_stop(stop_wanted, preview);

    if (!failed)
        failed = http_server_new(preview->arena, &options, &server);
    if (failed)
        preview->status = complain("preview", failed, EXIT_FAILURE);
    else
        serve_until_stopped(preview, server);
    http_server_free(server);
    signals_close();
}

static bool read_preview_arguments(int argc, char **argv, struct preview *preview)
{
    for (int i = 0; i < argc; i++) {
        enum letter letter;
        uint64_t port;

        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc &&
            str_to_uint(str_of(argv[i + 1]), UINT16_MAX, &port)) {
            preview->port = (unsigned)port;
            i++;
        } else if (!preview->template && letter_named(str_of(argv[i]), &letter)) {
            preview->template = argv[i];
        } else {
            fprintf(stderr, "cuib mail preview: '%s' is neither a template nor --port N\n",
                    argv[i]);
            return false;
        }
    }
    return true;
}

static int preview_templates(int argc, char **argv, struct preview *preview)
{
    if (!read_preview_arguments(argc, argv, preview))
        return EXIT_USAGE;
    log_setup(LOG_WARN, LOG_TEXT);
    if (loop_init() || fiber_run_all(run_preview, preview)) {
        fprintf(stderr, "cuib mail preview: out of memory\n");
        return EXIT_FAILURE;
    }
    loop_close();
    return preview->status;
}

/* --- render -------------------------------------------------------------------------------------- */

static error read_input(struct arena *arena, const struct json **out)
{
    char *text = arena_alloc(arena, DATA_MAX + 1);
    size_t len = text ? fread(text, 1, DATA_MAX + 1, stdin) : 0;
    str repaired;

    if (!text)
        return &ERROR_OUT_OF_MEMORY;
    if (len > DATA_MAX)
        return error_new(arena, 400, "the data are longer than %d bytes", DATA_MAX);
    repaired = json_repair_utf8(arena, (str){ text, len });
    if (!repaired.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(json_parse(arena, repaired, out));
    return (*out)->type == JSON_OBJECT ? NULL
                                       : error_new(arena, 400, "the data are no JSON object");
}

static error print_filled(struct preview *preview, struct template_key key, bool from_input)
{
    const struct json *values = NULL;
    str text;

    if (from_input)
        TRY(read_input(preview->arena, &values));
    TRY(fill(preview->arena, preview->directory, key, values, &text));
    fwrite(text.at, 1, text.len, stdout);
    if (key.part == LETTER_SUBJECT)
        putchar('\n');
    return NULL;
}

static int render_template(int argc, char **argv, struct preview *preview)
{
    bool from_input = argc == 4 && strcmp(argv[3], "-") == 0;
    struct template_key key;

    if (argc != 3 && !from_input)
        return usage();
    if (!make_key(str_of(argv[1]), str_of(argv[0]), str_of(argv[2]), &key)) {
        fprintf(stderr, "cuib mail render: there is no %s/%s.%s\n", argv[1], argv[0], argv[2]);
        return EXIT_USAGE;
    }
    error failed = print_filled(preview, key, from_input);

    return failed ? complain("render", failed, EXIT_FAILURE) : EXIT_SUCCESS;
}

/* --- both ---------------------------------------------------------------------------------------- */

static int run_command(int argc, char **argv, struct preview *preview)
{
    struct preview_settings settings;
    error failed = settings_load(preview_settings_schema(), preview->arena, &settings);

    if (failed)
        return complain(argv[0], failed, EXIT_FAILURE);
    preview->directory = settings.mail_templates;
    if (strcmp(argv[0], "preview") == 0)
        return preview_templates(argc - 1, argv + 1, preview);
    if (strcmp(argv[0], "render") == 0)
        return render_template(argc - 1, argv + 1, preview);
    return usage();
}

int mail_command(int argc, char **argv)
{
    struct preview preview = { 0 };

    if (!argc)
        return usage();
    preview.arena = arena_new(ARENA_CALL_MAX);
    if (!preview.arena) {
        fprintf(stderr, "cuib mail: out of memory\n");
        return EXIT_FAILURE;
    }
    int status = run_command(argc, argv, &preview);

    arena_free(preview.arena);
    return status;
}
