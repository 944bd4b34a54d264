/* For sockets that belong to a library with a loop of its own. */
#pragma once

/* Whoever reads from it finds its end, at once; what is written still leaves. Any number that is no socket is fine. */
void socket_stop_reading(int socket);
