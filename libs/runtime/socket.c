#include "runtime/socket.h"

#include <sys/socket.h>

void socket_stop_reading(int socket)
{
    shutdown(socket, SHUT_RD);
}
