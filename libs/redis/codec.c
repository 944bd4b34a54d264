/* hiredis's reader calls back for each piece of a reply, the outer array before its elements. The pieces
 * are built right where they belong: an array's elements lie side by side, and a task knows its parent
 * and its index there. A callback that returns NULL ends the reading with an error, which is how the arena's
 * limit becomes the limit of a reply, also of one that announces a million elements and sends none. */
#include "redis/codec.h"

#include <hiredis/hiredis.h>

#include <assert.h>

const struct error REDIS_REPLY_TOO_LONG = ERROR(502, "Redis sent a reply that is too long");
const struct error REDIS_NOT_A_REPLY = ERROR(502, "Redis sent what is no reply");

/* --- writing ------------------------------------------------------------------------------------- */

void redis_write_command(struct buf *out, const str *words, size_t count)
{
    const char *texts[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    char *command = NULL;

    assert(count && count <= REDIS_WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].at;
        lengths[i] = words[i].len;
    }
    int len = redisFormatCommandArgv(&command, (int)count, texts, lengths);

    if (len > 0)
        buf_add(out, (str){ command, (size_t)len });
    else
        out->failed = true;
    redisFreeCommand(command);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* Where the piece of that task belongs. */
static struct redis_reply *place_of(const redisReadTask *task)
{
    struct redis_reader *reader = task->privdata;
    const struct redis_reply *array = task->parent ? task->parent->obj : NULL;

    return array ? (struct redis_reply *)&array->at[task->idx] : &reader->root;
}

static void *refuse(const redisReadTask *task)
{
    ((struct redis_reader *)task->privdata)->refused = true;
    return NULL;
}

static void *make_text(const redisReadTask *task, char *text, size_t len)
{
    struct redis_reader *reader = task->privdata;
    struct redis_reply *reply = place_of(task);
    str copy = arena_copy(reader->arena, (str){ text, len });

    if (!copy.at)
        return refuse(task);
    *reply = (struct redis_reply){ .type = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                                           : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                                              : REDIS_TEXT,
                                   .text = copy };
    return reply;
}

static void *make_array(const redisReadTask *task, int count)
{
    struct redis_reader *reader = task->privdata;
    struct redis_reply *reply = place_of(task);
    struct redis_reply *elements = ARENA_ARRAY(reader->arena, struct redis_reply, (size_t)count);

    if (!elements)
        return refuse(task);
    *reply = (struct redis_reply){ .type = REDIS_ARRAY, .at = elements, .count = (size_t)count };
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *reply = place_of(task);

    *reply = (struct redis_reply){ .type = REDIS_INTEGER, .integer = value };
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    struct redis_reply *reply = place_of(task);

    *reply = (struct redis_reply){ .type = REDIS_NIL };
    return reply;
}

static redisReplyObjectFunctions functions = { make_text, make_array, make_integer, make_nil,
                                               NULL };

error redis_reader_init(struct redis_reader *reader)
{
    *reader = (struct redis_reader){
        .hiredis = redisReaderCreateWithFunctions(&functions),
        .arena = arena_new(REDIS_MEMORY_MAX),
    };
    if (reader->hiredis && reader->arena)
        return NULL;
    redis_reader_free(reader);
    return &ERROR_OUT_OF_MEMORY;
}

void redis_reader_free(struct redis_reader *reader)
{
    if (reader->hiredis)
        redisReaderFree(reader->hiredis);
    arena_free(reader->arena);
    *reader = (struct redis_reader){ 0 };
}

error redis_reader_feed(struct redis_reader *reader, str bytes)
{
    const redisReader *hiredis = reader->hiredis;

    if (hiredis->len - hiredis->pos + bytes.len > REDIS_REPLY_MAX)
        return &REDIS_REPLY_TOO_LONG;
    return redisReaderFeed(reader->hiredis, bytes.at, bytes.len) ? &ERROR_OUT_OF_MEMORY : NULL;
}

error redis_reader_next(struct redis_reader *reader, const struct redis_reply **out)
{
    void *found = NULL;

    if (reader->handed_out)
        arena_reset(reader->arena);
    reader->handed_out = false;
    reader->hiredis->privdata = reader;
    if (redisReaderGetReply(reader->hiredis, &found))
        return reader->refused ? &REDIS_REPLY_TOO_LONG : &REDIS_NOT_A_REPLY;
    reader->handed_out = found;
    *out = found;
    return NULL;
}

/* --- copies -------------------------------------------------------------------------------------- */

/* Recursion ends with the reply, whose depth the reader has bounded. */
static error copy_elements(struct arena *arena, struct redis_reply *array)
{
    struct redis_reply *copies = ARENA_ARRAY(arena, struct redis_reply, array->count);

    if (!copies)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < array->count; i++)
        TRY(redis_reply_copy(arena, &array->at[i], &copies[i]));
    array->at = copies;
    return NULL;
}

error redis_reply_copy(struct arena *arena, const struct redis_reply *reply,
                       struct redis_reply *out)
{
    struct redis_reply copy = *reply;

    if (copy.text.at)
        copy.text = arena_copy(arena, copy.text);
    if (reply->text.at && !copy.text.at)
        return &ERROR_OUT_OF_MEMORY;
    if (copy.type == REDIS_ARRAY)
        TRY(copy_elements(arena, &copy));
    *out = copy;
    return NULL;
}
