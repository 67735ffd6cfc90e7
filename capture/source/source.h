/* Where frames come from: a live interface or capture files, by libpcap, which is met here alone.
 *
 * Live capture runs non-blocking in block mode with our own poll(): the library's blocking calls do
 * not return on a silent link, and immediate mode costs 13 times the CPU a packet (docs/decisions/).
 * It never sends: the handle is opened for reading and nothing is ever injected. */
#pragma once

#include "base/error.h"
#include "capture/source/frame.h"

struct source;

/* Live capture. Zero values mean the defaults named here. */
struct source_live_config {
    const char *interface;
    size_t ring_bytes;   /* default 64 MiB */
    int snaplen;         /* default 65535 */
    bool promiscuous;
    bool immediate;      /* costs CPU; default off */
    const char *filter;  /* BPF expression, NULL or "" for none */
    uint16_t iface;      /* index stamped on the frames */
};

/* 0 or ERR_ with a sentence that names interface and remedy. */
int source_open_live(const struct source_live_config *config, struct source **ret_source, struct why *why);
/* pcap (µs and ns, either byte order) and pcapng; "-" is standard input. `filter` may be NULL. */
int source_open_file(const char *path, const char *filter, struct source **ret_source, struct why *why);
void source_close(struct source *s);

typedef void source_frame_fn(void *context, const struct frame *frame);

enum source_state {
    SOURCE_MORE,      /* frames were delivered, call again */
    SOURCE_IDLE,      /* live: nothing within timeout_ms */
    SOURCE_END,       /* file: read to its end */
    SOURCE_TRUNCATED, /* file: cut or damaged; everything before was delivered, why says where */
    SOURCE_FAILED,    /* device gone; why says so */
};

/* Delivers up to max_frames frames to `fn`, waiting at most timeout_ms for the first (live only). The frame's bytes
 * are valid during the call of `fn` alone. */
enum source_state source_dispatch(struct source *s, int max_frames, int timeout_ms, source_frame_fn *fn,
                                  void *context, struct why *why);
/* Makes a waiting or running source_dispatch return soon; from any thread or a signal handler. */
void source_wake(struct source *s);

struct source_stats {
    uint64_t frames;        /* delivered to us */
    uint64_t bytes_on_wire;
    uint64_t kernel_drops;  /* no room in the kernel's ring */
    uint64_t nic_drops;     /* reported by the interface */
};
/* Totals since open. */
void source_stats(struct source *s, struct source_stats *ret_stats);
/* Files: share read so far, 0..1; 0 for live sources and pipes. */
double source_progress(const struct source *s);
const char *source_name(const struct source *s);
