/* Settings: a field table read from the environment. `gateway_port` is GATEWAY_PORT; every setting NAME may come
 * from a file instead, named by NAME_FILE (how Docker and Kubernetes hand over secrets). An empty variable counts
 * as unset. */
#pragma once

#include "schema/schema.h"

enum { SETTINGS_FILE_MAX = 64 * 1024 };

/* Fills the struct of `schema`. The error is one line that names the setting or the file. */
error settings_load(const struct schema *schema, struct arena *arena, void *out);

/* Appends a line for each setting: name, default, what it does. For --help. */
void settings_describe(const struct schema *schema, struct buf *out);
