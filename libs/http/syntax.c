#include "http/syntax.h"

const struct error HTTP_BODY_TOO_LARGE = { .status = 413,
                                           .form = ERROR_BRIEF,
                                           .message = "request entity too large" };

/* What each of the first 128 bytes may be part of; those after them none. */
const uint8_t http_classes[256] = {
    /* clang-format off */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 7, 2, 1, 7, 7, 7, 7, 6, 6, 7, 7, 6, 15, 7, 2,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 6, 2, 6, 2, 2,
    2, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2, 2, 2, 3, 15,
    3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 3, 2, 7, 0,
    /* clang-format on */
};
