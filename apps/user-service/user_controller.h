/* The user service's messages: the six patterns of the article, and the list for administrators. */
#pragma once

#include "rpc/message.h"

extern const struct message user_messages[];
