/* An intrusive circular doubly linked list: a `struct link` lies inside the element, and a list is a
 * link of its own. Constant-time insertion and removal without allocation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *previous, *next;
};

#define LIST_ELEMENT(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct link *list)
{
    list->previous = list->next = list;
}

/* Also true for a link that is on no list. */
static inline bool list_empty(const struct link *list)
{
    return list->next == list || !list->next;
}

static inline void list_append(struct link *list, struct link *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* Takes `link` off the list it is on; a link that is on none may be removed again. */
static inline void list_remove(struct link *link)
{
    if (!link->next)
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = link->next = NULL;
}

/* Takes the first link off; NULL when the list is empty. */
static inline struct link *list_take(struct link *list)
{
    struct link *first = list->next;

    if (first == list)
        return NULL;
    list->next = first->next;
    first->next->previous = list;
    first->previous = first->next = NULL;
    return first;
}
