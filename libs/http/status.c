#include "http/status.h"

#include <stdint.h>

static const struct {
    int16_t status;
    str reason;
} phrases[] = {
    /* clang-format off */
    { 200, STR_INIT("OK") },
    { 201, STR_INIT("Created") },
    { 202, STR_INIT("Accepted") },
    { 204, STR_INIT("No Content") },
    { 206, STR_INIT("Partial Content") },
    { 301, STR_INIT("Moved Permanently") },
    { 302, STR_INIT("Found") },
    { 303, STR_INIT("See Other") },
    { 304, STR_INIT("Not Modified") },
    { 307, STR_INIT("Temporary Redirect") },
    { 308, STR_INIT("Permanent Redirect") },
    { 400, STR_INIT("Bad Request") },
    { 401, STR_INIT("Unauthorized") },
    { 402, STR_INIT("Payment Required") },
    { 403, STR_INIT("Forbidden") },
    { 404, STR_INIT("Not Found") },
    { 405, STR_INIT("Method Not Allowed") },
    { 406, STR_INIT("Not Acceptable") },
    { 408, STR_INIT("Request Timeout") },
    { 409, STR_INIT("Conflict") },
    { 410, STR_INIT("Gone") },
    { 411, STR_INIT("Length Required") },
    { 412, STR_INIT("Precondition Failed") },
    { 413, STR_INIT("Payload Too Large") },
    { 414, STR_INIT("URI Too Long") },
    { 415, STR_INIT("Unsupported Media Type") },
    { 417, STR_INIT("Expectation Failed") },
    { 418, STR_INIT("I'm a Teapot") },
    { 421, STR_INIT("Misdirected Request") },
    { 422, STR_INIT("Unprocessable Entity") },
    { 423, STR_INIT("Locked") },
    { 424, STR_INIT("Failed Dependency") },
    { 428, STR_INIT("Precondition Required") },
    { 429, STR_INIT("Too Many Requests") },
    { 431, STR_INIT("Request Header Fields Too Large") },
    { 451, STR_INIT("Unavailable For Legal Reasons") },
    { 500, STR_INIT("Internal Server Error") },
    { 501, STR_INIT("Not Implemented") },
    { 502, STR_INIT("Bad Gateway") },
    { 503, STR_INIT("Service Unavailable") },
    { 504, STR_INIT("Gateway Timeout") },
    { 505, STR_INIT("HTTP Version Not Supported") },
    { 507, STR_INIT("Insufficient Storage") },
    /* clang-format on */
};

str http_reason(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].reason;
    return STR("Unknown");
}
