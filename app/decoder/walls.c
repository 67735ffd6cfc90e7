/* From the outside in: first what needs files and system calls, the filter of system calls last. A call that is not on
 * the list below ends the process (SIGSYS), which its parent sees and counts.
 *
 * Landlock's own numbers stand here because the headers of the build machine may be older than the kernel. */
#include "app/decoder/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_MEMORY__)
#define SANITIZED 1 /* their runtimes map terabytes and use calls of their own */
#else
#define SANITIZED 0
#endif

#define FILES_MAX 256                        /* 128 flows, 33 files that are written, what is open anyway */
#define FILE_MAX  (INT64_C(34) * 1000000000) /* 48 hours of two channels at 48 kHz */

static int refused(const char *what, struct why *why)
{
    int errnum = errno;
    why_set(why, "%s is refused: %s", what, strerror(errnum));
    return err_of_errno(errnum);
}

/* ---- privileges ---- */

static int set_capabilities(uint32_t permitted, uint32_t effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.permitted = permitted, .effective = effective}};
    return (int)syscall(SYS_capset, &header, data);
}

static uint32_t capabilities_permitted(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    return syscall(SYS_capget, &header, data) == 0 ? data[0].permitted : 0;
}

/* Root who works in somebody else's folders keeps the right to do that; Landlock bounds it. All others keep nothing. */
static int drop_privileges(const struct walls *w, struct why *why)
{
    const uint32_t override = 1u << CAP_DAC_OVERRIDE & capabilities_permitted();
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (set_capabilities(override, 0) != 0)
        return refused("dropping privileges", why);
    bool enough = (!w->read_dir[0] || faccessat(AT_FDCWD, w->read_dir, R_OK | X_OK, AT_EACCESS) == 0) &&
                  (!w->write_dir[0] || faccessat(AT_FDCWD, w->write_dir, W_OK | X_OK, AT_EACCESS) == 0);
    if (set_capabilities(enough ? 0 : override, enough ? 0 : override) != 0)
        return refused("dropping privileges", why);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused("giving up new privileges", why);
    return 0;
}

/* ---- limits ---- */

static int limit(int what, int64_t most)
{
    const struct rlimit l = {(rlim_t)most, (rlim_t)most};
    return setrlimit(what, &l);
}

/* Bytes that are mapped now. */
static int64_t mapped(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int set_limits(const struct walls *w, struct why *why)
{
    int err = limit(RLIMIT_CORE, 0) || limit(RLIMIT_NOFILE, FILES_MAX) || limit(RLIMIT_NPROC, 0) ||
              limit(RLIMIT_FSIZE, FILE_MAX) || limit(RLIMIT_MEMLOCK, 0);
    int64_t now = mapped();
    if (!err && !SANITIZED && w->memory_bytes > 0 && now > 0)
        err = limit(RLIMIT_AS, now + w->memory_bytes);
    return err ? refused("a limit", why) : 0;
}

/* Who runs out of memory is first to go. */
static void go_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, "1000", 4);
    (void)n; /* then the kernel chooses as it likes */
    close(fd);
}

/* ---- files ---- */

#define LANDLOCK_FS_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_FS_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_FS_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_FS_MAKE_REG    (UINT64_C(1) << 8)
#define LANDLOCK_FS_TRUNCATE    (UINT64_C(1) << 14)
#define LANDLOCK_PATH_BENEATH   1

struct landlock_rights { /* struct landlock_ruleset_attr */
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

struct landlock_beneath { /* struct landlock_path_beneath_attr */
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

/* Version of Landlock that the kernel has; 0: none. */
static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return version > 0 ? (int)version : 0;
}

/* All that this version knows is handled, and so refused where no rule allows it. */
static struct landlock_rights landlock_all(int version, size_t *ret_size)
{
    static const unsigned char fs_bits[] = {13, 14, 15, 15, 16};
    unsigned bits = fs_bits[version > 5 ? 4 : version - 1];
    *ret_size = version < 4 ? 8 : version < 6 ? 16 : 24;
    return (struct landlock_rights){
        .fs = (UINT64_C(1) << bits) - 1,
        .net = version >= 4 ? 3 : 0,    /* TCP: bind, connect */
        .scoped = version >= 6 ? 3 : 0, /* abstract sockets, signals of others */
    };
}

static int landlock_allow(int rules, const char *folder, uint64_t rights)
{
    struct landlock_beneath b = {.allowed = rights,
                                 .parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (b.parent_fd < 0)
        return -1;
    long err = syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &b, 0);
    int errnum = errno;
    close(b.parent_fd);
    errno = errnum;
    return (int)err;
}

static int close_files(const struct walls *w, int version, struct why *why)
{
    size_t size;
    struct landlock_rights all = landlock_all(version, &size);
    const uint64_t read = LANDLOCK_FS_READ_FILE;
    const uint64_t write = LANDLOCK_FS_READ_FILE | LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_REMOVE_FILE |
                           LANDLOCK_FS_MAKE_REG | LANDLOCK_FS_TRUNCATE;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    int err = rules < 0;
    if (!err)
        err = (w->read_dir[0] && landlock_allow(rules, w->read_dir, read & all.fs)) ||
              (w->write_dir[0] && landlock_allow(rules, w->write_dir, write & all.fs)) ||
              syscall(SYS_landlock_restrict_self, rules, 0);
    int result = err ? refused("Landlock", why) : 0;
    if (rules >= 0)
        close(rules);
    return result;
}

/* ---- system calls ---- */

/* Nothing here makes a process, a thread, a socket or an executable page, or reaches another process. */
static const int calls[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(_llseek),
    SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx),
    SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64), SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static int add_calls(scmp_filter_ctx filter)
{
    int err = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    const struct scmp_arg_cmp writable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, writable);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1, writable);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, writable);
    if (err == 0) /* abort() sends a signal to itself */
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return err;
}

static bool kernel_filters(void)
{
    return seccomp_api_get() >= 2 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static int close_calls(struct why *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err = filter ? add_calls(filter) : -ENOMEM;
    if (err == 0)
        err = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    errno = -err;
    return err ? refused("a filter of system calls", why) : 0;
}

/* ---- all of them ---- */

int walls_raise(const struct walls *w, unsigned *ret_standing, struct why *why)
{
    unsigned standing = 0;
    *ret_standing = 0;
    if (w->none)
        return 0;
    int version = landlock_version();
    go_first();
    int err = set_limits(w, why);
    if (err == 0)
        err = drop_privileges(w, why);
    if (err == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        err = refused("an end together with the parent", why);
    if (err == 0 && version > 0)
        err = close_files(w, version, why);
    standing |= version > 0 ? WALL_LANDLOCK : 0;
    if (err == 0 && !SANITIZED && kernel_filters()) {
        err = close_calls(why);
        standing |= WALL_SECCOMP;
    }
    if (err == 0)
        *ret_standing = standing;
    return err;
}

const char *walls_text(char *out, size_t size)
{
    int version = landlock_version();
    char landlock[24] = "no Landlock";
    if (version > 0)
        snprintf(landlock, sizeof landlock, "Landlock %d", version);
    snprintf(out, size, "%s, %s", kernel_filters() ? "seccomp" : "no seccomp", landlock);
    return out;
}
