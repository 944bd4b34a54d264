/* Users as they cross a border: the bodies of the HTTP API and the payloads of the user service's messages. */
#pragma once

#include "schema/schema.h"

enum {
    USER_PAGE_MAX = 100,
};

/* The roles that a user can have; `user` is everybody's. */
extern const char *const role_names[];
#define ROLE_USER "user"
#define ROLE_ADMIN "admin"

struct profile {
    str first_name, last_name, phone, language;
};

struct create_user {
    str email, password, name;
    struct profile *profile; /* NULL: none given */
};

struct update_user {
    fieldset given;
    str email, password, name;
    struct profile *profile;
    bool is_active;
    strs roles;
};

/* Payload of user.update, with the article's names. */
struct change_user {
    uuid id;
    struct update_user *update_user_dto;
};

struct user_id {
    uuid id;
};

struct user_email {
    str email;
};

struct credentials {
    str email, password;
};

/* What an order looks like among the orders of its user. */
struct order_summary {
    uuid id;
    money total;
    str currency, status;
    timestamp created_at;
};

struct order_summaries {
    struct order_summary *at;
    size_t len;
};

struct user {
    uuid id;
    str email, name;
    bool is_active;
    strs roles;
    struct profile *profile; /* NULL: none */
    timestamp created_at, updated_at;
};

/* A user with the newest orders, as user.findById answers. */
struct user_details {
    uuid id;
    str email, name;
    bool is_active;
    strs roles;
    struct profile *profile;
    struct order_summaries orders;
    timestamp created_at, updated_at;
};

/* What writing to a user takes, of what any user service answers to user.findById. */
struct contact_profile {
    str language; /* whatever its users may choose; at == NULL: none */
};

struct user_contact {
    str email, name;                 /* name.at == NULL: none */
    struct contact_profile *profile; /* NULL: none */
};

/* A page of users, newest first. The cursor is opaque. */
struct user_page_query {
    int64_t limit;
    str cursor; /* at == NULL: the first page */
};

struct users {
    struct user *at;
    size_t len;
};

struct user_page {
    struct users items;
    str next_cursor; /* at == NULL on the last page */
};

const struct schema *profile_schema(void);
const struct schema *create_user_schema(void);
const struct schema *update_user_schema(void);
const struct schema *change_user_schema(void);
const struct schema *user_id_schema(void);
const struct schema *user_email_schema(void);
const struct schema *credentials_schema(void);
const struct schema *order_summary_schema(void);
const struct schema *user_schema(void);
const struct schema *user_details_schema(void);
const struct schema *contact_profile_schema(void);
const struct schema *user_contact_schema(void);
const struct schema *user_page_query_schema(void);
const struct schema *user_page_schema(void);
