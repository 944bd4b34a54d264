/* Reads any bytes as JSON, as a body and after repairing their UTF-8. What is read is printed, read
 * again and printed again: both prints must be the same. */
#include "json/json.h"

#include <stdlib.h>

enum { PRINT_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void print_twice(struct arena *arena, const struct json *value)
{
    struct buf once = buf_new(PRINT_MAX), twice = buf_new(PRINT_MAX);
    const struct json *again;

    json_write(&once, value);
    require(!buf_failed(&once) && !json_parse(arena, buf_text(&once), &again));
    json_write(&twice, again);
    require(str_eq(buf_text(&once), buf_text(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    str text = json_repair_utf8(arena, (str){ (const char *)data, size });
    const struct json *value;
    error e = json_parse(arena, text, &value);

    require(str_is_utf8(text));
    if (e)
        require(e->status == 400 && str_is_utf8(str_of(e->message)));
    else
        print_twice(arena, value);
    if (!json_parse_body(arena, text, &value))
        require(value->type == JSON_OBJECT || value->type == JSON_ARRAY);
    arena_free(arena);
    return 0;
}
