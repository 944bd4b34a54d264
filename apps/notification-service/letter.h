/* What the mails say: from an event and the user whose it is to the values that a template shows, every one of them a
 * text in the reader's language.
 *
 *     order-confirmation   user {name?, email}
 *                          order {id, createdAt, total, currency, items? [{productId, name, quantity, price, amount}],
 *                                 shippingAddress? {street, city, postalCode, country},
 *                                 paymentMethod? {card, bankTransfer, cashOnDelivery}}
 *     payment-received     user {name?, email}, order {id}, payment {id?, amount, currency, processedAt}
 *     payment-failed       the same
 *
 * What stands before a ? may be missing from an event of another's order service, a user of another's user service. Of a
 * payment method, one of the three is
 * true. */
#pragma once

#include "apps/notification-service/texts.h"
#include "json/json.h"
#include "schema/schema.h"

enum letter {
    LETTER_ORDER_CONFIRMATION,
    LETTER_PAYMENT_RECEIVED,
    LETTER_PAYMENT_FAILED,
    LETTER_COUNT,
};

/* "order-confirmation", …, NULL: the names of the templates. */
extern const char *const letter_names[];

/* False when there is no letter of that name. */
bool letter_named(str name, enum letter *out);

/* The field table of the letter's values, for checking templates. */
const struct schema *letter_schema(enum letter letter);

/* What a letter is made of. */
struct letter_facts {
    str event;          /* data of the event, a JSON object */
    timestamp event_at; /* when it happened, for data that name no time */
    str name, email;    /* of the user; name.at == NULL: none */
    enum language language;
    str currency; /* of an event that names none */
};

/* The values, a JSON object in the arena. A 400 when the event's data are not what the letter needs. */
error letter_values(struct arena *arena, enum letter letter, const struct letter_facts *facts,
                    const struct json **out);

/* Made-up facts, for looking at templates. */
struct letter_facts letter_example(enum letter letter, enum language language);
