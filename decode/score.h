/* Score of a stream or a window: codec values (G.113 as data, each with its basis, or the
 * operator's own) and the E-model on what was lost or came too late. No score without a codec
 * basis: NAN and basis "none". */
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "decode/emodel.h"

#define SCORE_MODES       16  /* frame types of AMR, AMR-WB, EVS */
#define SCORE_BPL_DEFAULT 4.3 /* of G.107, where G.113 has no value for the codec */

struct codec_quality {
    const char *name;        /* as in SDP, canonical */
    const char *mode;        /* bit rate, or "" for all */
    enum emodel_scale scale; /* the one that Ie and Bpl belong to */
    double ie;
    double bpl;            /* 0: no standard value */
    const char *basis;     /* of the Ie: "standard", "provisional" or "operator" */
    const char *bpl_basis; /* of the Bpl: counts as soon as something was lost */
};

/* ---- the operator's own values, which go ahead of the table ---- */

#define QUALITY_OWN_MAX 16
struct quality_own {
    char name[24];
    char mode[8]; /* "": all */
    struct codec_quality values;
};
struct quality_book {
    unsigned count;
    struct quality_own own[QUALITY_OWN_MAX];
};
/* "opus FB 5 15, AMR-WB/12.65 WB 13 8": codec, its mode, scale, Ie, Bpl. 0, or ERR_INVALID and the
 * item that is none. */
int quality_book_parse(struct quality_book *ret_book, const char *text, struct slice *ret_wrong);

/* ---- scores ---- */

struct score_input {
    const struct quality_book *book; /* NULL: the table alone */
    struct slice codec, fmtp;
    const uint32_t
        *mode_frames; /* SCORE_MODES: frames by type, as payloads said; NULL: not counted */
    uint64_t expected, bad, runs; /* media frames due; lost or too late; runs of those */
    double delay_ms;              /* mouth to ear; NAN: not known, and no MOS-CQ */
    bool no_echo;                 /* MOS-CQ with absolute delay alone */
    bool no_concealment;          /* the receiver does not conceal lost G.711 */
};

struct score {
    double r; /* raw */
    double mos_lq;
    double r_cq, mos_cq;
    double r_fb;
    double burst_r;    /* as used */
    double ie, bpl;    /* as used: of this codec, its modes and the operator's values */
    const char *scale; /* "NB", "WB", "FB"; NULL: none */
    const char *basis; /* "standard", "provisional", "operator", "none" */
    bool extrapolated; /* beyond what the E-model was validated for: Ppl over 20 %, BurstR over 2
                          with Ppl over 2 %, delay over 500 ms */
};

struct score score_of(const struct score_input *in);
/* The same with the table alone, without modes and delay. */
struct score score_loss(struct slice codec, struct slice fmtp, unsigned long long expected,
                        unsigned long long lost, unsigned long long runs);

/* MOS-LQ at another loss of a stream whose values (`scale`, `ie`, `bpl` of its score) are known; NAN
 * when they are not. */
double score_mos_as(const char *scale, double ie, double bpl, unsigned long long expected,
                    unsigned long long lost, unsigned long long runs);

/* ---- parts ---- */

/* The values of codec and frames: a mean weighted by frames when modes were mixed. False: nothing
 * honest is known. `basis` is the weakest of all that took part. */
bool codec_quality_of(const struct score_input *in, struct codec_quality *ret_quality);
/* Delay of coding and packetisation: (frames per packet + 1) x frame + look-ahead; sample-based
 * codecs: packet + look-ahead (G.114). `ptime_ms` 0: one frame. NAN for a codec without values. */
double codec_delay_ms(struct slice codec, double ptime_ms);
