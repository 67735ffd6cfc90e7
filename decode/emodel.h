/* The E-model: ITU-T G.107 (06/2015) for narrowband, every term with its default; G.107.1 (06/2019) for wideband and G.107.2
 * (03/2023) for fullband as far as a passive probe can know their inputs (docs/quality.md). Three scales that are never mixed:
 *
 *     scale   R without impairments   ceiling of Ie,eff   delay     MOS from
 *     NB      93.2                    95                  Id        R
 *     WB      129                     95                  1.29 Idd  R / 1.29
 *     FB      148                     132                 1.48 Idd  R / 1.48
 *
 * Pure functions. Tolerance against the reference vectors: 1e-6. */
#pragma once

#include <stdbool.h>

enum emodel_scale { EMODEL_NB, EMODEL_WB, EMODEL_FB };

struct emodel_input {
    double slr, rlr, stmr, lstr, ds, dr, telr, wepl, t, tr, ta, qdu, ie, bpl, ppl, burst_r, nc,
        nfor, ps, pr, a, st, mt;
};

struct emodel_terms {
    double no, ro, iolr, ist, iq, is, idte, idle, idd, id, ie_eff, r;
};

/* Table 3 of G.107. */
void emodel_defaults(struct emodel_input *input);
void emodel_nb(const struct emodel_input *input, struct emodel_terms *ret_terms);
/* What codec, loss and delay of a wideband or fullband call do: Ro, Ie,eff, Idd and r are set, Ie and Bpl are of that scale.
 * `echo`: WB alone, with T = Ta and Tr = 2 Ta; its noise term is an open point of the Recommendation, so it is off unless asked. */
void emodel_wb(const struct emodel_input *input, bool echo, struct emodel_terms *ret_terms);
void emodel_fb(const struct emodel_input *input, struct emodel_terms *ret_terms);

/* `ppl` in percent. */
double emodel_ie_eff(enum emodel_scale scale, double ie, double bpl, double ppl, double burst_r);
/* Annex B of G.107 on the scale's own R; never below 1, never above 4.5. */
double emodel_mos(double r);
double emodel_mos_on(enum emodel_scale scale, double r);
