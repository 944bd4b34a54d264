#include "rpc/redis_packet.h"

enum { QUOTED_MAX = 64 * 1024 * 1024 };

static str quoted(struct arena *arena, str text)
{
    struct buf out = buf_new(QUOTED_MAX);

    json_write_string(&out, text);
    str copy = buf_failed(&out) ? (str){ NULL, 0 } : arena_copy(arena, buf_text(&out));

    buf_free(&out);
    return copy;
}

/* A text as the JSON value that it would be. */
static const struct json *text_value(struct arena *arena, str text)
{
    struct json *value = ARENA_NEW(arena, struct json);
    str source = quoted(arena, text);

    if (!value || !source.at)
        return NULL;
    *value = (struct json){ .type = JSON_STRING, .text = text, .source = source };
    return value;
}

static error read_value(struct arena *arena, str payload, const struct json **out)
{
    str text = json_repair_utf8(arena, payload);
    error failed = text.at ? json_parse(arena, text, out) : &ERROR_OUT_OF_MEMORY;

    if (!failed || failed == &ERROR_OUT_OF_MEMORY)
        return failed;
    *out = text_value(arena, text);
    return *out ? NULL : &ERROR_OUT_OF_MEMORY;
}

error rpc_redis_packet_read(struct arena *arena, str payload, struct rpc_packet *out)
{
    const struct json *value;

    TRY(read_value(arena, payload, &value));
    *out = (struct rpc_packet){
        .pattern = json_member(value, STR("pattern")),
        .data = json_member(value, STR("data")),
    };
    if (!out->pattern && !out->data) {
        out->data = value;
        return NULL;
    }
    out->id = json_member(value, STR("id"));
    out->metadata = json_member(value, STR("metadata"));
    return NULL;
}

str rpc_redis_pattern(struct arena *arena, str route)
{
    const struct json *object;

    if (str_starts_with(route, STR("{")) && !json_parse(arena, route, &object))
        return route;
    return quoted(arena, route);
}
