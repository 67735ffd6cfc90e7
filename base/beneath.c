/* The walk opens each folder with O_NOFOLLOW below the one before, so a link that somebody puts in
 * the way meanwhile is met, never followed. */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define NAME_SIZE 256

static int failed(void)
{
    return errno == ELOOP || errno == EXDEV || errno == ENOTDIR ? ERR_DENIED : err_of_errno(errno);
}

int beneath_root(const char *dir)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? failed() : fd;
}

/* Cuts the first name off a path. */
static bool next_name(const char **path, char name[NAME_SIZE])
{
    size_t n = strcspn(*path, "/");
    if (n == 0 || n >= NAME_SIZE)
        return false;
    memcpy(name, *path, n);
    name[n] = '\0';
    *path += n;
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool beneath_path_is_plain(const char *path)
{
    char name[NAME_SIZE];
    do {
        if (!next_name(&path, name))
            return false;
    } while (*path++ == '/');
    return true;
}

const char *beneath_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int enter(int at, const char *name, bool make)
{
    if (make && mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return failed();
    int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? failed() : fd;
}

int beneath_folder(int root, const char *path, bool make)
{
    char name[NAME_SIZE];
    if (!beneath_path_is_plain(path))
        return ERR_INVALID;
    int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC); /* O_PATH: who may not list it may pass */
    if (at < 0)
        return failed();
    while (strchr(path, '/')) {
        next_name(&path, name);
        path++;
        int below = enter(at, name, make);
        close(at);
        if (below < 0)
            return below;
        at = below;
    }
    return at;
}

static int walk(int root, const char *path, int flags, mode_t mode)
{
    int folder = beneath_folder(root, path, false);
    if (folder < 0)
        return folder;
    int fd = openat(folder, beneath_name(path), flags, mode);
    if (fd < 0)
        fd = failed();
    close(folder);
    return fd;
}

int beneath_open(int root, const char *path, int flags, mode_t mode)
{
    flags |= O_CLOEXEC | O_NOFOLLOW;
    if (!beneath_path_is_plain(path))
        return ERR_INVALID;
    const struct open_how how = {.flags = (unsigned)flags,
                                 .mode = flags & O_CREAT ? mode : 0,
                                 .resolve =
                                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
        return walk(root, path, flags, mode);
    return fd < 0 ? failed() : (int)fd;
}
