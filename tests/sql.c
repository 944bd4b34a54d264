/* Runs statements on a SQLite file, for tests that look at a store from outside or change it: prints each row, its columns
 * separated by tabs. The program under test may have the file open.
 *
 * usage: sql FILE STATEMENTS */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_TIMEOUT_MS = 10 * 1000 };

static int print_row(void *unused, int count, char **values, char **names)
{
    (void)unused;
    (void)names;
    for (int i = 0; i < count; i++)
        printf("%s%s", i ? "\t" : "", values[i] ? values[i] : "");
    putchar('\n');
    return 0;
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    char *problem = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: sql FILE STATEMENTS\n");
        return EXIT_FAILURE;
    }
    int result = sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL);

    if (result == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
        result = sqlite3_exec(db, argv[2], print_row, NULL, &problem);
    }
    if (result != SQLITE_OK)
        fprintf(stderr, "sql: %s\n", problem ? problem : sqlite3_errmsg(db));
    sqlite3_free(problem);
    sqlite3_close(db);
    return result == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
