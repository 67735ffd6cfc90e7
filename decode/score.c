/* Listening quality (MOS-LQ) from counted loss: no delay terms, no modelled playout. A figure is
 * given only with a basis; what is not known is NAN. */
#include "decode/score.h"

#include <math.h>
#include <stddef.h>

#include "decode/emodel.h"

#define BPL_DEFAULT   4.3  /* of G.107, where G.113 has no value for the codec */
#define BPL_FOR_BURST 16   /* G.113: burstiness counts only for codecs with efficient concealment */
#define BURST_MAX     8    /* G.107 Table 3 */
#define FB_CEILING    148  /* G.107.2 */
#define NB_TO_FB      54.8 /* Ie of a narrowband codec on the fullband scale */

static struct score no_score(void)
{
    return (struct score){.r = NAN, .mos_lq = NAN, .r_fb = NAN, .burst_r = NAN, .basis = "none"};
}

/* Mean run of lost frames over the mean run that independent loss of the same rate would have. */
static double burst_ratio(double lost, double runs, double loss_ratio)
{
    if (lost <= 0 || runs <= 0)
        return 1;
    return fmin(fmax(lost / runs * (1 - loss_ratio), 1), BURST_MAX);
}

struct score score_loss(struct slice codec, struct slice fmtp, unsigned long long expected,
                        unsigned long long lost, unsigned long long runs)
{
    const struct codec_quality *q = codec_quality_find(codec, fmtp);
    if (q == NULL || expected == 0)
        return no_score();
    if (lost > expected)
        lost = expected;
    double ratio = (double)lost / (double)expected;
    struct emodel_input in;
    emodel_defaults(&in);
    in.ie = q->ie;
    in.bpl = q->bpl > 0 ? q->bpl : BPL_DEFAULT;
    in.ppl = 100 * ratio;
    in.burst_r = in.bpl >= BPL_FOR_BURST ? burst_ratio((double)lost, (double)runs, ratio) : 1;
    struct emodel_terms terms;
    emodel_nb(&in, &terms);
    return (struct score){.r = terms.r,
                          .mos_lq = emodel_mos(terms.r),
                          .r_fb = FB_CEILING - (terms.ie_eff + NB_TO_FB),
                          .burst_r = in.burst_r,
                          .scale = q->scale,
                          .basis = lost > 0 && strcmp(q->bpl_basis, "standard") != 0 ? q->bpl_basis
                                                                                     : q->basis};
}
