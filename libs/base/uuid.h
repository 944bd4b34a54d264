/* UUIDs (RFC 9562) as sixteen bytes; printed in lower case, read in any case. New ones are made by
 * runtime/random.h. */
#pragma once

#include "base/str.h"

typedef struct uuid {
    uint8_t bytes[16];
} uuid;

enum { UUID_TEXT = 36 }; /* bytes of the text */

/* Writes UUID_TEXT bytes, no NUL. */
void uuid_print(uuid id, char out[UUID_TEXT]);

/* Reads the 8-4-4-4-12 form that NestJS's ParseUUIDPipe takes: versions 1 to 8 with variant 8 to b, nil
 * and max. False on anything else. */
bool uuid_parse(str text, uuid *out);

bool uuid_eq(uuid a, uuid b);
