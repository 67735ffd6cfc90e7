/* A disk with something wrong, for tests: loaded ahead of the C library (LD_PRELOAD), stands
 * between a program and its files below the directory $FAULTY_DISK. What is wrong now stands in the
 * first bytes of the file $FAULTY_DISK_MODE, which is mapped, so a test changes it while the
 * program runs: u8 what (enum fault), u8 where (1: in spool/ alone, 2: all but that, 3: exports under way), u16 after, u32 milliseconds
 * that each write and sync takes with SLOW; with KILLS, which of the files in audio/ and spool/ that are unlinked from the start on
 * kills the program: ahead of it, or with `after` behind it.
 *
 * Files count by the path they were opened with; children that were forked are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum fault { NONE, REFUSES, READ_ONLY, FULL, SLOW, SYNC_FAILS, KILLS };
enum { OURS = 1, SPOOL = 2, EXPORT = 4 };
enum act { WRITES, OPENS, SYNCS };

struct mode {
    uint8_t what, where;
    uint16_t after;
    uint32_t ms;
};

static const volatile struct mode *mode;
static const char *dir;
static unsigned char files[65536]; /* by descriptor */

static void leave_alone(void)
{
    mode = NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTY_DISK_MODE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    dir = getenv("FAULTY_DISK");
    if (fd >= 0)
        close(fd);
    if (page != MAP_FAILED && dir)
        mode = page;
    pthread_atfork(NULL, NULL, leave_alone);
}

static unsigned char kind_of(const char *path)
{
    if (mode == NULL || dir == NULL || strncmp(path, dir, strlen(dir)) != 0)
        return 0;
    path += strlen(dir);
    size_t size = strlen(path);
    bool part = size > 5 && strcmp(path + size - 5, ".part") == 0 && strstr(path, ".json.") == NULL;
    return strncmp(path, "/spool/", 7) == 0 ? OURS | SPOOL : strncmp(path, "/exports/", 9) == 0 && part ? OURS | EXPORT : OURS;
}

static bool is_there(unsigned char kind)
{
    if (mode->where == 3)
        return kind & EXPORT;
    return mode->where == 0 || (mode->where == 1) == !!(kind & SPOOL);
}

static void wait_a_little(void)
{
    uint32_t ms = mode->ms;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* 0, or the errno of what is wrong with it. */
static int trouble(unsigned char kind, int act)
{
    if (kind == 0 || mode == NULL || !is_there(kind))
        return 0;
    switch (mode->what) {
    case REFUSES:
        return act == OPENS ? 0 : EIO;
    case READ_ONLY:
        return EROFS;
    case FULL:
        return act == OPENS ? 0 : ENOSPC;
    case SLOW:
        if (act != OPENS)
            wait_a_little();
        return 0;
    case SYNC_FAILS:
        return act == SYNCS ? EIO : 0;
    default:
        return 0;
    }
}

static unsigned char kind_of_fd(int fd)
{
    return fd >= 0 && fd < (int)sizeof files ? files[fd] : 0;
}

static int opened(int fd, const char *path)
{
    if (fd >= 0 && fd < (int)sizeof files)
        files[fd] = kind_of(path);
    return fd;
}

#define NEXT(type, name)                                                                           \
    static __typeof__(type) *next;                                                                 \
    if (next == NULL)                                                                              \
    *(void **)&next = dlsym(RTLD_NEXT, name)

#define REFUSE(kind, act)                                                                          \
    do {                                                                                           \
        int error = trouble(kind, act);                                                            \
        if (error) {                                                                               \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        NEXT(int(const char *, int, ...), #name);                                                  \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t rights = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;             \
        va_end(rest);                                                                              \
        if ((flags & O_ACCMODE) != O_RDONLY)                                                       \
            REFUSE(kind_of(path), OPENS);                                                          \
        return opened(next(path, flags, rights), path);                                            \
    }

OPEN(open)
OPEN(open64)

#define WRITE_AT(name, offset_type)                                                                \
    ssize_t name(int fd, const void *data, size_t size, offset_type at)                            \
    {                                                                                              \
        NEXT(ssize_t(int, const void *, size_t, offset_type), #name);                              \
        REFUSE(kind_of_fd(fd), WRITES);                                                            \
        return next(fd, data, size, at);                                                           \
    }

WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size)
{
    NEXT(ssize_t(int, const void *, size_t), "write");
    REFUSE(kind_of_fd(fd), WRITES);
    return next(fd, data, size);
}

int fsync(int fd)
{
    NEXT(int(int), "fsync");
    REFUSE(kind_of_fd(fd), SYNCS);
    return next(fd);
}

int fdatasync(int fd)
{
    NEXT(int(int), "fdatasync");
    REFUSE(kind_of_fd(fd), SYNCS);
    return next(fd);
}

int close(int fd)
{
    NEXT(int(int), "close");
    if (fd >= 0 && fd < (int)sizeof files)
        files[fd] = 0;
    return next(fd);
}

static bool of_media(const char *path)
{
    return kind_of(path) && (strncmp(path + strlen(dir), "/spool/", 7) == 0 || strncmp(path + strlen(dir), "/audio/", 7) == 0);
}

int unlink(const char *path)
{
    static atomic_uint unlinked;
    NEXT(int(const char *), "unlink");
    bool last = mode && mode->what == KILLS && of_media(path) && atomic_fetch_add(&unlinked, 1) + 1 == mode->ms;
    if (last && !mode->after)
        kill(getpid(), SIGKILL);
    int result = next(path);
    if (last)
        kill(getpid(), SIGKILL);
    return result;
}

int mkdir(const char *path, mode_t rights)
{
    NEXT(int(const char *, mode_t), "mkdir");
    REFUSE(kind_of(path), OPENS);
    return next(path, rights);
}
