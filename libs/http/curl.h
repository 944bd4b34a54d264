/* libcurl, loaded when it is first needed: it brings thirty other libraries along, and a process that asks nobody is
 * better off without them. */
#pragma once

#include "base/error.h"

#include <curl/curl.h>

/* curl/curl.h wraps some of its functions in macros that check types, which a member's name must not meet. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

/* What is used of it, by the names that it exports. */
#define HTTP_CURL_FUNCTIONS(ON) \
    ON(curl_global_init)        \
    ON(curl_easy_init)          \
    ON(curl_easy_reset)         \
    ON(curl_easy_setopt)        \
    ON(curl_easy_perform)       \
    ON(curl_easy_getinfo)       \
    ON(curl_easy_cleanup)       \
    ON(curl_easy_strerror)      \
    ON(curl_slist_append)       \
    ON(curl_slist_free_all)

#define HTTP_CURL_MEMBER(name) __typeof__(name) *name;
struct http_curl {
    HTTP_CURL_FUNCTIONS(HTTP_CURL_MEMBER)
};

/* A 500 that says so when the library is not installed. It stays loaded: its threads' data cannot be taken back. */
error http_curl_load(struct arena *arena, struct http_curl *out);
