/* SIGTERM and SIGINT as an ordinary callback of the loop; SIGPIPE ignored. */
#pragma once

#include "base/error.h"

/* `stop(cookie)` runs on the loop at the first SIGTERM or SIGINT; further ones do nothing. */
error signals_on_stop(void (*stop)(void *cookie), void *cookie);

/* Gives the signals back; the loop can then be closed. */
void signals_close(void);
