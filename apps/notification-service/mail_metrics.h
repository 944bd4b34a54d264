/* What the service shows at /metrics beside what every service does: how its mails fare. */
#pragma once

#include "service/service.h"

error mail_metrics(struct call *call, struct service_instance *self, struct metrics_writer *writer);
