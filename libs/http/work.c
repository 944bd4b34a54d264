#include "http/http_internal.h"

#include <stdlib.h>

static struct work *work_new(struct http_server *server)
{
    struct work *work = malloc(sizeof *work);
    struct arena *arena = work ? arena_new(ARENA_CALL_MAX) : NULL;

    if (!arena) {
        free(work);
        return NULL;
    }
    /* Not the head: it is large, and http_head_parse sets all of it that counts. */
    work->server = server;
    work->connection = NULL;
    work->arena = arena;
    work->call = (struct call){ 0 };
    work->start_ns = 0;
    work->response = (struct http_response){ .status = 200, .headers = buf_new(HTTP_HEAD_MAX) };
    work->chunked = (struct http_chunked){ 0 };
    work->body = buf_new(HTTP_BODY_MAX);
    work->head.request.headers = NULL;
    return work;
}

static void work_free(struct work *work)
{
    buf_free(&work->response.headers);
    buf_free(&work->body);
    arena_free(work->arena);
    free(work);
}

struct work *http_work_take(struct http_server *server)
{
    struct work *work = server->free_works;

    if (!work)
        return work_new(server);
    server->free_works = work->next_free;
    server->free_work_count--;
    return work;
}

static void clear(struct buf *buf)
{
    if (buf->capacity > WORK_BUFFER_KEEP_MAX)
        buf_free(buf);
    buf_clear(buf);
}

void http_work_give_back(struct work *work)
{
    struct http_server *server = work->server;
    struct buf headers = work->response.headers;

    if (server->free_work_count >= WORK_POOL_MAX) {
        work_free(work);
        return;
    }
    clear(&headers);
    clear(&work->body);
    arena_reset(work->arena);
    work->response = (struct http_response){ .status = 200, .headers = headers };
    work->chunked = (struct http_chunked){ 0 };
    work->connection = NULL;
    work->start_ns = 0;
    work->next_free = server->free_works;
    server->free_works = work;
    server->free_work_count++;
}

void http_work_pool_free(struct http_server *server)
{
    while (server->free_works) {
        struct work *work = server->free_works;

        server->free_works = work->next_free;
        work_free(work);
    }
    server->free_work_count = 0;
}
