/* Four hundred random mixtures of what networks and senders do; the loss that we report must be the
 * loss that was made, to the packet. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/rtp/drive.h"

struct sent {
    int64_t ns;
    unsigned order;
    uint16_t sequence;
    uint32_t timestamp;
    bool marker;
};

struct mixture {
    double loss, duplicates, late;
    bool bursts, pauses, restart;
    unsigned markers; /* 0 talkspurts, 1 all, 2 none */
    uint8_t payload_type;
    uint32_t packet_ticks, clock_hz;
    size_t payload_bytes;
};

struct truth {
    uint64_t lost, runs, sent, duplicates;
    uint32_t longest;
};

enum { FRAMES = 1500, SENT_MAX = 2 * FRAMES };

static double pick(uint64_t *state, const double *from, unsigned count)
{
    return from[draw(state) % count];
}

static struct mixture mix(uint64_t *state)
{
    static const struct mixture codecs[] = {
        {.payload_type = 0, .packet_ticks = 160, .clock_hz = 8000, .payload_bytes = 160},
        {.payload_type = 111, .packet_ticks = 960, .clock_hz = 48000, .payload_bytes = 80},
        {.payload_type = 18, .packet_ticks = 320, .clock_hz = 8000, .payload_bytes = 40},
    };
    struct mixture m = codecs[draw(state) % 3];
    m.loss = pick(state, (double[]){0, .005, .02, .05, .1, .3}, 6);
    m.duplicates = pick(state, (double[]){0, .05, .5}, 3);
    m.late = pick(state, (double[]){0, .02, .1}, 3);
    m.bursts = chance(state, .3);
    m.pauses = chance(state, .5);
    m.restart = chance(state, .2);
    m.markers = draw(state) % 3;
    return m;
}

static bool is_silent(const struct mixture *m, int frame)
{
    return m->pauses && frame / 50 % 2 == 1;
}

static int by_arrival(const void *a, const void *b)
{
    const struct sent *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static size_t generate(const struct mixture *m, uint64_t *state, struct sent *out,
                       struct truth *ret)
{
    struct truth truth = {0};
    size_t count = 0;
    uint32_t run = 0;
    bool in_burst = false;
    uint16_t sequence = (uint16_t)draw(state);
    uint32_t origin = draw(state);
    int total = 0;
    for (int i = 0; i < FRAMES; i++)
        total += !is_silent(m, i);
    int k = -1;
    for (int i = 0; i < FRAMES; i++) {
        if (is_silent(m, i))
            continue;
        k++;
        if (m->restart && k == total / 2) {
            sequence = (uint16_t)(sequence + 20000 + draw(state) % 20000);
            origin = draw(state);
        }
        bool edge = k < 3 || k >= total - 2 || (m->restart && abs(k - total / 2) < 4);
        in_burst = chance(state, in_burst ? .7 : m->loss * .3);
        bool lost = (m->bursts ? in_burst : chance(state, m->loss)) && !edge;
        truth.sent++;
        if (lost) {
            truth.lost++;
            truth.runs += run++ == 0;
            truth.longest = run > truth.longest ? run : truth.longest;
            continue;
        }
        run = 0;
        bool first = k == 0 || is_silent(m, i - 1);
        int64_t packet_ns = m->packet_ticks * INT64_C(1000000000) / m->clock_hz;
        struct sent p = {
            .ns = DRIVE_START_NS + i * packet_ns,
            .order = (unsigned)k * 2,
            .sequence = (uint16_t)(sequence + k),
            .timestamp = origin + m->packet_ticks * (uint32_t)i,
            .marker = m->markers == 1 || (m->markers == 0 && first),
        };
        if (chance(state, m->late) && !edge)
            p.ns += (int64_t)(pick(state, (double[]){1.2, 2.5, 3.3}, 3) * (double)packet_ns);
        out[count++] = p;
        if (!chance(state, m->duplicates))
            continue;
        truth.duplicates++;
        p.order++;
        p.ns += draw(state) % 2 ? 50000 : 30 * MS;
        out[count++] = p;
    }
    qsort(out, count, sizeof *out, by_arrival);
    *ret = truth;
    return count;
}

static struct rtp_codec codec_of(const struct mixture *m)
{
    struct rtp_codec codec;
    if (!rtp_codec_static(m->payload_type, &codec))
        rtp_codec_named(slice_str("opus"), m->payload_type, 48000, 2, slice_none(), &codec);
    return codec;
}

static struct rtp_stream *play(const struct mixture *m, const struct sent *sent, size_t count,
                               bool announced)
{
    struct rtp_stream_config config = {.announced = announced, .playout = true};
    struct rtp_stream *s = rtp_stream_new(&config);
    struct rtp_codec codec = codec_of(m);
    uint8_t bytes[160];
    memset(bytes, 0x78, sizeof bytes);
    for (size_t i = 0; i < count; i++) {
        struct rtp_packet p = {
            .payload_type = m->payload_type,
            .marker = sent[i].marker,
            .sequence = sent[i].sequence,
            .timestamp = sent[i].timestamp,
            .payload = slice_of(bytes, m->payload_bytes),
        };
        rtp_stream_packet(s, &p, &codec, 12 + m->payload_bytes, m->payload_bytes, sent[i].ns);
    }
    rtp_stream_finish(s);
    return s;
}

static void expect_series(const struct rtp_series *series, const struct rtp_stats *t,
                          unsigned trial)
{
    uint64_t packets = 0, lost = 0, frames = 0, frames_lost = 0, runs = 0;
    for (unsigned i = 0; i < series->step_count; i++) {
        packets += series->steps[i].packets;
        lost += series->steps[i].lost;
    }
    for (unsigned i = 0; i < series->window_count; i++) {
        frames += series->windows[i].expected;
        frames_lost += series->windows[i].lost;
        runs += series->windows[i].runs;
    }
    cr_expect_eq(packets, t->received, "%u: %lu packets in steps", trial, packets);
    cr_expect_eq(lost, t->lost, "%u: %lu lost in steps, %lu in all", trial, lost, t->lost);
    cr_expect_eq(frames, t->media_expected, "%u: %lu frames in windows", trial, frames);
    cr_expect_eq(frames_lost, t->media_lost, "%u: %lu lost in windows", trial, frames_lost);
    cr_expect_eq(runs, t->runs, "%u: %lu runs in windows", trial, runs);
}

/* Each frame stands in the vector once, and each that is bad is lost or discarded. */
static void expect_vector(const struct rtp_stream *s, const struct rtp_stats *t, unsigned trial)
{
    struct rtp_playout p;
    cr_assert(rtp_stream_playout(s, &p));
    cr_expect_eq(p.burst.frames, t->media_expected, "%u: %lu frames", trial, p.burst.frames);
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
        cr_expect_eq(p.bad[i], t->media_lost + p.buffers[i].late + p.buffers[i].early,
                     "%u: buffer %u: %lu bad", trial, i, p.bad[i]);
    cr_expect_eq(t->bad, t->media_lost + t->discarded, "%u: %lu bad", trial, t->bad);
    cr_expect_eq(t->bad_runs, p.burst.runs, "%u", trial);
    uint64_t discarded = 0, in_windows = 0, runs = 0;
    const struct rtp_series *series = rtp_stream_series(s);
    for (unsigned i = 0; i < series->step_count; i++)
        discarded += series->steps[i].discarded;
    uint64_t fixed_bad[2] = {0}, fixed_runs[2] = {0};
    for (unsigned i = 0; i < series->window_count; i++) {
        in_windows += series->windows[i].discarded;
        runs += series->windows[i].bad_runs;
        for (unsigned k = 0; k < 2; k++) {
            fixed_bad[k] += series->windows[i].fixed_bad[k];
            fixed_runs[k] += series->windows[i].fixed_runs[k];
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        cr_expect_eq(fixed_bad[k], p.bad[k], "%u: %lu bad of buffer %u in windows, %lu in all", trial,
                     fixed_bad[k], k, p.bad[k]);
        cr_expect_eq(fixed_runs[k], p.runs[k], "%u: runs of buffer %u", trial, k);
    }
    cr_expect_eq(discarded, t->discarded, "%u: %lu discarded in steps", trial, discarded);
    cr_expect_eq(in_windows, t->discarded, "%u: %lu discarded in windows", trial, in_windows);
    cr_expect_eq(runs, t->bad_runs, "%u: %lu runs in windows", trial, runs);
}

Test(rtp_mixtures, media_loss_is_exactly_what_was_lost)
{
    static struct sent sent[SENT_MAX];
    for (unsigned trial = 0; trial < 400; trial++) {
        uint64_t state = (trial + 1) * UINT64_C(0x9e3779b97f4a7c15);
        struct mixture m = mix(&state);
        struct truth truth;
        size_t count = generate(&m, &state, sent, &truth);
        struct rtp_stream *s = play(&m, sent, count, trial % 2);
        struct rtp_stats t;
        rtp_stream_stats(s, &t);
        cr_expect_eq(t.media_lost, truth.lost, "%u: media lost %lu, not %lu", trial, t.media_lost,
                     truth.lost);
        cr_expect_eq(t.lost, truth.lost, "%u: lost %lu, not %lu", trial, t.lost, truth.lost);
        cr_expect_eq(t.expected, truth.sent, "%u: expected %lu, not %lu", trial, t.expected,
                     truth.sent);
        cr_expect_eq(t.duplicates, truth.duplicates, "%u: %lu, not %lu", trial, t.duplicates,
                     truth.duplicates);
        cr_expect_eq(t.runs, truth.runs, "%u: runs %lu, not %lu", trial, t.runs, truth.runs);
        cr_expect_eq(t.longest_run, truth.longest, "%u: longest %u", trial, t.longest_run);
        cr_expect_eq(t.restarts, m.restart, "%u: restarts %u", trial, t.restarts);
        cr_expect_eq(t.conflicts, 0, "%u: conflicts", trial);
        expect_series(rtp_stream_series(s), &t, trial);
        expect_vector(s, &t, trial);
        rtp_stream_free(s);
    }
}
