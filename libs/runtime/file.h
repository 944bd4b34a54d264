/* The few things that Cuib does with files itself; stores go through their libraries. */
#pragma once

#include "base/error.h"

/* Makes the directory and those above it, mode 0700. One that exists is fine. */
error file_make_directory(struct arena *arena, const char *path);

/* Reads a whole file of at most `max` bytes. 404 when there is none; other errors name path and reason. */
error file_read(struct arena *arena, const char *path, size_t max, str *out);

/* Writes a file that only its owner may read (0600), whole or not at all, durable when it returns. */
error file_write_private(struct arena *arena, const char *path, str content);

/* Writes a file that does not exist yet, whole or not at all, durable when it returns: `temporary`, which must be on
 * the same file system and nobody else's, is written and then linked to `path`. If that exists it stays as it is,
 * which `*existed` says. */
error file_write_once(struct arena *arena, const char *temporary, const char *path, str content,
                      bool *existed);

/* Calls `visit` with each name in the directory (but "." and ".."), in no order, until it says false. The names live
 * as long as the visit. */
error file_visit(struct arena *arena, const char *directory, bool (*visit)(str name, void *cookie),
                 void *cookie);

/* One that is not there is fine. */
error file_remove(struct arena *arena, const char *path);
