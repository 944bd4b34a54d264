#include "http/response.h"
#include "http/status.h"

#include <string.h>

/* An upper bound of all that is printed beside texts of unknown length. */
enum { FIXED_ROOM = 512 };

static const struct error NO_SHA1 = ERROR(500, "OpenSSL has no SHA-1");

error http_printer_init(struct http_printer *printer, struct arena *arena, const char *cors_origin,
                        uint64_t idle_timeout_ms)
{
    struct http_printer made = { 0 };

    TRY(http_cors_new(arena, cors_origin, &made.cors));
    made.keep_alive = arena_printf(arena, "Connection: keep-alive\r\nKeep-Alive: timeout=%u\r\n",
                                   (unsigned)(idle_timeout_ms / 1000));
    if (!made.keep_alive.at)
        return &ERROR_OUT_OF_MEMORY;
    made.etags = http_etags_new();
    if (!made.etags)
        return &NO_SHA1;
    *printer = made;
    return NULL;
}

void http_printer_free(struct http_printer *printer)
{
    http_etags_free(printer->etags);
    printer->etags = NULL;
}

/* What is to be printed, once everything about it is decided. */
struct page {
    int status;
    bool has_content; /* Content-Type and Content-Length are printed */
    str type, etag, body;
    str cors, headers;
    str connection;
};

static char *put(char *to, str text)
{
    memcpy(to, text.at, text.len);
    return to + text.len;
}

static char *put_uint(char *to, size_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    return put(to, (str){ digits + at, sizeof digits - at });
}

static char *put_status(char *to, int status)
{
    if (status == 200)
        return put(to, STR("HTTP/1.1 200 OK\r\n"));
    to = put(to, STR("HTTP/1.1 "));
    to = put_uint(to, (size_t)status);
    *to++ = ' ';
    to = put(to, http_reason(status));
    return put(to, STR("\r\n"));
}

static char *put_field(char *to, str name, str value)
{
    to = put(to, name);
    to = put(to, value);
    return put(to, STR("\r\n"));
}

static char *put_content(char *to, const struct page *page)
{
    if (page->type.len)
        to = put_field(to, STR("Content-Type: "), page->type);
    to = put(to, STR("Content-Length: "));
    to = put_uint(to, page->body.len);
    return put(to, STR("\r\n"));
}

static char *put_page(char *to, const struct page *page, str date)
{
    to = put_status(to, page->status);
    to = put(to, page->cors);
    to = put(to, page->headers);
    if (page->has_content)
        to = put_content(to, page);
    if (page->etag.len)
        to = put_field(to, STR("ETag: "), page->etag);
    to = put_field(to, STR("Date: "), date);
    to = put(to, page->connection);
    return put(to, STR("\r\n"));
}

static bool is_get(const struct http_request *request)
{
    return request && (request->method == HTTP_GET || request->method == HTTP_HEAD);
}

static bool has_no_cache(str cache_control)
{
    str directive;

    while (str_next_piece(&cache_control, ',', &directive))
        if (str_eq_nocase(str_trim(directive), STR("no-cache")))
            return true;
    return false;
}

/* Whether the client holds this very answer already (RFC 9110 section 13.1.2, and Express's exception). */
static bool is_fresh(const struct http_request *request, const struct page *page)
{
    if (page->status != 200 || !page->etag.len || !is_get(request))
        return false;
    str known = http_header(request, STR("If-None-Match"));

    return known.len && http_etag_matches(known, page->etag) &&
           !has_no_cache(http_header(request, STR("Cache-Control")));
}

static bool has_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

int http_print(struct http_printer *printer, const struct http_answer *answer, struct buf *out)
{
    const struct http_request *request = answer->request;
    const struct http_response *response = answer->response;
    char etag[HTTP_ETAG_MAX];
    struct page page = {
        .status = response->status,
        .has_content = has_content(response->status),
        .type = str_of(response->content_type),
        .body = response->body.at ? response->body : STR(""),
        .etag = { etag, 0 },
        .headers = buf_text(&response->headers),
        .connection = answer->keep_alive ? printer->keep_alive : STR("Connection: close\r\n"),
        .cors = request && http_cors_is_preflight(&printer->cors, request) ? printer->cors.preflight
                                                                           : printer->cors.answer,
    };

    if (page.has_content && page.type.len && !response->no_etag)
        page.etag.len = http_etag(printer->etags, page.body, etag);
    if (is_fresh(request, &page)) {
        page.status = 304;
        page.has_content = false;
    }
    bool with_body = page.has_content && !(request && request->method == HTTP_HEAD);
    char *start = buf_reserve(out, FIXED_ROOM + page.cors.len + page.headers.len + page.type.len +
                                       (with_body ? page.body.len : 0));

    if (!start)
        return page.status;
    char *end = put_page(start, &page, http_date_now(&printer->date));

    if (with_body)
        end = put(end, page.body);
    out->len += (size_t)(end - start);
    return page.status;
}
