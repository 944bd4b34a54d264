#include "http/message.h"
#include "http/status.h"
#include "json/json.h"

#include <assert.h>
#include <string.h>

enum {
    ERROR_BODY_ROOM = 128,     /* for everything but the texts */
    ESCAPED_CHARACTER_MAX = 6, /* bytes that one byte takes in a JSON string: \u001f */
};

str http_header(const struct http_request *request, str name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_eq_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    return (str){ NULL, 0 };
}

str http_param(const struct http_request *request, str name)
{
    for (size_t i = 0; i < request->param_count; i++)
        if (str_eq(request->params[i].name, name))
            return request->params[i].value;
    return (str){ NULL, 0 };
}

static bool is_one_line(str value)
{
    return str_find(value, '\r') == value.len && str_find(value, '\n') == value.len &&
           str_find(value, '\0') == value.len;
}

void http_add_header(struct http_response *response, str name, str value)
{
    assert(is_one_line(name) && is_one_line(value));
    buf_add(&response->headers, name);
    BUF_ADD(&response->headers, ": ");
    buf_add(&response->headers, value);
    BUF_ADD(&response->headers, "\r\n");
}

void http_respond(struct http_response *response, int status, const char *content_type, str body)
{
    response->status = status;
    response->content_type = content_type;
    response->body = body;
}

static void write_messages(struct buf *out, const strs *messages)
{
    BUF_ADD(out, "[");
    for (size_t i = 0; i < messages->len; i++) {
        if (i)
            BUF_ADD(out, ",");
        json_write_string(out, messages->at[i]);
    }
    BUF_ADD(out, "]");
}

static void write_message(struct buf *out, error e)
{
    BUF_ADD(out, "\"message\":");
    if (e->messages)
        write_messages(out, e->messages);
    else
        json_write_string(out, str_of(e->message));
}

static void write_status(struct buf *out, error e)
{
    BUF_ADD(out, "\"statusCode\":");
    buf_add_int(out, e->status);
}

/* "Not Found". Node.js has names for more codes than NestJS has exceptions. */
static str name_of(int status)
{
    str name = str_of(error_name(status));

    return str_eq(name, STR("Error")) ? http_reason(status) : name;
}

static void write_error(struct buf *out, error e)
{
    BUF_ADD(out, "{");
    if (e->form == ERROR_BRIEF) {
        write_status(out, e);
        BUF_ADD(out, ",");
        write_message(out, e);
    } else {
        write_message(out, e);
        if (e->form == ERROR_NAMED) {
            BUF_ADD(out, ",\"error\":");
            json_write_string(out, name_of(e->status));
        }
        BUF_ADD(out, ",");
        write_status(out, e);
    }
    BUF_ADD(out, "}");
}

static size_t room_for(error e)
{
    size_t texts = strlen(e->message), count = e->messages ? e->messages->len : 0;

    for (size_t i = 0; i < count; i++)
        texts += e->messages->at[i].len;
    return ERROR_BODY_ROOM + texts * ESCAPED_CHARACTER_MAX + count * sizeof "\"\",";
}

static void add_retry_after(struct http_response *response, unsigned seconds)
{
    char digits[20];
    size_t at = sizeof digits;

    for (; seconds; seconds /= 10)
        digits[--at] = (char)('0' + seconds % 10);
    http_add_header(response, STR("Retry-After"), (str){ digits + at, sizeof digits - at });
}

void http_respond_error(struct arena *arena, struct http_response *response, error e)
{
    size_t room = room_for(e);
    char *at = arena_alloc(arena, room);
    /* A buffer that is full from the start to its limit writes in the arena and never asks the heap. */
    struct buf body = { .at = at, .capacity = room, .max = room };

    response->status = e->status;
    if (e->retry_after_s)
        add_retry_after(response, e->retry_after_s);
    response->content_type = HTTP_JSON;
    response->body = STR("{\"statusCode\":503,\"message\":\"Out of memory\"}");
    if (!at) {
        response->status = ERROR_OUT_OF_MEMORY.status;
        return;
    }
    write_error(&body, e);
    assert(!buf_failed(&body));
    response->body = buf_text(&body);
}
