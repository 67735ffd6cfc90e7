/* Media -> sound: takes the packets of a call, flow by flow in arrival order, and writes one audio
 * file on the RTP timeline: channel left = caller, right = callee, silence where there is no media,
 * lost frames concealed, both channels in step. Streaming: memory does not grow with the length of
 * the call. The file appears by rename (".part" before), so a crash leaves no half file. A long one
 * may go on in further files (rollover): their samples behind each other are those of the one file.
 *
 * Of more than two parties (`tracks`) each gets a mono file and one more has their sum; all begin
 * at the same moment and are in step as the channels are.
 *
 * Timeline of a channel: the first packet of a segment (SSRC, restart, codec clock change) is
 * placed at its arrival time, those behind it by their RTP timestamps; when arrival and RTP time
 * drift apart, or jump, the segment is re-anchored (timeline.h). Long gaps are silence; no channel
 * is longer than its arrivals and a second. Time zero of the file is the arrival of the earliest
 * packet that holds sound, of either channel. */
#pragma once

#include <stdatomic.h>

#include "base/error.h"
#include "base/counters.h"
#include "decode/encoder.h"
#include "decode/hearing.h"
#include "decode/peaks.h"

#define RENDER_FMTP_SIZE 256

struct render_codec { /* a payload type of the flow, from its descriptor */
    char name[24];
    char fmtp[RENDER_FMTP_SIZE];
    uint32_t clock_hz;
    uint8_t payload_type;
    uint8_t channels;
};

struct render_packet {
    int64_t time_ns;
    struct slice datagram;             /* the RTP packet (clear) */
    bool withheld;                     /* only its header was kept: silence as long as its sound was */
    const struct render_codec *codecs; /* in force */
    unsigned codec_count;
};

/* A flow: next() delivers its RTP packets in arrival order (no RTCP). 1 packet, 0 end, < 0 damaged
 * piece skipped. What a packet points to must stay until the next call for the same flow: the flows
 * are merged by time. */
struct render_flow {
    unsigned channel; /* 0 caller, 1 callee, or a track; flows of one channel are mixed by taking
                         turns (the last started wins) */
    unsigned same_as; /* number (from 1) of a flow in which the same packets were seen on another hop: both
                         are one stream, each packet is heard once; 0: none */
    void *context;
    int (*next)(void *context, struct render_packet *ret_packet);
};

/* Where a render is, for who watches it, from another process too: written ahead of each packet that goes to its
 * channel, and of each that is decoded. */
#define RENDER_PLACE_FILM UINT32_MAX /* `flow`: the sound is done, what was shown is being put together */
#define RENDER_PLACE_FAX (UINT32_MAX - 1) /* ... the pages of a fax are */
struct render_place {
    _Atomic uint32_t flow; /* its number, from 1; 0: no packet yet. Hops of one stream have that of the first */
    _Atomic int64_t at_ns; /* its arrival, from the start of the file */
};

/* Packets that are left out as if they were lost: those of the flow that arrived in [from_ns, to_ns), by the same
 * clock. Nothing else moves. */
struct render_skip {
    uint32_t flow;
    int64_t from_ns, to_ns;
};

#define RENDER_TRACKS_MAX 32
/* A pause of all flows that is said, and how many are. */
#define RENDER_LONG_GAP_NS INT64_C(60000000000)
#define RENDER_GAPS_MAX    16
/* Files of one recording; the last one goes on for as long as there is sound. */
#define RENDER_PARTS_MAX 1000

enum render_file_kind { RENDER_PART, RENDER_TRACK, RENDER_MIX };

/* How the two channels lie in files: one of both, one of their sum, a mono file each. */
enum render_layout { RENDER_STEREO, RENDER_SUM, RENDER_SIDES };
enum render_side { RENDER_BOTH, RENDER_CALLER, RENDER_CALLEE };

/* A file that is complete and has its name. */
struct render_file {
    enum render_file_kind kind;
    unsigned number; /* part: from 1; track: its channel + 1; the sum: 0 */
    enum render_side side; /* of a part */
    enum audio_codec codec;
    const char *path;
    int channels;
    int64_t first_sample; /* of the part, in the whole */
    int64_t samples;
    int64_t size_bytes;
    uint8_t sha256[32];
};

typedef void render_file_fn(void *context, const struct render_file *file);

struct render_request {
    const char *dir;  /* the path stays below it (base/beneath.h); NULL: it is taken as it is */
    const char *path; /* final name; "<path>.part" while it grows */
    enum audio_codec codec; /* of files, but not of tracks, which are PCM. Of G.711 either law: the
                               files are of the one that all packets of their channels have, else PCM */
    enum render_layout layout;
    const struct audio_tags *tags; /* NULL: none. Not of tracks */
    struct render_flow *flows;
    unsigned flow_count;
    int sample_rate_hz;     /* 0: the highest of the codecs that appear in the first packets of all
                               flows (8000 at least) */
    int64_t silence_max_ns; /* a longer pause of all flows is cut to this (cut_ns); default 0 = keep
                               real length up to 24 h */
    unsigned tracks;           /* 0: one stereo file; else channels, a mono file each, and their sum */
    int64_t rollover_ns;       /* a part is no longer than this; 0: no end. Not of tracks */
    int64_t rollover_bytes;    /* and no larger than this */
    void *file_context;
    render_file_fn *file;      /* told of each file, in order; may be NULL. Only what is told before
                                  render_call() returns 0 is there to stay */
    struct hearing_report *hearing; /* what the channels sound like, not of tracks; NULL: nobody asks */
    struct peaks *peaks;            /* zeroed; its waveform, not of tracks; the caller ends it. NULL: nobody asks */
    struct render_place *place;     /* may be NULL */
    const struct render_skip *skips;
    unsigned skip_count;
    struct counters *counters; /* may be NULL; DECODE_ERRORS, UNDECODABLE, RECORDING_SECONDS,
                                  WRITTEN_BYTES are counted here */
};

struct render_gap {
    int64_t at_ns;     /* in the file, where its silence begins */
    int64_t length_ns; /* of the pause */
    int64_t cut_ns;    /* so much of it is not in the file */
};

struct render_result {
    int sample_rate_hz;
    int channels;
    int64_t start_ns; /* time of the first sample */
    int64_t samples;  /* per channel */
    int64_t cut_ns;   /* pauses left out, and what lay beyond 48 h */
    unsigned gap_count; /* pauses of a minute and more; the first ones are kept */
    struct render_gap gaps[RENDER_GAPS_MAX];
    unsigned files;
    int64_t size_bytes; /* of all files */
    uint8_t sha256[32]; /* of the first part, or of the sum */
    uint64_t packets[RENDER_TRACKS_MAX];   /* decoded, by channel */
    uint64_t concealed[RENDER_TRACKS_MAX]; /* frames */
    uint64_t repaired[RENDER_TRACKS_MAX];  /* lost frames that stood again in a later packet */
    uint64_t decode_errors;
    uint64_t undecodable_packets;
    char undecodable[64]; /* names, comma separated: "EVS" */
    uint64_t damaged;     /* pieces that could not be read */
};

/* 0, ERR_NOT_FOUND when no flow had a decodable packet (no file is left; result says what there
 * was), or what the disk said. */
int render_call(const struct render_request *request, struct render_result *ret_result,
                struct why *why);

/* A codec that we decode, always with more than a telephone's band. */
bool codec_is_wide(const char *name);
/* Version text of the decoder library, for --version. */
const char *render_library(void);
