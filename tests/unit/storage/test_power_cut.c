/* What a power cut leaves: of each file what was synced last. fdatasync() and fsync() of this program keep a copy of it aside,
 * and a test looks at the copies. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE], after[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void copy(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (ssize_t n; in >= 0 && out >= 0 && (n = read(in, bytes, sizeof bytes)) > 0;)
        if (write(out, bytes, (size_t)n) != n)
            abort();
    close(in);
    close(out);
}

/* Of files of the database, when there is somewhere to keep them. */
static void keep(int fd)
{
    char link[40], path[300], to[400];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = after[0] ? readlink(link, path, sizeof path - 1) : -1;
    if (n <= 0)
        return;
    path[n] = '\0';
    const char *name = strrchr(path, '/');
    if (strncmp(path, dir, strlen(dir)) != 0 || strstr(name, ".db") == NULL)
        return;
    snprintf(to, sizeof to, "%s/db%s", after, name);
    copy(path, to);
}

int fdatasync(int fd)
{
    keep(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    keep(fd);
    return (int)syscall(SYS_fsync, fd);
}

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

static void teardown(void)
{
    char command[HELP_DIR_SIZE + 20];
    help_store_end(dir, counters, store, reader);
    snprintf(command, sizeof command, "rm -rf '%s'", after);
    cr_assert_eq(system(command), 0);
}

TestSuite(power_cut, .init = setup, .fini = teardown, .timeout = 60);

/* All that was committed so far is on the disk. */
static void all_is_synced(void)
{
    char command[2 * HELP_DIR_SIZE + 40];
    snprintf(after, sizeof after, "%s-cut", dir);
    snprintf(command, sizeof command, "cp -r '%s' '%s' && rm -f '%s'/db/*-shm", dir, after, after);
    cr_assert_eq(system(command), 0);
}

static void count_job(void *context, const struct store_job *job)
{
    *(unsigned *)context += strcmp(job->kind, "render") == 0;
}

Test(power_cut, what_waits_to_be_rendered_has_a_job_or_is_rendered)
{
    struct call_record *r = help_call(3, HELP_T0_US), *found = NULL;
    struct store_reader *cut = NULL;
    unsigned jobs = 0;
    r->final = true;
    r->state = "ended";
    r->recording.result = "recorded";
    r->recording.state = "spooling";
    cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_put_job(store, "render", r->uid, r->started_us), 0);
    cr_assert_eq(store_commit(store), 0);
    all_is_synced();
    r->recording.state = "ready";
    cr_assert_eq(store_put_recording(store, r->uid, r->started_us, &r->recording), 0);
    cr_assert_eq(store_end_job_for(store, "render", r->uid), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_reader_open(after, &cut), 0);
    cr_assert_eq(store_call(cut, r->uid, &found), 0);
    cr_assert_eq(store_jobs(cut, count_job, &jobs), 0);
    cr_expect_eq(jobs, 0, "its end was synced: %u jobs", jobs);
    cr_expect_str_eq(found->recording.state, "ready");
    record_free(found);
    record_free(r);
    store_reader_close(cut);
}
