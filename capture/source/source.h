/* Where frames come from: a live interface or capture files, by libpcap, which is met here alone.
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
/* pcap (µs and ns, either byte order) and pcapng; "-" is standard input. `filter` may be NULL. */
int source_open_file(const char *path, const char *filter, struct source **ret_source, struct why *why);

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
    unsigned peers_max;      /* connections, default 256; further ones are closed at once */
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
/* Makes a waiting or running source_dispatch return soon; from any thread or a signal handler. */
void source_wake(struct source *s);

/* What was not let in, and why; in the order of the label set HEP_REFUSED. */
enum source_refusal { SOURCE_REFUSED_MALFORMED, SOURCE_REFUSED_AUTH, SOURCE_REFUSED_RATE, SOURCE_REFUSED_PEERS, SOURCE_REFUSALS };

struct source_stats {
    uint64_t frames;        /* delivered to us */
    uint64_t bytes_on_wire;
    uint64_t kernel_drops;  /* no room in the kernel's ring */
    uint64_t nic_drops;     /* reported by the interface */
    uint64_t refused[SOURCE_REFUSALS]; /* HEP: packets, of SOURCE_REFUSED_PEERS connections */
};
/* Totals since open. */
void source_stats(struct source *s, struct source_stats *ret_stats);
/* Files: share read so far, 0..1; 0 for live sources and pipes. */
double source_progress(const struct source *s);
const char *source_name(const struct source *s);
