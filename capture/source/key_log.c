/* A key log that is a file or a FIFO, and what a line is. */
#include "capture/source/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "capture/source/key_log_line.h"

struct key_log {
    char *path;
    int fd; /* -1: not there yet */
    bool is_pipe;
    off_t offset;
    struct key_log_cut cut;
    struct key_log_socket *socket; /* instead of all above */
    uint64_t too_long;
};

/* ---- bytes to lines ---- */

void key_log_cut_forget(struct key_log_cut *cut)
{
    crypto_wipe(cut, sizeof *cut);
}

static void give(struct key_log_out *out, struct slice line)
{
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    out->line(out->context, line);
    out->count++;
}

static void add(struct key_log_cut *cut, struct slice bytes, struct key_log_out *out)
{
    if (cut->skipping)
        return;
    if (bytes.size > sizeof cut->text - cut->size) {
        cut->skipping = true;
        out->too_long++;
        return;
    }
    memcpy(cut->text + cut->size, bytes.data, bytes.size);
    cut->size += bytes.size;
}

void key_log_cut_feed(struct key_log_cut *cut, struct slice bytes, struct key_log_out *out)
{
    while (bytes.size) {
        size_t end = slice_index(bytes, '\n');
        add(cut, slice_sub(bytes, 0, end), out);
        if (end == bytes.size)
            return;
        if (!cut->skipping)
            give(out, slice_of(cut->text, cut->size));
        cut->size = 0;
        cut->skipping = false;
        bytes = slice_from(bytes, end + 1);
    }
}

void key_log_cut_end(struct key_log_cut *cut, struct key_log_out *out)
{
    if (cut->size && !cut->skipping)
        give(out, slice_of(cut->text, cut->size));
    key_log_cut_forget(cut);
}

/* ---- the file ---- */

static void close_file(struct key_log *k)
{
    if (k->fd >= 0)
        close(k->fd);
    k->fd = -1;
    k->offset = 0;
    key_log_cut_forget(&k->cut);
}

/* 0 also when it is not there. */
static int open_file(struct key_log *k)
{
    struct stat st;
    int fd = open(k->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_of_errno(errno);
    if (fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))) {
        close(fd);
        return ERR_INVALID;
    }
    k->fd = fd;
    k->is_pipe = S_ISFIFO(st.st_mode);
    k->offset = 0;
    return 0;
}

/* Up to the end of what is there, or the most that one poll may take. */
static int read_file(struct key_log *k, struct key_log_out *out)
{
    uint8_t room[16384];
    size_t total = 0;
    ssize_t n = 1;
    while (n > 0 && total < KEY_LOG_POLL_MAX) {
        n = k->is_pipe ? read(k->fd, room, sizeof room)
                       : pread(k->fd, room, sizeof room, k->offset);
        if (n <= 0)
            break;
        k->offset += n;
        total += (size_t)n;
        key_log_cut_feed(&k->cut, slice_of(room, (size_t)n), out);
    }
    int err = n < 0 && errno != EAGAIN && errno != EINTR ? err_of_errno(errno) : 0;
    crypto_wipe(room, sizeof room);
    if (n == 0 && k->is_pipe)
        key_log_cut_end(&k->cut, out); /* its last writer has gone */
    return err;
}

enum change { SAME, TRUNCATED, REPLACED };

static enum change look(const struct key_log *k)
{
    struct stat ours, named;
    if (fstat(k->fd, &ours) != 0)
        return REPLACED;
    if (stat(k->path, &named) == 0 && (named.st_ino != ours.st_ino || named.st_dev != ours.st_dev))
        return REPLACED;
    return !k->is_pipe && ours.st_size < k->offset ? TRUNCATED : SAME;
}

/* Looks before it reads: what a replaced file still holds comes before the new one. */
static int poll_file(struct key_log *k, struct key_log_out *out)
{
    enum change change = k->fd >= 0 ? look(k) : SAME;
    if (change == TRUNCATED) {
        k->offset = 0;
        key_log_cut_forget(&k->cut);
    }
    if (change == REPLACED) {
        off_t before = k->offset;
        int err = read_file(k, out);
        if (err == 0 && k->offset - before >= (off_t)KEY_LOG_POLL_MAX)
            return 0; /* and more of the old one is left */
        close_file(k);
    }
    int err = k->fd >= 0 ? 0 : open_file(k);
    return err || k->fd < 0 ? err : read_file(k, out);
}

/* ---- for others ---- */

static const char *after(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

static int open_any(struct key_log *k, const char *path, struct why *why)
{
    const char *stream = after(path, "unix:");
    const char *datagram = after(path, "unix-dgram:");
    if (stream || datagram)
        return key_log_socket_open(stream ? stream : datagram, datagram != NULL, &k->socket, why);
    k->path = strdup(path);
    int err = k->path ? open_file(k) : ERR_NOMEM;
    if (err == ERR_INVALID)
        why_set(why,
                "the key log %s is neither a file nor a FIFO; for a socket write unix:%s or "
                "unix-dgram:%s",
                path, path, path);
    else if (err)
        why_set(why, "the key log %s cannot be opened: %s", path, err_text(err));
    return err;
}

int key_log_open(const char *path, struct key_log **ret_log, struct why *why)
{
    struct key_log *k = calloc(1, sizeof *k);
    if (k == NULL) {
        why_set(why, "no memory for the key log %s", path);
        return ERR_NOMEM;
    }
    k->fd = -1;
    int err = open_any(k, path, why);
    if (err) {
        key_log_close(k);
        return err;
    }
    *ret_log = k;
    return 0;
}

int key_log_poll(struct key_log *k, key_log_line_fn *line, void *context)
{
    struct key_log_out out = {.line = line, .context = context};
    int err = k->socket ? key_log_socket_poll(k->socket, &out) : poll_file(k, &out);
    k->too_long += out.too_long;
    return err ? err : out.count;
}

uint64_t key_log_too_long(const struct key_log *k)
{
    return k->too_long;
}

void key_log_close(struct key_log *k)
{
    if (k == NULL)
        return;
    close_file(k);
    key_log_socket_close(k->socket);
    free(k->path);
    free(k);
}
