/* Appendix A.1 (sequence numbers), A.3 (loss) and A.8 (jitter) of RFC 3550 as endpoints run them,
 * so that our figures can be laid beside their receiver reports. Known weaknesses are kept: the
 * packet that completes probation is the base, duplicates count as received, a restart forgets
 * everything. Nothing is scored from these. */
#include "capture/rtp/stream_internal.h"

enum {
    RFC_MIN_SEQUENTIAL = 2,
    RFC_MAX_DROPOUT = 3000,
    RFC_MAX_MISORDER = 100,
    RFC_SEQUENCE_MOD = 65536,
};

static void restart(struct rfc_counters *r, uint16_t sequence)
{
    r->base_sequence = sequence;
    r->max_sequence = sequence;
    r->bad_sequence = RFC_SEQUENCE_MOD + 1;
    r->cycles = 0;
    r->received = 0;
}

static bool on_probation(struct rfc_counters *r, uint16_t sequence)
{
    bool successor = sequence == (uint16_t)(r->max_sequence + 1);
    r->max_sequence = sequence;
    r->probation = successor ? r->probation - 1 : RFC_MIN_SEQUENTIAL - 1;
    if (r->probation != 0)
        return false;
    restart(r, sequence);
    r->received = 1;
    return true;
}

/* True when the packet is valid and belongs to the source. */
static bool update_sequence(struct rfc_counters *r, uint16_t sequence)
{
    if (UNLIKELY(!r->started)) {
        r->started = true;
        restart(r, sequence);
        r->max_sequence = (uint16_t)(sequence - 1);
        r->probation = RFC_MIN_SEQUENTIAL;
    }
    if (UNLIKELY(r->probation))
        return on_probation(r, sequence);
    uint16_t ahead = (uint16_t)(sequence - r->max_sequence);
    if (ahead < RFC_MAX_DROPOUT) {
        if (sequence < r->max_sequence)
            r->cycles += RFC_SEQUENCE_MOD;
        r->max_sequence = sequence;
    } else if (ahead <= RFC_SEQUENCE_MOD - RFC_MAX_MISORDER) {
        if (sequence != r->bad_sequence) {
            r->bad_sequence = (uint16_t)(sequence + 1);
            return false;
        }
        restart(r, sequence);
    }
    r->received++;
    return true;
}

/* Arrival in ticks of the clock, modulo 2^32; whole nanoseconds go in. */
static uint32_t ticks_at(int64_t ns, uint32_t clock_hz)
{
    uint64_t t = (uint64_t)ns;
    return (uint32_t)(t / 1000000000 * clock_hz + t % 1000000000 * clock_hz / 1000000000);
}

void rfc_packet(struct rfc_counters *r, uint16_t sequence, uint32_t timestamp, int64_t ns,
                uint32_t clock_hz)
{
    if (!update_sequence(r, sequence))
        return;
    if (UNLIKELY(clock_hz == 0)) {
        r->has_transit = false;
        return;
    }
    uint32_t transit = ticks_at(ns, clock_hz) - timestamp;
    if (LIKELY(r->has_transit)) {
        uint32_t d = transit - r->transit;
        if (d > INT32_MAX)
            d = 0 - d;
        r->jitter16 += d - ((r->jitter16 + 8) >> 4);
    }
    r->transit = transit;
    r->has_transit = true;
}

void rfc_report(const struct rfc_counters *r, struct rtp_stats *ret_stats)
{
    if (!r->started || r->probation)
        return; /* an endpoint has nothing to report yet */
    uint32_t expected = r->cycles + r->max_sequence - r->base_sequence + 1;
    int64_t lost = (int64_t)expected - r->received;
    if (lost > 0x7fffff)
        lost = 0x7fffff;
    if (lost < -0x800000)
        lost = -0x800000;
    ret_stats->rfc_expected = expected;
    ret_stats->rfc_received = r->received;
    ret_stats->rfc_lost = (int32_t)lost;
    ret_stats->rfc_jitter_ticks = r->jitter16 >> 4;
}
