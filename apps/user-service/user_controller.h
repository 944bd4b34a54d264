/* The user service's messages: the six patterns of the article, and the list for administrators. */
#pragma once

#include "events/events.h"
#include "rpc/message.h"

extern const struct message user_messages[];

/* What it hears of orders: the list among a user's details is made of it. */
extern const struct subscription user_subscriptions[];
