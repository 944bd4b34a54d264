#include "apps/notification-service/contacts.h"
#include "contracts/user.h"
#include "runtime/clock.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN "user.findById"

/* A user that was found. */
struct remembered {
    uuid user;
    uint64_t until_ms; /* 0: an empty place */
    size_t email_len, name_len, language_len;
    char email[CONTACT_EMAIL_MAX], name[CONTACT_NAME_MAX], language[CONTACT_LANGUAGE_MAX];
};

struct contacts {
    struct remembered at[CONTACTS_MAX];
};

struct contacts *contacts_new(void)
{
    return calloc(1, sizeof(struct contacts));
}

void contacts_free(struct contacts *contacts)
{
    free(contacts);
}

/* The last byte of an id is random in every version of UUIDs that is in use. */
static struct remembered *place_of(struct contacts *contacts, uuid user)
{
    return &contacts->at[user.bytes[15] % CONTACTS_MAX];
}

static void remember(struct contacts *contacts, uuid user, const struct contact *contact)
{
    struct remembered *place = place_of(contacts, user);

    if (contact->email.len > CONTACT_EMAIL_MAX || contact->name.len > CONTACT_NAME_MAX ||
        contact->language.len > CONTACT_LANGUAGE_MAX)
        return;
    *place = (struct remembered){
        .user = user,
        .until_ms = clock_ms() + CONTACT_MS,
        .email_len = contact->email.len,
        .name_len = contact->name.len,
        .language_len = contact->language.len,
    };
    memcpy(place->email, contact->email.at, contact->email.len);
    if (contact->name.len)
        memcpy(place->name, contact->name.at, contact->name.len);
    if (contact->language.len)
        memcpy(place->language, contact->language.at, contact->language.len);
}

/* In the arena, since the place may be another's before the call has ended. */
static error copy_of(struct arena *arena, const struct remembered *place, struct contact *out)
{
    struct contact copy = { .email = arena_copy(arena, (str){ place->email, place->email_len }) };

    if (place->name_len)
        copy.name = arena_copy(arena, (str){ place->name, place->name_len });
    if (place->language_len)
        copy.language = arena_copy(arena, (str){ place->language, place->language_len });
    if (!copy.email.at || (place->name_len && !copy.name.at) ||
        (place->language_len && !copy.language.at))
        return &ERROR_OUT_OF_MEMORY;
    *out = copy;
    return NULL;
}

/* In another process the answer may be a NestJS service's: what a letter has no use for may have any shape. */
static error ask(struct call *call, struct system *system, uuid user, struct contact *out)
{
    struct rpc_peer peer = service_peer(system, PATTERN);
    const struct user_id wanted = { user };
    struct user_contact found;

    TRY(rpc_send(call, &peer, PATTERN, IN(user_id, &wanted), OUT(user_contact, &found)));
    *out = (struct contact){ .email = found.email, .name = found.name };
    if (found.profile)
        out->language = found.profile->language;
    return NULL;
}

error contacts_find(struct call *call, struct contacts *contacts, struct system *system, uuid user,
                    struct contact *out)
{
    const struct remembered *place = place_of(contacts, user);
    struct contact found;

    if (uuid_eq(place->user, user) && place->until_ms > clock_ms())
        return copy_of(call->arena, place, out);
    TRY(ask(call, system, user, &found));
    remember(contacts, user, &found);
    *out = found;
    return NULL;
}
