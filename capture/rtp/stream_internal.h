/* The state of a stream and the chapters that work on it. Private to this room.
 *
 *   stream.c    a packet comes in; the table of what it may be (the quality reference, 1.3)
 *   segment.c   the odd ones: duplicates, late packets, restarts, probation
 *   media.c     codec in use, packetisation time, clock nobody told us
 *   jitter.c    RFC 3550 6.4.1 in double precision, and its 95th percentile
 *   rfc3550.c   A.1, A.3, A.8 to the letter
 *   runs.c      which frames are missing: media loss, runs
 *   series.c    steps and windows
 *   simulation.c  jitter buffers, delays and the frame vector, behind the state when asked for
 *   stats.c     what it has come to
 *
 * Sequence numbers are extended to 32 bits ("ext"); a segment starts at 65536 + sequence, so that
 * its base can be lowered. Differences of ext are taken modulo 2^32. */
#pragma once

#include <assert.h>

#include "capture/rtp/stream.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
    REORDER_MAX = 100,   /* later than this behind the newest packet is no reordering */
    GAP_SURE = 50,       /* up to this a jump ahead is loss without further question */
    GAP_MAX = 3000,      /* from this on a jump ahead is an outage only if time agrees */
    BASE_LOWER_MAX = 64, /* so many packets may a stream be old and still get an earlier start */
    SEEN_BITS = 4096,
    ABSENT_BITS = 256, /* at least what may be unsettled: REORDER_MAX + 2 * 64 */
    JITTER_BINS = 32,
    RUN_BINS = 13,
    PTIME_DEFAULT_MS = 20,
    PTIME_SCORE_MAX = 32, /* half of the last 64 neighbours outvote it */
    PAYLOAD_NONE = 255,
    SEGMENT_ORIGIN = 65536,
};

#define NS_PER_MS INT64_C(1000000)

/* Index in the CODEC label set; a test keeps the two in step. */
enum codec_counter {
    CODEC_COUNTER_PCMU,
    CODEC_COUNTER_PCMA,
    CODEC_COUNTER_G722,
    CODEC_COUNTER_G729,
    CODEC_COUNTER_G723,
    CODEC_COUNTER_GSM,
    CODEC_COUNTER_ILBC,
    CODEC_COUNTER_G726,
    CODEC_COUNTER_AMR,
    CODEC_COUNTER_AMR_WB,
    CODEC_COUNTER_OPUS,
    CODEC_COUNTER_SPEEX,
    CODEC_COUNTER_L16,
    CODEC_COUNTER_EVS,
};

enum arrival_kind { ARRIVAL_MEDIA, ARRIVAL_NOISE, ARRIVAL_EVENT, ARRIVAL_VIDEO };

/* What is left of a packet when it is counted, now or (held, candidate) later. */
struct arrival {
    int64_t ns;
    uint32_t timestamp;
    uint16_t sequence;
    uint16_t bytes;
    uint8_t payload_type;
    uint8_t kind; /* enum arrival_kind */
    bool marker : 1;
    bool sid : 1;   /* comfort noise under a codec's own payload type */
    bool alien : 1; /* its clock is not the stream's: no jitter sample */
    bool held : 1;  /* the slot is taken */
};

static inline bool arrival_is_media(const struct arrival *a)
{
    return a->kind == ARRIVAL_MEDIA || a->kind == ARRIVAL_VIDEO;
}

/* A packet on its way through. */
struct incoming {
    struct arrival a;
    const struct rtp_codec *codec; /* NULL: it was held, its codec is not looked at again */
    struct slice payload;
    size_t payload_bytes;
};

struct rfc_counters {
    uint32_t cycles;
    uint32_t bad_sequence; /* RFC_SEQUENCE_MOD + 1: none */
    uint32_t received;
    uint32_t transit;
    uint32_t jitter16; /* times 16 */
    uint16_t max_sequence;
    uint16_t base_sequence;
    uint8_t probation;
    bool started;
    bool has_transit;
};

struct run_counts {
    uint64_t lost; /* media frames */
    uint64_t runs; /* closed ones */
    uint32_t longest;
    uint32_t open; /* frames of the run that reaches the point of counting */
    uint32_t histogram[RUN_BINS];
};

/* The first three cache lines are what a packet in order touches, with one word of `seen` and one
 * bin of the histogram. */
struct rtp_stream {
    /* --- line 1 --- */
    int64_t last_ns;     /* newest packet of any sort: time does not run backwards */
    int64_t step_end_ns; /* INT64_MAX before the first packet counts */
    int64_t order_ns;    /* arrival of the packet at max_ext */
    int64_t anchor_ns;   /* jitter: the packet before */
    uint32_t anchor_ts;
    uint32_t max_ext;
    uint32_t max_ts;
    uint32_t ptime_ticks;    /* 0 unknown */
    uint32_t clock_hz;       /* 0 unknown */
    uint32_t codec_clock_hz; /* as the codec in use says it; 0: estimated */
    uint32_t settled_ext;    /* frames before it are in `runs` for good */
    uint8_t payload_type;    /* of media, PAYLOAD_NONE before any */
    bool anchored;
    bool open; /* a segment is open */
    uint8_t ptime_score;
    /* --- line 2 --- */
    double jitter_ms;
    double jitter_sum_ms;
    double ms_per_tick;
    float jitter_max_ms;
    uint32_t jitter_samples;
    struct rfc_counters rfc;
    uint8_t order_kind; /* enum arrival_kind of the packet at max_ext */
    bool order_marker;
    bool order_same; /* it is media of the payload type in use */
    uint8_t ptime_other_score;
    /* --- line 3 --- */
    uint64_t received;
    uint64_t bytes;
    uint32_t gap_max_us; /* saturates, after 71 minutes */
    uint32_t gap_min_ns; /* UINT32_MAX: no spacing yet, or none below 4 s */
    int64_t step_gap_ns;
    uint32_t step_packets;
    uint32_t step_lost;
    uint32_t steady_ext; /* from here to max_ext timestamps advanced by ptime_ticks a number */
    uint32_t base_ext;
    uint32_t marker_count;
    uint32_t event_packets;
    uint32_t noise_packets;
    uint32_t segment_received;
    /* --- the rest --- */
    uint64_t seen[SEEN_BITS / 64];
    uint64_t absent[ABSENT_BITS / 64]; /* numbers missing without media missing */
    union {
        uint16_t jitter_histogram[JITTER_BINS]; /* once the clock is known */
        struct {                                /* until then */
            int64_t ns;
            uint32_t timestamp;
            uint32_t packets;
        } estimate;
    };
    struct run_counts runs;
    struct arrival held[2]; /* probation; later held[0] is the candidate of a restart */
    struct rtp_series series;
    uint64_t expected_closed; /* of finished segments */
    int64_t first_ns;
    uint32_t booked_expected; /* what the windows hold so far, modulo 2^32 */
    uint32_t booked_lost;
    uint32_t booked_runs;
    uint32_t ptime_other_ticks;
    uint32_t duplicates;
    uint32_t reordered;
    uint32_t restarts;
    uint32_t conflicts;
    uint32_t timestamp_jumps;
    uint32_t payload_changes;
    uint16_t sdp_ptime_ms;
    bool announced;
    bool simulated; /* simulation.h: what lies behind this */
};

static_assert(sizeof(struct rtp_stream) <= 1024, "the state of a stream is at most 1 KiB");
static_assert(offsetof(struct rtp_stream, jitter_ms) == 64, "line 1");
static_assert(offsetof(struct rtp_stream, received) == 128, "line 2");
static_assert(offsetof(struct rtp_stream, seen) == 192, "line 3");

/* ---- frames.c ---- */
/* `payload` is what was captured, `wire` its size on the wire. */
double frames_payload_ms(const struct rtp_codec *codec, struct slice payload, size_t wire);
bool frames_are_sid(const struct rtp_codec *codec, struct slice payload, size_t wire);

/* ---- rfc3550.c ---- */
/* clock_hz 0: no jitter. */
void rfc_packet(struct rfc_counters *r, uint16_t sequence, uint32_t timestamp, int64_t ns,
                uint32_t clock_hz);
void rfc_report(const struct rfc_counters *r, struct rtp_stats *ret_stats);

/* ---- jitter.c ---- */
void jitter_packet(struct rtp_stream *s, const struct arrival *a);
double jitter_percentile_95(const struct rtp_stream *s);

/* ---- media.c ---- */
/* Makes the packet's codec the one in use where it is not; RTP_PAYLOAD_CHANGE or 0. */
unsigned media_adopt(struct rtp_stream *s, const struct incoming *in);
double media_ptime_ms(const struct rtp_stream *s); /* PTIME_DEFAULT_MS while unknown */
/* A timestamp advance between neighbours that is not ptime_ticks. */
void media_ptime_sample(struct rtp_stream *s, uint32_t ticks);
/* One packet of unknown clock in order. */
void media_estimate_clock(struct rtp_stream *s, const struct arrival *a);

/* ---- runs.c ---- */
static inline bool runs_seen(const struct rtp_stream *s, uint32_t ext)
{
    return s->seen[ext / 64 % (SEEN_BITS / 64)] >> (ext & 63) & 1;
}

static inline void runs_mark(struct rtp_stream *s, uint32_t ext)
{
    s->seen[ext / 64 % (SEEN_BITS / 64)] |= UINT64_C(1) << (ext & 63);
}

/* Before max_ext advances by `ahead` >= 2: `media` of the ahead - 1 missing are frames. */
void runs_gap(struct rtp_stream *s, uint32_t ahead, uint32_t media);
/* A number came late; `frame`: it is media. Marks it as well. */
void runs_fill(struct rtp_stream *s, uint32_t ext, bool frame);
/* Settles what is older than the reorder horizon, a word at a time. */
void runs_settle(struct rtp_stream *s);
/* Settles everything: the segment is over. */
void runs_settle_all(struct rtp_stream *s);
/* As if the segment ended now. */
struct run_counts runs_now(const struct rtp_stream *s);

/* ---- series.c ---- */
void series_start(struct rtp_stream *s);
/* Ends the steps that end before `ns`; RTP_STEP, RTP_WINDOW. */
unsigned series_advance(struct rtp_stream *s, int64_t ns);
void series_finish(struct rtp_stream *s);
/* A number that was booked as lost came after all. */
void series_unlose(struct rtp_stream *s);

/* ---- stats.c ---- */
uint64_t stats_expected(const struct rtp_stream *s);
/* Media frames received; lost ones are to be added. */
uint64_t stats_frames_received(const struct rtp_stream *s);

/* ---- stream.c ---- */
void stream_open(struct rtp_stream *s, const struct arrival *first);
/* Counts a packet `ahead` >= 1 numbers ahead of max_ext. */
void stream_advance(struct rtp_stream *s, const struct arrival *a, uint32_t ahead);
/* What every counted packet adds, wherever it stands. */
void stream_count(struct rtp_stream *s, const struct arrival *a, uint32_t ext);

/* ---- segment.c ---- */
/* Not simply the next packet: first, gap, duplicate, late, restart. */
unsigned segment_packet(struct rtp_stream *s, const struct incoming *in);
