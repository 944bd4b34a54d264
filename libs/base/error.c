#include "base/error.h"

const struct error ERROR_OUT_OF_MEMORY = ERROR(503, "Out of memory");
const struct error ERROR_INTERNAL = { .status = 500,
                                      .form = ERROR_BRIEF,
                                      .message = "Internal server error" };
const struct error ERROR_DEADLINE = ERROR(504, "The deadline of the request has passed");
const struct error ERROR_CANCELLED = ERROR(499, "The caller is gone");

const char *error_name(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 418: return "I'm a teapot";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
    }
}

static error make(struct arena *arena, int status, error cause, str text)
{
    struct error *made = text.at ? ARENA_NEW(arena, struct error) : NULL;

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    *made = (struct error){ .status = status, .message = text.at, .cause = cause };
    return made;
}

error error_new(struct arena *arena, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    str text = arena_vprintf(arena, format, arguments);

    va_end(arguments);
    return make(arena, status, NULL, text);
}

error error_because(struct arena *arena, error cause, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    str text = arena_vprintf(arena, format, arguments);

    va_end(arguments);
    return make(arena, status, cause, text);
}

error error_list(struct arena *arena, int status, strs messages)
{
    struct error *made = ARENA_NEW(arena, struct error);
    strs *list = made ? ARENA_NEW(arena, strs) : NULL;

    if (!list)
        return &ERROR_OUT_OF_MEMORY;
    *list = messages;
    *made = (struct error){ .status = status, .message = error_name(status), .messages = list };
    return made;
}
