/* Values as people read them, and the names that a mail goes by. */
#pragma once

#include "base/error.h"
#include "base/money.h"
#include "base/time.h"
#include "base/uuid.h"

enum language { LANGUAGE_RO, LANGUAGE_EN, LANGUAGE_COUNT };

/* "ro", "en", NULL. */
extern const char *const mail_languages[];

/* The language of that name, else `otherwise`. */
enum language language_named(str name, enum language otherwise);

/* "1.234,50" or "1,234.50", in the arena; at == NULL when it refuses. */
str text_of_money(struct arena *arena, money amount, enum language language);

/* "25 noiembrie 2026, 14:05 UTC" or "25 November 2026, 14:05 UTC". Where the reader is we do not know, so the zone
 * stands behind it. */
str text_of_time(struct arena *arena, timestamp time, enum language language);

/* An integer, grouped like money. */
str text_of_integer(struct arena *arena, int64_t value, enum language language);

str text_of_uuid(struct arena *arena, uuid id);

/* The domain of an address, "a@b.c" or "Cuib <a@b.c>": a host's name of letters, digits, hyphens and dots, at most
 * 100 of them, since a Message-ID ends in it. False when there is none. */
bool address_domain(str address, str *out);

/* The Message-ID of the mail that this event means for this recipient: always the same one, so that a mail which is sent
 * twice (the process ended between its acceptance and our noting it) is seen to be one. */
str message_id_of(struct arena *arena, uuid event_id, uuid recipient, str template, str domain);
