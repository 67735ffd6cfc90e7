/* What each kind of source (live.c, pcap_file.c, pcapng_file.c, savefile.c, merge.c) gives to
 * source.c, and the few things they share. A kind embeds `struct source` as its first member. */
#pragma once

#include <stdatomic.h>

#include "capture/source/source.h"

/* A frame above this is no frame but a damaged length: libpcap draws the same line. */
#define SOURCE_FRAME_MAX (256u * 1024)
/* A filter may refuse every frame of a file: after so many looks a dispatch returns all the same. */
#define SOURCE_LOOKS_MAX 65536

/* Where the frames of one source_dispatch() go. */
struct delivery {
    source_frame_fn *fn;
    void *context;
    int frames_max;
    int frames; /* delivered so far */
    bool stop;  /* delivery_stop() */
};

struct source_kind {
    enum source_state (*read)(struct source *s, struct delivery *d, int timeout_ms,
                              struct why *why);
    void (*stats)(struct source *s); /* brings the drops up to date; NULL: there are none */
    double (*progress)(const struct source *s); /* NULL: not known */
    int (*filter)(struct source *s, const char *text, struct why *why); /* NULL: not possible */
    void (*close)(struct source *s);                                    /* frees all but `name` */
    /* The bytes of the last frame stay valid until the next read(). Where this is false, a merge
     * copies the frame that it holds. */
    bool lasting;
};

struct source {
    const struct source_kind *kind;
    char *name;
    struct source_stats stats;
    atomic_bool woken; /* asked to return; cleared by the dispatch that does */
    int wake_fd;       /* eventfd that ends a poll(); -1 for files, which never wait for long */
    int poll_fd;       /* readable when an idle source has frames; -1: a file, or not known */
    /* Whose `woken` and `wake_fd` end a dispatch: itself, or the merge that it is a part of. */
    const struct source *waker;
};

/* 0 or ERR_NOMEM. */
int source_init(struct source *s, const struct source_kind *kind, const char *name);

static inline bool source_woken(const struct source *s)
{
    return atomic_load_explicit(&s->waker->woken, memory_order_relaxed);
}

/* The wake is used up. In a part of a merge this changes nothing: the merge has it. */
void source_wake_clear(struct source *s);
/* Gives the source an eventfd. 0 or ERR_ with errno. */
int source_wake_open(struct source *s);

static inline void source_deliver(struct source *s, struct delivery *d, const struct frame *frame)
{
    s->stats.frames++;
    s->stats.bytes_on_wire += frame->wire_bytes;
    d->frames++;
    d->fn(d->context, frame);
}

/* By the receiver of a frame: no further one in this dispatch. */
static inline void delivery_stop(struct delivery *d)
{
    d->stop = true;
    d->frames_max = d->frames;
}

/* ---- the readers of files ---- */

struct input;

struct file_options {
    const char *filter;   /* BPF, NULL or "" for none */
    uint64_t unpack_max;  /* bytes that a compressed file may unpack to; 0: no limit */
};

/* All three take over what is in *in, also when they fail. */
int savefile_open(struct input *in, const char *path, const struct file_options *options,
                  struct source **ret_source, struct why *why);
int pcap_file_open(struct input *in, const char *path, const struct file_options *options,
                   struct source **ret_source, struct why *why);
int pcapng_file_open(struct input *in, const char *path, const struct file_options *options,
                     struct source **ret_source, struct why *why);
/* Do the first bytes tell that pcap_file.c or pcapng_file.c can read it? */
bool pcap_file_fits(struct slice head);
bool pcapng_file_fits(struct slice head);
#define PCAP_FILE_HEAD_SIZE 24

/* Any capture file, by path ("-" is standard input) or by a descriptor, which is taken over. */
int file_open(const char *path, const struct file_options *options, struct source **ret_source,
              struct why *why);
int file_open_fd(int fd, const char *name, const struct file_options *options,
                 struct source **ret_source, struct why *why);
