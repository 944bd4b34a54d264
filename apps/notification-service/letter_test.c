#include "testing/test.h"

#include "apps/notification-service/letter.h"
#include "apps/notification-service/templates.h"
#include "testing/directory.h"

#include <string.h>
#include <sys/stat.h>

#define ORDER "0198c8f0-5b1e-7c3a-9a51-6f1d2e3c4b5a"
#define USER "0198c8ee-1f2a-7b0c-8d4e-5a6b7c8d9e0f"

static struct arena *arena;
static struct testing_directory directory;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(ARENA_CALL_MAX);
    directory = testing_directory_new();
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    testing_directory_remove(&directory);
    return 0;
}

static str values_of(enum letter letter, const struct letter_facts *facts)
{
    const struct json *values;

    assert_null(letter_values(arena, letter, facts, &values));
    return values->source;
}

static void an_order_becomes_texts_of_its_language(void **state)
{
    struct letter_facts facts = letter_example(LETTER_ORDER_CONFIRMATION, LANGUAGE_RO);

    (void)state;
    assert_text(
        values_of(LETTER_ORDER_CONFIRMATION, &facts),
        "{\"user\":{\"name\":\"Ana Pop\",\"email\":\"ana@example.com\"},\"order\":{\"id\":\"" ORDER
        "\",\"createdAt\":\"25 noiembrie 2026, 14:05 UTC\",\"items\":[{\"productId\":\"book-1\","
        "\"name\":\"Ion\",\"quantity\":\"2\",\"price\":\"49,90\",\"amount\":\"99,80\"},{"
        "\"productId\":\"book-2\",\"name\":\"Pădurea spânzuraților & alte povești\","
        "\"quantity\":\"1\",\"price\":\"1.134,70\",\"amount\":\"1.134,70\"}],"
        "\"total\":\"1.234,50\",\"currency\":\"RON\",\"shippingAddress\":{"
        "\"street\":\"Strada Lungă 1\",\"city\":\"Iași\",\"postalCode\":\"700001\","
        "\"country\":\"RO\"},\"paymentMethod\":{\"card\":true,\"bankTransfer\":false,"
        "\"cashOnDelivery\":false}}}");
    facts.language = LANGUAGE_EN;
    assert_non_null(strstr(values_of(LETTER_ORDER_CONFIRMATION, &facts).at,
                           "\"createdAt\":\"25 November 2026, 14:05 UTC\""));
    assert_non_null(
        strstr(values_of(LETTER_ORDER_CONFIRMATION, &facts).at, "\"total\":\"1,234.50\""));
}

/* As the article's own order service emits it. */
static void a_lean_order_is_enough(void **state)
{
    const struct letter_facts facts = {
        .event = STR("{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\",\"total\":99.9,"
                     "\"createdAt\":\"2026-01-02T03:04:05.000Z\",\"more\":1}"),
        .name = STR("Ana"),
        .email = STR("ana@example.com"),
        .language = LANGUAGE_EN,
        .currency = STR("EUR"),
    };

    (void)state;
    assert_text(values_of(LETTER_ORDER_CONFIRMATION, &facts),
                "{\"user\":{\"name\":\"Ana\",\"email\":\"ana@example.com\"},\"order\":{\"id\":"
                "\"" ORDER "\",\"createdAt\":\"2 January 2026, 03:04 UTC\",\"total\":\"99.90\","
                "\"currency\":\"EUR\"}}");
}

static void a_payment_becomes_texts_of_its_language(void **state)
{
    static const enum letter LETTERS[] = { LETTER_PAYMENT_RECEIVED, LETTER_PAYMENT_FAILED };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(LETTERS); i++) {
        const struct letter_facts facts = letter_example(LETTERS[i], LANGUAGE_RO);

        assert_text(values_of(LETTERS[i], &facts),
                    "{\"user\":{\"name\":\"Ana Pop\",\"email\":\"ana@example.com\"},\"order\":{"
                    "\"id\":\"" ORDER "\"},\"payment\":{\"id\":"
                    "\"0198c8f1-77aa-7d10-b2c3-d4e5f6a7b8c9\",\"amount\":\"1.234,50\","
                    "\"currency\":\"RON\",\"processedAt\":\"25 noiembrie 2026, 14:06 UTC\"}}");
    }
}

/* An order service may know no times, no names and no payment ids, and add prices up as JavaScript does. */
static void what_another_order_service_leaves_out_is_made_up_for(void **state)
{
    struct letter_facts facts = {
        .event = STR("{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\","
                     "\"total\":0.30000000000000004,\"items\":[{\"productId\":\"book-1\","
                     "\"price\":\"0.10\",\"quantity\":3}]}"),
        .event_at = { 1767323045000 },
        .email = STR("ana@example.com"),
        .language = LANGUAGE_EN,
        .currency = STR("EUR"),
    };

    (void)state;
    assert_text(values_of(LETTER_ORDER_CONFIRMATION, &facts),
                "{\"user\":{\"email\":\"ana@example.com\"},\"order\":{\"id\":\"" ORDER "\","
                "\"createdAt\":\"2 January 2026, 03:04 UTC\",\"items\":[{\"productId\":"
                "\"book-1\",\"name\":\"book-1\",\"quantity\":\"3\",\"price\":\"0.10\","
                "\"amount\":\"0.30\"}],\"total\":\"0.30\",\"currency\":\"EUR\"}}");
    facts.event = STR("{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\",\"amount\":\"5.00\","
                      "\"status\":\"SUCCESS\"}");
    assert_text(values_of(LETTER_PAYMENT_RECEIVED, &facts),
                "{\"user\":{\"email\":\"ana@example.com\"},\"order\":{\"id\":\"" ORDER "\"},"
                "\"payment\":{\"amount\":\"5.00\",\"currency\":\"EUR\","
                "\"processedAt\":\"2 January 2026, 03:04 UTC\"}}");
}

static void an_event_without_what_a_letter_needs_is_refused(void **state)
{
    static const char *const EVENTS[] = {
        "{}",
        "[]",
        "{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\"}",
        "not JSON",
        "{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\",\"total\":1,\"createdAt\":"
        "\"2026-01-02T03:04:05.000Z\",\"items\":[{\"productId\":\"a\",\"name\":\"b\","
        "\"price\":90000000000000000,\"quantity\":9000000000}]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(EVENTS); i++) {
        const struct letter_facts facts = { .event = str_of(EVENTS[i]) };
        const struct json *values;
        error failed = letter_values(arena, LETTER_ORDER_CONFIRMATION, &facts, &values);

        assert_non_null(failed);
        assert_int_equal(failed->status, 400);
    }
}

static void letters_are_found_by_their_names(void **state)
{
    enum letter letter;

    (void)state;
    for (int i = 0; i < LETTER_COUNT; i++) {
        assert_true(letter_named(str_of(letter_names[i]), &letter));
        assert_int_equal(letter, i);
        assert_null(schema_check(letter_schema(letter), arena));
    }
    assert_false(letter_named(STR("order"), &letter));
    assert_false(letter_named(STR(""), &letter));
}

/* --- templates ----------------------------------------------------------------------------------- */

static const struct template_key SUBJECT = { LANGUAGE_RO, LETTER_PAYMENT_FAILED, LETTER_SUBJECT };

static void put(const char *name, const char *content)
{
    FILE *file;

    mkdir(testing_path(&directory, "ro"), 0700);
    file = fopen(testing_path(&directory, name), "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static error load(struct template_key key, struct mail_template **out)
{
    return template_load(arena, str_of(directory.path), key, out);
}

static str filled(const struct mail_template *template, struct template_key key)
{
    const struct letter_facts facts = letter_example(key.letter, key.language);
    const struct json *values;
    str text;

    assert_null(letter_values(arena, key.letter, &facts, &values));
    assert_null(template_fill(arena, template, key.part, values, &text));
    return text;
}

static void the_built_in_templates_are_sound_and_name_the_order(void **state)
{
    struct templates templates;

    (void)state;
    assert_null(templates_load(arena, (str){ NULL, 0 }, &templates));
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        for (int letter = 0; letter < LETTER_COUNT; letter++) {
            struct mail_template *const *parts = templates.of[language][letter];
            struct template_key key = { (enum language)language, (enum letter)letter,
                                        LETTER_SUBJECT };

            assert_true(filled(parts[LETTER_SUBJECT], key).len > 0);
            key.part = LETTER_TEXT;
            assert_non_null(strstr(filled(parts[LETTER_TEXT], key).at, ORDER));
            key.part = LETTER_HTML;
            assert_non_null(strstr(filled(parts[LETTER_HTML], key).at, ORDER));
        }
    }
}

static void a_payment_without_an_id_has_no_line_for_it(void **state)
{
    static const char *const WORDS[LANGUAGE_COUNT] = { "Num\xC4\x83rul pl\xC4\x83\xC8\x9Bii",
                                                       "Payment number" };
    static const char *const GREETINGS[LANGUAGE_COUNT] = { "Bun\xC4\x83!", "Hello," };
    struct letter_facts facts = {
        .event = STR("{\"orderId\":\"" ORDER "\",\"userId\":\"" USER "\",\"amount\":5,"
                     "\"status\":\"FAILED\"}"),
        .email = STR("ana@example.com"),
        .currency = STR("RON"),
    };
    struct templates templates;
    const struct json *values;
    str text;

    (void)state;
    assert_null(templates_load(arena, (str){ NULL, 0 }, &templates));
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        for (int letter = LETTER_PAYMENT_RECEIVED; letter <= LETTER_PAYMENT_FAILED; letter++) {
            for (int part = LETTER_HTML; part <= LETTER_TEXT; part++) {
                struct mail_template *template = templates.of[language][letter][part];
                struct template_key key = { (enum language)language, (enum letter)letter,
                                            (enum letter_part)part };

                facts.language = key.language;
                assert_non_null(strstr(filled(template, key).at, WORDS[language]));
                assert_null(letter_values(arena, key.letter, &facts, &values));
                assert_null(template_fill(arena, template, key.part, values, &text));
                assert_null(strstr(text.at, WORDS[language]));
                assert_non_null(strstr(text.at, ORDER));
                assert_non_null(strstr(text.at, GREETINGS[language]));
            }
        }
    }
}

static void html_is_escaped_and_text_is_not(void **state)
{
    struct template_key key = { LANGUAGE_RO, LETTER_ORDER_CONFIRMATION, LETTER_HTML };
    struct mail_template *template;

    (void)state;
    put("ro/order-confirmation.html", "{{#each order.items}}{{name}};{{/each}}");
    put("ro/order-confirmation.text", "{{#each order.items}}{{name}};{{/each}}");
    assert_null(load(key, &template));
    assert_text(filled(template, key), "Ion;Pădurea spânzuraților &amp; alte povești;");
    key.part = LETTER_TEXT;
    assert_null(load(key, &template));
    assert_text(filled(template, key), "Ion;Pădurea spânzuraților & alte povești;");
}

static void a_file_replaces_its_template_and_no_other(void **state)
{
    struct template_key other = { LANGUAGE_EN, LETTER_PAYMENT_FAILED, LETTER_SUBJECT };
    struct mail_template *template, *built_in;

    (void)state;
    put("ro/payment-failed.subject", "Comanda {{order.id}}\n");
    assert_null(load(SUBJECT, &template));
    assert_text(filled(template, SUBJECT), "Comanda " ORDER);
    assert_null(load(other, &template));
    assert_null(template_load(arena, (str){ NULL, 0 }, other, &built_in));
    assert_true(str_eq(filled(template, other), filled(built_in, other)));
}

static void a_subject_is_one_line(void **state)
{
    struct mail_template *template;

    (void)state;
    put("ro/payment-failed.subject", "\n  a\r\nBcc: {{user.email}}\tc \n\n");
    assert_null(load(SUBJECT, &template));
    assert_text(filled(template, SUBJECT), "a  Bcc: ana@example.com c");
}

static void a_template_that_is_wrong_is_refused_with_its_path(void **state)
{
    static const struct {
        const char *content, *words;
    } ROWS[] = {
        { "{{#if order.id}}", "payment-failed.subject:1" },
        { "ok\n{{order.total}}", "payment-failed.subject:2" },
        { "{{helper x}}", "payment-failed.subject:1" },
        { "\xFF", "payment-failed.subject is not UTF-8" },
    };
    struct mail_template *template;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        put("ro/payment-failed.subject", ROWS[i].content);

        error failed = load(SUBJECT, &template);

        assert_non_null(failed);
        assert_non_null(strstr(failed->message, directory.path));
        if (!strstr(failed->message, ROWS[i].words))
            fail_msg("%s", failed->message);
    }
}

#define TESTING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TESTING(an_order_becomes_texts_of_its_language),
        TESTING(a_lean_order_is_enough),
        TESTING(a_payment_becomes_texts_of_its_language),
        TESTING(what_another_order_service_leaves_out_is_made_up_for),
        TESTING(an_event_without_what_a_letter_needs_is_refused),
        TESTING(letters_are_found_by_their_names),
        TESTING(the_built_in_templates_are_sound_and_name_the_order),
        TESTING(a_payment_without_an_id_has_no_line_for_it),
        TESTING(html_is_escaped_and_text_is_not),
        TESTING(a_file_replaces_its_template_and_no_other),
        TESTING(a_subject_is_one_line),
        TESTING(a_template_that_is_wrong_is_refused_with_its_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
