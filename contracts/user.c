#include "contracts/user.h"

const char *const role_names[] = { ROLE_USER, ROLE_ADMIN, NULL };

static const char *const language_names[] = { "ro", "en", NULL };

/* The rules that a new user and a change have in common. */
#define EMAIL_RULES RULES(IS_EMAIL, MAX_LENGTH(254)), .example = "ana@example.com"
#define PASSWORD_RULES                                                      \
    RULES(IS_STRING, MIN_LENGTH(8), MAX_BYTES(72), NO_NUL), .secret = true, \
                                                            .example = "correct horse"
#define NAME_RULES RULES(IS_STRING, IS_NOT_EMPTY, MAX_LENGTH(100)), .example = "Ana Pop"
#define SHORT_TEXT RULES(IS_STRING, LENGTH(1, 100)), .optional = true

SCHEMA(profile,
       FIELD(first_name, SHORT_TEXT, .example = "Ana"),
       FIELD(last_name, SHORT_TEXT, .example = "Pop"),
       FIELD(phone, SHORT_TEXT, .example = "+40 721 234 567"),
       FIELD(language, RULES(IS_IN(language_names)), .optional = true,
             .doc = "language of the mails", .example = "ro"));

SCHEMA(create_user,
       FIELD(email, EMAIL_RULES),
       FIELD(password, PASSWORD_RULES, .doc = "8 characters to 72 bytes"),
       FIELD(name, NAME_RULES),
       FIELD(profile, .of = profile_schema, .optional = true));

PARTIAL(update_user,
        FIELD(email, EMAIL_RULES),
        FIELD(password, PASSWORD_RULES),
        FIELD(name, NAME_RULES),
        FIELD(profile, .of = profile_schema),
        FIELD(is_active, .doc = "can be changed by an admin only"),
        FIELD(roles, RULES(IS_ARRAY, ARRAY_NOT_EMPTY, ARRAY_UNIQUE, EACH(IS_IN(role_names))),
              .doc = "can be changed by an admin only"));

SCHEMA(change_user,
       FIELD(id),
       FIELD(update_user_dto, .of = update_user_schema));

BARE(user_id, FIELD(id));

BARE(user_email, FIELD(email));

SCHEMA(credentials,
       FIELD(email, RULES(IS_STRING, IS_NOT_EMPTY), .example = "ana@example.com"),
       FIELD(password, RULES(IS_STRING, IS_NOT_EMPTY), .secret = true, .example = "correct horse"));

SCHEMA(order_summary,
       FIELD(id),
       FIELD(total),
       FIELD(currency),
       FIELD(status),
       FIELD(created_at));

SCHEMA(user,
       FIELD(id),
       FIELD(email),
       FIELD(name),
       FIELD(is_active),
       FIELD(roles),
       FIELD(profile, .of = profile_schema, .optional = true, .nullable = true),
       FIELD(created_at),
       FIELD(updated_at));

SCHEMA(user_details,
       FIELD(id),
       FIELD(email),
       FIELD(name),
       FIELD(is_active),
       FIELD(roles),
       FIELD(profile, .of = profile_schema, .optional = true, .nullable = true),
       LIST(orders, .of = order_summary_schema, .doc = "the newest 20"),
       FIELD(created_at),
       FIELD(updated_at));

SCHEMA(contact_profile, FIELD(language, .optional = true));

SCHEMA(user_contact,
       FIELD(email),
       FIELD(name, .optional = true),
       FIELD(profile, .of = contact_profile_schema, .optional = true));

SCHEMA(user_page_query,
       FIELD(limit, RULES(IS_INT, AT_LEAST(1), AT_MOST(USER_PAGE_MAX)), .fallback = "20"),
       FIELD(cursor, RULES(IS_STRING, IS_NOT_EMPTY), .optional = true,
             .doc = "nextCursor of the page before"));

SCHEMA(user_page,
       LIST(items, .of = user_schema),
       FIELD(next_cursor, .optional = true, .nullable = true));
