/* ITU-T G.107 (06/2015), clause by clause. R = Ro - Is - Id - Ie,eff + A: what the noise leaves
 * over, minus what happens together with the voice, minus delay and echo, minus codec and loss.
 * Names follow the Recommendation so that a line can be held against it. */
#include "decode/emodel.h"

#include <math.h>

#include "decode/emodel_parts.h"

void emodel_defaults(struct emodel_input *input)
{
    *input = (struct emodel_input){.slr = 8,
                                   .rlr = 2,
                                   .stmr = 15,
                                   .lstr = 18,
                                   .ds = 3,
                                   .dr = 3,
                                   .telr = 65,
                                   .wepl = 110,
                                   .qdu = 1,
                                   .bpl = 4.3,
                                   .burst_r = 1,
                                   .nc = -70,
                                   .nfor = -64,
                                   .ps = 35,
                                   .pr = 35,
                                   .st = 1,
                                   .mt = 100};
}

static double from_db(double db)
{
    return pow(10, db / 10);
}

/* 7.2: all noise sources as one power at the 0 dBr point. */
double emodel_noise(const struct emodel_input *in)
{
    double olr = in->slr + in->rlr;
    double nos = in->ps - in->slr - in->ds - 100 + 0.004 * pow(in->ps - olr - in->ds - 14, 2);
    double pre = in->pr + 10 * log10(1 + from_db(10 - in->lstr));
    double nor = in->rlr - 121 + pre + 0.008 * pow(pre - 35, 2);
    double nfo = in->nfor + in->rlr;
    return 10 * log10(from_db(in->nc) + from_db(nos) + from_db(nor) + from_db(nfo));
}

/* 7.3.1: too loud. */
static double too_loud(const struct emodel_input *in, double no)
{
    double xolr = in->slr + in->rlr + 0.2 * (64 + no - in->rlr);
    return 20 * (pow(1 + pow(xolr / 8, 8), 1.0 / 8) - xolr / 8);
}

/* 7.3.2: sidetone that is not optimal. */
static double sidetone(const struct emodel_input *in)
{
    double stmro = -10 * log10(from_db(-in->stmr) + exp(-in->t / 4) * from_db(-in->telr));
    return 12 * pow(1 + pow((stmro - 13) / 6, 8), 1.0 / 8) -
           28 * pow(1 + pow((stmro + 1) / 19.4, 35), 1.0 / 35) -
           13 * pow(1 + pow((stmro - 3) / 33, 13), 1.0 / 13) + 29;
}

/* 7.3.3: quantising distortion. */
static double quantising(const struct emodel_input *in, double ro)
{
    double q = 37 - 15 * log10(in->qdu);
    double g = 1.07 + 0.258 * q + 0.0602 * q * q;
    double y = (ro - 100) / 15 + 46 / 8.4 - g / 9;
    double z = 46.0 / 30 - g / 40;
    return 15 * log10(1 + pow(10, y) + pow(10, z));
}

/* 7.4.1: talker echo. The raw formula dips slightly below 0 for 1 to 4 ms; an impairment never
 * lifts a score. */
static double talker_echo(const struct emodel_input *in, double no, double ist)
{
    double terv =
        in->telr - 40 * log10((1 + in->t / 10) / (1 + in->t / 150)) + 6 * exp(-0.3 * in->t * in->t);
    if (in->stmr < 9)
        terv += ist / 2;
    double half = (-1.5 * (no - in->rlr) - (80 + 2.5 * (terv - 14))) / 2;
    double idte = (half + sqrt(half * half + 100) - 1) * (1 - exp(-in->t));
    if (in->t < 1 || idte < 0)
        idte = 0;
    return in->stmr > 20 ? sqrt(idte * idte + ist * ist) : idte;
}

/* 7.4.2: listener echo. */
double emodel_listener_echo(const struct emodel_input *in, double ro)
{
    double rle = 10.5 * (in->wepl + 7) * pow(in->tr + 1, -0.25);
    double half = (ro - rle) / 2;
    return half + sqrt(half * half + 169);
}

/* 7.4.3: absolute delay; the exponent is six times sT. */
double emodel_absolute_delay(const struct emodel_input *in)
{
    if (in->ta <= in->mt)
        return 0;
    double x = log10(in->ta / in->mt) / log10(2);
    double e = 6 * in->st;
    return 25 * (pow(1 + pow(x, e), 1 / e) - 3 * pow(1 + pow(x / 3, e), 1 / e) + 2);
}

double emodel_ie_eff(enum emodel_scale scale, double ie, double bpl, double ppl, double burst_r)
{
    double most = scale == EMODEL_FB ? 132 : 95; /* 95 on the wideband scale too: G.107.1 */
    ppl = fmin(fmax(ppl, 0), 100);
    if (ppl == 0)
        return ie;
    return ie + (most - ie) * ppl / (ppl / fmax(burst_r, 1) + bpl);
}

void emodel_nb(const struct emodel_input *in, struct emodel_terms *ret_terms)
{
    struct emodel_terms t;
    t.no = emodel_noise(in);
    t.ro = 15 - 1.5 * (in->slr + t.no);
    t.iolr = too_loud(in, t.no);
    t.ist = sidetone(in);
    t.iq = quantising(in, t.ro);
    t.is = t.iolr + t.ist + t.iq;
    t.idte = talker_echo(in, t.no, t.ist);
    t.idle = emodel_listener_echo(in, t.ro);
    t.idd = emodel_absolute_delay(in);
    t.id = t.idte + t.idle + t.idd;
    t.ie_eff = emodel_ie_eff(EMODEL_NB, in->ie, in->bpl, in->ppl, in->burst_r);
    t.r = t.ro - t.is - t.id - t.ie_eff + in->a;
    *ret_terms = t;
}

static double cubic(double r)
{
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

double emodel_mos(double r)
{
    if (isnan(r))
        return r;
    if (r <= 0)
        return 1;
    if (r >= 100)
        return 4.5;
    return fmax(1, cubic(r)); /* the cubic dips to 0.987 below r = 6.52 */
}
