/* What each kind of source (live.c, savefile.c, pcap_file.c) gives to source.c, and the few things
 * they share. A kind embeds `struct source` as its first member. */
#pragma once

#include <stdatomic.h>

#include "capture/source/source.h"

/* A frame above this is no frame but a damaged length: libpcap draws the same line. */
#define SOURCE_FRAME_MAX (256u * 1024)

/* Where the frames of one source_dispatch() go. */
struct delivery {
    source_frame_fn *fn;
    void *context;
    int frames_max;
    int frames; /* delivered so far */
};

struct source_kind {
    enum source_state (*read)(struct source *s, struct delivery *d, int timeout_ms,
                              struct why *why);
    void (*stats)(struct source *s); /* brings the drops up to date; NULL: there are none */
    double (*progress)(const struct source *s); /* NULL: not known */
    void (*close)(struct source *s);            /* frees all but `name` */
};

struct source {
    const struct source_kind *kind;
    char *name;
    struct source_stats stats;
    atomic_bool woken; /* asked to return; cleared by the dispatch that does */
    int wake_fd;       /* eventfd that ends a poll(); -1 for files, which never wait for long */
};

/* 0 or ERR_NOMEM. */
int source_init(struct source *s, const struct source_kind *kind, const char *name);

static inline bool source_woken(struct source *s)
{
    return atomic_load_explicit(&s->woken, memory_order_relaxed);
}

static inline void source_deliver(struct source *s, struct delivery *d, const struct frame *frame)
{
    s->stats.frames++;
    s->stats.bytes_on_wire += frame->wire_bytes;
    d->frames++;
    d->fn(d->context, frame);
}

/* The readers of files. Both take over `fd`, also when they fail. */
int savefile_open(int fd, const char *path, const char *filter, struct source **ret_source,
                  struct why *why);
int pcap_file_open(int fd, const char *path, uint64_t size_bytes, struct source **ret_source,
                   struct why *why);
/* Do the first bytes of a regular file tell that pcap_file.c can read it? */
bool pcap_file_fits(struct slice head);
#define PCAP_FILE_HEAD_SIZE 24
