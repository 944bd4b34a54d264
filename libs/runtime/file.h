/* The few things that Cuib does with files itself; stores go through their libraries. */
#pragma once

#include "base/error.h"

/* Makes the directory and those above it, mode 0700. One that exists is fine. */
error file_make_directory(struct arena *arena, const char *path);

/* Reads a whole file of at most `max` bytes. 404 when there is none; other errors name path and reason. */
error file_read(struct arena *arena, const char *path, size_t max, str *out);

/* Writes a file that only its owner may read (0600), whole or not at all, durable when it returns. */
error file_write_private(struct arena *arena, const char *path, str content);
