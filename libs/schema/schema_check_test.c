/* Tables with one mistake each, and what is said of them. */
#include "schema/schema.h"

#include "testing/test.h"

static const char *const STATES[] = { "PENDING", "PAID", NULL };

struct leaf {
    str name;
};

static SCHEMA(leaf, FIELD(name));

struct sound {
    str a;
    bool b;
    bool c;
    unsigned state;
    struct leaf *leaf;
    struct {
        struct leaf *at;
        size_t len;
    } leaves;
    uuid id;
    bool last;
};

static SCHEMA(sound,
    FIELD(id), FIELD(a), FIELD(b), FIELD(c), FIELD(state, .names = STATES, RULES(IS_IN(STATES))),
    FIELD(leaf, .of = leaf_schema), LIST(leaves, .of = leaf_schema), FIELD(last));

struct sound_change {
    fieldset given;
    bool a;
    str b;
};

static PARTIAL(sound_change, FIELD(a), FIELD(b));

struct three {
    str a, b, c;
};

struct tail {
    str a;
    bool b;
    int64_t c;
};

static SCHEMA(three, FIELD(a), FIELD(c));
#define three_schema first_missing_schema
static SCHEMA(three, FIELD(b), FIELD(c));
#undef three_schema
#define three_schema last_missing_schema
static SCHEMA(three, FIELD(a), FIELD(b));
#undef three_schema
#define three_schema twice_schema
static SCHEMA(three, FIELD(a), FIELD(b), FIELD(b, .json = "b2"), FIELD(c));
#undef three_schema
#define three_schema lenient_schema
static SCHEMA(three, FIELD(a, .lenient = true), FIELD(b), FIELD(c));
#undef three_schema
#define three_schema names_schema
static SCHEMA(three, FIELD(a), FIELD(b, .json = "c"), FIELD(c));
#undef three_schema
#define three_schema not_nested_schema
static SCHEMA(three, FIELD(a, .of = leaf_schema), FIELD(b), FIELD(c));
#undef three_schema
#define three_schema no_list_schema
static SCHEMA(three, FIELD(a, RULES(IS_STRING, IS_IN(NULL))), FIELD(b), FIELD(c));
#undef three_schema
#define three_schema no_checker_schema
static SCHEMA(three, FIELD(a, RULES(MATCHES("/x/", NULL))), FIELD(b), FIELD(c));
#undef three_schema
#define three_schema not_bare_schema
static BARE(three, FIELD(a), FIELD(b), FIELD(c));
#undef three_schema
#define three_schema not_partial_schema
static PARTIAL(three, FIELD(a), FIELD(b), FIELD(c));
#undef three_schema

static SCHEMA(tail, FIELD(a), FIELD(b));

struct unknown {
    int number;
};

static SCHEMA(unknown, FIELD(number));

struct nameless {
    unsigned state;
};

static SCHEMA(nameless, FIELD(state));

struct own {
    struct own *child;
};

static const struct schema *own_schema(void);
static SCHEMA(own, FIELD(child, .of = own_schema));

struct level {
    struct level *next;
};

#define LEVEL(tag, below)   \
    struct tag {            \
        struct below *next; \
    };                      \
    static SCHEMA(tag, FIELD(next, .of = below##_schema))

LEVEL(level_2, leaf);
LEVEL(level_3, level_2);
LEVEL(level_4, level_3);
LEVEL(level_5, level_4);
LEVEL(level_6, level_5);
LEVEL(level_7, level_6);
LEVEL(level_8, level_7);
LEVEL(level_9, level_8);

static void a_sound_table_passes(void **state)
{
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    assert_null(schema_check(sound_schema(), arena));
    assert_null(schema_check(sound_change_schema(), arena));
    assert_null(schema_check(level_8_schema(), arena));
    arena_free(arena);
}

static void a_mistake_is_named(void **state)
{
    static const struct {
        const struct schema *(*schema)(void);
        const char *message;
    } rows[] = {
        { three_schema, "Table three.c: a member in front of it has no row" },
        { first_missing_schema, "Table three.b: a member in front of it has no row" },
        { last_missing_schema, "Table three: the last member has no row" },
        { tail_schema, "Table tail: the last member has no row" },
        { twice_schema, "Table three: two rows for one member" },
        { names_schema, "Table three.c: two rows have this JSON name" },
        { not_nested_schema, "Table three.a: .of for a member that is no struct" },
        { no_list_schema, "Table three.a: a rule without its list of names" },
        { no_checker_schema, "Table three.a: MATCHES without its checker" },
        { not_bare_schema, "Table three: a BARE table has one row" },
        { not_partial_schema, "Table three: `fieldset given` must be the first member" },
        { unknown_schema, "Table unknown: the last member has no row" },
        { nameless_schema, "Table nameless.state: an enum without .names" },
        { lenient_schema, "Table three.a: .lenient for a member that is no money" },
        { own_schema, "Table own: it is nested in itself" },
        { level_9_schema, "Table leaf: it is nested too deep" },
    };
    struct arena *arena = arena_new(ARENA_CALL_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        error e = schema_check(rows[i].schema(), arena);

        assert_non_null(e);
        assert_int_equal(e->status, 500);
        assert_text(str_of(e->message), rows[i].message);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_table_passes),
        cmocka_unit_test(a_mistake_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
