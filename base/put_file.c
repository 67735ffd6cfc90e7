/* Written beside it as <name>.part, synced, renamed, and the folder synced: the order that POSIX file systems keep. */
#include "base/put_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, struct slice text)
{
    while (text.size) {
        ssize_t n = write(fd, text.data, text.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_of_errno(errno) : ERR_IO;
        text = slice_from(text, (size_t)n);
    }
    return fsync(fd) == 0 ? 0 : err_of_errno(errno);
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_of_errno(errno);
    int err = fsync(fd) == 0 ? 0 : err_of_errno(errno);
    close(fd);
    return err;
}

static bool path_of(char out[PATH_MAX], const char *dir, const char *name, const char *end)
{
    int size = snprintf(out, PATH_MAX, "%s/%s%s", dir, name, end);
    return size > 0 && size < PATH_MAX;
}

int put_file(const char *dir, const char *name, struct slice text)
{
    char path[PATH_MAX], part[PATH_MAX];
    if (text.size > PUT_FILE_MAX || !path_of(path, dir, name, "") || !path_of(part, dir, name, ".part"))
        return ERR_INVALID;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_of_errno(errno);
    int err = write_all(fd, text);
    close(fd);
    if (err == 0 && rename(part, path) != 0)
        err = err_of_errno(errno);
    if (err)
        (void)unlink(part);
    else
        (void)sync_dir(dir);
    return err;
}

int drop_file(const char *dir, const char *name)
{
    char path[PATH_MAX];
    if (!path_of(path, dir, name, ""))
        return ERR_INVALID;
    if (unlink(path) != 0 && errno != ENOENT)
        return err_of_errno(errno);
    return sync_dir(dir);
}

static int read_all(int fd, char *out, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, out + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_of_errno(errno) : ERR_IO;
        at += (size_t)n;
    }
    return 0;
}

char *get_file(const char *dir, const char *name, size_t *ret_size, int *ret_err)
{
    char path[PATH_MAX], *text = NULL;
    struct stat st;
    if (!path_of(path, dir, name, "")) {
        *ret_err = ERR_INVALID;
        return NULL;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    if (fd < 0) {
        *ret_err = errno == ENOENT ? 0 : err_of_errno(errno);
        return NULL;
    }
    if (fstat(fd, &st) != 0)
        err = err_of_errno(errno);
    else if (st.st_size < 0 || st.st_size > PUT_FILE_MAX)
        err = ERR_INVALID;
    else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
        err = ERR_NOMEM;
    if (err == 0)
        err = read_all(fd, text, (size_t)st.st_size);
    close(fd);
    *ret_err = err;
    if (err) {
        free(text);
        return NULL;
    }
    text[st.st_size] = '\0';
    *ret_size = (size_t)st.st_size;
    return text;
}
