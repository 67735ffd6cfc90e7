/* Score of a stream or a window: codec values (G.113 as data, each with its basis) and the E-model
 * on the loss that was measured. No score without a codec basis: NAN and basis "none". */
#pragma once

#include "base/slice.h"

struct codec_quality {
    const char *name;  /* as in SDP, canonical */
    const char *mode;  /* bit rate or "" */
    const char *scale; /* "NB" */
    double ie;
    double bpl;            /* 0: no standard value */
    const char *basis;     /* of the Ie: "standard" or "provisional" */
    const char *bpl_basis; /* of the Bpl: counts as soon as something was lost */
};

/* NULL: nothing honest is known. `fmtp` and `ptime_ms` tell modes apart (G723 bitrate, iLBC mode,
 * annexb). */
const struct codec_quality *codec_quality_find(struct slice codec, struct slice fmtp);

struct score {
    double r; /* raw */
    double mos_lq;
    double r_fb;
    double burst_r;    /* as used */
    const char *scale; /* NULL: none */
    const char *basis; /* "standard", "provisional", "none" */
};

/* `expected` and `lost` are media frames; runs of lost frames give BurstR, used only where Bpl
 * >= 16. MOS-LQ: no delay terms. */
struct score score_loss(struct slice codec, struct slice fmtp, unsigned long long expected,
                        unsigned long long lost, unsigned long long runs);
