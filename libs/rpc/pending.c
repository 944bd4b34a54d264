#include "rpc/pending.h"
#include "base/hex.h"
#include "rpc/frame.h"
#include "runtime/random.h"

#include <string.h>

enum {
    NUMBER_TEXT = 8, /* characters of an id that count; those before are the client's own */
    PREFIX_TEXT = RPC_ID_TEXT - NUMBER_TEXT,
};

/* What an id that is read backwards from the end of a reply stands between. */
static const str ID_START = STR_INIT(",\"id\":\""), ID_END = STR_INIT("\"}");

error rpc_pending_init(struct rpc_pending *pending)
{
    uint8_t bytes[(PREFIX_TEXT + 1) / 2];
    char text[2 * sizeof bytes];

    *pending = (struct rpc_pending){ .scratch = arena_new(ARENA_CALL_MAX) };
    if (!pending->scratch)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < RPC_PENDING_BUCKETS; i++)
        list_init(&pending->buckets[i]);
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    memcpy(pending->prefix, text, PREFIX_TEXT);
    return NULL;
}

void rpc_pending_free(struct rpc_pending *pending)
{
    arena_free(pending->scratch);
    pending->scratch = NULL;
}

static struct link *bucket_of(struct rpc_pending *pending, uint64_t number)
{
    return &pending->buckets[number % RPC_PENDING_BUCKETS];
}

void rpc_pending_add(struct rpc_pending *pending, struct rpc_entry *entry, struct arena *arena)
{
    uint32_t number = (uint32_t)pending->next++;
    const uint8_t bytes[NUMBER_TEXT / 2] = {
        (uint8_t)(number >> 24),
        (uint8_t)(number >> 16),
        (uint8_t)(number >> 8),
        (uint8_t)number,
    };

    *entry = (struct rpc_entry){ .arena = arena };
    entry->last = &entry->first;
    memcpy(entry->id, pending->prefix, PREFIX_TEXT);
    hex_encode(bytes, sizeof bytes, entry->id + PREFIX_TEXT);
    list_append(bucket_of(pending, number), &entry->in_bucket);
}

void rpc_pending_remove(struct rpc_entry *entry)
{
    list_remove(&entry->in_bucket);
    list_remove(&entry->in_group);
}

/* The entry of that id, or NULL. */
static struct rpc_entry *find(struct rpc_pending *pending, str id)
{
    uint8_t bytes[NUMBER_TEXT / 2];

    if (id.len != RPC_ID_TEXT || !str_starts_with(id, str_of(pending->prefix)) ||
        !hex_decode(str_slice(id, PREFIX_TEXT, NUMBER_TEXT), bytes, sizeof bytes))
        return NULL;
    struct link *bucket = bucket_of(pending, bytes[sizeof bytes - 1]);

    for (struct link *link = bucket->next; link != bucket; link = link->next) {
        struct rpc_entry *entry = LIST_ELEMENT(link, struct rpc_entry, in_bucket);

        if (str_is(id, entry->id))
            return entry;
    }
    return NULL;
}

/* The id of a reply whose last member it is, as with nearly all replies: found without parsing. A
 * quotation mark inside a string would have a backslash before it, so these bytes are what they seem. */
static str last_id(str text)
{
    size_t len = ID_START.len + RPC_ID_TEXT + ID_END.len;
    str end = str_slice(text, text.len > len ? text.len - len : 0, len);

    if (end.len != len || !str_starts_with(end, ID_START) || !str_ends_with(end, ID_END))
        return (str){ NULL, 0 };
    return str_slice(end, ID_START.len, RPC_ID_TEXT);
}

/* The id of any other reply. */
static error read_id(struct rpc_pending *pending, str text, str *out)
{
    struct rpc_reply reply;

    arena_reset(pending->scratch);
    str valid = json_repair_utf8(pending->scratch, text);

    if (!valid.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(rpc_reply_read(pending->scratch, valid, &reply));
    *out = reply.id && reply.id->type == JSON_STRING ? reply.id->text : (str){ NULL, 0 };
    return NULL;
}

static error add_item(struct rpc_entry *entry, const struct json *value)
{
    struct rpc_item_received *item = ARENA_NEW(entry->arena, struct rpc_item_received);

    if (!item)
        return &ERROR_OUT_OF_MEMORY;
    item->value = value;
    *entry->last = item;
    entry->last = &item->next;
    return NULL;
}

/* Reads the reply into the memory of the call that waits for it. */
static error read_reply(struct rpc_entry *entry, str text)
{
    str copy = arena_copy(entry->arena, text);
    struct rpc_reply reply;

    if (copy.at)
        copy = json_repair_utf8(entry->arena, copy);
    if (!copy.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(rpc_reply_read(entry->arena, copy, &reply));
    if (reply.err)
        entry->failed = rpc_error_of(entry->arena, reply.err);
    else if (reply.response || !reply.ended)
        TRY(add_item(entry, reply.response));
    entry->ended = reply.ended;
    return NULL;
}

error rpc_pending_deliver(struct rpc_pending *pending, str text, struct rpc_entry **out)
{
    str id = last_id(text);

    if (!id.at)
        TRY(read_id(pending, text, &id));
    struct rpc_entry *entry = id.at ? find(pending, id) : NULL;

    *out = NULL;
    if (!entry || entry->ended)
        return NULL;
    error failed = read_reply(entry, text);

    if (failed == &RPC_NOT_JSON)
        return failed;
    if (failed)
        entry->failed = failed;
    entry->ended = entry->ended || failed;
    entry->answered = true;
    *out = entry;
    wait_done(&entry->wait);
    return NULL;
}

void rpc_pending_fail(struct rpc_entry *entry, error e)
{
    if (entry->ended)
        return;
    entry->failed = e;
    entry->ended = true;
    wait_done(&entry->wait);
}

static error take_items(struct rpc_entry *entry, error (*item)(void *, const struct json *),
                        void *cookie)
{
    struct rpc_item_received *next = entry->first;

    entry->first = NULL;
    entry->last = &entry->first;
    for (; next; next = next->next)
        if (item)
            TRY(item(cookie, next->value));
    return NULL;
}

error rpc_pending_wait(struct call *call, struct rpc_entry *entry,
                       error (*item)(void *cookie, const struct json *value), void *cookie)
{
    for (;;) {
        TRY(call_wait(call, &entry->wait));
        TRY(take_items(entry, item, cookie));
        if (entry->ended && !entry->first)
            return entry->failed;
        entry->wait.done = entry->first || entry->ended;
    }
}
