#include "runtime/trace.h"
#include "base/hex.h"
#include "runtime/random.h"

#include <string.h>

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

/* "00-<32 hex>-<16 hex>-<2 hex>"; later versions may be longer, with a `-` after the flags. */
bool trace_parse(str text, struct trace *out)
{
    struct trace read;
    uint8_t version;

    if (text.len < TRACE_TEXT || (text.len > TRACE_TEXT && text.at[TRACE_TEXT] != '-'))
        return false;
    if (text.at[2] != '-' || text.at[35] != '-' || text.at[52] != '-')
        return false;
    if (!hex_decode(str_slice(text, 0, 2), &version, 1) || version == 0xFF ||
        (version == 0 && text.len != TRACE_TEXT))
        return false;
    if (!hex_decode(str_slice(text, 3, 32), read.trace_id, sizeof read.trace_id) ||
        !hex_decode(str_slice(text, 36, 16), read.span_id, sizeof read.span_id) ||
        !hex_decode(str_slice(text, 53, 2), &read.flags, 1))
        return false;
    if (all_zero(read.trace_id, sizeof read.trace_id) ||
        all_zero(read.span_id, sizeof read.span_id))
        return false;
    *out = read;
    return true;
}

struct trace trace_new(void)
{
    struct trace made = { .flags = 1 };

    random_bytes(made.trace_id, sizeof made.trace_id);
    random_bytes(made.span_id, sizeof made.span_id);
    return made;
}

bool trace_is_set(const struct trace *trace)
{
    return !all_zero(trace->trace_id, sizeof trace->trace_id);
}

void trace_print(const struct trace *trace, char out[TRACE_TEXT + 1])
{
    memcpy(out, "00-", 3);
    hex_encode(trace->trace_id, sizeof trace->trace_id, out + 3);
    out[35] = '-';
    hex_encode(trace->span_id, sizeof trace->span_id, out + 36);
    out[52] = '-';
    hex_encode(&trace->flags, 1, out + 53);
    out[TRACE_TEXT] = '\0';
}
