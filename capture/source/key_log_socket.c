/* A key log that is sent to us: a unix socket of our own, for datagrams or for streams. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/crypto.h"
#include "capture/source/key_log_line.h"

struct sender {
    int fd; /* -1: free */
    struct key_log_cut cut;
};

struct key_log_socket {
    int fd;
    bool datagrams;
    struct sockaddr_un at;
    dev_t device; /* of the socket's file, so that only ours is removed */
    ino_t inode;
    unsigned oldest; /* the sender that goes when all places are taken */
    struct sender senders[KEY_LOG_SENDERS_MAX];
};

/* ---- opening ---- */

/* Removes the socket that a program which has ended left behind. */
static int make_way(const struct key_log_socket *s, int type)
{
    struct stat st;
    if (lstat(s->at.sun_path, &st) != 0)
        return errno == ENOENT ? 0 : err_of_errno(errno);
    if (!S_ISSOCK(st.st_mode))
        return ERR_EXISTS;
    int probe = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return err_of_errno(errno);
    int heard = connect(probe, (const struct sockaddr *)&s->at, sizeof s->at);
    bool nobody = heard != 0 && errno == ECONNREFUSED;
    close(probe);
    if (!nobody)
        return ERR_BUSY;
    return unlink(s->at.sun_path) == 0 ? 0 : err_of_errno(errno);
}

static int bind_socket(struct key_log_socket *s)
{
    struct stat st;
    int type = s->datagrams ? SOCK_DGRAM : SOCK_STREAM;
    int err = make_way(s, type);
    if (err)
        return err;
    s->fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The file gets the mode of the socket, so it is never open to others. */
    if (s->fd < 0 || fchmod(s->fd, 0600) != 0 ||
        bind(s->fd, (const struct sockaddr *)&s->at, sizeof s->at) != 0)
        return err_of_errno(errno);
    if (lstat(s->at.sun_path, &st) == 0) {
        s->device = st.st_dev;
        s->inode = st.st_ino;
    }
    if (!s->datagrams && listen(s->fd, KEY_LOG_SENDERS_MAX) != 0)
        return err_of_errno(errno);
    return 0;
}

int key_log_socket_open(const char *path, bool datagrams, struct key_log_socket **ret_socket,
                        struct why *why)
{
    struct key_log_socket *s = calloc(1, sizeof *s);
    if (s == NULL) {
        why_set(why, "no memory for the key log socket %s", path);
        return ERR_NOMEM;
    }
    s->fd = -1;
    s->datagrams = datagrams;
    s->at.sun_family = AF_UNIX;
    for (unsigned i = 0; i < KEY_LOG_SENDERS_MAX; i++)
        s->senders[i].fd = -1;
    int err = ERR_INVALID;
    if (path[0] && strlen(path) < sizeof s->at.sun_path) {
        memcpy(s->at.sun_path, path, strlen(path));
        err = bind_socket(s);
    }
    if (err) {
        why_set(why, "the key log socket %s cannot be made: %s", path, err_text(err));
        key_log_socket_close(s);
        return err;
    }
    *ret_socket = s;
    return 0;
}

/* ---- reading ---- */

static void sender_end(struct sender *sender, struct key_log_out *out)
{
    key_log_cut_end(&sender->cut, out);
    close(sender->fd);
    sender->fd = -1;
}

static void accept_all(struct key_log_socket *s, struct key_log_out *out)
{
    for (unsigned i = 0; i < KEY_LOG_SENDERS_MAX; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct sender *sender = &s->senders[s->oldest];
        for (unsigned k = 0; k < KEY_LOG_SENDERS_MAX && sender->fd >= 0; k++)
            if (s->senders[k].fd < 0)
                sender = &s->senders[k];
        if (sender->fd >= 0) {
            sender_end(sender, out);
            s->oldest = (s->oldest + 1) % KEY_LOG_SENDERS_MAX;
        }
        *sender = (struct sender){.fd = fd};
    }
}

static void read_sender(struct sender *sender, struct key_log_out *out)
{
    uint8_t room[16384];
    size_t total = 0;
    ssize_t n = 1;
    while (total < KEY_LOG_POLL_MAX / KEY_LOG_SENDERS_MAX &&
           (n = read(sender->fd, room, sizeof room)) > 0) {
        key_log_cut_feed(&sender->cut, slice_of(room, (size_t)n), out);
        total += (size_t)n;
    }
    crypto_wipe(room, sizeof room);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        sender_end(sender, out);
}

static void read_datagrams(struct key_log_socket *s, struct key_log_out *out)
{
    uint8_t room[16384];
    struct key_log_cut cut = {0};
    size_t total = 0;
    ssize_t n;
    while (total < KEY_LOG_POLL_MAX &&
           (n = recv(s->fd, room, sizeof room, MSG_TRUNC | MSG_DONTWAIT)) >= 0) {
        bool whole = (size_t)n <= sizeof room;
        key_log_cut_feed(&cut, slice_of(room, whole ? (size_t)n : sizeof room), out);
        if (whole)
            key_log_cut_end(&cut, out);
        else
            out->too_long++;
        key_log_cut_forget(&cut);
        total += (size_t)n + 64; /* empty ones cost too */
    }
    crypto_wipe(room, sizeof room);
}

int key_log_socket_poll(struct key_log_socket *s, struct key_log_out *out)
{
    if (s->datagrams) {
        read_datagrams(s, out);
        return 0;
    }
    accept_all(s, out);
    for (unsigned i = 0; i < KEY_LOG_SENDERS_MAX; i++)
        if (s->senders[i].fd >= 0)
            read_sender(&s->senders[i], out);
    return 0;
}

/* ---- closing ---- */

void key_log_socket_close(struct key_log_socket *s)
{
    struct stat st;
    if (s == NULL)
        return;
    for (unsigned i = 0; i < KEY_LOG_SENDERS_MAX; i++)
        if (s->senders[i].fd >= 0)
            close(s->senders[i].fd);
    if (s->inode && lstat(s->at.sun_path, &st) == 0 && st.st_ino == s->inode &&
        st.st_dev == s->device)
        unlink(s->at.sun_path);
    if (s->fd >= 0)
        close(s->fd);
    crypto_wipe(s, sizeof *s);
    free(s);
}
