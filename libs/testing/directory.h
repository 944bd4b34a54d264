/* A directory for the files of a test. */
#pragma once

#include "testing/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct testing_directory {
    char path[64];
};

/* A new, empty directory of the test's own. */
static inline struct testing_directory testing_directory_new(void)
{
    struct testing_directory made = { "/tmp/test-XXXXXX" };

    assert_non_null(mkdtemp(made.path));
    return made;
}

static inline int testing_remove(const char *path, const struct stat *status, int kind,
                                 struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Removes it and all that it holds. */
static inline void testing_directory_remove(struct testing_directory *directory)
{
    assert_int_equal(nftw(directory->path, testing_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* `directory`/`name`; valid until the 8th next call. */
static inline const char *testing_path(const struct testing_directory *directory, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", directory->path, name);
    return path;
}
