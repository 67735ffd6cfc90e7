/* Bursts, gaps, the machine of RFC 3611 A.2 and the Gilbert parameters (3.2 to 3.6). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "capture/rtp/burst.h"
#include "tests/unit/rtp/drive.h"

struct piece {
    const char *frames;
    unsigned times;
};

/* R good, L lost, D discarded. */
static const struct vector {
    struct piece pieces[9];
    uint64_t frames, bursts;
    double burst_density, gap_density, burst_ms, gap_ms;
    unsigned burst8, gap8;
    uint32_t c11, c13, c14, c22, c23, c33;
    unsigned a2_burst8, a2_gap8;
    double a2_gap_ms, a2_burst_ms;
    unsigned loss8, discard8;
    double p, q, raw;
} vectors[] = {
    {{{"R", 100}}, 100, 0, 0, 0, 0, 2000, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 1, 1},
    {{{"R", 50}, {"L", 1}, {"R", 49}},
     100,
     0,
     0,
     .01,
     0,
     2000,
     0,
     2,
     50,
     1,
     0,
     0,
     0,
     0,
     255,
     0,
     1020,
     20,
     4,
     0,
     .010101,
     1,
     .99},
    {{{"R", 30}, {"L", 1}, {"R", 20}, {"L", 1}, {"R", 48}},
     100,
     0,
     0,
     .02,
     0,
     2000,
     0,
     5,
     50,
     1,
     1,
     0,
     0,
     0,
     255,
     5,
     1040,
     20,
     9,
     0,
     .020408,
     1,
     .98},
    {{{"R", 40}, {"LRL", 1}, {"R", 57}},
     100,
     1,
     .66667,
     0,
     60,
     970,
     170,
     0,
     40,
     1,
     0,
     0,
     1,
     0,
     170,
     0,
     820,
     60,
     11,
     0,
     .020408,
     1,
     .98},
    {{{"R", 40}, {"L", 5}, {"R", 55}},
     100,
     1,
     1,
     0,
     100,
     950,
     255,
     0,
     40,
     1,
     0,
     0,
     0,
     4,
     255,
     0,
     820,
     100,
     27,
     0,
     .010526,
     .2,
     4.75},
    {{{"R", 40}, {"L", 1}, {"R", 15}, {"L", 1}, {"R", 43}},
     100,
     1,
     .11765,
     0,
     340,
     830,
     30,
     0,
     40,
     1,
     0,
     14,
     1,
     0,
     30,
     0,
     820,
     340,
     8,
     0,
     .020408,
     1,
     .98},
    {{{"R", 40}, {"L", 1}, {"R", 16}, {"L", 1}, {"R", 42}},
     100,
     0,
     0,
     .02,
     0,
     2000,
     0,
     5,
     56,
     1,
     1,
     0,
     0,
     0,
     255,
     4,
     1160,
     20,
     8,
     0,
     .020408,
     1,
     .98},
    {{{"R", 30}, {"LLRL", 1}, {"R", 30}, {"L", 1}, {"R", 30}, {"DLD", 1}, {"R", 20}},
     118,
     2,
     .85714,
     .009009,
     70,
     740,
     219,
     2,
     90,
     2,
     1,
     0,
     1,
     3,
     219,
     2,
     930,
     70,
     12,
     5,
     .036036,
     .571429,
     1.64619},
    {{{"L", 2}, {"R", 98}},
     100,
     1,
     1,
     0,
     40,
     1960,
     255,
     0,
     0,
     0,
     0,
     0,
     0,
     2,
     255,
     0,
     0,
     0,
     255,
     0,
     .010204,
     .5,
     1.96},
    {{{"RRRRRRRRRL", 100}},
     1000,
     1,
     .10091,
     0,
     19820,
     180,
     25,
     0,
     0,
     0,
     0,
     800,
     100,
     0,
     25,
     0,
     0,
     0,
     25,
     0,
     .111111,
     1,
     .90},
    {{{"RRRRRRRRRRRRRRRRRRRL", 50}},
     1000,
     0,
     0,
     .05,
     0,
     20000,
     0,
     12,
     950,
     1,
     49,
     0,
     0,
     0,
     255,
     12,
     20000,
     20,
     12,
     0,
     .052632,
     1,
     .95},
    {{{"R", 1}, {"L", 98}, {"R", 1}},
     100,
     1,
     1,
     0,
     1960,
     20,
     255,
     0,
     0,
     0,
     0,
     0,
     1,
     97,
     253,
     0,
     0,
     0,
     253,
     0,
     .5,
     .010204,
     1.96},
};

static size_t unfold(const struct piece *pieces, char *out)
{
    size_t n = 0;
    for (unsigned i = 0; i < 9 && pieces[i].frames; i++)
        for (unsigned k = 0; k < pieces[i].times; k++)
            for (const char *c = pieces[i].frames; *c; c++)
                out[n++] = *c;
    out[n] = '\0';
    return n;
}

/* As many frames in one call as are alike, or one by one. */
static struct burst feed(const char *frames, unsigned gap_min, bool single)
{
    struct burst b;
    burst_init(&b, gap_min);
    while (*frames) {
        uint32_t n = 1;
        while (!single && frames[n] == frames[0])
            n++;
        if (*frames == 'R')
            burst_good(&b, n);
        else
            burst_bad(&b, n, *frames == 'D');
        frames += n;
    }
    return b;
}

static void near(double got, double want, double within, const char *what, size_t i)
{
    cr_expect(fabs(got - want) <= within, "%zu: %s %f, not %f", i, what, got, want);
}

static void expect_machine(const struct burst_a2 *m, const struct vector *v, size_t i)
{
    cr_expect_eq(m->c11, v->c11, "%zu: c11 %u", i, m->c11);
    cr_expect_eq(m->c13, v->c13, "%zu: c13 %u", i, m->c13);
    cr_expect_eq(m->c14, v->c14, "%zu: c14 %u", i, m->c14);
    cr_expect_eq(m->c22, v->c22, "%zu: c22 %u", i, m->c22);
    cr_expect_eq(m->c23, v->c23, "%zu: c23 %u", i, m->c23);
    cr_expect_eq(m->c33, v->c33, "%zu: c33 %u", i, m->c33);
}

static void expect_vector(const struct vector *v, const struct burst_report *r, size_t i)
{
    cr_expect_eq(r->frames, v->frames, "%zu", i);
    cr_expect_eq(r->bursts, v->bursts, "%zu", i);
    near(r->burst_density, v->burst_density, 5e-6, "burst density", i);
    near(r->gap_density, v->gap_density, 5e-7, "gap density", i);
    near(r->burst_ms, v->burst_ms, 1e-9, "burst", i);
    near(r->gap_ms, v->gap_ms, 1e-9, "gap", i);
    cr_expect_eq(r->burst_density8, v->burst8, "%zu", i);
    cr_expect_eq(r->gap_density8, v->gap8, "%zu", i);
    cr_expect_eq(r->a2.burst_density8, v->a2_burst8, "%zu: %u", i, r->a2.burst_density8);
    cr_expect_eq(r->a2.gap_density8, v->a2_gap8, "%zu: %u", i, r->a2.gap_density8);
    near(r->a2.gap_ms, v->a2_gap_ms, 1e-9, "gap of A.2", i);
    near(r->a2.burst_ms, v->a2_burst_ms, 1e-9, "burst of A.2", i);
    cr_expect_eq(r->a2.loss8, v->loss8, "%zu: %u", i, r->a2.loss8);
    cr_expect_eq(r->a2.discard8, v->discard8, "%zu: %u", i, r->a2.discard8);
    near(r->p, v->p, 5e-7, "p", i);
    near(r->q, v->q, 5e-7, "q", i);
    near(r->ratio_raw, v->raw, 5e-6, "burst ratio", i);
    near(r->ratio, fmin(fmax(v->raw, 1), 8), 5e-6, "clamped burst ratio", i);
    if (r->bad)
        near(r->ratio_raw, 1 / (r->p + r->q), 1e-9, "1 / (p + q)", i);
}

Test(rtp_burst, the_reference_patterns_give_the_reference_figures)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        for (unsigned single = 0; single < 2; single++) {
            char frames[1001];
            unfold(vectors[i].pieces, frames);
            struct burst b = feed(frames, 0, single);
            struct burst_report r;
            burst_result(&b, 20, &r);
            expect_machine(&b.a2, &vectors[i], i);
            expect_vector(&vectors[i], &r, i);
        }
}

/* ---- by definition, over the whole vector at once ---- */

struct slow {
    uint64_t bursts, burst_frames, burst_bad, bad, gaps;
};

static struct slow by_definition(const char *v, size_t n, unsigned gap_min)
{
    struct slow s = {0};
    size_t i = 0, burst_end = 0;
    while (i < n) {
        if (v[i] == 'R') {
            i++;
            continue;
        }
        size_t last = i, bad = 1;
        for (size_t k = i + 1; k < n && k - last - 1 < gap_min; k++)
            if (v[k] != 'R') {
                last = k;
                bad++;
            }
        s.bad += bad;
        if (bad >= 2) {
            s.bursts++;
            s.burst_frames += last - i + 1;
            s.burst_bad += bad;
            s.gaps += i > burst_end;
            burst_end = last + 1;
        }
        i = last + 1;
    }
    s.gaps += n > burst_end;
    return s;
}

Test(rtp_burst, random_patterns_agree_with_the_definition)
{
    for (unsigned trial = 0; trial < 500; trial++) {
        uint64_t state = (trial + 1) * UINT64_C(0x9e3779b97f4a7c15);
        char v[601];
        size_t n = draw(&state) % 600;
        double enter = (draw(&state) % 100) / 300.0, stay = (draw(&state) % 100) / 110.0;
        unsigned gap_min = 1 + draw(&state) % (trial % 2 ? 255 : 20);
        bool bad = false;
        for (size_t i = 0; i < n; i++) {
            bad = chance(&state, bad ? stay : enter);
            v[i] = bad ? (draw(&state) % 2 ? 'L' : 'D') : 'R';
        }
        v[n] = '\0';
        struct slow want = by_definition(v, n, gap_min);
        struct burst b = feed(v, gap_min, trial % 3 == 0);
        struct burst_report r;
        burst_result(&b, 20, &r);
        cr_expect_eq(r.bursts, want.bursts, "%u: bursts %lu, not %lu", trial, r.bursts,
                     want.bursts);
        cr_expect_eq(r.gaps, want.gaps, "%u: gaps %lu, not %lu", trial, r.gaps, want.gaps);
        cr_expect_eq(r.bad, want.bad, "%u", trial);
        near(r.burst_ms, want.bursts ? (double)want.burst_frames / (double)want.bursts * 20 : 0,
             1e-9, "burst", trial);
    }
}

Test(rtp_burst, segments_stand_apart)
{
    struct burst b = feed("RRRRL", 16, false);
    burst_close(&b);
    burst_bad(&b, 1, false);
    burst_good(&b, 4);
    struct burst_report r;
    burst_result(&b, 20, &r);
    cr_expect_eq(r.bursts, 0);
    cr_expect_eq(r.runs, 2);
    cr_expect_eq(r.gaps, 2);
    cr_expect_float_eq(r.gap_ms, 100, 1e-9);
}

Test(rtp_burst, runs_of_more_than_half_a_second_are_outages)
{
    struct burst b;
    struct burst_report r;
    burst_init(&b, 0);
    burst_bad(&b, 25, false); /* 500 ms */
    burst_good(&b, 1);
    burst_bad(&b, 26, false);
    burst_good(&b, 1);
    burst_packet_time(&b, 60);
    burst_bad(&b, 8, true);
    burst_good(&b, 1);
    burst_bad(&b, 9, true); /* reaches the end and counts all the same */
    burst_result(&b, 60, &r);
    cr_expect_eq(r.outages, 2);
    cr_expect_eq(r.longest, 26);
    cr_expect_eq(r.histogram[10], 2);
    cr_expect_eq(r.histogram[8], 1);
    cr_expect_eq(r.histogram[7], 1);
}

Test(rtp_burst, the_scale_says_where_it_ends)
{
    cr_expect_not(burst_extrapolates(1000, 0, 1));
    cr_expect_not(burst_extrapolates(1000, 19, 4));
    cr_expect(burst_extrapolates(1000, 20, 2.01));
    cr_expect_not(burst_extrapolates(1000, 200, 2));
    cr_expect(burst_extrapolates(1000, 201, 1));
    cr_expect_not(burst_extrapolates(0, 0, 1));
}
