/* From counted frames to a score on the codec's own scale. A figure is given only with a basis;
 * what is not known is NAN. */
#include "decode/score.h"

#include <math.h>
#include <stddef.h>

#include "base/burst_ratio.h"

#define BPL_FOR_BURST 16   /* G.113: burstiness counts only for codecs with efficient concealment */
#define R_FB          148  /* G.107.2 */
#define NB_TO_FB      54.8 /* Ie of a narrowband codec on the fullband scale */
#define WB_TO_FB      19   /* Ie of a wideband codec there */

static const char *const scale_texts[] = {
    [EMODEL_NB] = "NB", [EMODEL_WB] = "WB", [EMODEL_FB] = "FB"};

static struct score no_score(void)
{
    return (struct score){.r = NAN,
                          .mos_lq = NAN,
                          .r_cq = NAN,
                          .mos_cq = NAN,
                          .r_fb = NAN,
                          .burst_r = NAN,
                          .ie = NAN,
                          .bpl = NAN,
                          .basis = "none"};
}

static void rate(enum emodel_scale scale, const struct emodel_input *in,
                 struct emodel_terms *ret_terms)
{
    if (scale == EMODEL_NB)
        emodel_nb(in, ret_terms);
    else if (scale == EMODEL_WB)
        emodel_wb(in, false, ret_terms);
    else
        emodel_fb(in, ret_terms);
}

/* With the delay; the echo of narrowband is that of G.107's defaults, which its delay curves
 * assume. */
static void converse(const struct score_input *in, enum emodel_scale scale, struct emodel_input e,
                     struct score *out)
{
    struct emodel_terms t;
    if (isnan(in->delay_ms) || in->delay_ms < 0)
        return;
    e.ta = in->delay_ms;
    if (scale == EMODEL_NB && !in->no_echo) {
        e.t = in->delay_ms;
        e.tr = 2 * in->delay_ms;
    }
    rate(scale, &e, &t);
    out->r_cq = t.r;
    out->mos_cq = emodel_mos_on(scale, t.r);
}

static double on_fullband(enum emodel_scale scale, double ie_eff)
{
    static const double more[] = {[EMODEL_NB] = NB_TO_FB, [EMODEL_WB] = WB_TO_FB, [EMODEL_FB] = 0};
    return R_FB - (ie_eff + more[scale]);
}

static struct score score_with(const struct score_input *in, struct codec_quality q)
{
    struct score out = no_score();
    uint64_t bad = in->bad < in->expected ? in->bad : in->expected;
    double ratio = (double)bad / (double)in->expected;
    struct emodel_input e;
    struct emodel_terms t;
    emodel_defaults(&e);
    e.ie = q.ie;
    e.bpl = q.bpl > 0 ? q.bpl : SCORE_BPL_DEFAULT;
    e.ppl = 100 * ratio;
    e.burst_r = e.bpl >= BPL_FOR_BURST ? burst_ratio(in->expected, bad, in->runs) : 1;
    rate(q.scale, &e, &t);
    out.r = t.r;
    out.mos_lq = emodel_mos_on(q.scale, t.r);
    out.r_fb = on_fullband(q.scale, t.ie_eff);
    out.burst_r = e.burst_r;
    out.ie = q.ie;
    out.bpl = e.bpl;
    out.scale = scale_texts[q.scale];
    out.basis = bad > 0 && strcmp(q.bpl_basis, "standard") != 0 ? q.bpl_basis : q.basis;
    out.extrapolated = e.ppl > 20 || (e.burst_r > 2 && e.ppl >= 2) || in->delay_ms > 500;
    converse(in, q.scale, e, &out);
    return out;
}

struct score score_of(const struct score_input *in)
{
    struct codec_quality q;
    return in->expected && codec_quality_of(in, &q) ? score_with(in, q) : no_score();
}

double score_mos_as(const char *scale, double ie, double bpl, unsigned long long expected,
                    unsigned long long lost, unsigned long long runs)
{
    struct score_input in = {.expected = expected, .bad = lost, .runs = runs, .delay_ms = NAN};
    struct codec_quality q = {.ie = ie, .bpl = bpl, .basis = "operator", .bpl_basis = "operator"};
    for (unsigned i = 0; i < sizeof scale_texts / sizeof *scale_texts; i++) {
        q.scale = (enum emodel_scale)i;
        if (expected && scale && !isnan(ie) && strcmp(scale_texts[i], scale) == 0)
            return score_with(&in, q).mos_lq;
    }
    return NAN;
}

struct score score_loss(struct slice codec, struct slice fmtp, unsigned long long expected,
                        unsigned long long lost, unsigned long long runs)
{
    return score_of(&(struct score_input){.codec = codec,
                                          .fmtp = fmtp,
                                          .expected = expected,
                                          .bad = lost,
                                          .runs = runs,
                                          .delay_ms = NAN});
}
