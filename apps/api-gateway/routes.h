/* The gateway's route tables. */
#pragma once

#include "http/route.h"

extern const struct route auth_routes[];
extern const struct route user_routes[];
extern const struct route order_routes[];
