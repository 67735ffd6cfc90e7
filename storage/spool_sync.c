/* A ring of jobs under a mutex; one thread that takes them out. The asker comes by once per write
 * of some hundred kilobytes, so the lock is not on the packet's path. */
#include "storage/spool_sync.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS_MAX 32u
#define CROWDED  (JOBS_MAX / 2)

enum job_kind { JOB_OUT, JOB_SYNC, JOB_SYNC_CLOSE, JOB_CLOSE };

struct job {
    enum job_kind kind;
    int fd;
    uint64_t offset;
    uint32_t bytes;
};

struct spool_sync {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job came or went */
    struct job jobs[JOBS_MAX];
    unsigned first, count;
    int error;
    bool stop;
};

/* Returns an errno, or 0. */
static int job_do(const struct job *j)
{
    int error = 0;

    if (j->kind == JOB_OUT)
        (void)sync_file_range(j->fd, (off_t)j->offset, j->bytes, SYNC_FILE_RANGE_WRITE);
    if (j->kind == JOB_SYNC || j->kind == JOB_SYNC_CLOSE)
        error = fdatasync(j->fd) != 0 ? errno : 0;
    if (j->kind == JOB_CLOSE || j->kind == JOB_SYNC_CLOSE)
        (void)close(j->fd);
    return error;
}

static void *sync_main(void *arg)
{
    struct spool_sync *y = arg;

    pthread_mutex_lock(&y->lock);
    for (;;) {
        while (y->count == 0 && !y->stop)
            pthread_cond_wait(&y->changed, &y->lock);
        if (y->count == 0)
            break;
        struct job j = y->jobs[y->first];
        y->first = (y->first + 1) % JOBS_MAX;
        y->count--;
        pthread_cond_broadcast(&y->changed);
        pthread_mutex_unlock(&y->lock);
        int error = job_do(&j);
        pthread_mutex_lock(&y->lock);
        if (error)
            y->error = error;
    }
    pthread_mutex_unlock(&y->lock);
    return NULL;
}

struct spool_sync *spool_sync_start(void)
{
    struct spool_sync *y = calloc(1, sizeof *y);
    sigset_t all, before;

    if (y == NULL)
        return NULL;
    pthread_mutex_init(&y->lock, NULL);
    pthread_cond_init(&y->changed, NULL);
    sigfillset(&all); /* signals belong to the threads that expect them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&y->thread, NULL, sync_main, y);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return y;
    pthread_cond_destroy(&y->changed);
    pthread_mutex_destroy(&y->lock);
    free(y);
    return NULL;
}

void spool_sync_stop(struct spool_sync *y)
{
    if (y == NULL)
        return;
    pthread_mutex_lock(&y->lock);
    y->stop = true;
    pthread_cond_broadcast(&y->changed);
    pthread_mutex_unlock(&y->lock);
    pthread_join(y->thread, NULL);
    pthread_cond_destroy(&y->changed);
    pthread_mutex_destroy(&y->lock);
    free(y);
}

static bool waits_already(const struct spool_sync *y, const struct job *j)
{
    for (unsigned i = 0; i < y->count; i++) {
        const struct job *other = &y->jobs[(y->first + i) % JOBS_MAX];
        if (other->kind == JOB_SYNC && other->fd == j->fd)
            return true;
    }
    return false;
}

static void job_ask(struct spool_sync *y, struct job j)
{
    bool closes = j.kind == JOB_CLOSE || j.kind == JOB_SYNC_CLOSE;

    pthread_mutex_lock(&y->lock);
    while (closes && y->count == JOBS_MAX)
        pthread_cond_wait(&y->changed, &y->lock);
    bool superfluous = (j.kind == JOB_OUT && y->count >= CROWDED) ||
                       (j.kind == JOB_SYNC && (y->count == JOBS_MAX || waits_already(y, &j)));
    if (!superfluous) {
        y->jobs[(y->first + y->count++) % JOBS_MAX] = j;
        pthread_cond_broadcast(&y->changed);
    }
    pthread_mutex_unlock(&y->lock);
}

void spool_sync_out(struct spool_sync *y, int fd, uint64_t offset, uint32_t bytes)
{
    job_ask(y, (struct job){.kind = JOB_OUT, .fd = fd, .offset = offset, .bytes = bytes});
}

void spool_sync_all(struct spool_sync *y, int fd)
{
    job_ask(y, (struct job){.kind = JOB_SYNC, .fd = fd});
}

void spool_sync_close(struct spool_sync *y, int fd, bool sync_first)
{
    job_ask(y, (struct job){.kind = sync_first ? JOB_SYNC_CLOSE : JOB_CLOSE, .fd = fd});
}

int spool_sync_error(struct spool_sync *y)
{
    pthread_mutex_lock(&y->lock);
    int error = y->error;
    y->error = 0;
    pthread_mutex_unlock(&y->lock);
    return error;
}
