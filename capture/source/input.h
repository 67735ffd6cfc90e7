/* The bytes of one capture file, unpacked where it is compressed: a window that moves over them.
 * Readers ask for the bytes that they need next and look at them in place:
 *
 *     if (input_want(in, 16) == INPUT_OK)
 *         ... input_at(in) ...
 *     input_pass(in, 16);
 *
 * The window is filled by read() and not mapped: a file that another process cuts while we read it
 * is then a truncated file, where a mapping would end us with SIGBUS. */
#pragma once

#include "capture/source/reader.h"
#include "capture/source/unpack.h"

#define INPUT_WINDOW (1u << 20)
/* No reader may want more at once. */
#define INPUT_WANT_MAX (INPUT_WINDOW / 2)
#define INPUT_PACKED   (1u << 16)

enum input_state {
    INPUT_OK,     /* the bytes are there */
    INPUT_END,    /* the file ends before; what is left of it is in the window */
    INPUT_BROKEN, /* it cannot be read on, `reason` says why */
    INPUT_WOKEN,  /* nothing came yet and the source is asked to return */
};

struct input {
    int fd;
    bool waits;                  /* a pipe: somebody may take long to write */
    const struct source *source; /* whose wake ends the waiting, once there is one */
    uint64_t size_bytes;         /* of the file when it was opened; 0: not known */
    uint64_t taken_bytes;        /* read from it */
    uint64_t offset;             /* of the window's first byte, in the unpacked file */
    size_t at;                   /* in the window: the next byte */
    size_t end;                  /* in the window: what was read */
    uint8_t *window;
    struct unpack *unpack; /* NULL: not compressed */
    uint8_t *packed;       /* what was read and not yet unpacked: [packed_at, packed_end) */
    size_t packed_at;
    size_t packed_end;
    bool ended;  /* the file was read to its end */
    bool failed; /* broken by the device and not by what is in the file */
    char reason[200];
};

/* Takes over `fd` and looks whether it is compressed. 0 or ERR_. The struct may be moved. */
int input_open(struct input *in, int fd, const char *name, uint64_t unpack_max, struct why *why);
void input_close(struct input *in);
enum input_state input_fill(struct input *in, size_t need);
/* Passes over *n bytes, which may be more than the window holds; *n is what is left to pass. */
enum input_state input_skip(struct input *in, uint64_t *n);

static inline enum input_state input_want(struct input *in, size_t need)
{
    return __builtin_expect(in->end - in->at >= need, 1) ? INPUT_OK : input_fill(in, need);
}

static inline const uint8_t *input_at(const struct input *in)
{
    return in->window + in->at;
}

static inline void input_pass(struct input *in, size_t n)
{
    in->at += n;
}

/* Of the next byte, in the unpacked file. */
static inline uint64_t input_offset(const struct input *in)
{
    return in->offset + in->at;
}

/* Share of the file that was read, 0..1. */
double input_progress(const struct input *in);
/* A reader that wanted `unit` number `number` ("frame", 12) got `state`: what is to be returned.
 * `inside`: part of it was passed already, so that an end here is a cut. */
enum source_state input_stopped(struct input *in, enum input_state state, bool inside,
                                struct source *s, const char *unit, uint64_t number,
                                struct why *why);
