/* Against a Redis that is played on the same loop (testing/redis.h). */
#include "redis/redis.h"
#include "testing/redis.h"

static struct redis *start(struct call *call, struct redis_options options)
{
    played_start(call);
    return played_connect(options);
}

static void end(struct call *call, struct redis *redis)
{
    redis_free(redis);
    played_stop(call);
}

/* --- commands ------------------------------------------------------------------------------------ */

TEST(the_password_and_the_database_come_first)
{
    struct redis *redis =
        start(call, (struct redis_options){ .password = STR("se cret"), .database = 3 });

    assert_null(redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("x")), NULL));
    played_wait_for_peers(call, 2);
    assert_int_equal(strncmp(played.asked, "AUTH se cret\n", 13), 0);
    assert_int_equal(played_count("SELECT 3\n"), 2);
    assert_true(strstr(played.asked, "SELECT 3\n") < strstr(played.asked, "ECHO x\n"));
    end(call, redis);
}

TEST(a_wrong_password_is_told_to_every_command)
{
    struct redis *redis = start(call, (struct redis_options){ .password = STR("x") });

    played.refusal = "WRONGPASS no"; /* in time: nothing has been sent yet */
    error failed = redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("x")), NULL);

    assert_non_null(failed);
    assert_int_equal(failed->status, 503);
    assert_string_equal(failed->message, "WRONGPASS no");
    assert_string_equal(redis_check(call, redis)->message, "WRONGPASS no");
    assert_false(redis_counts(redis).up);
    end(call, redis);
}

TEST(commands_of_one_turn_leave_together)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    struct redis_reply reply;

    while (played_count("PING\n") < 3) /* the second connection sends one more */
        assert_null(call_sleep(call, 5));
    assert_null(redis_ready(call, redis));
    played.reads = 0;
    for (int i = 0; i < 100; i++)
        assert_null(redis_post(redis, REDIS_WORDS(STR("ECHO"), STR("no"))));
    assert_null(redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("last")), &reply));
    assert_text(reply.text, "last");
    assert_int_equal(played.reads, 1);
    end(call, redis);
}

TEST(a_command_whose_time_is_up_leaves_the_others_their_replies)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    struct call hasty = call_new(call->arena, 30);
    struct redis_reply reply;

    assert_null(redis_ready(call, redis));
    played.silent = true;
    assert_ptr_equal(redis_command(&hasty, redis, REDIS_WORDS(STR("ECHO"), STR("a")), NULL),
                     &ERROR_DEADLINE);
    played.silent = false;
    for (int i = 0; i < PLAYED_PEERS_MAX; i++)
        if (played.peers[i].stream)
            buf_printf(stream_output(played.peers[i].stream), "$1\r\na\r\n");
    assert_null(redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("b")), &reply));
    assert_text(reply.text, "b");
    end(call, redis);
}

TEST(an_error_reply_is_an_error)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    played.refusal = "ERR never";
    error failed = redis_command(call, redis, REDIS_WORDS(STR("AUTH"), STR("x")), NULL);

    assert_int_equal(failed->status, 502);
    assert_string_equal(failed->message, "ERR never");
    end(call, redis);
}

static void cut_off(struct timer *timer)
{
    (void)timer;
    played_lose_all();
}

TEST(a_command_under_way_is_lost_with_its_connection_and_the_next_goes_over_a_new_one)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    struct redis_reply reply;
    struct timer timer = { 0 };

    assert_null(redis_ready(call, redis));
    played.silent = true;
    timer_start(&timer, 20, cut_off);
    assert_ptr_equal(redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("a")), NULL),
                     &REDIS_LOST);
    assert_ptr_equal(redis_post(redis, REDIS_WORDS(STR("ECHO"), STR("a"))), &REDIS_LOST);
    assert_non_null(redis_check(call, redis));
    played.silent = false;
    assert_null(redis_command(call, redis, REDIS_WORDS(STR("ECHO"), STR("b")), &reply));
    assert_text(reply.text, "b");
    assert_null(redis_check(call, redis));
    assert_true(redis_counts(redis).reconnections >= 1);
    end(call, redis);
}

TEST(nobody_there_is_a_503_that_says_so_and_somebody_later_is_found)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    unsigned port = listener_port(played.listener);

    assert_null(redis_ready(call, redis));
    listener_free(played.listener);
    played_lose_all();
    played_wait_for_peers(call, 0);
    error failed = redis_command(call, redis, REDIS_WORDS(STR("PING")), NULL);

    assert_int_equal(failed->status, 503);
    assert_non_null(strstr(failed->message, "ECONNREFUSED"));
    played_listen(call->arena, port);
    while (redis_command(call, redis, REDIS_WORDS(STR("PING")), NULL))
        assert_null(call_sleep(call, 20));
    end(call, redis);
}

TEST(a_transaction_is_one_piece_whoever_else_sends)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    const struct redis_commands commands =
        REDIS_COMMANDS(REDIS_WORDS(STR("ECHO"), STR("a")), REDIS_WORDS(STR("ECHO"), STR("b")));

    assert_null(redis_ready(call, redis));
    assert_null(redis_post(redis, REDIS_WORDS(STR("ECHO"), STR("before"))));
    assert_null(redis_post_transaction(redis, commands));
    assert_null(redis_transaction(call, redis, commands, NULL));
    assert_int_equal(played_count("before\nMULTI\nECHO a\nECHO b\nEXEC\nMULTI\nECHO a\nECHO "
                                  "b\nEXEC\n"),
                     1);
    end(call, redis);
}

TEST(of_a_transaction_that_has_no_room_nothing_is_sent)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });
    const struct redis_commands commands = REDIS_COMMANDS(REDIS_WORDS(STR("ECHO"), STR("a")));

    assert_null(redis_ready(call, redis));
    for (int i = 0; i < REDIS_UNANSWERED_MAX - 2; i++)
        assert_null(redis_post(redis, REDIS_WORDS(STR("E"))));
    assert_ptr_equal(redis_post_transaction(redis, commands), &REDIS_BUSY);
    assert_null(redis_post(redis, REDIS_WORDS(STR("E"))));
    played_lose_all();
    assert_null(call_sleep(call, 20));
    assert_int_equal(played_count("MULTI\n"), 0);
    end(call, redis);
}

/* --- subscriptions ------------------------------------------------------------------------------- */

static struct ear {
    struct redis_subscription *subscription;
    char heard[256];
    int confirmed, lost;
    bool leaves; /* after the first message */
} ears[2];

static void hear(void *cookie, str channel, str payload)
{
    struct ear *ear = cookie;
    size_t used = strlen(ear->heard);

    snprintf(ear->heard + used, sizeof ear->heard - used, "%.*s=%.*s ", STR_ARG(channel),
             STR_ARG(payload));
    if (ear->leaves)
        redis_unsubscribe(ear->subscription);
}

static void note_confirmation(void *cookie)
{
    ((struct ear *)cookie)->confirmed++;
}

static void lose(void *cookie)
{
    ((struct ear *)cookie)->lost++;
}

static void listen_on(struct call *call, struct redis *redis, struct ear *ear, str name)
{
    const struct redis_channel channel = {
        .name = name,
        .message = hear,
        .confirmed = note_confirmation,
        .lost = lose,
        .cookie = ear,
    };

    *ear = (struct ear){ 0 };
    assert_null(redis_subscribe(redis, &channel, &ear->subscription));
    assert_null(redis_subscribed(call, ear->subscription));
}

static void say(struct call *call, struct redis *redis, const char *payload)
{
    assert_null(redis_command(call, redis,
                              REDIS_WORDS(STR("PUBLISH"), STR("news"), str_of(payload)), NULL));
    assert_null(call_sleep(call, 20));
}

TEST(messages_reach_their_subscription)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    listen_on(call, redis, &ears[0], STR("news"));
    listen_on(call, redis, &ears[1], STR("other"));
    say(call, redis, "1");
    say(call, redis, "");
    assert_string_equal(ears[0].heard, "news=1 news= ");
    assert_string_equal(ears[1].heard, "");
    end(call, redis);
}

TEST(a_lost_connection_is_told_and_its_subscriptions_return)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    listen_on(call, redis, &ears[0], STR("news"));
    played_lose_all();
    assert_null(call_sleep(call, 10));
    assert_int_equal(ears[0].lost, 1);
    assert_int_equal(ears[0].confirmed, 1);
    assert_null(redis_subscribed(call, ears[0].subscription));
    assert_int_equal(ears[0].confirmed, 2);
    say(call, redis, "again");
    assert_string_equal(ears[0].heard, "news=again ");
    end(call, redis);
}

TEST(two_subscriptions_of_one_channel_both_hear_and_the_last_one_leaves_it)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    listen_on(call, redis, &ears[0], STR("news"));
    listen_on(call, redis, &ears[1], STR("news"));
    redis_unsubscribe(ears[0].subscription);
    assert_null(call_sleep(call, 20));
    assert_int_equal(played_count("UNSUBSCRIBE news\n"), 0);
    redis_unsubscribe(ears[1].subscription);
    assert_null(call_sleep(call, 20));
    assert_int_equal(played_count("UNSUBSCRIBE news\n"), 1);
    end(call, redis);
}

TEST(a_subscription_may_end_itself_while_it_hears)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    listen_on(call, redis, &ears[0], STR("news"));
    ears[0].leaves = true;
    say(call, redis, "1");
    say(call, redis, "2");
    assert_string_equal(ears[0].heard, "news=1 ");
    assert_int_equal(redis_counts(redis).subscriptions, 0);
    end(call, redis);
}

TEST(one_that_leaves_still_hears_what_is_under_way)
{
    struct redis *redis = start(call, (struct redis_options){ 0 });

    listen_on(call, redis, &ears[0], STR("news"));
    played_publish("news", STR("late"));
    redis_subscription_leave(ears[0].subscription);
    assert_null(call_sleep(call, 20));
    assert_string_equal(ears[0].heard, "news=late ");
    redis_unsubscribe(ears[0].subscription);
    end(call, redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_and_the_database_come_first),
        cmocka_unit_test(a_wrong_password_is_told_to_every_command),
        cmocka_unit_test(commands_of_one_turn_leave_together),
        cmocka_unit_test(a_command_whose_time_is_up_leaves_the_others_their_replies),
        cmocka_unit_test(an_error_reply_is_an_error),
        cmocka_unit_test(
            a_command_under_way_is_lost_with_its_connection_and_the_next_goes_over_a_new_one),
        cmocka_unit_test(nobody_there_is_a_503_that_says_so_and_somebody_later_is_found),
        cmocka_unit_test(a_transaction_is_one_piece_whoever_else_sends),
        cmocka_unit_test(of_a_transaction_that_has_no_room_nothing_is_sent),
        cmocka_unit_test(messages_reach_their_subscription),
        cmocka_unit_test(a_lost_connection_is_told_and_its_subscriptions_return),
        cmocka_unit_test(two_subscriptions_of_one_channel_both_hear_and_the_last_one_leaves_it),
        cmocka_unit_test(a_subscription_may_end_itself_while_it_hears),
        cmocka_unit_test(one_that_leaves_still_hears_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
