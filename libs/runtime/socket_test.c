#include "runtime/socket.h"
#include "testing/test.h"

#include <sys/socket.h>
#include <unistd.h>

static void a_socket_that_stopped_reading_still_writes(void **state)
{
    int ends[2];
    char got = '?';

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    socket_stop_reading(ends[0]);
    assert_int_equal(read(ends[0], &got, 1), 0);
    assert_int_equal(write(ends[0], "x", 1), 1);
    assert_int_equal(read(ends[1], &got, 1), 1);
    assert_int_equal(got, 'x');
    close(ends[0]);
    close(ends[1]);
    socket_stop_reading(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_stopped_reading_still_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
