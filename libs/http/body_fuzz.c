/* Bodies of every type and coding. The first byte chooses the Content-Type and the Content-Encoding. */
#include "http/route.h"
#include "http/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const str types[] = {
    STR_INIT("application/json"),
    STR_INIT("application/x-www-form-urlencoded"),
    STR_INIT("application/json; charset=\"utf-8\""),
    STR_INIT("text/plain"),
};
static const str codings[] = {
    STR_INIT("identity"),
    STR_INIT("gzip"),
    STR_INIT("deflate"),
    STR_INIT("br"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json *value = NULL;

    if (size < 1 || size > HTTP_BODY_MAX)
        return 0;
    struct http_header headers[] = {
        { STR("Content-Length"), STR("1") },
        { STR("Content-Type"), types[data[0] & 3] },
        { STR("Content-Encoding"), codings[data[0] >> 2 & 3] },
    };
    struct http_request request = {
        .headers = headers,
        .header_count = 3,
        .body = { (const char *)data + 1, size - 1 },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    error failed = http_body(arena, &request, &value);

    if (failed && (failed->status < 400 || failed->status > 503))
        abort();
    if (!failed && value && value->type != JSON_OBJECT && value->type != JSON_ARRAY)
        abort();
    arena_free(arena);
    return 0;
}
