/* Urlencoded bodies, as NestJS's body parser reads them with qs. */
#pragma once

#include "base/error.h"

enum {
    HTTP_FORM_PAIRS_MAX = 1000, /* 413 above */
    HTTP_FORM_DEPTH_MAX = 32,   /* brackets in a name; 400 above */
};

/* Turns `a=1&b[c]=2&d[]=3&d[]=4` into the JSON text {"a":"1","b":{"c":"2"},"d":["3","4"]} in `arena`. A name given
 * twice makes an array; brackets with nothing or a small number in them make array elements, in the order in
 * which they come; `__proto__` is dropped. */
error http_form_to_json(struct arena *arena, str form, str *out);
