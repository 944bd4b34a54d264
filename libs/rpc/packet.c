#include "rpc/packet.h"
#include "rpc/frame.h"

enum { CAUSE_MAX = 300 }; /* bytes of a peer's error that the log shows */

/* --- reading ------------------------------------------------------------------------------------- */

error rpc_packet_read(struct arena *arena, str text, struct rpc_packet *out)
{
    const struct json *root;

    if (json_parse(arena, text, &root))
        return &RPC_NOT_JSON;
    *out = (struct rpc_packet){
        .pattern = json_member(root, STR("pattern")),
        .data = json_member(root, STR("data")),
        .metadata = json_member(root, STR("metadata")),
    };
    if (out->pattern || out->data)
        out->id = json_member(root, STR("id"));
    return NULL;
}

/* As JavaScript's `if` sees it. */
static bool is_true(const struct json *value)
{
    if (!value)
        return false;
    switch (value->type) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_NUMBER: return json_number(value) != 0;
    case JSON_STRING: return value->text.len;
    default: return true;
    }
}

error rpc_reply_read(struct arena *arena, str text, struct rpc_reply *out)
{
    const struct json *root;

    if (json_parse(arena, text, &root))
        return &RPC_NOT_JSON;
    const struct json *err = json_member(root, STR("err"));

    *out = (struct rpc_reply){
        .id = json_member(root, STR("id")),
        .err = is_true(err) ? err : NULL,
        .response = json_member(root, STR("response")),
        .ended = is_true(err) || is_true(json_member(root, STR("isDisposed"))),
    };
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------------- */

void rpc_write_outgoing(struct buf *out, const struct rpc_outgoing *packet)
{
    BUF_ADD(out, "{\"pattern\":");
    buf_add(out, packet->pattern);
    if (packet->data.at) {
        BUF_ADD(out, ",\"data\":");
        buf_add(out, packet->data);
    }
    if (packet->id.at) {
        BUF_ADD(out, ",\"id\":\"");
        buf_add(out, packet->id);
        buf_add_char(out, '"');
    }
    if (packet->metadata.at) {
        BUF_ADD(out, ",\"metadata\":");
        buf_add(out, packet->metadata);
    }
    buf_add_char(out, '}');
}

static void end_reply(struct buf *out, const struct json *id)
{
    BUF_ADD(out, "\"isDisposed\":true,\"id\":");
    json_write(out, id);
    buf_add_char(out, '}');
}

void rpc_write_value(struct buf *out, const struct json *id, bool last, struct schema_in value)
{
    BUF_ADD(out, "{\"response\":");
    schema_write(value.schema, value.value, out);
    if (last) {
        buf_add_char(out, ',');
        end_reply(out, id);
        return;
    }
    BUF_ADD(out, ",\"id\":");
    json_write(out, id);
    buf_add_char(out, '}');
}

void rpc_write_end(struct buf *out, const struct json *id)
{
    buf_add_char(out, '{');
    end_reply(out, id);
}

void rpc_write_error(struct buf *out, const struct json *id, error e)
{
    BUF_ADD(out, "{\"err\":");
    rpc_write_err(out, e);
    buf_add_char(out, ',');
    end_reply(out, id);
}

#define UNKNOWN_PATTERN "There is no matching message handler defined in the remote service."

static const struct error NO_HANDLER = ERROR(500, UNKNOWN_PATTERN);
const struct error RPC_UNKNOWN_PATTERN = {
    .status = 500, .form = ERROR_BRIEF, .message = "Internal server error", .cause = &NO_HANDLER
};

void rpc_write_unknown_pattern(struct buf *out, const struct json *id)
{
    BUF_ADD(out, "{\"id\":");
    json_write(out, id);
    BUF_ADD(out, ",\"status\":\"error\",\"err\":\"" UNKNOWN_PATTERN "\"}");
}

/* --- errors -------------------------------------------------------------------------------------- */

static void write_messages(struct buf *out, error e)
{
    if (!e->messages) {
        json_write_string(out, str_of(e->message));
        return;
    }
    buf_add_char(out, '[');
    for (size_t i = 0; i < e->messages->len; i++) {
        if (i)
            buf_add_char(out, ',');
        json_write_string(out, e->messages->at[i]);
    }
    buf_add_char(out, ']');
}

void rpc_write_err(struct buf *out, error e)
{
    buf_printf(out, "{\"statusCode\":%d,\"message\":", e->status);
    write_messages(out, e);
    if (e->form == ERROR_NAMED) {
        BUF_ADD(out, ",\"error\":");
        json_write_string(out, str_of(error_name(e->status)));
    }
    if (e->retry_after_s)
        buf_printf(out, ",\"retryAfter\":%u", e->retry_after_s);
    buf_add_char(out, '}');
}

static bool read_status(const struct json *err, int *out)
{
    const struct json *member = json_member(err, STR("statusCode"));
    int64_t status;

    if (!member || member->type != JSON_NUMBER || !json_integer(member, &status) || status < 400 ||
        status > 599)
        return false;
    *out = (int)status;
    return true;
}

/* A list of texts, as a validation has it. */
static const strs *read_messages(struct arena *arena, const struct json *list)
{
    strs *messages = ARENA_NEW(arena, strs);
    str *texts = ARENA_ARRAY(arena, str, list->count);
    size_t i = 0;

    if (!messages || !texts)
        return NULL;
    for (const struct json *element = list->first; element; element = element->next) {
        if (element->type != JSON_STRING)
            return NULL;
        texts[i++] = element->text;
    }
    *messages = (strs){ texts, i };
    return messages;
}

/* What only a service of ours writes: the members of rpc_write_err, in its order. */
struct ours {
    const struct json *message, *error, *retry_after;
};

static bool read_ours(const struct json *err, struct ours *out)
{
    const struct json *member = err->first;

    if (!member || !str_is(member->name, "statusCode"))
        return false;
    member = member->next;
    if (!member || !str_is(member->name, "message"))
        return false;
    *out = (struct ours){ .message = member };
    member = member->next;
    if (member && str_is(member->name, "error") && member->type == JSON_STRING) {
        out->error = member;
        member = member->next;
    }
    if (member && str_is(member->name, "retryAfter") && member->type == JSON_NUMBER) {
        out->retry_after = member;
        member = member->next;
    }
    return !member;
}

static void add_ours(struct arena *arena, const struct ours *ours, struct error *out)
{
    int64_t seconds;

    if (ours->error)
        out->form = ERROR_NAMED;
    if (ours->error && ours->message->type == JSON_ARRAY && ours->message->count)
        out->messages = read_messages(arena, ours->message);
    if (ours->retry_after && json_integer(ours->retry_after, &seconds) && seconds > 0 &&
        seconds <= INT32_MAX)
        out->retry_after_s = (unsigned)seconds;
}

static error not_understood(struct arena *arena, const struct json *err)
{
    struct error *made = ARENA_NEW(arena, struct error);

    if (!made)
        return &ERROR_OUT_OF_MEMORY;
    *made = ERROR_INTERNAL;
    made->cause = error_new(arena, 500, "%.*s", STR_ARG(str_slice(err->source, 0, CAUSE_MAX)));
    return made;
}

error rpc_error_of(struct arena *arena, const struct json *err)
{
    const struct json *message = json_member(err, STR("message"));
    struct error read = { .form = ERROR_BRIEF };
    struct ours ours;

    if (err->type == JSON_STRING && str_is(err->text, UNKNOWN_PATTERN))
        return &RPC_UNKNOWN_PATTERN;
    if (!read_status(err, &read.status))
        return not_understood(arena, err);
    if (read_ours(err, &ours))
        add_ours(arena, &ours, &read);
    if (!read.messages && (!message || message->type != JSON_STRING || !message->text.len))
        return not_understood(arena, err);
    str text = read.messages ? str_of(error_name(read.status)) : arena_copy(arena, message->text);
    struct error *made = ARENA_NEW(arena, struct error);

    if (!text.at || !made)
        return &ERROR_OUT_OF_MEMORY;
    read.message = text.at;
    *made = read;
    return made;
}
