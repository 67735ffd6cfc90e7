/* See disk.h. */
#include "storage/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int disk_free(const char *dir, uint64_t *ret_free_bytes, uint64_t *ret_total_bytes)
{
    struct statvfs v;
    if (statvfs(dir, &v) != 0)
        return err_of_errno(errno);
    *ret_free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    if (ret_total_bytes)
        *ret_total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    return 0;
}

static void user_name(char out[64])
{
    char room[1024];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, room, sizeof room, &found) == 0 && found)
        snprintf(out, 64, "%s", found->pw_name);
    else
        snprintf(out, 64, "user %u", (unsigned)geteuid());
}

static int refuse(const char *dir, int errnum, struct why *why)
{
    char user[64];
    user_name(user);
    switch (errnum) {
    case EACCES:
    case EPERM:
        why_set(why,
                "cannot write to %s: permission denied; make it belong to %s (chown %s %s) or set"
                " storage.data_dir to a directory that does",
                dir, user, user, dir);
        break;
    case EROFS:
        why_set(why, "cannot write to %s: the file system is mounted read-only", dir);
        break;
    case ENOSPC:
    case EDQUOT:
        why_set(why, "cannot write to %s: no space left; free some, or lower [retention]", dir);
        break;
    case ENOENT:
        why_set(why, "cannot write to %s: the directory above it does not exist; make it first",
                dir);
        break;
    case ENOTDIR:
        why_set(why, "cannot write to %s: it is no directory; set storage.data_dir to one", dir);
        break;
    default:
        why_set(why, "cannot write to %s: %s", dir, strerror(errnum));
    }
    return err_of_errno(errnum);
}

int disk_check_writable(const char *dir, struct why *why)
{
    static const char MARK[] = "earshot";
    char path[PATH_MAX], back[sizeof MARK];
    int errnum = 0;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return refuse(dir, errno, why);
    int n = snprintf(path, sizeof path, "%s/.write-test-%d", dir, (int)getpid());
    if (n >= (int)sizeof path)
        return refuse(dir, ENAMETOOLONG, why);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse(dir, errno, why);
    errno = 0;
    if (pwrite(fd, MARK, sizeof MARK, 0) != sizeof MARK ||
        pread(fd, back, sizeof back, 0) != sizeof back || memcmp(MARK, back, sizeof MARK) != 0)
        errnum = errno ? errno : EIO;
    close(fd);
    (void)unlink(path);
    return errnum ? refuse(dir, errnum, why) : 0;
}
