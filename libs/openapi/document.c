/* The document as a whole: a draft is written, read back (openapi_internal.h) and printed twice. */
#include "openapi/openapi_internal.h"

static void write_info(struct buf *out, const struct openapi_info *info)
{
    openapi_member(out, "info");
    BUF_ADD(out, "{");
    openapi_text_member(out, "title", info->title);
    openapi_text_member(out, "description", info->description);
    openapi_text_member(out, "version", info->version);
    BUF_ADD(out, ",\"contact\":{}}");
}

/* Members in the order in which @nestjs/swagger has them. */
static void write_draft(struct openapi_draft *draft, const struct openapi_info *info)
{
    struct buf *out = &draft->out;

    BUF_ADD(out, "{\"openapi\":\"3.0.0\",\"paths\":");
    openapi_write_paths(draft, info->routes);
    write_info(out, info);
    BUF_ADD(out,
            ",\"tags\":[],\"servers\":[],\"components\":{\"securitySchemes\":{\"bearer\":"
            "{\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\",\"type\":\"http\"}},\"schemas\":");
    openapi_write_components(draft);
    BUF_ADD(out, "}}");
}

static error read_draft(const struct openapi_draft *draft, const struct json **out)
{
    str text = buf_text(&draft->out);

    if (draft->problem)
        return draft->problem;
    if (buf_failed(&draft->out) || buf_failed(&draft->scratch))
        return &ERROR_OUT_OF_MEMORY;
    if (!str_is_utf8(text))
        return error_new(draft->arena, 500, "OpenAPI: a text in the tables is not UTF-8");
    error e = json_parse(draft->arena, text, out);

    if (!e || e == &ERROR_OUT_OF_MEMORY)
        return e;
    return error_because(draft->arena, e, 500, "OpenAPI: the tables make no JSON: %s", e->message);
}

static error print(const struct json *document, const char *title, struct openapi *out)
{
    json_write(&out->json, document);
    openapi_write_yaml(&out->yaml, document);
    openapi_write_page(&out->page, title, "./docs/");
    openapi_write_page(&out->page_below, title, "./");
    openapi_write_init_js(&out->init_js, buf_text(&out->json));
    if (buf_failed(&out->json) || buf_failed(&out->yaml) || buf_failed(&out->page) ||
        buf_failed(&out->page_below) || buf_failed(&out->init_js))
        return &ERROR_OUT_OF_MEMORY;
    return NULL;
}

error openapi_new(struct arena *arena, const struct openapi_info *info, struct openapi *out)
{
    enum { SCRIPT_MAX = OPENAPI_DOCUMENT_MAX + 1024, PAGE_MAX = 16 * 1024, SCRATCH_MAX = 4 * 1024 };
    struct openapi_draft draft = { .arena = arena,
                                   .out = buf_new(OPENAPI_DOCUMENT_MAX),
                                   .scratch = buf_new(SCRATCH_MAX) };
    struct openapi made = { .json = buf_new(OPENAPI_DOCUMENT_MAX),
                            .yaml = buf_new(OPENAPI_DOCUMENT_MAX),
                            .page = buf_new(PAGE_MAX),
                            .page_below = buf_new(PAGE_MAX),
                            .init_js = buf_new(SCRIPT_MAX) };
    const struct json *document;

    write_draft(&draft, info);
    error e = read_draft(&draft, &document);

    if (!e)
        e = print(document, info->title, &made);
    buf_free(&draft.out);
    buf_free(&draft.scratch);
    if (e)
        openapi_free(&made);
    else
        *out = made;
    return e;
}

void openapi_free(struct openapi *openapi)
{
    buf_free(&openapi->json);
    buf_free(&openapi->yaml);
    buf_free(&openapi->page);
    buf_free(&openapi->page_below);
    buf_free(&openapi->init_js);
}
