/* The user service: accounts, passwords, roles. */
#pragma once

#include "auth/attempts.h"
#include "auth/password.h"
#include "database/database.h"
#include "runtime/lock.h"
#include "service/service.h"

extern const struct service user_service;

/* What the service holds while it runs. */
struct user_state {
    struct db *db;
    struct passwords *passwords;
    struct attempts *attempts;
    struct locks registering; /* by address */
    str currency;             /* of orders whose event names none */
};
