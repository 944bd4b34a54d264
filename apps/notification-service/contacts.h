/* To whom a mail goes: users, asked of the user service wherever it is, and remembered for a minute, since one user's
 * events come close together. */
#pragma once

#include "runtime/call.h"
#include "service/service.h"

enum {
    CONTACTS_MAX = 256, /* remembered; each id has one place, and a newcomer takes it */
    CONTACT_MS = 60 * 1000,
    CONTACT_EMAIL_MAX = 256, /* bytes; who has a longer one is not remembered */
    CONTACT_NAME_MAX = 512,
    CONTACT_LANGUAGE_MAX = 16,
    CONTACT_TIMEOUT_MS = 5000, /* for the user service to answer */
};

struct contact {
    str email;
    str name;     /* at == NULL: none, of a user of another's user service */
    str language; /* of the user's profile; at == NULL: none */
};

struct contacts;

/* NULL when there is no memory. */
struct contacts *contacts_new(void);
void contacts_free(struct contacts *contacts);

/* The user's contact, in the call's arena. Errors are those of user.findById. */
error contacts_find(struct call *call, struct contacts *contacts, struct system *system, uuid user,
                    struct contact *out);
