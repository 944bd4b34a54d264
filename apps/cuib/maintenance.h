/* Commands on the stores: they may run beside `cuib up`. */
#pragma once

/* `cuib rebuild [projection]`: writes projections anew from the events. Returns the exit code. */
int maintenance_rebuild(int argc, char **argv);

/* `cuib verify`: checks events, projections and payments. The exit code is 1 when something is wrong. */
int maintenance_verify(int argc, char **argv);
