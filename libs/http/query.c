#include "http/message.h"
#include "http/percent.h"

enum { QUERY_PAIRS_MAX = 1000 }; /* as Node.js's querystring; later ones are not looked at */

str http_query(const struct http_request *request, struct arena *arena, str name)
{
    str rest = request->query, pair;

    for (unsigned i = 0; i < QUERY_PAIRS_MAX && str_next_piece(&rest, '&', &pair);) {
        size_t equals = str_find(pair, '=');

        if (pair.len == 0)
            continue;
        i++;
        str key = http_decode_query(arena, str_slice(pair, 0, equals));

        if (!key.at)
            return key;
        if (str_eq(key, name))
            return http_decode_query(arena, str_slice(pair, equals + 1, pair.len));
    }
    return (str){ NULL, 0 };
}
