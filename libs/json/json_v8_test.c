/* Compares with what Node 20 answers, which lies in two files:
 *
 *     tests/data/json_errors.txt   a text (as a JSON string), on the next line the message of
 *                                  JSON.parse for it (likewise)
 *     tests/data/json_numbers.txt  a number, a blank, and how JSON.stringify prints it
 *
 * They are found from the project's root, where the tests run. */
#include "json/json.h"

#include "testing/test.h"

#include <stdio.h>
#include <stdlib.h>

/* The next line without its line break, or at == NULL. It lies in the arena. */
static str next_line(FILE *file, struct arena *arena)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = getline(&line, &size, file);
    str copy = { NULL, 0 };

    if (len > 0)
        copy = arena_copy(arena, (str){ line, (size_t)len - (line[len - 1] == '\n') });
    free(line);
    return copy;
}

static FILE *open_data(const char *name)
{
    FILE *file = fopen(name, "r");

    if (!file)
        fail_msg("%s is missing; run the test from the project's root", name);
    return file;
}

static str decoded(struct arena *arena, str line)
{
    const struct json *value;

    assert_null(json_parse(arena, line, &value));
    assert_int_equal(value->type, JSON_STRING);
    return value->text;
}

static void errors_are_worded_as_v8_words_them(void **state)
{
    FILE *file = open_data("tests/data/json_errors.txt");
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    int count = 0;

    (void)state;
    for (str line; (line = next_line(file, arena)).at; count++) {
        str text = decoded(arena, line), expected = decoded(arena, next_line(file, arena));
        const struct json *value;
        error e = json_parse(arena, text, &value);

        assert_non_null(e);
        assert_text(expected, e->message);
    }
    assert_int_equal(count, 420);
    fclose(file);
    arena_free(arena);
}

static void numbers_are_read_and_printed_as_v8_does(void **state)
{
    FILE *file = open_data("tests/data/json_numbers.txt");
    struct arena *arena = arena_new(ARENA_CALL_MAX);
    struct buf out = buf_new(1024);
    int count = 0;

    (void)state;
    for (str line; (line = next_line(file, arena)).at; count++) {
        size_t blank = str_find(line, ' ');
        str expected = str_slice(line, blank + 1, line.len);
        const struct json *value;

        assert_null(json_parse(arena, str_slice(line, 0, blank), &value));
        buf_clear(&out);
        json_write(&out, value);
        assert_text(buf_text(&out), expected.at);
    }
    assert_true(count >= 900);
    fclose(file);
    buf_free(&out);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_worded_as_v8_words_them),
        cmocka_unit_test(numbers_are_read_and_printed_as_v8_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
