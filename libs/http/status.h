/* Status codes and their standard phrases. */
#pragma once

#include "base/str.h"

/* The phrase that Node.js prints in the status line ("Not Found", "I'm a Teapot"); "Unknown" for a code
 * without one. */
str http_reason(int status);
