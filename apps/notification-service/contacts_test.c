/* What the user service answers when it is in another process: a carrier that hands over what it is told. */
#include "testing/fiber_test.h"

#include "apps/notification-service/contacts.h"
#include "contracts/user.h"
#include "runtime/random.h"

#include <stdlib.h>

static struct {
    const char *answer; /* JSON */
    unsigned asked;
} users;

static error exchange(struct call *call, struct rpc_client *client, struct rpc_attempt *attempt)
{
    const struct json *value;

    (void)client;
    users.asked++;
    attempt->sent = attempt->answered = true;
    assert_null(json_parse(call->arena, str_of(users.answer), &value));
    return attempt->request->item(attempt->request->cookie, value);
}

static error emit(struct call *call, struct rpc_client *client, str route, str data)
{
    (void)call, (void)client, (void)route, (void)data;
    return NULL;
}

static void hang_up(struct rpc_client *client)
{
    rpc_client_clear(client);
}

static const struct rpc_carrier CARRIER = { exchange, emit, hang_up };

/* A process whose user service is elsewhere. */
struct process {
    struct rpc_client client;
    struct system system;
    struct contacts *contacts;
};

static void begin(struct call *call, struct process *process)
{
    *process = (struct process){ .contacts = contacts_new() };
    assert_non_null(process->contacts);
    assert_null(
        rpc_client_init(&process->client, &CARRIER, &(struct rpc_options){ .name = STR("user") }));
    process->system.arena = call->arena;
    process->system.remotes[0] =
        (struct service_remote){ .name = "user", .client = &process->client };
    process->system.remote_count = 1;
    users.asked = 0;
}

static void end(struct process *process)
{
    rpc_client_free(&process->client);
    contacts_free(process->contacts);
}

static error find(struct call *call, struct process *process, uuid user, struct contact *out)
{
    return contacts_find(call, process->contacts, &process->system, user, out);
}

TEST(a_user_of_another_service_needs_an_email_alone)
{
    static const struct {
        const char *answer, *name, *language; /* NULL: none */
    } rows[] = {
        { "{\"email\":\"ana@example.com\"}", NULL, NULL },
        { "{\"email\":\"ana@example.com\",\"name\":null,\"profile\":null}", NULL, NULL },
        { "{\"email\":\"ana@example.com\",\"name\":\"Ana\",\"profile\":{}}", "Ana", NULL },
        { "{\"email\":\"ana@example.com\",\"profile\":{\"language\":\"tlh\"}}", NULL, "tlh" },
        { "{\"id\":7,\"email\":\"ana@example.com\",\"name\":\"Ana\",\"isActive\":1,"
          "\"roles\":[{\"id\":1,\"name\":\"user\"}],\"orders\":{\"count\":3},\"createdAt\":17e11,"
          "\"updatedAt\":null,\"profile\":{\"firstName\":5,\"phone\":[],\"language\":\"en\"}}",
          "Ana", "en" },
    };
    struct process process;
    struct contact found;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uuid user = random_uuid();

        begin(call, &process);
        users.answer = rows[i].answer;
        for (int again = 0; again < 2; again++) {
            assert_null(find(call, &process, user, &found));
            assert_text(found.email, "ana@example.com");
            assert_text(found.name, rows[i].name ? rows[i].name : "");
            assert_int_equal(!found.name.at, !rows[i].name);
            assert_text(found.language, rows[i].language ? rows[i].language : "");
            assert_int_equal(users.asked, 1); /* the second time it is remembered */
        }
        end(&process);
    }
}

TEST(an_answer_that_is_no_user_is_refused)
{
    static const char *const rows[] = {
        "{}", "[]", "7", "{\"name\":\"Ana\"}", "{\"email\":null}", "{\"email\":7}",
    };
    struct process process;
    struct contact found;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        begin(call, &process);
        users.answer = rows[i];
        error failed = find(call, &process, random_uuid(), &found);

        assert_non_null(failed);
        assert_int_equal(failed->status, 502);
        assert_string_equal(failed->message,
                            "The user service answered user.findById with something else");
        end(&process);
    }
}

/* --- in this process ------------------------------------------------------------------------------ */

#define USER_MESSAGES(ON) ON("user.findById", find_by_id, user_id, user_contact)
MESSAGE_TABLE(test_user_messages, USER_MESSAGES);

static error find_by_id(struct call *call, const struct user_id *in, struct user_contact *out)
{
    struct contact_profile *profile = ARENA_NEW(call->arena, struct contact_profile);

    assert_non_null(profile);
    (void)in;
    profile->language = STR("en");
    *out = (struct user_contact){ STR("ion@example.com"), STR("Ion"), profile };
    return NULL;
}

static const struct service USER_SERVICE = { .name = "user", .messages = test_user_messages };

TEST(a_user_of_this_process_is_asked_for_directly)
{
    struct process process;
    struct contact found;

    begin(call, &process);
    process.system.instances[0] =
        (struct service_instance){ .service = &USER_SERVICE, .system = &process.system };
    process.system.count = 1;
    assert_null(find(call, &process, random_uuid(), &found));
    assert_text(found.email, "ion@example.com");
    assert_text(found.name, "Ion");
    assert_text(found.language, "en");
    assert_int_equal(users.asked, 0);
    end(&process);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_of_another_service_needs_an_email_alone),
        cmocka_unit_test(an_answer_that_is_no_user_is_refused),
        cmocka_unit_test(a_user_of_this_process_is_asked_for_directly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
