/* What a crash left under the name of the part is emptied and used again: removed and made anew,
 * there would be a moment in which a second crash leaves no sign of the first. Whose name it is, is
 * settled before (storage/media_dir.h). The digest is taken by reading the file once more, which
 * the page cache makes cheap against the hashing itself. */
#include "decode/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/crypto.h"

#define HASH_CHUNK ((size_t)64 * 1024)
#define MODE       0600

static int failed(const char *what, const char *path, struct why *why)
{
    int errnum = errno;
    why_set(why, "cannot %s %s: %s", what, path, strerror(errnum));
    return err_of_errno(errnum);
}

/* The folder of a path that is taken as it is. */
static int open_folder(const char *path)
{
    const char *name = beneath_name(path);
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    int fd = folder ? beneath_root(folder) : ERR_NOMEM;
    free(folder);
    return fd;
}

static int open_folder_below(const char *dir, const char *path)
{
    int root = beneath_root(dir);
    if (root < 0)
        return root;
    int fd = beneath_folder(root, path, false);
    close(root);
    return fd;
}

/* Only a file as we make them, without a second name, is emptied. */
static int take_over(const struct part_file *f)
{
    struct stat st;
    int fd = beneath_open(f->folder, f->part, O_RDWR | O_NONBLOCK, 0);
    bool ours =
        fd >= 0 && fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | MODE) && st.st_nlink == 1;
    if (ours && ftruncate(fd, 0) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return ERR_EXISTS;
}

static int create(struct part_file *f, const char *dir, struct why *why)
{
    f->folder = dir ? open_folder_below(dir, f->path) : open_folder(f->path);
    if (f->folder < 0) {
        why_set(why, "cannot create %s: %s", f->path, err_text(f->folder));
        return f->folder == ERR_NOT_FOUND ? ERR_FULL : f->folder; /* retention took the empty folder; "not found" would say that there is no sound */
    }
    f->fd = beneath_open(f->folder, f->part, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (f->fd == ERR_EXISTS)
        f->fd = take_over(f);
    if (f->fd == ERR_EXISTS && unlinkat(f->folder, f->part, 0) == 0)
        f->fd = beneath_open(f->folder, f->part, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (f->fd >= 0)
        return 0;
    why_set(why, "cannot create %s: %s", f->path, err_text(f->fd));
    return f->fd;
}

int part_file_open(struct part_file *f, const char *dir, const char *path, const char *suffix,
                   struct why *why)
{
    *f = (struct part_file){.fd = -1, .folder = -1};
    f->path = strdup(path);
    f->name = strdup(beneath_name(path));
    if (asprintf(&f->part, "%s.%s", beneath_name(path), suffix) < 0)
        f->part = NULL;
    int err = f->path && f->name && f->part ? create(f, dir, why) : ERR_NOMEM;
    if (err == ERR_NOMEM)
        why_set(why, "no memory for the recording %s", path);
    if (err)
        part_file_abandon(f);
    return err;
}

int part_file_write(struct part_file *f, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t n = write(f->fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_of_errno(n < 0 ? errno : ENOSPC);
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int part_file_write_at(struct part_file *f, const void *data, size_t size, int64_t at)
{
    ssize_t n = pwrite(f->fd, data, size, at);
    return n == (ssize_t)size ? 0 : err_of_errno(n < 0 ? errno : ENOSPC);
}

static int digest(const struct part_file *f, int64_t *ret_size, uint8_t ret_sha256[32])
{
    uint8_t *chunk = malloc(HASH_CHUNK);
    if (chunk == NULL)
        return ERR_NOMEM;
    struct crypto_sha256_state sha;
    crypto_sha256_init(&sha);
    int err = 0;
    *ret_size = 0;
    for (;;) {
        ssize_t n = pread(f->fd, chunk, HASH_CHUNK, *ret_size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = err_of_errno(errno);
        if (n <= 0)
            break;
        crypto_sha256_update(&sha, slice_of(chunk, (size_t)n));
        *ret_size += n;
    }
    crypto_sha256_final(&sha, ret_sha256);
    free(chunk);
    return err;
}

int part_file_finish(struct part_file *f, int64_t *ret_size_bytes, uint8_t ret_sha256[32],
                     struct why *why)
{
    int err = digest(f, ret_size_bytes, ret_sha256);
    if (err)
        why_set(why, "cannot complete %s: %s", f->path, err_text(err));
    if (err == 0 && fsync(f->fd) != 0)
        err = failed("sync", f->path, why);
    if (err == 0 && renameat(f->folder, f->part, f->folder, f->name) != 0)
        err = failed("rename", f->path, why);
    if (err == 0) {
        free(f->part); /* nothing left to delete */
        f->part = NULL;
    }
    part_file_abandon(f);
    return err;
}

void part_file_abandon(struct part_file *f)
{
    if (f->fd >= 0) {
        close(f->fd);
        if (f->part)
            unlinkat(f->folder, f->part, 0);
    }
    if (f->path && f->folder >= 0)
        close(f->folder);
    free(f->path);
    free(f->name);
    free(f->part);
    *f = (struct part_file){.fd = -1, .folder = -1};
}

void part_file_remove(const char *dir, const char *path)
{
    int folder = dir ? open_folder_below(dir, path) : open_folder(path);
    if (folder < 0)
        return;
    (void)unlinkat(folder, beneath_name(path), 0);
    close(folder);
}
