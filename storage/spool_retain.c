/* How much the spool holds, and what may go. A segment goes as a whole, by unlink. Its age is the
 * time it was written last (a capture of last year that was imported today is a day old tomorrow).
 * Two kinds never go: a segment that is being written, which its writer's lock tells, and the
 * newest of all, because the next segment's number is counted from it and a number must never come
 * twice: records name their chunks by it. What kind a segment is of says its writer, and that its number. */
#include "storage/spool_format.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_NS INT64_C(1000000000)

static bool segment_stat(const char *data_dir, uint32_t number, struct stat *ret_stat)
{
    char path[SPOOL_PATH_MAX];
    return segment_path(data_dir, number, path) && stat(path, ret_stat) == 0;
}

static int64_t written_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * S_NS + st->st_mtim.tv_nsec;
}

int64_t segment_written_ns(const char *data_dir, uint32_t number)
{
    struct stat st;
    return segment_stat(data_dir, number, &st) ? written_ns(&st) : 0;
}

static bool is_of(uint32_t number, unsigned kinds)
{
    bool signalling = number % SPOOL_WRITERS >= SPOOL_SIGNALLING_WRITER;
    return kinds & (signalling ? SPOOL_SIGNALLING : SPOOL_MEDIA);
}

int spool_usage(const char *data_dir, unsigned kinds, struct spool_usage *ret_usage)
{
    struct spool_usage usage = {0};
    uint32_t *numbers;
    size_t count;
    struct stat st;

    int err = segment_list(data_dir, &numbers, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++) {
        if (!is_of(numbers[i], kinds) || !segment_stat(data_dir, numbers[i], &st))
            continue;
        usage.bytes += (uint64_t)st.st_size;
        usage.segments++;
        if (usage.oldest_ns == 0 || written_ns(&st) < usage.oldest_ns)
            usage.oldest_ns = written_ns(&st);
    }
    free(numbers);
    *ret_usage = usage;
    return 0;
}

static bool segment_remove(const char *data_dir, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    int fd = segment_path(data_dir, number, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool removed = flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0;
    close(fd);
    return removed;
}

int spool_retain(const char *data_dir, unsigned kinds, int64_t before_ns, uint64_t max_bytes,
                 bool (*wanted)(void *context, uint32_t segment), void *context)
{
    struct spool_usage usage;
    uint32_t *numbers;
    size_t count;
    struct stat st;
    int removed = 0;

    int err = spool_usage(data_dir, kinds, &usage);
    if (err == 0)
        err = segment_list(data_dir, &numbers, &count);
    if (err)
        return err;
    /* Ascending numbers are ascending age but for the writers' interleaving, which is close enough.
     */
    for (size_t i = 0; i + 1 < count; i++) {
        if (!is_of(numbers[i], kinds) || !segment_stat(data_dir, numbers[i], &st))
            continue;
        bool old = written_ns(&st) < before_ns;
        bool over = max_bytes && usage.bytes > max_bytes;
        if (!(old || over) || (wanted && wanted(context, numbers[i])))
            continue;
        if (segment_remove(data_dir, numbers[i])) {
            usage.bytes -= (uint64_t)st.st_size;
            removed++;
        }
    }
    free(numbers);
    return removed;
}
