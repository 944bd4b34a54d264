/* What the notification service hears. Its handlers write down which mail an event means, no more: so events are
 * acknowledged at once, whatever the mail server does. */
#pragma once

#include "events/events.h"

extern const struct subscription notification_subscriptions[];
