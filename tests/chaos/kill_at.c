/* Kills a process at one of its system calls: `kill-at PID N` attaches to all of its threads, prints "ready", and sends
 * SIGKILL at the N-th system call after that, counted over all threads, the first being the accept4 with which the
 * request of a test comes in. That call is not carried out: its thread stands at the entry, and a thread that is killed
 * there never enters. What other threads have begun goes on until they die.
 *
 * It prints "N NAME" then. SIGTERM ends it earlier, with "COUNT -", COUNT being the calls until then, and the process
 * goes on. N = 0 only counts.
 *
 * strace's --inject counts each thread by itself, so that no N stands for a moment of the whole process. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <linux/ptrace.h> /* after <sys/ptrace.h>, which it would redefine */

enum { SYSCALL_STOP = SIGTRAP | 0x80 }; /* ptrace(2), PTRACE_O_TRACESYSGOOD */

#define OPTIONS ((void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE))

struct hunt {
    pid_t pid;
    unsigned long wanted, counted; /* counted: 0 until the request comes in */
};

static volatile sig_atomic_t told_to_end;

static void end(int number)
{
    told_to_end = number;
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "kill-at: %s: %s\n", what, strerror(errno));
    if (errno == EPERM)
        fprintf(stderr, "kill-at: run as root, or with kernel.yama.ptrace_scope = 0\n");
    exit(EXIT_FAILURE);
}

/* --- names --------------------------------------------------------------------------------------- */

/* What a server and its store may call while it runs; others are printed as numbers. */
static const struct {
    unsigned long number;
    const char *name;
} names[] = {
/* clang-format off */
#define NAME(call) { SYS_##call, #call }
    NAME(accept4), NAME(brk), NAME(clock_nanosleep), NAME(clone3), NAME(close), NAME(connect),
    NAME(epoll_ctl), NAME(epoll_pwait), NAME(fcntl), NAME(fdatasync), NAME(fsync), NAME(ftruncate),
    NAME(futex), NAME(getpid), NAME(getrandom), NAME(ioctl), NAME(lseek), NAME(madvise), NAME(mmap),
    NAME(mprotect), NAME(munmap), NAME(newfstatat), NAME(openat), NAME(pread64), NAME(pwrite64),
    NAME(read), NAME(recvfrom), NAME(recvmsg), NAME(restart_syscall), NAME(rt_sigprocmask), NAME(sched_yield),
    NAME(sendmsg), NAME(sendto), NAME(setsockopt), NAME(shutdown), NAME(socket), NAME(statx),
    NAME(unlinkat), NAME(write), NAME(writev),
#ifdef SYS_epoll_wait /* not on arm64 */
    NAME(access), NAME(epoll_wait), NAME(poll), NAME(stat), NAME(unlink),
#endif
#undef NAME
    /* clang-format on */
};

static void print_call(const struct hunt *hunt, unsigned long number)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number) {
            printf("%lu %s\n", hunt->counted, names[i].name);
            return;
        }
    printf("%lu call-%lu\n", hunt->counted, number);
}

/* --- attaching ----------------------------------------------------------------------------------- */

/* Whether it was not attached yet. It stops as soon as it can, which starts the reports of its system calls. */
static bool attach_thread(pid_t thread)
{
    if (ptrace(PTRACE_SEIZE, thread, NULL, OPTIONS))
        return false;
    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
    return true;
}

static unsigned attach_new_threads(pid_t pid)
{
    char path[64];
    unsigned attached = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);

    if (!tasks)
        give_up(path);
    for (struct dirent *entry; (entry = readdir(tasks));)
        if (entry->d_name[0] != '.')
            attached += attach_thread((pid_t)strtol(entry->d_name, NULL, 10));
    closedir(tasks);
    return attached;
}

/* A thread that begins while others are attached is found by another look; the threads of attached ones come by
 * themselves. */
static unsigned attach(pid_t pid)
{
    unsigned all = attach_new_threads(pid);

    if (!all)
        give_up("cannot attach");
    for (unsigned more; (more = attach_new_threads(pid));)
        all += more;
    return all;
}

/* --- following ----------------------------------------------------------------------------------- */

/* Whether this was the call to kill at. */
static bool at_system_call(struct hunt *hunt, pid_t thread)
{
    struct ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY || (!hunt->counted && info.entry.nr != SYS_accept4))
        return false;
    if (++hunt->counted != hunt->wanted)
        return false;
    kill(hunt->pid, SIGKILL);
    print_call(hunt, info.entry.nr);
    return true;
}

/* Lets a stopped thread go on to its next system call. A stop of ptrace's own is no signal to pass on. */
static void go_on(pid_t thread, int status)
{
    int number = WSTOPSIG(status);
    bool own = number == SYSCALL_STOP || status >> 16;

    ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(long)(own ? 0 : number));
}

/* The first stop of each thread follows from being attached; when all have stopped once, no call is missed. */
static void follow(struct hunt *hunt, unsigned attached)
{
    int status;

    while (!told_to_end) {
        pid_t thread = waitpid(-1, &status, __WALL);

        if (thread < 0 && errno != EINTR)
            return;
        if (thread < 0 || !WIFSTOPPED(status))
            continue;
        if (WSTOPSIG(status) == SYSCALL_STOP && at_system_call(hunt, thread))
            return;
        go_on(thread, status);
        if (status >> 16 == PTRACE_EVENT_STOP && attached && !--attached)
            puts("ready");
    }
    printf("%lu -\n", hunt->counted);
}

int main(int argc, char **argv)
{
    struct hunt hunt = { 0 };
    /* Without SA_RESTART: waitpid returns. */
    const struct sigaction ending = { .sa_handler = end };

    if (argc != 3) {
        fprintf(stderr, "usage: kill-at PID N\n");
        return 64; /* sysexits.h: EX_USAGE */
    }
    hunt.pid = (pid_t)strtol(argv[1], NULL, 10);
    hunt.wanted = strtoul(argv[2], NULL, 10);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &ending, NULL);
    follow(&hunt, attach(hunt.pid));
    return EXIT_SUCCESS;
}
