/* Swagger UI at the addresses where @nestjs/swagger has it. Relative links make the page work behind a
 * proxy that adds a prefix; they depend on whether the address ends with a slash, hence two pages. */
#include "openapi/openapi_internal.h"

#define HTML "text/html; charset=utf-8"
#define YAML "text/yaml; charset=utf-8"

/* Pages that are made at the start. All lie where express would look first, so the order does not count. */
static const struct page {
    const char *path;
    size_t content; /* offset of its buffer in struct openapi */
    const char *type;
} pages[] = {
    { "/api/docs", offsetof(struct openapi, page), HTML },
    { "/api/docs/", offsetof(struct openapi, page_below), HTML },
    { "/api/docs/index.html", offsetof(struct openapi, page_below), HTML },
    { "/api/docs/swagger-ui-init.js", offsetof(struct openapi, init_js),
      "application/javascript; charset=utf-8" },
    { "/api/docs-json", offsetof(struct openapi, json), HTTP_JSON },
    { "/api/docs-json/", offsetof(struct openapi, json), HTTP_JSON },
    { "/api/docs-yaml", offsetof(struct openapi, yaml), YAML },
    { "/api/docs-yaml/", offsetof(struct openapi, yaml), YAML },
};

/* Files of Swagger UI, which the build put into the program. */
#define FILES_PATH "/api/docs/"

static const struct {
    const char *ending, *type;
} file_types[] = {
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".png", "image/png" },
};

static const char *type_of(str name)
{
    for (size_t i = 0; i < sizeof file_types / sizeof file_types[0]; i++)
        if (str_ends_with(name, str_of(file_types[i].ending)))
            return file_types[i].type;
    return "application/octet-stream";
}

static bool serve_page(const struct openapi *openapi, str path, struct http_response *response)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!str_eq_nocase(path, str_of(pages[i].path)))
            continue;
        const struct buf *content = (const void *)((const char *)openapi + pages[i].content);

        http_respond(response, 200, pages[i].type, buf_text(content));
        return true;
    }
    return false;
}

static bool serve_file(str path, struct http_response *response)
{
    str folder = STR(FILES_PATH), name = str_slice(path, folder.len, path.len);

    if (!str_eq_nocase(str_slice(path, 0, folder.len), folder))
        return false;
    for (const struct embedded_file *file = swagger_ui_files; file->name; file++) {
        if (!str_eq_nocase(name, str_of(file->name)))
            continue;
        http_respond(response, 200, type_of(str_of(file->name)),
                     (str){ (const char *)file->at, file->len });
        http_add_header(response, STR("Cache-Control"), STR("public, max-age=0"));
        return true;
    }
    return false;
}

bool openapi_serve(const struct openapi *openapi, const struct http_request *request,
                   struct http_response *response)
{
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return false;
    return serve_page(openapi, request->path, response) || serve_file(request->path, response);
}

static void add_html(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '<': BUF_ADD(out, "&lt;"); break;
        case '&': BUF_ADD(out, "&amp;"); break;
        default: buf_add_char(out, text.at[i]);
        }
    }
}

/* The bar at the top is for loading other documents, so it is hidden, as NestJS hides it. */
void openapi_write_page(struct buf *out, const char *title, const char *base)
{
    BUF_ADD(out, "<!DOCTYPE html>\n"
                 "<html lang=\"en\">\n"
                 "<head>\n"
                 "<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<title>");
    add_html(out, str_of(title));
    BUF_ADD(out, "</title>\n");
    buf_printf(out, "<link rel=\"stylesheet\" href=\"%sswagger-ui.css\">\n", base);
    for (unsigned size = 16; size <= 32; size += 16)
        buf_printf(out,
                   "<link rel=\"icon\" type=\"image/png\" sizes=\"%ux%u\""
                   " href=\"%sfavicon-%ux%u.png\">\n",
                   size, size, base, size, size);
    BUF_ADD(out, "<style>body { margin: 0 } .swagger-ui .topbar { display: none }</style>\n"
                 "</head>\n"
                 "<body>\n"
                 "<div id=\"swagger-ui\"></div>\n");
    buf_printf(out, "<script src=\"%sswagger-ui-bundle.js\"></script>\n", base);
    buf_printf(out, "<script src=\"%sswagger-ui-standalone-preset.js\"></script>\n", base);
    buf_printf(out, "<script src=\"%sswagger-ui-init.js\"></script>\n", base);
    BUF_ADD(out, "</body>\n"
                 "</html>\n");
}

/* No validatorUrl: the badge would send the document to another host. */
void openapi_write_init_js(struct buf *out, str document)
{
    BUF_ADD(out, "const options = {\n"
                 "  \"swaggerDoc\": ");
    buf_add(out, document);
    BUF_ADD(out, ",\n"
                 "  \"customOptions\": { \"persistAuthorization\": true, \"validatorUrl\": null }\n"
                 "};\n"
                 "\n"
                 "window.ui = SwaggerUIBundle({\n"
                 "  spec: options.swaggerDoc,\n"
                 "  dom_id: '#swagger-ui',\n"
                 "  deepLinking: true,\n"
                 "  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],\n"
                 "  layout: 'StandaloneLayout',\n"
                 "  ...options.customOptions,\n"
                 "});\n");
}
