/* What a packet says of the event in it, beside type and data: `metadata.event`. */
#pragma once

#include "schema/schema.h"

struct events_identity {
    uuid id, stream_id;
    int64_t version, position;
    timestamp recorded_at;
    str cause;  /* at == NULL: a request */
    uuid actor; /* nil: nobody */
};

const struct schema *events_identity_schema(void);
