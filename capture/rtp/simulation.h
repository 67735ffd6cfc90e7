/* What a stream simulates beside its counters: playout, delays, and the frame vector that bursts
 * are read from. It lies behind the stream in the same piece of memory; private to this room.
 *
 * The vector has a bit for each number that is not settled yet (runs.c): discarded by a buffer, or
 * no frame at all (comfort noise, events). Missing numbers are told by the stream's own bits. */
#pragma once

#include "capture/rtp/burst.h"
#include "capture/rtp/delays.h"
#include "capture/rtp/playout.h"
#include "capture/rtp/skew.h"
#include "capture/rtp/stream_internal.h"

/* Frames lost or discarded: with the adaptive buffer in full, with the fixed ones runs alone. */
struct vector_counts {
    struct burst burst;
    struct burst_runs fixed[2];
};

struct simulation {
    struct playout playout;
    struct delays delays;
    struct skew skew;
    struct vector_counts counts;
    uint64_t bad[PLAYOUT_BUFFERS][ABSENT_BITS / 64];
    uint64_t other[ABSENT_BITS / 64];
    int64_t origin_ns;
    int64_t ticks; /* of the last packet, unwrapped */
    int64_t delay; /* its delay, units */
    uint32_t timestamp;
    uint32_t ext;
    uint32_t clock_hz;
    uint32_t ptime_ticks;      /* of `ptime` */
    int32_t ptime;             /* units */
    int64_t spacing_ns;        /* a longer one is worth a look */
    uint32_t booked_discarded; /* as in the stream, for windows */
    uint32_t booked_runs;
    uint32_t booked_fixed_bad[2], booked_fixed_runs[2];
    uint32_t step_discarded;
    bool anchored;
    bool talkspurts;
    bool marked; /* the packet before was: senders that mark every packet begin nothing */
};

enum { SIMULATION_AT = 1024 };

static_assert(sizeof(struct rtp_stream) <= SIMULATION_AT, "they do not overlap");
static_assert(SIMULATION_AT + sizeof(struct simulation) <= 4096, "4 KiB with playout");

static inline struct simulation *simulation_of(const struct rtp_stream *s)
{
    assert(s->simulated);
    return (struct simulation *)(void *)((uintptr_t)s + SIMULATION_AT);
}

void simulation_init(struct rtp_stream *s, const struct rtp_stream_config *config);
/* A new segment. */
void simulation_open(struct rtp_stream *s);
/* A packet that counts. */
void simulation_packet(struct rtp_stream *s, const struct arrival *a, uint32_t ext);
/* What it was in the order of the sender: spacing without pauses. */
void simulation_spacing(struct rtp_stream *s, int64_t gap_ns, bool media);
/* Numbers [from, to) are settled. */
void simulation_settle(struct rtp_stream *s, uint32_t from, uint32_t to);
/* Frames that are missing and were never in the vector: a long gap. */
void simulation_lost(struct rtp_stream *s, uint32_t frames);
/* The segment is over. */
void simulation_close(struct rtp_stream *s);
/* As if it ended now. */
struct vector_counts simulation_now(const struct rtp_stream *s);
