/* Files that the build puts into the program: SQL migrations, the pages of the API documentation.
 *
 * The build makes one array a folder, ordered by name and ended by an entry without one. Whoever
 * reads an array declares it: apps/user-service/migrations/ becomes
 * `extern const struct embedded_file user_service_migrations[];`, and the files of Swagger UI
 * become `swagger_ui_files`. */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *name;        /* without its folder: "001_users.sql" */
    const unsigned char *at; /* a NUL, which `len` does not count, follows the last byte */
    size_t len;
};
