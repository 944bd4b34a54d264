#include "http/client.h"
#include "base/buf.h"
#include "http/curl.h"
#include "runtime/offload.h"

#include <stdlib.h>

struct http_client {
    struct http_curl curl;
    struct offload_pool *pool;
};

error http_client_new(struct arena *arena, struct http_client **out)
{
    const struct offload_options pool = {
        .name = "http-client",
        .threads = HTTP_CLIENT_THREADS,
        .queue_max = HTTP_CLIENT_QUEUE_MAX,
    };
    struct http_client *client = ARENA_NEW(arena, struct http_client);

    if (!client)
        return &ERROR_OUT_OF_MEMORY;
    TRY(http_curl_load(arena, &client->curl));
    TRY(offload_pool_new(arena, &pool, &client->pool));
    *out = client;
    return NULL;
}

void http_client_free(struct http_client *client)
{
    if (client)
        offload_pool_free(client->pool);
}

/* --- on a thread of the pool --------------------------------------------------------------------- */

struct post {
    const struct http_curl *curl;
    const struct http_client_request *request;
    uint64_t timeout_ms;
    struct buf body;
    long status;
    CURLcode result;
};

/* Fewer bytes taken than given ends the transfer. */
static size_t take_bytes(char *at, size_t size, size_t count, void *cookie)
{
    struct post *post = cookie;

    buf_add(&post->body, (str){ at, size * count });
    return buf_failed(&post->body) ? 0 : size * count;
}

static void set_options(const struct http_curl *curl, CURL *easy, struct post *post)
{
    long timeout_ms = (long)post->timeout_ms;

    curl->curl_easy_setopt(easy, CURLOPT_URL, post->request->url);
    curl->curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)post->request->body.len);
    curl->curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->request->body.at);
    curl->curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl->curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl->curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl->curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
}

static CURLcode perform(const struct http_curl *curl, CURL *easy, struct post *post)
{
    struct curl_slist *headers = NULL;
    CURLcode result = CURLE_OK;

    for (const char *const *line = post->request->headers; *line && result == CURLE_OK; line++) {
        struct curl_slist *longer = curl->curl_slist_append(headers, *line);

        if (longer)
            headers = longer;
        else
            result = CURLE_OUT_OF_MEMORY;
    }
    curl->curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (result == CURLE_OK)
        result = curl->curl_easy_perform(easy);
    if (result == CURLE_OK)
        curl->curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &post->status);
    curl->curl_slist_free_all(headers);
    return result;
}

static void run(void *argument)
{
    struct post *post = argument;
    CURL *easy = post->curl->curl_easy_init();

    post->result = CURLE_OUT_OF_MEMORY;
    if (!easy)
        return;
    set_options(post->curl, easy, post);
    post->result = perform(post->curl, easy, post);
    post->curl->curl_easy_cleanup(easy);
}

/* --- on the caller's fiber ----------------------------------------------------------------------- */

static error finish(struct call *call, const struct post *post, struct http_client_answer *out)
{
    if (post->result != CURLE_OK)
        return error_new(call->arena, 502, "%s: %s", post->request->url,
                         post->curl->curl_easy_strerror(post->result));
    str body = arena_copy(call->arena, buf_text(&post->body));

    if (!body.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = (struct http_client_answer){ (int)post->status, body };
    return NULL;
}

error http_client_post(struct call *call, struct http_client *client,
                       const struct http_client_request *request, struct http_client_answer *out)
{
    struct post post = {
        .curl = &client->curl,
        .request = request,
        .timeout_ms = call_left_ms(call),
        .body = buf_new(HTTP_CLIENT_BODY_MAX),
    };

    TRY(call_check(call));
    error failed = offload_run(call, client->pool, run, &post);

    if (!failed)
        failed = finish(call, &post, out);
    buf_free(&post.body);
    return failed;
}
