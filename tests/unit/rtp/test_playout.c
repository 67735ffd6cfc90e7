/* The simulated jitter buffers against the traces of the quality reference (2.8), and the adaptive
 * one against a slow copy of its rules that sorts the window for every packet. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "capture/rtp/burst.h"
#include "capture/rtp/playout.h"
#include "tests/unit/rtp/drive.h"

enum { PACKETS = 3000, SPACING = 20 };

struct media {
    unsigned index;
    double media, arrival;
};

/* 5 % of the packets, drawn once. */
static const uint16_t late_ones[] = {
    22,   35,   41,   46,   53,   91,   95,   116,  124,  160,  187,  188,  196,  230,  241,
    244,  245,  279,  291,  301,  351,  362,  367,  375,  379,  383,  402,  436,  442,  470,
    474,  477,  478,  516,  562,  565,  587,  589,  615,  631,  663,  682,  709,  713,  726,
    782,  807,  829,  831,  834,  837,  851,  859,  879,  880,  894,  928,  938,  965,  989,
    994,  1036, 1112, 1114, 1119, 1124, 1125, 1171, 1186, 1212, 1278, 1350, 1366, 1372, 1388,
    1405, 1419, 1437, 1442, 1517, 1518, 1549, 1571, 1572, 1582, 1591, 1644, 1650, 1667, 1668,
    1704, 1740, 1747, 1750, 1759, 1760, 1775, 1795, 1838, 1868, 1871, 1916, 1919, 2034, 2054,
    2057, 2071, 2079, 2088, 2093, 2139, 2158, 2221, 2230, 2290, 2293, 2315, 2335, 2338, 2366,
    2372, 2376, 2390, 2394, 2412, 2437, 2438, 2464, 2496, 2503, 2509, 2514, 2523, 2531, 2545,
    2598, 2636, 2673, 2781, 2791, 2818, 2836, 2839, 2887, 2890, 2901, 2909, 2923, 2925, 2967,
};

/* In ms. */
static unsigned playout_packet(struct playout *p, double media_ms, double arrival_ms, double ptime_ms)
{
    int64_t arrival = llrint(arrival_ms * PLAYOUT_UNITS_PER_MS);
    int64_t delay = llrint((arrival_ms - media_ms) * PLAYOUT_UNITS_PER_MS);
    return playout_units(p, delay, arrival, (int32_t)lrint(fmin(ptime_ms, 1000) * PLAYOUT_UNITS_PER_MS));
}

static double constant(unsigned i)
{
    return i * 20.0;
}

static double alternating(unsigned i)
{
    return i * 20.0 + (i % 2 ? 10 : 0);
}

static double overtaken(unsigned i)
{
    for (unsigned k = 0; k < sizeof late_ones / sizeof *late_ones; k++)
        if (late_ones[k] == i)
            return i * 20.0 + 80;
    return i * 20.0;
}

/* Every 2 s the network stands still, then delivers in a burst. */
static double stall(unsigned i, unsigned ms)
{
    unsigned phase = i % 100;
    return i > 50 && phase < ms / SPACING ? (i - phase) * 20.0 + ms + phase * 0.1 : i * 20.0;
}

static double stall80(unsigned i)
{
    return stall(i, 80);
}

static double stall120(unsigned i)
{
    return stall(i, 120);
}

static double stall300(unsigned i)
{
    return stall(i, 300);
}

static double step_up(unsigned i)
{
    return i * 20.0 + (i >= PACKETS / 2 ? 60 : 0);
}

static double step_down(unsigned i)
{
    return i * 20.0 + (i < PACKETS / 2 ? 60 : 0);
}

static double drift(unsigned i)
{
    return i * 20.0 * 1.0002;
}

static const struct {
    const char *name;
    double (*arrival)(unsigned i);
    uint64_t f50, f200, ad;
    double depth_ms, ppl, ratio;
} traces[] = {
    {"constant", constant, 0, 0, 0, 40.2, 0, 1},
    {"alternating 0/+10 ms", alternating, 0, 0, 0, 40.2, 0, 1},
    {"5 % +80 ms", overtaken, 150, 0, 1, 99.6, 5, 1.018},
    {"80 ms stalls", stall80, 58, 0, 34, 58.9, 1.933, 1.961},
    {"120 ms stalls", stall120, 116, 0, 34, 97.4, 3.867, 3.845},
    {"300 ms stalls", stall300, 377, 174, 34, 271.2, 12.567, 8},
    {"step +60 ms", step_up, 25, 0, 13, 47.3, 0.833, 8},
    {"step -60 ms", step_down, 27, 0, 0, 47.4, 0.9, 8},
    {"drift", drift, 0, 0, 0, 40.2, 0, 1},
};

static int by_arrival(const void *a, const void *b)
{
    const struct media *x = a, *y = b;
    if (x->arrival != y->arrival)
        return x->arrival < y->arrival ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void fill(struct media *out, double (*arrival)(unsigned))
{
    for (unsigned i = 0; i < PACKETS; i++)
        out[i] = (struct media){i, i * 20.0, arrival(i)};
    qsort(out, PACKETS, sizeof *out, by_arrival);
}

static uint64_t discards(const struct playout *p, enum playout_buffer which)
{
    struct playout_report r;
    playout_result(p, which, &r);
    cr_expect_eq(r.judged, PACKETS);
    return r.late + r.early;
}

static struct burst_report bursts_of(const bool *bad)
{
    struct burst b;
    struct burst_report r;
    burst_init(&b, 0);
    for (unsigned i = 0; i < PACKETS; i++) {
        if (bad[i])
            burst_bad(&b, 1, true);
        else
            burst_good(&b, 1);
    }
    burst_result(&b, SPACING, &r);
    return r;
}

Test(rtp_playout, the_reference_traces_give_the_reference_figures)
{
    static struct media packets[PACKETS];
    for (size_t t = 0; t < sizeof traces / sizeof *traces; t++) {
        struct playout p;
        struct playout_report ad;
        bool bad[PACKETS] = {false};
        playout_init(&p);
        fill(packets, traces[t].arrival);
        for (unsigned i = 0; i < PACKETS; i++)
            bad[packets[i].index] =
                playout_packet(&p, packets[i].media, packets[i].arrival, SPACING) & 1;
        cr_expect_eq(discards(&p, PLAYOUT_F50), traces[t].f50, "%s: F50 %lu", traces[t].name,
                     discards(&p, PLAYOUT_F50));
        cr_expect_eq(discards(&p, PLAYOUT_F200), traces[t].f200, "%s: F200 %lu", traces[t].name,
                     discards(&p, PLAYOUT_F200));
        cr_expect_eq(discards(&p, PLAYOUT_AD), traces[t].ad, "%s: AD %lu", traces[t].name,
                     discards(&p, PLAYOUT_AD));
        playout_result(&p, PLAYOUT_AD, &ad);
        cr_expect(fabs(ad.delay_ms - traces[t].depth_ms) <= 0.05, "%s: AD depth %f", traces[t].name,
                  ad.delay_ms);
        struct burst_report r = bursts_of(bad);
        cr_expect(fabs(100.0 * (double)r.bad / PACKETS - traces[t].ppl) <= 0.0005, "%s: Ppl",
                  traces[t].name);
        cr_expect(fabs(r.ratio - traces[t].ratio) <= 0.0005, "%s: ratio %f", traces[t].name,
                  r.ratio);
    }
}

/* ---- a slow copy of the adaptive rules ---- */

struct slow {
    int64_t delay[2 * PACKETS], arrival[2 * PACKETS];
    unsigned first, end;
    int64_t last, depth, depth_sum;
    uint64_t late;
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool slow_packet(struct slow *s, double media, double arrival, int64_t ptime)
{
    static int64_t sorted[2 * PACKETS];
    int64_t a = llrint(arrival * 50), d = llrint((arrival - media) * 50);
    if (s->end && a - s->last > 50000)
        s->first = s->end;
    s->last = a;
    bool fresh = s->first == s->end;
    s->delay[s->end] = d;
    s->arrival[s->end++] = a / 200;
    while (a / 200 - s->arrival[s->first] >= 2500 || s->end - s->first > PLAYOUT_WINDOW_PACKETS)
        s->first++;
    unsigned n = s->end - s->first;
    memcpy(sorted, s->delay + s->first, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    if (fresh)
        s->depth = 3 * ptime;
    bool late = d - sorted[0] > s->depth;
    int64_t target = sorted[(39 * n + 39) / 40 - 1] - sorted[0] + ptime;
    target = target < 2 * ptime ? 2 * ptime : target;
    target = target < 1000 ? 1000 : target > 25000 ? 25000 : target;
    int64_t smaller = s->depth - ptime / 50;
    s->depth = target > smaller ? target : smaller;
    s->depth_sum += s->depth;
    s->late += late;
    return late;
}

static double slow_percentile(const struct slow *s, double part)
{
    static int64_t sorted[2 * PACKETS];
    unsigned n = s->end - s->first;
    memcpy(sorted, s->delay + s->first, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    return (double)(sorted[(unsigned)ceil(part * n) - 1] - sorted[0]) / 50;
}

/* Jitter, stalls, drift and pauses in random measure; delays span less than 650 ms in a window. */
static unsigned draw_trace(uint64_t *state, double ptime, struct media *out)
{
    double jitter = draw(state) % 60, slope = (draw(state) % 2001 - 1000.0) * 1e-6, at = 0;
    bool stalls = chance(state, .5), pauses = chance(state, .3), grid = chance(state, .3);
    double held = 0;
    for (unsigned i = 0; i < PACKETS; i++) {
        at += ptime;
        if (pauses && chance(state, .002))
            at += 400 + draw(state) % 3000;
        if (stalls && chance(state, .01))
            held = at + draw(state) % 350;
        double arrival = at * (1 + slope) + jitter * (draw(state) % 1000) / 1000;
        if (grid)
            arrival = floor(arrival);
        out[i] = (struct media){i, at, arrival > held ? arrival : held};
    }
    qsort(out, PACKETS, sizeof *out, by_arrival);
    return PACKETS;
}

Test(rtp_playout, the_quick_percentile_is_the_sorted_one)
{
    static struct media packets[PACKETS];
    static struct slow slow;
    for (unsigned trial = 0; trial < 24; trial++) {
        uint64_t state = (trial + 1) * UINT64_C(0x9e3779b97f4a7c15);
        int ptime = (int[]){20, 20, 30, 60, 10}[draw(&state) % 5];
        unsigned count = draw_trace(&state, ptime, packets);
        struct playout p;
        playout_init(&p);
        memset(&slow, 0, sizeof slow);
        unsigned differ = 0;
        for (unsigned i = 0; i < count; i++) {
            unsigned bits = playout_packet(&p, packets[i].media, packets[i].arrival, ptime);
            bool late = slow_packet(&slow, packets[i].media, packets[i].arrival, ptime * 50);
            differ += late != (bits >> PLAYOUT_AD & 1);
        }
        struct playout_report r;
        playout_result(&p, PLAYOUT_AD, &r);
        cr_expect_eq(differ, 0, "%u: %u packets differ", trial, differ);
        double p95 = slow_percentile(&slow, 0.95);
        cr_expect_eq(playout_percentile_ms(&p, 0.95), p95, "%u: %f, not %f", trial,
                     playout_percentile_ms(&p, 0.95), p95);
        cr_expect_eq(r.late, slow.late, "%u: late", trial);
        cr_expect(fabs(r.delay_ms - (double)slow.depth_sum / count / 50) < 1e-9, "%u: depth %f",
                  trial, r.delay_ms);
    }
}

Test(rtp_playout, delays_that_wander_far_stay_in_the_window)
{
    struct playout p;
    playout_init(&p);
    unsigned late = 0;
    for (unsigned i = 0; i < 200000; i++) /* 1 % slow: delays grow by 40 s */
        late += playout_packet(&p, i * 20.0, i * 20.2, 20) >> PLAYOUT_AD & 1;
    struct playout_report r;
    playout_result(&p, PLAYOUT_AD, &r);
    cr_expect_lt(late, 200, "%u", late);
    /* 10 s of drift are 100 ms: the percentile of it and a packet */
    cr_expect(fabs(r.delay_ms - 116.5) < 2, "%f", r.delay_ms);
    playout_init(&p);
    for (unsigned i = 0; i < 200000; i++)
        late += playout_packet(&p, i * 20.0, i * 19.8, 20) >> PLAYOUT_AD & 1;
    playout_result(&p, PLAYOUT_AD, &r);
    cr_expect(fabs(r.delay_ms - 116.5) < 2, "%f", r.delay_ms);
}

Test(rtp_playout, half_a_second_without_a_playable_packet_anchors_anew)
{
    struct playout p;
    playout_init(&p);
    for (unsigned i = 0; i < 100; i++)
        cr_expect_eq(playout_packet(&p, i * 20.0, i * 20.0, 20), 0);
    for (unsigned i = 100; i < 200; i++) {
        unsigned bits = playout_packet(&p, i * 20.0, i * 20.0 + 300, 20);
        cr_expect_eq(bits >> PLAYOUT_F50 & 1, i < 125, "%u", i);
        cr_expect_eq(bits >> PLAYOUT_F200 & 1, i < 125, "%u", i);
    }
    struct playout_report r;
    playout_result(&p, PLAYOUT_F200, &r);
    cr_expect_eq(r.late, 25);
    cr_expect_eq(r.early, 0);
    cr_expect_float_eq(r.delay_ms, 200, 1e-9);
    cr_expect_float_eq(r.wait_ms, 200, 1e-9);
}

Test(rtp_playout, a_talkspurt_is_a_new_reference_where_that_is_asked_for)
{
    for (unsigned asked = 0; asked < 2; asked++) {
        for (unsigned all = 0; all < 2;
             all++) { /* a sender that marks every packet begins nothing */
            struct rtp_stream_config config = {
                .announced = true, .playout = true, .talkspurts = asked};
            struct rtp_stream *s = rtp_stream_new(&config);
            struct rtp_codec codec;
            uint8_t payload[160] = {0};
            struct rtp_playout out;
            rtp_codec_static(0, &codec);
            for (unsigned i = 0; i < 1000; i++) { /* 60 ms more from the middle on */
                struct rtp_packet p = {.sequence = (uint16_t)i,
                                       .timestamp = i * 160,
                                       .marker = all || i == 500,
                                       .payload = slice_of(payload, 160)};
                rtp_stream_packet(s, &p, &codec, 172, 160,
                                  DRIVE_START_NS + (i * 20 + (i >= 500 ? 60 : 0)) * MS);
            }
            rtp_stream_finish(s);
            cr_assert(rtp_stream_playout(s, &out));
            cr_expect_eq(out.buffers[PLAYOUT_F50].late, asked && !all ? 0 : 25,
                         "asked %u, all %u: %lu", asked, all, out.buffers[PLAYOUT_F50].late);
            rtp_stream_free(s);
        }
    }
}

Test(rtp_playout, a_pause_of_the_sender_begins_a_talkspurt)
{
    struct rtp_stream_config config = {.announced = true, .playout = true, .talkspurts = true};
    for (unsigned pause = 8; pause <= 10; pause += 2) { /* packets: 160 and 200 ms */
        struct rtp_stream *s = rtp_stream_new(&config);
        struct rtp_codec codec;
        uint8_t payload[160] = {0};
        struct rtp_playout out;
        rtp_codec_static(0, &codec);
        for (unsigned i = 0; i < 1000; i++) {
            unsigned at = i + (i >= 500 ? pause : 0);
            struct rtp_packet p = {
                .sequence = (uint16_t)i, .timestamp = at * 160, .payload = slice_of(payload, 160)};
            rtp_stream_packet(s, &p, &codec, 172, 160,
                              DRIVE_START_NS + (at * 20 + (i >= 500 ? 60 : 0)) * MS);
        }
        rtp_stream_finish(s);
        cr_assert(rtp_stream_playout(s, &out));
        cr_expect_eq(out.buffers[PLAYOUT_F50].late, pause == 10 ? 0 : 25, "%u: %lu", pause,
                     out.buffers[PLAYOUT_F50].late);
        rtp_stream_free(s);
    }
}

Test(rtp_playout, early_packets_find_a_full_buffer)
{
    struct playout p;
    struct playout_report r;
    playout_init(&p);
    playout_packet(&p, 0, 100, 20);
    for (unsigned i = 1; i < 10; i++) /* 100 ms sooner than the reference: 150 ms to wait */
        playout_packet(&p, i * 20.0, i * 20.0 + 100 - (i < 6 ? 49.98 : 50.02), 20);
    playout_result(&p, PLAYOUT_F50, &r);
    cr_expect_eq(r.early, 4, "%lu", r.early);
    cr_expect_eq(r.late, 0);
    playout_result(&p, PLAYOUT_F200, &r);
    cr_expect_eq(r.early, 0);
    playout_result(&p, PLAYOUT_AD, &r);
    cr_expect_eq(r.early + r.late, 0);
}

Test(rtp_playout, a_pause_clears_all_buffers)
{
    struct playout p;
    playout_init(&p);
    for (unsigned i = 0; i < 100; i++)
        playout_packet(&p, i * 20.0, i * 20.0, 20);
    /* 1000 ms are no pause yet: 500 ms late for everybody */
    cr_expect_eq(playout_packet(&p, 99 * 20.0 + 500, 99 * 20.0 + 1000, 20), 7);
    playout_init(&p);
    for (unsigned i = 0; i < 100; i++)
        playout_packet(&p, i * 20.0, i * 20.0, 20);
    cr_expect_eq(playout_packet(&p, 99 * 20.0 + 500, 99 * 20.0 + 1000.1, 20), 0);
}

Test(rtp_playout, nothing_judged_has_no_delay)
{
    struct playout p;
    struct playout_report r;
    playout_init(&p);
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++) {
        playout_result(&p, (enum playout_buffer)i, &r);
        cr_expect(isnan(r.delay_ms) && isnan(r.wait_ms));
    }
}
