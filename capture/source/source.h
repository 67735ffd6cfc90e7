/* Where frames come from: live interfaces and capture files, one or several in the order of time.
 *
 * Live capture runs non-blocking in block mode with our own poll(): the library's blocking calls do
 * not return on a silent link, and immediate mode costs 13 times the CPU a packet (docs/decisions/).
 * It never sends: the handle is opened for reading and nothing is ever injected. */
#pragma once

#include "base/addr.h"
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
/* pcap (µs and ns, either byte order) and pcapng, also packed with gzip or zstd; "-" is standard input. `filter` may be NULL. */
int source_open_file(const char *path, const char *filter, struct source **ret_source, struct why *why);
/* What a compressed file may unpack to when nobody says otherwise. */
#define SOURCE_UNPACK_MAX ((uint64_t)64 << 30)

/* ---- Several sources as one ---- */

/* One of several inputs is not to be had, or not any more; the others go on. `err` is an ERR_ code: ERR_TRUNCATED when a
 * part of it was read. */
typedef void source_trouble_fn(void *context, int err, const struct why *why);

struct source_input {
    struct source *source;
    int64_t offset_ns; /* added to its time stamps */
};

/* Sources of any kind: frames in the order of their time. Takes the sources over, also when it fails. With live ones among them
 * a frame is delivered when each of the others has a later one, or SOURCE_MERGE_WAIT_NS have passed since its time stamp. It ends when all
 * have ended, and fails when the last one is live and fails. `trouble` may be NULL. */
int source_open_merge(const struct source_input *inputs, size_t count, source_trouble_fn *trouble, void *context,
                      struct source **ret_source, struct why *why);
#define SOURCE_MERGE_WAIT_NS INT64_C(100000000)
#define SOURCE_MERGE_MAX     256

struct source_file {
    const char *path; /* a file, a directory of captures, or "-" */
    int64_t offset_ns;
};

struct source_files_config {
    const struct source_file *files;
    size_t count;
    const char *filter;
    uint64_t unpack_max; /* bytes that a compressed file may unpack to; 0: no limit but the ratio */
    source_trouble_fn *trouble;
    void *context;
};

/* Capture files as one source, in the order of their frames' time. The first time stamp of each is read at once; a file is opened
 * again when its time has come, so thousands that follow each other (a rotated capture) take few descriptors. What cannot be read is told
 * to `trouble`, from here and from source_dispatch(). ERR_ when nothing can be read at all; then `why` is the last of the reasons, the
 * others were told. A single file is opened as by source_open_file(), and its end says what became of it. */
int source_open_files(const struct source_files_config *config, struct source **ret_source, struct why *why);

/* ---- HEP: packets that capture agents send to us, on UDP, TCP and TLS. On UDP nothing is ever sent, on the others only what the
 * protocols themselves need. The program must ignore SIGPIPE. ---- */
enum source_hep_carrier { SOURCE_HEP_UDP, SOURCE_HEP_TCP, SOURCE_HEP_TLS };

struct source_hep_listener {
    enum source_hep_carrier carrier;
    struct endpoint at;      /* port 0: any free one */
};

#define SOURCE_HEP_LISTENERS_MAX 8
#define SOURCE_HEP_PEERS_MAX 4096

/* Zero values mean the defaults named here. */
struct source_hep_config {
    const struct source_hep_listener *listeners;
    unsigned listener_count; /* 1 to SOURCE_HEP_LISTENERS_MAX */
    const char *auth_key;    /* packets without it are refused; NULL or "": all are welcome */
    const char *certificate; /* PEM files; needed with TLS */
    const char *private_key;
    unsigned peers_max;      /* connections, default 256; at the cap one that gave no packet in 5 s makes way, else the new one is closed */
    unsigned rate;           /* packets a second of one address, 0: no limit */
    unsigned idle_seconds;   /* without a whole packet the connection is closed; default 300 */
    size_t receive_bytes;    /* buffer of a UDP socket in the kernel, default 4 MiB; the system may grant less */
    uint16_t iface;          /* index stamped on the frames */
};

/* A frame for each packet: link type LINK_HEP, the time of its reception. 0 or ERR_ with a sentence that names the address. */
int source_open_hep(const struct source_hep_config *config, struct source **ret_source, struct why *why);
/* The port that a listener got. Only for sources of the above. */
uint16_t source_hep_port(const struct source *s, unsigned listener);

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
/* Live sources and merges of them: another BPF expression from now on, "" for none. */
int source_set_filter(struct source *s, const char *filter, struct why *why);
/* Makes a waiting or running source_dispatch return soon; from any thread or a signal handler. */
void source_wake(struct source *s);

/* What was not let in, and why; in the order of the label set HEP_REFUSED. */
enum source_refusal { SOURCE_REFUSED_MALFORMED, SOURCE_REFUSED_AUTH, SOURCE_REFUSED_RATE, SOURCE_REFUSED_PEERS, SOURCE_REFUSALS };

struct source_stats {
    uint64_t frames;        /* delivered to us */
    uint64_t bytes_on_wire;
    uint64_t kernel_drops;  /* no room in the kernel's ring; for files, what they tell of */
    uint64_t nic_drops;     /* reported by the interface */
    uint64_t refused[SOURCE_REFUSALS]; /* HEP: packets, of SOURCE_REFUSED_PEERS connections */
};
/* Totals since open. */
void source_stats(struct source *s, struct source_stats *ret_stats);
/* Files: share read so far, 0..1; 0 for live sources and pipes. */
double source_progress(const struct source *s);
const char *source_name(const struct source *s);
