/* The E-model, narrowband: ITU-T G.107 (06/2015), every term with its default, and the operational
 * rules for a passive probe (docs/quality.md). Pure functions. Tolerance against the reference
 * vectors: 1e-6. */
#pragma once

#include <stdbool.h>

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
double emodel_ie_eff(double ie, double bpl, double ppl, double burst_r);
/* Annex B; never below 1, never above 4.5. */
double emodel_mos(double r);
/* Appendix I; r for MOS > 1. */
double emodel_r_of_mos(double mos);
