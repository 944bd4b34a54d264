#include "apps/user-service/user_service.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "apps/user-service/user_controller.h"
#include "apps/user-service/user_repository.h"

#include <stdlib.h>
#include <string.h>

extern const struct embedded_file user_service_migrations[];

/* About five seconds' worth of hashes, which take 2^cost times 50 ns each: who would wait longer is told at once to
 * come back. */
enum { HASHES_WAITING_AT_COST_0 = 24 << 12 };

struct user_settings {
    int64_t user_service_port, bcrypt_cost;
    str user_database_url, database_url, currency, admin_email, admin_password;
};

static SCHEMA(user_settings,
              FIELD(user_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3001",
                    .doc = "port of the user service"),
              FIELD(bcrypt_cost, RULES(IS_INT, AT_LEAST(PASSWORD_COST_MIN), AT_MOST(PASSWORD_COST_MAX)),
                    .fallback = "12", .doc = "cost of a password's hash"),
              FIELD(user_database_url, .optional = true,
                    .doc = "store of the user service; unset: a file in CUIB_DATA_DIR"),
              FIELD(database_url, .optional = true,
                    .doc = "store of a service that has no setting of its own"),
              FIELD(currency, RULES(IS_ISO4217), .fallback = "RON",
                    .doc = "of orders whose event names none, as a NestJS service may emit them"),
              FIELD(admin_email, RULES(IS_EMAIL), .optional = true,
                    .doc = "with ADMIN_PASSWORD: the first administrator, made at start"),
              FIELD(admin_password, RULES(IS_STRING, MIN_LENGTH(8), MAX_BYTES(72), NO_NUL),
                    .optional = true, .secret = true, .doc = "of the first administrator"));

static error insert_admin(struct call *call, struct user_state *state,
                          const struct user_settings *settings)
{
    static const str ADMIN_ROLES[] = { STR_INIT(ROLE_USER), STR_INIT(ROLE_ADMIN) };
    struct user made;
    struct user_row row = {
        .id = random_uuid(),
        .email = settings->admin_email,
        .name = STR("Administrator"),
        .is_active = true,
        .roles = { ADMIN_ROLES, 2 },
        .created_at = clock_now(),
    };

    row.updated_at = row.created_at;
    TRY(password_hash(call, state->passwords, settings->admin_password, &row.password_hash));
    TRY(user_insert(call, state->db, &row, &made));
    log_info("UserService", "the administrator %.*s was created", STR_ARG(made.email));
    return NULL;
}

/* An account that is there already is left as it is: its owner may have changed the password. */
static error make_admin(struct call *call, struct user_state *state,
                        const struct user_settings *settings)
{
    struct user_email email = { settings->admin_email };
    struct user existing;

    if (!settings->admin_email.at != !settings->admin_password.at)
        return error_new(call->arena, 500,
                         "ADMIN_EMAIL and ADMIN_PASSWORD belong together: %s is not set",
                         settings->admin_email.at ? "ADMIN_PASSWORD" : "ADMIN_EMAIL");
    if (!email.email.at)
        return NULL;
    error missing = user_find_by_email(call, state->db, &email, &existing);

    return missing == &USER_NOT_FOUND ? insert_admin(call, state, settings) : missing;
}

static error open_store(struct call *call, struct service_instance *self, const void *filled)
{
    const struct user_settings *settings = filled;
    struct user_state *state = calloc(1, sizeof *state);
    str url;

    self->state = state;
    if (!state)
        return &ERROR_OUT_OF_MEMORY;
    lock_init(&state->registering);
    state->currency = settings->currency;
    TRY(service_store_url(self, settings->user_database_url, settings->database_url, &url));
    TRY(db_open(self->system->arena, url.at, &state->db));
    return db_migrate(call, state->db, user_service_migrations);
}

static error start(struct call *call, struct service_instance *self, const void *filled)
{
    const struct user_settings *settings = filled;
    struct user_state *state = self->state;
    const struct password_options passwords = {
        .cost = (unsigned)settings->bcrypt_cost,
        .threads = offload_cores(),
        .queue_max = offload_cores() * (HASHES_WAITING_AT_COST_0 >> settings->bcrypt_cost),
    };

    self->port = (unsigned)settings->user_service_port;
    TRY(passwords_new(self->system->arena, &passwords, &state->passwords));
    TRY(attempts_new(&state->attempts));
    service_add_database_check(self, state->db);
    return make_admin(call, state, settings);
}

static void stop(struct service_instance *self)
{
    struct user_state *state = self->state;

    if (!state)
        return;
    passwords_free(state->passwords);
    attempts_free(state->attempts);
    db_close(state->db);
    free(state);
}

const struct service user_service = {
    .name = "user",
    .title = "UserService",
    .settings = user_settings_schema,
    .messages = user_messages,
    .recorded = user_subscriptions,
    .keeps = "user_orders",
    .open = open_store,
    .start = start,
    .stop = stop,
};
