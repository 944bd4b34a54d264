/* Randomness from the kernel, fetched in blocks. */
#pragma once

#include "base/uuid.h"

/* Fills `out` with unpredictable bytes. Ends the process with a message if the kernel has none to give. */
void random_bytes(void *out, size_t len);

/* A number in [0, below); below > 0. */
uint64_t random_below(uint64_t below);

/* A version 7 UUID (RFC 9562 section 5.7): time first, so that ids sort by age; ids made by one process
 * within a millisecond increase too. */
uuid random_uuid(void);
