/* What the spool holds, and taking a segment away: as a whole, by unlink. Its age is the time it was
 * written last (a capture of last year that was imported today is a day old tomorrow). Two kinds
 * never go: a segment that is being written, which its writer's lock tells, and (its caller sees to
 * that) the newest of all, because the next segment's number is counted from it and a number must
 * never come twice: records name their chunks by it. What kind a segment is of says its writer, and that its number. */
#include "storage/spool_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_NS       INT64_C(1000000000)
#define BLOCK_SIZE 512 /* of st_blocks */

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

int spool_segments(const char *data_dir, struct spool_segment **ret_segments, size_t *ret_count)
{
    uint32_t *numbers;
    size_t count, found = 0;
    struct stat st;

    int err = segment_list(data_dir, &numbers, &count);
    if (err)
        return err;
    struct spool_segment *segments = calloc(count + 1, sizeof *segments);
    for (size_t i = 0; segments && i < count; i++) {
        if (!segment_stat(data_dir, numbers[i], &st))
            continue; /* it went meanwhile */
        segments[found++] = (struct spool_segment){.number = numbers[i],
                                                   .bytes = (uint64_t)st.st_blocks * BLOCK_SIZE,
                                                   .written_ns = written_ns(&st),
                                                   .signalling = numbers[i] % SPOOL_WRITERS >= SPOOL_SIGNALLING_WRITER};
    }
    free(numbers);
    if (segments == NULL)
        return ERR_NOMEM;
    *ret_segments = segments;
    *ret_count = found;
    return 0;
}

/* An open descriptor that holds the lock, or -1. */
static int segment_take(const char *data_dir, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    int fd = segment_path(data_dir, number, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool spool_segment_there(const char *data_dir, uint32_t number)
{
    struct stat st;
    return segment_stat(data_dir, number, &st);
}

bool spool_segment_rests(const char *data_dir, uint32_t number)
{
    int fd = segment_take(data_dir, number);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int spool_segment_remove(const char *data_dir, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    int fd = segment_take(data_dir, number);
    if (fd < 0)
        return ERR_BUSY;
    int err = segment_path(data_dir, number, path) && unlink(path) == 0 ? 0 : err_of_errno(errno);
    close(fd);
    return err;
}
