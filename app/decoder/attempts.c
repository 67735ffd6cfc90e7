/* Each is the shortest way to do what must not be done. */
#include "app/decoder/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK     ((size_t)16 << 20)
#define CHUNKS    256
#define FILE_NAME "decoder-check.tmp"

static int came_to(int64_t result, const char *what, struct why *why)
{
    if (result >= 0)
        return 0;
    int errnum = errno;
    why_set(why, "%s: %s", what, strerror(errnum));
    return err_of_errno(errnum);
}

static int close_at_once(int fd, const char *what, struct why *why)
{
    int err = came_to(fd, what, why);
    if (fd >= 0)
        close(fd);
    return err;
}

static int try_write(const char *dir, struct why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/audio/" FILE_NAME, dir);
    int err =
        close_at_once(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open", why);
    return err ? err : came_to(unlink(path), "unlink", why);
}

static int try_spool(const char *dir, struct why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/spool/" FILE_NAME, dir);
    return close_at_once(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "open", why);
}

static int try_database(const char *dir, struct why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/earshot.db", dir);
    return close_at_once(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600), "open", why);
}

static int try_passwd(const char *dir, struct why *why)
{
    (void)dir;
    return close_at_once(open("/etc/passwd", O_RDONLY | O_CLOEXEC), "open", why);
}

static int try_socket(const char *dir, struct why *why)
{
    (void)dir;
    return close_at_once(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket", why);
}

static int try_execve(const char *dir, struct why *why)
{
    char *const words[] = {(char[]){"true"}, NULL};
    (void)dir;
    return came_to(execve("/bin/true", words, words + 1), "execve", why);
}

static int try_fork(const char *dir, struct why *why)
{
    (void)dir;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return came_to(pid, "fork", why);
}

static int try_ptrace(const char *dir, struct why *why)
{
    (void)dir;
    return came_to(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL), "ptrace", why);
}

static int try_kill(const char *dir, struct why *why)
{
    (void)dir;
    return came_to(kill(getppid(), 0), "kill", why);
}

static int try_code(const char *dir, struct why *why)
{
    (void)dir;
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return came_to(page == MAP_FAILED ? -1 : 0, "mmap", why);
}

static int try_limits(const char *dir, struct why *why)
{
    (void)dir;
    const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    return came_to(setrlimit(RLIMIT_CPU, &most), "setrlimit", why);
}

/* Written to, so that nobody can say it was never there. */
static int try_memory(const char *dir, struct why *why)
{
    (void)dir;
    for (int i = 0; i < CHUNKS; i++) {
        volatile char *chunk = malloc(CHUNK);
        if (chunk == NULL)
            return came_to(-1, "malloc", why);
        chunk[0] = 1;
    }
    return 0;
}

static int try_cpu(const char *dir, struct why *why)
{
    (void)dir;
    (void)why;
    for (volatile uint64_t i = 0; i < UINT64_C(1) << 62;)
        i++;
    return 0;
}

static int (*const attempts[])(const char *dir, struct why *why) = {
#define PROBE(name, text, wanted) try_##name,
#include "app/confine/probes.def"
#undef PROBE
};

int attempt(uint32_t probe, const char *dir, struct why *why)
{
    return probe < sizeof attempts / sizeof *attempts ? attempts[probe](dir, why) : ERR_INVALID;
}
