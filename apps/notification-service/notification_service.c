#include "apps/notification-service/notification_service.h"
#include "apps/notification-service/mail_health.h"
#include "apps/notification-service/mail_metrics.h"
#include "apps/notification-service/notification_controller.h"
#include "runtime/file.h"
#include "runtime/log.h"

#include <stdlib.h>

extern const struct embedded_file notification_service_migrations[];

enum { PORT_OF_SMTPS = 465, CA_MAX = 4 * 1024 * 1024, HOUR_MS = 3600 * 1000 };

static const char *const TLS_NAMES[] = { "none", "starttls", "opportunistic", "implicit", NULL };

struct notification_settings {
    int64_t notification_service_port;
    str notification_database_url, database_url;
    str smtp_host, smtp_user, smtp_password, smtp_from, smtp_tls, smtp_ca;
    int64_t smtp_port;
    str mail_templates, mail_language, currency, user_service_host;
    int64_t mail_max_age_hours, user_service_port;
};

/* Unset, SMTP_TLS is what a user of nodemailer expects: TLS from the first byte on port 465, else STARTTLS where the
 * server offers it, so that a mail catcher on one's own machine needs no setting. But a password goes out under TLS
 * alone unless somebody says otherwise: an attacker in between could leave the offer out. */
static SCHEMA(notification_settings,
              FIELD(notification_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)),
                    .fallback = "3003", .doc = "port of the notification service"),
              FIELD(notification_database_url, .optional = true,
                    .doc = "store of the notification service; unset: a file in CUIB_DATA_DIR"),
              FIELD(database_url, .optional = true,
                    .doc = "store of a service that has no setting of its own"),
              FIELD(smtp_host, .optional = true,
                    .doc = "mail server; unset: mails lie in the Maildir CUIB_DATA_DIR/mail"),
              FIELD(smtp_port, RULES(IS_INT, AT_LEAST(1), AT_MOST(65535)), .fallback = "587",
                    .doc = "its port"),
              FIELD(smtp_user, .optional = true, .doc = "with SMTP_PASSWORD: who logs in there"),
              FIELD(smtp_password, .optional = true, .secret = true, .doc = "the password"),
              FIELD(smtp_from, .fallback = "Cuib <no-reply@localhost>", .doc = "sender of the mails"),
              FIELD(smtp_tls, RULES(IS_IN(TLS_NAMES)), .optional = true,
                    .doc = "none, starttls, opportunistic or implicit; unset: implicit on port 465,"
                           " starttls with SMTP_USER, else opportunistic"),
              FIELD(smtp_ca, .optional = true,
                    .doc = "PEM file of authorities for the mail server; unset: the system's"),
              FIELD(mail_templates, .optional = true,
                    .doc = "directory whose files (ro/order-confirmation.html) replace the built-in ones"),
              FIELD(mail_language, RULES(IS_IN(mail_languages)), .fallback = "ro",
                    .doc = "language of users who have not chosen one: ro or en"),
              FIELD(mail_max_age_hours, RULES(IS_INT, AT_LEAST(1), AT_MOST(DELIVERY_AGE_MAX_HOURS)),
                    .fallback = "72", .doc = "an event that is older causes no mail any more"),
              FIELD(currency, RULES(IS_ISO4217), .fallback = "RON",
                    .doc = "of events that name none"),
              FIELD(user_service_host, .optional = true,
                    .doc = "where the user service is, when not in this process; several separated by commas;"
                           " unset: reached over Redis where REDIS_HOST is set, else on 127.0.0.1"),
              FIELD(user_service_port, RULES(IS_INT, AT_LEAST(0), AT_MOST(65535)), .fallback = "3001",
                    .doc = "its port, where USER_SERVICE_HOST names none"));

/* --- settings ------------------------------------------------------------------------------------ */

/* The sender stands in every mail: one that mails cannot carry would kill them all. */
static error check_sender(struct arena *arena, str from, str *domain)
{
    struct mail sample = {
        .from = from,
        .to = STR("somebody@localhost"),
        .subject = STR("A sample"),
        .text = STR("A sample"),
        .message_id = STR("<sample@localhost>"),
    };
    struct buf text = buf_new(MAIL_MAX);
    bool well = address_domain(from, domain) && !mail_print(arena, &sample, &text);

    buf_free(&text);
    if (well)
        return NULL;
    return error_new(arena, 500, "SMTP_FROM must be an address like 'Cuib <no-reply@example.com>'");
}

static enum mail_tls tls_of(const struct notification_settings *settings)
{
    for (int i = 0; settings->smtp_tls.at && TLS_NAMES[i]; i++)
        if (str_is(settings->smtp_tls, TLS_NAMES[i]))
            return (enum mail_tls)i;
    if (settings->smtp_port == PORT_OF_SMTPS)
        return MAIL_TLS_IMPLICIT;
    return settings->smtp_user.at ? MAIL_TLS_STARTTLS : MAIL_TLS_OPPORTUNIST;
}

/* What would otherwise be found out with the first mail, or never. */
static error check_server_settings(struct arena *arena,
                                   const struct notification_settings *settings)
{
    str unused;

    if (!settings->smtp_user.at != !settings->smtp_password.at)
        return error_new(arena, 500, "SMTP_USER and SMTP_PASSWORD belong together: %s is not set",
                         settings->smtp_user.at ? "SMTP_PASSWORD" : "SMTP_USER");
    if (settings->smtp_user.at && !settings->smtp_host.at)
        return error_new(arena, 500, "SMTP_HOST is not set, but SMTP_USER is");
    if (!settings->smtp_ca.at)
        return NULL;
    error failed = file_read(arena, settings->smtp_ca.at, CA_MAX, &unused);

    return failed ? error_new(arena, 500, "SMTP_CA: %s", failed->message) : NULL;
}

static bool any_name(str name, void *cookie)
{
    (void)name;
    (void)cookie;
    return false;
}

static error check_templates_directory(struct arena *arena, str directory)
{
    if (!directory.at)
        return NULL;
    error failed = file_visit(arena, directory.at, any_name, NULL);

    return failed ? error_new(arena, 500, "MAIL_TEMPLATES: %s", failed->message) : NULL;
}

/* --- opening ------------------------------------------------------------------------------------- */

static error open_store(struct call *call, struct service_instance *self, const void *filled)
{
    const struct notification_settings *settings = filled;
    struct notification_state *state = calloc(1, sizeof *state);
    str url;

    self->state = state;
    if (!state)
        return &ERROR_OUT_OF_MEMORY;
    TRY(service_store_url(self, settings->notification_database_url, settings->database_url, &url));
    TRY(db_open(self->system->arena, url.at, &state->db));
    return db_migrate(call, state->db, notification_service_migrations);
}

static error open_mailer(struct arena *arena, const struct system *system,
                         const struct notification_settings *settings, struct mailer **out)
{
    struct mailer_options options = {
        .smtp_host = settings->smtp_host,
        .smtp_port = (unsigned)settings->smtp_port,
        .smtp_user = settings->smtp_user,
        .smtp_password = settings->smtp_password,
        .tls = tls_of(settings),
        .smtp_ca = settings->smtp_ca,
        .maildir = arena_printf(arena, "%.*s/mail", STR_ARG(system->settings.cuib_data_dir)),
    };

    TRY(check_server_settings(arena, settings));
    TRY(check_sender(arena, settings->smtp_from, &options.hostname));
    if (!options.maildir.at)
        return &ERROR_OUT_OF_MEMORY;
    error failed = mailer_new(arena, &options, out);

    if (failed && options.smtp_host.at)
        return error_new(arena, failed->status, "SMTP_HOST: %s", failed->message);
    return failed;
}

/* What may be asked twice without harm. */
static const char *const IDEMPOTENT[] = { "user.findById", NULL };

static error find_user_service(struct system *system, const struct notification_settings *settings)
{
    if (service_is_here(system, "user"))
        return NULL;
    return service_add_remote(
        system, &(struct service_remote){ .name = "user",
                                          .addresses = settings->user_service_host,
                                          .port = (unsigned)settings->user_service_port,
                                          .idempotent = IDEMPOTENT });
}

static error start_postman(struct service_instance *self, struct notification_state *state,
                           const struct notification_settings *settings)
{
    struct postman_options options = {
        .self = self,
        .db = state->db,
        .mailer = state->mailer,
        .templates = &state->templates,
        .language = language_named(settings->mail_language, LANGUAGE_RO),
        .currency = settings->currency,
        .from = settings->smtp_from,
    };

    TRY(check_sender(self->system->arena, settings->smtp_from, &options.domain));
    return postman_start(&options, &state->postman);
}

static error start(struct call *call, struct service_instance *self, const void *filled)
{
    const struct notification_settings *settings = filled;
    struct notification_state *state = self->state;
    struct arena *arena = self->system->arena;

    (void)call;
    self->port = (unsigned)settings->notification_service_port;
    state->max_age_ms = settings->mail_max_age_hours * HOUR_MS;
    TRY(check_templates_directory(arena, settings->mail_templates));
    TRY(templates_load(arena, settings->mail_templates, &state->templates));
    TRY(open_mailer(arena, self->system, settings, &state->mailer));
    TRY(find_user_service(self->system, settings));
    TRY(mail_health_new(state->mailer, &state->health));
    TRY(start_postman(self, state, settings));
    service_add_database_check(self, state->db);
    service_add_check(self, (struct health_check){ "mail", mail_health_check, state->health });
    service_add_check(
        self, (struct health_check){ "deliveries", mail_health_deliveries, state->postman });
    log_info("NotificationService", "mails go to %.*s", STR_ARG(mailer_where(state->mailer)));
    return NULL;
}

static void stop(struct service_instance *self)
{
    struct notification_state *state = self->state;

    if (!state)
        return;
    struct call call = call_new(self->system->arena, CALL_TIMEOUT_MS);

    self->state = NULL;
    state->handled = (struct wait){ .done = state->handling == 0 };
    call_wait_done(&call, &state->handled);
    postman_stop(state->postman);
    mail_health_free(state->health);
    mailer_free(state->mailer);
    db_close(state->db);
    free(state);
}

str notification_mails_go_to(const struct service_instance *self)
{
    const struct notification_state *state = self->state;

    return mailer_where(state->mailer);
}

const struct service notification_service = {
    .name = "notification",
    .title = "NotificationService",
    .settings = notification_settings_schema,
    .recorded = notification_subscriptions,
    .metrics = mail_metrics,
    .open = open_store,
    .start = start,
    .stop = stop,
};
