/* From a descriptor to the window: read(), and a step of decompression between the two where the
 * file is compressed. A pipe is waited for with poll(), so that a wake ends the waiting. */
#include "capture/source/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first read of a file is small: of thousands only the first time stamp is wanted at first. */
#define FIRST_READ (1u << 16)
#define MAGIC_SIZE 4

static enum input_state broken(struct input *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum input_state broken(struct input *in, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(in->reason, sizeof in->reason, format, args);
    va_end(args);
    return INPUT_BROKEN;
}

#define LOOK_UP_MS 200 /* a silent pipe: whoever reads the source does what else is to do */

/* For a pipe: until there is something to read, a wake, or some time has passed. */
static bool wait_for_bytes(const struct input *in)
{
    struct pollfd fds[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (in->source)
        fds[1].fd = in->source->waker->wake_fd;
    for (;;) {
        if (in->source && source_woken(in->source))
            return false;
        int ready = poll(fds, 2, in->source ? LOOK_UP_MS : -1);
        if (ready == 0)
            return false;
        if (ready < 0) {
            if (errno == EINTR && in->source)
                continue;
            return errno != EINTR; /* interrupted before there is a source: by a signal to stop */
        }
        if (fds[0].revents)
            return true; /* the end and trouble are found by read() */
    }
}

/* Some bytes of the file to `to`: INPUT_OK with their number, or why there are none. */
static enum input_state take(struct input *in, uint8_t *to, size_t room, size_t *ret_size)
{
    if (in->taken_bytes < FIRST_READ && room > FIRST_READ - in->taken_bytes)
        room = FIRST_READ - (size_t)in->taken_bytes;
    for (;;) {
        if (in->waits && !wait_for_bytes(in))
            return INPUT_WOKEN;
        ssize_t n = read(in->fd, to, room);
        if (n > 0) {
            in->taken_bytes += (uint64_t)n;
            *ret_size = (size_t)n;
            return INPUT_OK;
        }
        if (n == 0) {
            in->ended = true;
            return INPUT_END;
        }
        if (errno == EINTR || errno == EAGAIN)
            continue;
        in->failed = true;
        return broken(in, "cannot be read on from byte %" PRIu64 ": %s", in->taken_bytes,
                      strerror(errno));
    }
}

/* More packed bytes behind those that are left. */
static enum input_state take_packed(struct input *in)
{
    size_t got = 0;
    memmove(in->packed, in->packed + in->packed_at, in->packed_end - in->packed_at);
    in->packed_end -= in->packed_at;
    in->packed_at = 0;
    enum input_state state =
        take(in, in->packed + in->packed_end, INPUT_PACKED - in->packed_end, &got);
    in->packed_end += got;
    if (state == INPUT_END && !unpack_complete(in->unpack))
        return broken(in, "is cut inside its %s data, at byte %" PRIu64, unpack_name(in->unpack),
                      in->taken_bytes);
    return state;
}

static enum input_state unpacked(struct input *in, enum unpack_state state)
{
    uint64_t at = in->taken_bytes - (in->packed_end - in->packed_at);
    if (state == UNPACK_DAMAGED)
        return broken(in, "holds damaged %s data near byte %" PRIu64 " (%s)",
                      unpack_name(in->unpack), at, unpack_reason(in->unpack));
    return broken(in, "%s, at byte %" PRIu64 "; if it is to be trusted, unpack it and read that",
                  unpack_reason(in->unpack), at);
}

/* Some unpacked bytes to `to`. */
static enum input_state unpack_some(struct input *in, uint8_t *to, size_t room, size_t *ret_size)
{
    for (;;) {
        struct slice packed = slice_of(in->packed + in->packed_at, in->packed_end - in->packed_at);
        enum unpack_state state = unpack_step(in->unpack, &packed, to, room, ret_size);
        in->packed_at = in->packed_end - packed.size;
        if (*ret_size > 0 && (state == UNPACK_OK || state == UNPACK_WANT))
            return INPUT_OK;
        if (state == UNPACK_OK)
            continue;
        if (state != UNPACK_WANT)
            return unpacked(in, state);
        enum input_state taken = in->ended ? INPUT_END : take_packed(in);
        if (taken != INPUT_OK)
            return taken;
    }
}

enum input_state input_fill(struct input *in, size_t need)
{
    memmove(in->window, in->window + in->at, in->end - in->at);
    in->offset += in->at;
    in->end -= in->at;
    in->at = 0;
    while (in->end < need) {
        if (in->reason[0])
            return INPUT_BROKEN;
        size_t got = 0;
        uint8_t *to = in->window + in->end;
        size_t room = INPUT_WINDOW - in->end;
        enum input_state state =
            in->unpack ? unpack_some(in, to, room, &got) : take(in, to, room, &got);
        in->end += got;
        if (state != INPUT_OK && in->end < need)
            return state;
    }
    return INPUT_OK;
}

enum input_state input_skip(struct input *in, uint64_t *n)
{
    for (;;) {
        size_t here = in->end - in->at;
        if (here >= *n) {
            in->at += (size_t)*n;
            *n = 0;
            return INPUT_OK;
        }
        *n -= here;
        in->at = in->end;
        enum input_state state = input_fill(in, 1);
        if (state != INPUT_OK)
            return state;
    }
}

/* What lies in the window is packed: it becomes the input of an unpacker. */
static int begin_unpacking(struct input *in, enum unpack_kind kind, uint64_t unpack_max)
{
    in->packed = malloc(INPUT_PACKED);
    in->unpack = unpack_new(kind, unpack_max);
    if (in->packed == NULL || in->unpack == NULL)
        return ERR_NOMEM;
    _Static_assert(FIRST_READ <= INPUT_PACKED, "what the first read took fits");
    memcpy(in->packed, in->window, in->end);
    in->packed_end = in->end;
    in->at = in->end = 0;
    in->offset = 0;
    return 0;
}

int input_open(struct input *in, int fd, const char *name, uint64_t unpack_max, struct why *why)
{
    struct stat st = {0};
    *in = (struct input){.fd = fd};
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    in->waits = !regular;
    in->size_bytes = regular ? (uint64_t)st.st_size : 0;
    in->window = malloc(INPUT_WINDOW);
    if (in->window == NULL) {
        why_set(why, "%s: no memory to read it", name);
        input_close(in);
        return ERR_NOMEM;
    }
    if (regular)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (input_fill(in, MAGIC_SIZE) == INPUT_WOKEN) {
        why_set(why, "%s gave nothing before the signal to stop", name);
        input_close(in);
        return ERR_IO;
    }
    enum unpack_kind kind = unpack_kind_of(slice_of(in->window, in->end));
    if (kind != UNPACK_NONE && begin_unpacking(in, kind, unpack_max) != 0) {
        why_set(why, "%s: no memory to unpack it", name);
        input_close(in);
        return ERR_NOMEM;
    }
    return 0;
}

void input_close(struct input *in)
{
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    free(in->window);
    free(in->packed);
    unpack_free(in->unpack);
    in->window = in->packed = NULL;
    in->unpack = NULL;
}

double input_progress(const struct input *in)
{
    if (in->size_bytes == 0)
        return 0;
    size_t waiting = in->unpack ? in->packed_end - in->packed_at : in->end - in->at;
    double share = (double)(in->taken_bytes - waiting) / (double)in->size_bytes;
    return share > 1 ? 1 : share; /* it grew since */
}

enum source_state input_stopped(struct input *in, enum input_state state, bool inside,
                                struct source *s, const char *unit, uint64_t number,
                                struct why *why)
{
    switch (state) {
    case INPUT_WOKEN:
    case INPUT_OK:
        return SOURCE_MORE;
    case INPUT_BROKEN:
        why_set(why, "%s %s; the frames before are good", s->name, in->reason);
        return in->failed ? SOURCE_FAILED : SOURCE_TRUNCATED;
    case INPUT_END:
        break;
    }
    if (in->at == in->end && !inside)
        return SOURCE_END;
    why_set(why,
            "%s is cut in the middle of %s %" PRIu64 ", at byte %" PRIu64
            "; the frames before it are good",
            s->name, unit, number, in->offset + in->end);
    return SOURCE_TRUNCATED;
}
