/* JavaScript's order of an object's members (ECMAScript's OrdinaryOwnPropertyKeys): array indices
 * ascending, then the other names in the order of their first appearance; a name that came again
 * has changed the value only. */
#include "json/json_internal.h"

#include <stdlib.h>

/* A name's place is where it came first, its value where it came last. */
struct slot {
    struct json *first;
    const struct json *last;
    int64_t index; /* of a name that is an array index, else -1 */
};

/* "0" to "4294967294" without leading zeros. */
static int64_t array_index(str name)
{
    uint64_t index;

    if (name.len > 10 || !str_to_uint(name, UINT32_MAX - 1, &index))
        return -1;
    return name.len > 1 && name.at[0] == '0' ? -1 : (int64_t)index;
}

static int by_place(const struct slot *a, const struct slot *b)
{
    return (a->first->source.at > b->first->source.at) -
           (a->first->source.at < b->first->source.at);
}

static int by_name(const void *a, const void *b)
{
    const struct slot *left = a, *right = b;
    int order = str_compare(left->first->name, right->first->name);

    return order ? order : by_place(left, right);
}

static int by_javascript(const void *a, const void *b)
{
    const struct slot *left = a, *right = b;

    if (left->index >= 0 && right->index >= 0)
        return (left->index > right->index) - (left->index < right->index);
    if (left->index >= 0 || right->index >= 0)
        return left->index >= 0 ? -1 : 1;
    return by_place(left, right);
}

static size_t fill(struct slot *slots, struct json *object)
{
    size_t count = 0;

    for (const struct json *member = object->first; member; member = member->next)
        slots[count++] = (struct slot){ (struct json *)member, member, array_index(member->name) };
    return count;
}

/* Makes one slot of each run of equal names; returns how many are left. */
static size_t join_equal(struct slot *slots, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept && str_eq(slots[kept - 1].first->name, slots[i].first->name))
            slots[kept - 1].last = slots[i].last;
        else
            slots[kept++] = slots[i];
    return kept;
}

static void relink(struct json *object, const struct slot *slots, size_t count)
{
    const struct json *next = NULL;

    for (size_t i = count; i-- > 0;) {
        struct json *member = slots[i].first;

        *member = *slots[i].last;
        member->next = next;
        next = member;
    }
    object->first = next;
    object->count = (uint32_t)count;
}

bool json_settle_members(struct arena *arena, struct json *object)
{
    struct slot *slots = ARENA_ARRAY(arena, struct slot, object->count);

    if (!slots)
        return false;
    size_t count = fill(slots, object);

    qsort(slots, count, sizeof *slots, by_name);
    count = join_equal(slots, count);
    qsort(slots, count, sizeof *slots, by_javascript);
    relink(object, slots, count);
    return true;
}
