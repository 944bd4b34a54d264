/* The order service's messages: the commands and queries of the article, and what the gateway needs beside them. */
#pragma once

#include "rpc/message.h"

extern const struct message order_messages[];
