/* The order service: orders from their events, and their payments. */
#pragma once

#include "apps/order-service/payments.h"
#include "service/service.h"

extern const struct service order_service;

/* What the service holds while it runs. */
struct order_state {
    struct db *db;
    struct events *events;
    struct payments *payments;
    str currency; /* of new orders */
};
