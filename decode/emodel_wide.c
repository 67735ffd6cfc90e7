/* G.107.1 and G.107.2. Noise and loudness are those of good terminals and stand in Ro; what is left
 * is codec, loss and delay. Is and A are 0. Idd is that of G.107, stretched to the scale. */
#include "decode/emodel.h"

#include <math.h>

#include "decode/emodel_parts.h"

#define RO_WB     129
#define RO_FB     148
#define NFOR_WB   (-96)
#define STRETCHED 1.29
#define STRETCHFB 1.48

/* G.107.1 7.4: TERV has K more, Re rises faster; No is that of G.107 with a quieter floor. */
static double talker_echo_wb(const struct emodel_input *in)
{
    struct emodel_input quiet = *in;
    quiet.nfor = NFOR_WB;
    double t = in->ta, k = t < 100 ? 0.08 * t + 10 : 18;
    double terv = in->telr + k - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t);
    double half = (-1.5 * (emodel_noise(&quiet) - in->rlr) - (80 + 3 * (terv - 14))) / 2;
    return (half + sqrt(half * half + 100) - 1) * (1 - exp(-t));
}

void emodel_wb(const struct emodel_input *in, bool echo, struct emodel_terms *ret_terms)
{
    struct emodel_terms t = {.ro = RO_WB};
    if (echo) {
        struct emodel_input far = *in;
        far.tr = 2 * in->ta;
        t.idte = talker_echo_wb(in);
        t.idle = emodel_listener_echo(&far, t.ro);
    }
    t.idd = STRETCHED * emodel_absolute_delay(in);
    t.id = t.idte + t.idle + t.idd;
    t.ie_eff = emodel_ie_eff(EMODEL_WB, in->ie, in->bpl, in->ppl, in->burst_r);
    t.r = t.ro - t.id - t.ie_eff;
    *ret_terms = t;
}

void emodel_fb(const struct emodel_input *in, struct emodel_terms *ret_terms)
{
    struct emodel_terms t = {.ro = RO_FB, .idd = STRETCHFB * emodel_absolute_delay(in)};
    t.id = t.idd;
    t.ie_eff = emodel_ie_eff(EMODEL_FB, in->ie, in->bpl, in->ppl, in->burst_r);
    t.r = t.ro - t.id - t.ie_eff;
    *ret_terms = t;
}

double emodel_mos_on(enum emodel_scale scale, double r)
{
    static const double stretch[] = {
        [EMODEL_NB] = 1, [EMODEL_WB] = STRETCHED, [EMODEL_FB] = STRETCHFB};
    return emodel_mos(r / stretch[scale]);
}

/* The normal distribution at x. */
