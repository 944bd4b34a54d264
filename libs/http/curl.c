#include "http/curl.h"

#include <dlfcn.h>

#define LIBRARY "libcurl.so.4"

static bool find_functions(void *library, struct http_curl *out)
{
#define CURL_FIND(name)                                   \
    *(void **)(void *)&out->name = dlsym(library, #name); \
    if (!out->name)                                       \
        return false;
    HTTP_CURL_FUNCTIONS(CURL_FIND)
    return true;
}

error http_curl_load(struct arena *arena, struct http_curl *out)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    struct http_curl found;

    if (!library || !find_functions(library, &found) || found.curl_global_init(CURL_GLOBAL_DEFAULT))
        return error_new(arena, 500,
                         "%s, which requests and mails to other systems take, cannot be loaded",
                         LIBRARY);
    *out = found;
    return NULL;
}
