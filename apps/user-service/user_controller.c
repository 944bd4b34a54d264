#include "apps/user-service/user_controller.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "apps/user-service/user_repository.h"
#include "apps/user-service/user_service.h"

#define USER_MESSAGES(ON)                                                   \
    ON("user.create", create, create_user, user)                            \
    ON("user.findById", find_by_id, user_id, user_details)                  \
    ON("user.findById", find_without_orders, user_id, user)                 \
    ON("user.findById", find_contact, user_id, user_contact)                \
    ON("user.findByEmail", find_by_email, user_email, user)                 \
    ON("user.findAll", find_all, user_page_query, user_page)                \
    ON("user.validateCredentials", validate_credentials, credentials, user) \
    ON("user.update", update, change_user, user)                            \
    ON("user.delete", delete, user_id, nothing)

MESSAGE_TABLE(user_messages, USER_MESSAGES);

#define USER_SUBSCRIPTIONS(ON)                    \
    ON("order.created", add_order, order_created) \
    ON("order.statusChanged", change_order, order_status_changed)

SUBSCRIPTIONS(user_subscriptions, USER_SUBSCRIPTIONS);

static const struct error BAD_CREDENTIALS = ERROR(401, "Invalid credentials");

static const str USER_ROLES[] = { STR_INIT(ROLE_USER) };

static struct user_state *state(struct call *call)
{
    return service_state(call);
}

static error insert_new(struct call *call, const struct create_user *in, struct user *out)
{
    struct user_state *self = state(call);
    struct user_row row = {
        .id = random_uuid(),
        .email = in->email,
        .name = in->name,
        .is_active = true,
        .roles = { USER_ROLES, 1 },
        .profile = in->profile,
        .created_at = clock_now(),
    };
    error missing = user_find_by_email(call, self->db, &(struct user_email){ in->email }, out);

    if (missing != &USER_NOT_FOUND)
        return missing ? missing : &EMAIL_TAKEN;
    row.updated_at = row.created_at;
    TRY(password_hash(call, self->passwords, in->password, &row.password_hash));
    return user_insert(call, self->db, &row, out);
}

/* One registration of an address at a time: those behind the first are told that it is taken, before they cost
 * a hash each. Between processes the constraint decides. */
static error create(struct call *call, const struct create_user *in, struct user *out)
{
    struct locks *registering = &state(call)->registering;
    struct lock lock;

    TRY(lock_take(call, registering, in->email, &lock));
    error failed = insert_new(call, in, out);

    lock_release(registering, &lock);
    return failed;
}

static error find_by_id(struct call *call, const struct user_id *in, struct user_details *out)
{
    return user_find_details(call, state(call)->db, in, out);
}

static error find_without_orders(struct call *call, const struct user_id *in, struct user *out)
{
    return user_find(call, state(call)->db, in, out);
}

static error find_contact(struct call *call, const struct user_id *in, struct user_contact *out)
{
    struct user user;
    struct contact_profile *profile = ARENA_NEW(call->arena, struct contact_profile);

    if (!profile)
        return &ERROR_OUT_OF_MEMORY;
    TRY(user_find(call, state(call)->db, in, &user));
    if (user.profile)
        profile->language = user.profile->language;
    *out = (struct user_contact){ user.email, user.name, user.profile ? profile : NULL };
    return NULL;
}

static error find_by_email(struct call *call, const struct user_email *in, struct user *out)
{
    return user_find_by_email(call, state(call)->db, in, out);
}

static error find_all(struct call *call, const struct user_page_query *in, struct user_page *out)
{
    return user_list(call, state(call)->db, in, out);
}

/* An unknown address, an inactive user and a wrong password cost the same and answer the same. */
static error check_password(struct call *call, const struct credentials *in, uuid *id)
{
    struct user_state *self = state(call);
    struct user_row row = { 0 };
    bool matches;
    error missing = user_find_row_by_email(call, self->db, &(struct user_email){ in->email }, &row);

    if (missing && missing != &USER_NOT_FOUND)
        return missing;
    TRY(password_verify(call, self->passwords, in->password, row.password_hash, &matches));
    if (missing || !matches || !row.is_active)
        return &BAD_CREDENTIALS;
    *id = row.id;
    return NULL;
}

static error validate_credentials(struct call *call, const struct credentials *in, struct user *out)
{
    struct user_state *self = state(call);
    struct user_id id;

    TRY(attempts_take(self->attempts, call->arena, in->email, clock_ms()));
    error refused = check_password(call, in, &id.id);

    if (refused != &BAD_CREDENTIALS)
        attempts_give_back(self->attempts, in->email, clock_ms());
    return refused ? refused : user_find(call, self->db, &id, out);
}

static error update(struct call *call, const struct change_user *in, struct user *out)
{
    struct user_state *self = state(call);
    str hash = { NULL, 0 };

    if (in->update_user_dto->given & schema_bit(update_user_schema(), "password"))
        TRY(password_hash(call, self->passwords, in->update_user_dto->password, &hash));
    return user_change(call, self->db, in, hash, out);
}

static error delete (struct call *call, const struct user_id *in, struct nothing *out)
{
    (void)out;
    return user_remove(call, state(call)->db, in);
}

/* --- orders -------------------------------------------------------------------------------------- */

static error add_order(struct call *call, const struct recorded *event,
                       const struct order_created *data)
{
    struct order_created known = *data;

    if (!known.currency.at)
        known.currency = state(call)->currency;
    return user_order_add(call, state(call)->db, event, &known);
}

static error change_order(struct call *call, const struct recorded *event,
                          const struct order_status_changed *data)
{
    return user_order_change(call, state(call)->db, event, data);
}
