#include "runtime/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static error failure(struct arena *arena, const char *what, const char *path)
{
    int reason = errno;

    return error_new(arena, reason == ENOENT ? 404 : 500, "cannot %s %s: %s", what, path,
                     strerror(reason));
}

/* What mkdir found to exist may be a file. */
static error check_directory(struct arena *arena, const char *path)
{
    struct stat found;

    if (stat(path, &found))
        return failure(arena, "make directory", path);
    if (S_ISDIR(found.st_mode))
        return NULL;
    errno = ENOTDIR;
    return failure(arena, "make directory", path);
}

error file_make_directory(struct arena *arena, const char *path)
{
    str copy = arena_copy(arena, str_of(path));
    char *at = (char *)copy.at;

    if (!at)
        return &ERROR_OUT_OF_MEMORY;
    for (size_t i = 1; i <= copy.len; i++) {
        if (at[i] != '/' && at[i] != '\0')
            continue;
        char ended = at[i];

        at[i] = '\0';
        if (mkdir(at, 0700) && errno != EEXIST)
            return failure(arena, "make directory", at);
        at[i] = ended;
    }
    return check_directory(arena, path);
}

/* Files of /proc have no size to ask for, so reading goes on until the end. */
static error read_all(struct arena *arena, int fd, const char *path, size_t max, str *out)
{
    char *at = arena_alloc(arena, max + 1);
    size_t len = 0;

    if (!at)
        return &ERROR_OUT_OF_MEMORY;
    for (;;) {
        ssize_t got = read(fd, at + len, max + 1 - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure(arena, "read", path);
        if (got == 0)
            break;
        len += (size_t)got;
        if (len > max)
            return error_new(arena, 500, "%s is longer than %zu bytes", path, max);
    }
    *out = (str){ at, len };
    return NULL;
}

error file_read(struct arena *arena, const char *path, size_t max, str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return failure(arena, "open", path);
    error failed = read_all(arena, fd, path, max, out);

    close(fd);
    return failed;
}

static bool write_all(int fd, str content)
{
    while (content.len) {
        ssize_t put = write(fd, content.at, content.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content = str_slice(content, (size_t)put, content.len);
    }
    return fsync(fd) == 0;
}

/* Makes the new name durable. */
static bool sync_directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    str directory = slash ? arena_copy(arena, (str){ path, (size_t)(slash - path) + 1 }) : STR(".");
    int fd = directory.at ? open(directory.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

/* One that a crash has left may be readable by others, or a link to somewhere else. */
static error write_new(struct arena *arena, const char *path, str content)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return failure(arena, "create", path);
    bool written = write_all(fd, content);

    if (!close(fd) && written)
        return NULL;
    error failed = failure(arena, "write", path);

    unlink(path);
    return failed;
}

error file_write_private(struct arena *arena, const char *path, str content)
{
    str temporary = arena_printf(arena, "%s.new", path);

    if (!temporary.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(write_new(arena, temporary.at, content));
    if (rename(temporary.at, path)) {
        error failed = failure(arena, "write", path);

        unlink(temporary.at);
        return failed;
    }
    return sync_directory_of(arena, path) ? NULL : failure(arena, "write", path);
}

/* One that exists may have been linked just before a crash, so its name is synced, too. */
error file_write_once(struct arena *arena, const char *temporary, const char *path, str content,
                      bool *existed)
{
    TRY(write_new(arena, temporary, content));
    bool linked = link(temporary, path) == 0, exists = !linked && errno == EEXIST;
    error failed = linked || exists ? NULL : failure(arena, "write", path);

    unlink(temporary);
    if (!failed && !sync_directory_of(arena, path))
        failed = failure(arena, "write", path);
    if (!failed)
        *existed = exists;
    return failed;
}

error file_visit(struct arena *arena, const char *directory, bool (*visit)(str name, void *cookie),
                 void *cookie)
{
    DIR *open_directory = opendir(directory);
    const struct dirent *entry;

    if (!open_directory)
        return failure(arena, "read directory", directory);
    errno = 0;
    while ((entry = readdir(open_directory))) {
        str name = str_of(entry->d_name);

        if (!str_is(name, ".") && !str_is(name, "..") && !visit(name, cookie)) {
            errno = 0;
            break;
        }
        errno = 0;
    }
    error failed = errno ? failure(arena, "read directory", directory) : NULL;

    closedir(open_directory);
    return failed;
}

error file_remove(struct arena *arena, const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? NULL : failure(arena, "remove", path);
}
