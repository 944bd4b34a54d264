/* SHA-256, as a text. */
#pragma once

#include "base/error.h"

/* The digest of the text in lower-case hexadecimal, in the arena. */
error auth_digest(struct arena *arena, str text, str *out);
