/* What has to be refused, and two things that have to be possible, so that a refusal means something. */
#include "app/confine/probes.h"

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
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/confine/confine.h"
#include "app/confine/job.h"
#include "app/confine/process.h"
#include "base/counters.h"

#define CPU_NS    INT64_C(1000000000) /* of a probe */
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
    int err = close_at_once(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open", why);
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
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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

enum wanted { POSSIBLE, DENIED, KILLED, SPENT };

static const struct probe {
    const char *text;
    int (*attempt)(const char *dir, struct why *why);
    enum wanted wanted; /* DENIED: it comes back with an error; KILLED: it does not come back; SPENT: for its CPU */
} probes[] = {
    {"write a recording", try_write, POSSIBLE},
    {"write to the spool", try_spool, DENIED},
    {"read the database", try_database, DENIED},
    {"read /etc/passwd", try_passwd, DENIED},
    {"open a socket", try_socket, KILLED},
    {"start a program", try_execve, KILLED},
    {"start a process", try_fork, KILLED},
    {"look into another process", try_ptrace, KILLED},
    {"send a signal", try_kill, KILLED},
    {"make code", try_code, KILLED},
    {"raise its limits", try_limits, KILLED},
    {"take 4 GiB of memory", try_memory, DENIED},
    {"take the CPU for ever", try_cpu, SPENT},
};

unsigned probe_count(void)
{
    return sizeof probes / sizeof *probes;
}

const char *probe_text(unsigned probe)
{
    return probes[probe].text;
}

int probe_run(unsigned probe, const char *dir, struct why *why)
{
    return probe < probe_count() ? probes[probe].attempt(dir, why) : ERR_INVALID;
}

/* ---- the command ---- */

/* Says what became of it; false when that is not as it should be. */
static bool judge(const struct process *p, const struct probe *probe, enum process_end end, int err, const struct why *why)
{
    int signal = 0;
    const char *death = end == PROCESS_DIED ? label_text(LABELS_CRASH, process_died_of(p, &signal)) : "";
    bool right = probe->wanted == POSSIBLE ? end == PROCESS_ANSWERED && err == 0
                 : probe->wanted == DENIED ? end == PROCESS_ANSWERED && err != 0
                 : probe->wanted == KILLED ? strcmp(death, "seccomp") == 0
                                           : strcmp(death, "cpu") == 0;
    if (end == PROCESS_DIED)
        printf("%-28s ended (%s)%s\n", probe->text, death, right ? "" : "  NOT AS IT SHOULD BE");
    else
        printf("%-28s %s%s%s%s\n", probe->text, err ? "refused (" : "possible", err ? why->text : "", err ? ")" : "", right ? "" : "  NOT AS IT SHOULD BE");
    return right;
}

/* In a process of its own. */
static bool check(const struct process_config *config, const char *data_dir, unsigned number, struct why *why)
{
    struct process *p = NULL;
    struct buf body, keys;
    struct slice answer;
    struct why said = {0};
    int err = process_start(config, &p, why);
    struct job job = {.kind = JOB_PROBE, .probe = number, .dir = data_dir, .path = "", .sound.data_dir = data_dir, .record_count = 1};
    job.records[0] = record_new();
    bool right = false;
    buf_init(&body, 1 << 20);
    buf_init(&keys, 1 << 10);
    if (err == 0 && job.records[0]) {
        job_write(&body, &job);
        job_write_keys(&keys, &job);
        const struct slice parts[2] = {buf_view(&body), buf_view(&keys)};
        enum process_end end = process_ask(p, parts, 2, CPU_NS, -1, &answer);
        if (end == PROCESS_ANSWERED && !answer_read(answer, &job, NULL, &err, &said))
            end = PROCESS_STOPPED;
        right = judge(p, &probes[number], end, err, &said);
    }
    job_free(&job);
    buf_fini(&body);
    buf_fini(&keys);
    process_free(p);
    return right;
}

int probe_command(const char *config_path)
{
    struct settings settings;
    struct confine_config confine = {0};
    struct why why = {0};
    char audio[4096];
    int code = load_settings(config_path, &settings);
    if (code != EXIT_DONE)
        goto out;
    snprintf(audio, sizeof audio, "%s/audio", settings.data_dir);
    if (confine_configure(&settings, settings.data_dir, audio, &confine) != 0) {
        code = EXIT_FAILED;
        goto out;
    }
    (void)mkdir(settings.data_dir, 0700);
    (void)mkdir(confine.read_dir, 0700);
    (void)mkdir(confine.write_dir, 0700);
    const struct process_config config = {
        .program = "/proc/self/exe",
        .walls = {.read_dir = confine.read_dir, .write_dir = confine.write_dir, .memory_bytes = confine.memory_bytes},
    };
    for (unsigned i = 0; i < probe_count() && why.text[0] == '\0'; i++)
        if (!check(&config, settings.data_dir, i, &why))
            code = EXIT_FAILED;
    if (why.text[0])
        complain(EXIT_FAILED, &why);
out:
    confine_config_free(&confine);
    settings_free(&settings);
    return code;
}
