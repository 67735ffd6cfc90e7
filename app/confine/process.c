/* posix_spawn of a program: a fork of one with threads would copy locks that nobody gives back. The child gets a socket and
 * a page that both see, into which it writes where it is; no other file is open in it once it has closed itself, its
 * environment is empty.
 *
 * Nothing here waits without looking: each WATCH_MS the child's CPU time is compared with its budget. */
#include "app/confine/process.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/confine/job.h"
#include "base/clock.h"
#include "base/crypto.h"

#define WATCH_MS     250
#define SECOND_NS    INT64_C(1000000000)
#define STALLED_NS   (120 * SECOND_NS) /* neither done nor at work: a disk may take its time */
#define GRACE_NS     (3 * SECOND_NS)   /* for what is nearly done when we stop */
#define START_CPU_NS (30 * SECOND_NS)
#define JOBS_MAX     1000
#define LOOK_EACH    32 /* jobs, at its memory */
#define READ_BYTES   65536

struct process {
    const struct process_here *here; /* NULL: it is a process */
    void *inside;                    /* of `here` */
    pid_t pid; /* 0: reaped */
    int fd;
    struct render_place *place;
    struct buf in;
    unsigned walls;
    unsigned jobs;
    int64_t memory_bytes;
    bool unbounded; /* it gave nothing up: it may be in a debugger */
    enum process_death death;
    int signal;
};

/* ---- the program ---- */

int process_program_open(struct process_program *program, struct why *why)
{
    if (program->here || program->fd > 0)
        return 0;
    assert(program->path);
    int fd = open(program->path, O_PATH | O_CLOEXEC);
    int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10); /* above the numbers that the child's files will have */
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    if (up >= 0) {
        program->fd = up;
        return 0;
    }
    if (errnum == ENOENT || errnum == ENOTDIR)
        why_set(why, "the program that decodes, %s, is not there: install it, or say in [recording] decoder where it is", program->path);
    else
        why_set(why, "the program that decodes, %s, cannot be opened: %s", program->path, strerror(errnum));
    return err_of_errno(errnum);
}

void process_program_close(struct process_program *program)
{
    if (program->fd > 0)
        close(program->fd);
    program->fd = 0;
}

/* ---- starting ---- */

/* Above the numbers that the child's files will have. */
static int moved_up(int fd)
{
    int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (fd >= 0)
        close(fd);
    return up;
}

/* The page cannot change its size, or the child could take it away from under us. */
static int place_open(struct process *p)
{
    int fd = moved_up(memfd_create("place", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0)
        return -1;
    void *page = MAP_FAILED;
    if (ftruncate(fd, DECODER_PLACE_BYTES) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        page = mmap(NULL, DECODER_PLACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        close(fd);
        return -1;
    }
    p->place = page;
    return fd;
}

static int spawn(struct process *p, int program, int fd, int place_fd)
{
    char name[] = "earshot-decoder", path[32];
    char *const arguments[] = {name, NULL};
    char *nothing[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    int err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    err |= posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    err |= posix_spawn_file_actions_adddup2(&files, fd, DECODER_SOCKET);
    err |= posix_spawn_file_actions_adddup2(&files, place_fd, DECODER_PLACE);
    err |= posix_spawn_file_actions_adddup2(&files, program, DECODER_PROGRAM);
    err |= posix_spawn_file_actions_addclosefrom_np(&files, DECODER_PROGRAM + 1);
    err |= posix_spawnattr_setsigmask(&how, &none);
    err |= posix_spawnattr_setsigdefault(&how, &all);
    err |= posix_spawnattr_setpgroup(&how, 0); /* a Ctrl-C is for us */
    err |= posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    snprintf(path, sizeof path, "/proc/self/fd/%d", DECODER_PROGRAM);
    if (err == 0)
        err = posix_spawn(&p->pid, path, &files, &how, arguments, nothing);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return err;
}

static int open_and_spawn(struct process *p, const struct process_program *program, struct why *why)
{
    struct process_program now = *program; /* it may have come in the meantime */
    int pair[2] = {-1, -1};
    int err = process_program_open(&now, why);
    if (err)
        return err;
    err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ? errno : 0;
    int theirs = moved_up(pair[1]);
    int place = err ? -1 : place_open(p);
    p->fd = pair[0];
    if (err == 0)
        err = theirs < 0 || place < 0 || fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0 ? errno : spawn(p, now.fd, theirs, place);
    if (theirs >= 0)
        close(theirs);
    if (place >= 0)
        close(place);
    if (program->fd == 0)
        process_program_close(&now);
    if (err)
        why_set(why, "the program that decodes, %s, cannot be started: %s", program->path, strerror(err));
    return err ? err_of_errno(err) : 0;
}

/* What it said first. */
static int read_hello(struct process *p, struct slice answer, const char *path, struct why *why)
{
    struct hello hello = {0};
    struct arena *a = arena_new(1024, 8192);
    struct pack in = pack_reader(answer, a);
    if (a)
        hello_pack(&in, &hello);
    if (a == NULL || in.failed || !pack_at_end(&in)) {
        hello.err = ERR_IO;
        why_set(why, "the program that decodes, %s, is none of this Earshot", path);
    } else if (hello.err) {
        why_set(why, "the process that decodes %.*s", (int)(hello.text.size < 300 ? hello.text.size : 300), hello.text.data);
    }
    p->walls = hello.walls;
    arena_free(a);
    return hello.err;
}

static int greet(struct process *p, const struct process_config *config, struct why *why)
{
    struct walls walls = config->walls;
    struct process_bounds bounds = {.stop_fd = -1};
    struct buf out;
    struct slice answer;
    bool same;
    int err = ERR_IO;
    buf_init(&out, 3 * 4096);
    struct pack to = pack_writer(&out);
    hello_walls_pack(&to, &walls, &same);
    struct slice part = buf_view(&out);
    if (config->within)
        bounds = *config->within;
    bounds.cpu_ns = START_CPU_NS;
    if (!out.failed && process_ask(p, &part, 1, &bounds, &answer) == PROCESS_ANSWERED)
        err = read_hello(p, answer, config->program->path, why);
    else
        why_set(why, "the process that decodes (%s) ended before it began", config->program->path);
    buf_fini(&out);
    return err;
}

static int open_here(struct process *p)
{
    void *page = mmap(NULL, DECODER_PLACE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return ERR_NOMEM;
    p->place = page;
    p->inside = p->here->open(p->place);
    return p->inside ? 0 : ERR_NOMEM;
}

int process_start(const struct process_config *config, struct process **ret_process, struct why *why)
{
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_NOMEM;
    p->here = config->program->here;
    p->fd = -1;
    p->memory_bytes = config->walls.memory_bytes;
    p->unbounded = config->walls.none;
    buf_init(&p->in, ANSWER_BYTES_MAX + 4);
    int err = p->here ? open_here(p) : open_and_spawn(p, config->program, why);
    if (err == 0 && p->here == NULL)
        err = greet(p, config, why);
    p->jobs = 0;
    if (err) {
        process_free(p);
        return err < 0 ? err : ERR_IO;
    }
    *ret_process = p;
    return 0;
}

/* ---- its end ---- */

/* What it died of, unless we know better. */
static void note_death(struct process *p, int status)
{
    p->pid = 0;
    p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool starved = WIFEXITED(status) && WEXITSTATUS(status) == DECODER_NO_MEMORY;
    p->death = starved                ? DEATH_MEMORY
               : p->signal == SIGSYS  ? DEATH_SECCOMP
               : p->signal == SIGXCPU ? DEATH_CPU
               : p->signal            ? DEATH_SIGNAL
                                      : DEATH_ANSWER;
}

static void put_to_death(struct process *p, enum process_death why)
{
    int status = 0;
    if (p->pid == 0)
        return;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    note_death(p, status);
    p->death = why;
}

/* Its end of the socket is closed: it dies, or plays dead. */
static void await_death(struct process *p)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int status;
    for (int i = 0; i < 2000 && p->pid; i++) {
        pid_t got = waitpid(p->pid, &status, WNOHANG);
        if (got == p->pid)
            note_death(p, status);
        else
            nanosleep(&pause, NULL);
    }
    put_to_death(p, DEATH_ANSWER);
}

void process_free(struct process *p)
{
    if (p == NULL)
        return;
    if (p->fd >= 0)
        close(p->fd);
    put_to_death(p, DEATH_SIGNAL);
    if (p->inside)
        p->here->close(p->inside);
    if (p->place)
        munmap(p->place, DECODER_PLACE_BYTES);
    buf_fini(&p->in);
    free(p);
}

/* ---- asking ---- */

struct talk {
    const struct slice *parts;
    unsigned count, part;
    size_t sent; /* of the part */
    struct process_bounds bounds; /* its end comes nearer when we are to stop */
    int64_t begin_cpu_ns;
    int64_t looked_ns, last_cpu_ns, worked_ns; /* mono; its CPU time when we looked; since when that stands still */
};

/* CPU time that it used; -1 when it has gone. */
static int64_t cpu_of(const struct process *p)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* Its budget; false when it was put to death. */
static bool watch(struct process *p, struct talk *t)
{
    int64_t now_ns = clock_mono_ns(), cpu_ns;
    if (t->bounds.until_ns && now_ns >= t->bounds.until_ns)
        return false;
    if (p->unbounded)
        return true;
    if (now_ns - t->looked_ns < WATCH_MS * INT64_C(1000000) || (cpu_ns = cpu_of(p)) < 0)
        return true;
    t->looked_ns = now_ns;
    if (cpu_ns != t->last_cpu_ns)
        t->worked_ns = now_ns;
    t->last_cpu_ns = cpu_ns;
    if (cpu_ns - t->begin_cpu_ns > t->bounds.cpu_ns)
        put_to_death(p, DEATH_CPU);
    else if (now_ns - t->worked_ns > STALLED_NS)
        put_to_death(p, DEATH_STALLED);
    return p->pid != 0;
}

/* 0 or -1 when it does not take it. */
static int give(struct process *p, struct talk *t)
{
    while (t->part < t->count) {
        struct slice rest = slice_from(t->parts[t->part], t->sent);
        if (rest.size == 0) {
            t->part++;
            t->sent = 0;
            continue;
        }
        ssize_t n = send(p->fd, rest.data, rest.size, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        t->sent += (size_t)n;
    }
    return 0;
}

static bool is_whole(const struct buf *b, struct slice *ret_answer)
{
    uint32_t size;
    if (b->size < sizeof size)
        return false;
    memcpy(&size, b->data, sizeof size);
    *ret_answer = slice_from(buf_view(b), sizeof size);
    return ret_answer->size == le32toh(size);
}

/* 0, or -1 when it has ended or says more than an answer. */
static int take(struct process *p)
{
    for (;;) {
        uint8_t *at = buf_reserve(&p->in, READ_BYTES);
        if (at == NULL)
            return -1;
        ssize_t n = recv(p->fd, at, READ_BYTES, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0)
            return -1;
        p->in.size += (size_t)n;
        if (n < READ_BYTES)
            return 0;
    }
}

/* Told once. */
static void end_soon(struct process_bounds *b)
{
    int64_t at_ns = clock_mono_ns() + GRACE_NS;
    b->until_ns = b->until_ns && b->until_ns < at_ns ? b->until_ns : at_ns;
    b->stop_fd = -1;
}

static void wait_a_little(struct process *p, struct talk *t)
{
    struct pollfd fds[2] = {{.fd = p->fd, .events = (short)(POLLIN | (t->part < t->count ? POLLOUT : 0))},
                            {.fd = t->bounds.stop_fd, .events = POLLIN}};
    int n = poll(fds, 2, WATCH_MS);
    if (n > 0 && fds[1].revents)
        end_soon(&t->bounds);
}

static enum process_end talk(struct process *p, struct talk *t, struct slice *ret_answer)
{
    while (watch(p, t)) {
        if (give(p, t) != 0 || take(p) != 0) {
            await_death(p);
            break;
        }
        if (t->part == t->count && is_whole(&p->in, ret_answer))
            return PROCESS_ANSWERED;
        wait_a_little(p, t);
    }
    if (p->pid == 0)
        return PROCESS_DIED;
    put_to_death(p, DEATH_SIGNAL);
    return PROCESS_STOPPED;
}

/* Its keys are wiped as in the process. */
static enum process_end ask_here(struct process *p, const struct slice *parts, unsigned count, size_t size, struct slice *ret_answer)
{
    uint8_t *frame = malloc(size + 1);
    size_t at = 0;
    for (unsigned i = 0; frame && i < count; i++) {
        memcpy(frame + at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    buf_clear(&p->in);
    bool answered = frame && p->here->answer(p->inside, slice_of(frame, size), &p->in);
    if (frame)
        crypto_wipe(frame, size);
    free(frame);
    p->death = DEATH_ANSWER;
    *ret_answer = buf_view(&p->in);
    return answered ? PROCESS_ANSWERED : PROCESS_DIED;
}

enum process_end process_ask(struct process *p, const struct slice *parts, unsigned count, const struct process_bounds *bounds,
                             struct slice *ret_answer)
{
    struct slice all[8];
    size_t size = 0;
    for (unsigned i = 0; i < count && i + 1 < sizeof all / sizeof *all; i++) {
        all[i + 1] = parts[i];
        size += parts[i].size;
    }
    p->jobs++;
    if (p->here)
        return ask_here(p, parts, count, size, ret_answer);
    uint32_t head = htole32((uint32_t)size);
    all[0] = slice_of(&head, sizeof head);
    int64_t now_ns = clock_mono_ns();
    struct talk t = {.parts = all, .count = count + 1, .bounds = *bounds, .looked_ns = now_ns, .worked_ns = now_ns};
    t.begin_cpu_ns = t.last_cpu_ns = cpu_of(p);
    buf_clear(&p->in);
    return talk(p, &t, ret_answer);
}

/* ---- what is known of it ---- */

bool process_is_apart(const struct process *p)
{
    return p->here == NULL;
}

unsigned process_walls(const struct process *p)
{
    return p->walls;
}

enum process_death process_died_of(const struct process *p, int *ret_signal)
{
    *ret_signal = p->signal;
    return p->death;
}

struct render_skip process_place(const struct process *p)
{
    return (struct render_skip){.flow = atomic_load(&p->place->flow), .from_ns = atomic_load(&p->place->at_ns)};
}

static int64_t resident(pid_t pid)
{
    char path[40];
    long size = 0, pages = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

bool process_is_worn(struct process *p)
{
    if (p->jobs >= JOBS_MAX)
        return true;
    return p->memory_bytes && p->here == NULL && p->jobs % LOOK_EACH == 0 && resident(p->pid) > p->memory_bytes / 2;
}
