/* A Maildir: each mail is a file that is written in `tmp`, synced and linked into `new`; a reader moves it to `cur`,
 * adding ":2," and flags to its name. The name is the Message-ID, so a mail that is delivered again (its sender did not
 * live to note the first time) is found in `new` or `cur`, where it is left as it is. */
#include "mail/mail_internal.h"
#include "runtime/file.h"

static const char *const PARTS[] = { "", "/tmp", "/new", "/cur" };

/* What a file refuses is nothing that will pass by itself. */
static error as_settings(struct arena *arena, error failed)
{
    return failed && failed->status == 404 ? error_new(arena, 500, "%s", failed->message) : failed;
}

error mail_maildir_make(struct arena *arena, str directory)
{
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        str path = arena_printf(arena, "%.*s%s", STR_ARG(directory), PARTS[i]);

        if (!path.at)
            return &ERROR_OUT_OF_MEMORY;
        TRY(as_settings(arena, file_make_directory(arena, path.at)));
    }
    return NULL;
}

struct search {
    str id;
    bool found;
};

/* Whether to look on. */
static bool compare(str name, void *cookie)
{
    struct search *search = cookie;

    search->found = str_eq(str_slice(name, 0, str_find(name, ':')), search->id);
    return !search->found;
}

static error deliver(const struct mail_delivery *delivery, const char *temporary, const char *path)
{
    bool existed;

    return file_write_once(delivery->arena, temporary, path, delivery->message, &existed);
}

static error check(const struct mail_delivery *delivery, const char *temporary)
{
    TRY(file_write_private(delivery->arena, temporary, STR("")));
    return file_remove(delivery->arena, temporary);
}

error mail_maildir_deliver(str directory, const struct mail_delivery *delivery)
{
    struct arena *arena = delivery->arena;
    struct search search = { .id = delivery->id };
    str temporary =
        arena_printf(arena, "%.*s/tmp/%.*s", STR_ARG(directory), STR_ARG(delivery->temporary));
    str path = arena_printf(arena, "%.*s/new/%.*s", STR_ARG(directory), STR_ARG(delivery->id));
    str cur = arena_printf(arena, "%.*s/cur", STR_ARG(directory));

    if (!temporary.at || !path.at || !cur.at)
        return &ERROR_OUT_OF_MEMORY;
    if (!delivery->message.at)
        return as_settings(arena, check(delivery, temporary.at));
    TRY(as_settings(arena, file_visit(arena, cur.at, compare, &search)));
    return search.found ? NULL : as_settings(arena, deliver(delivery, temporary.at, path.at));
}
