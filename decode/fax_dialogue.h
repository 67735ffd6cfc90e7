/* What two fax machines say to each other, overheard (T.30): IFP packets of both sides -> pages as they were coded.
 *
 *   DCS              how pages will look: width, resolution, coding, error correction
 *   (TCF)            a burst of zeros that only tests the line; CFR: it was good
 *   page, plain      a burst of code words                          |  page, corrected (ECM): numbered frames in blocks of up to
 *                                                                   |  256, PPS behind each block; PPR: some are to be sent again
 *   MPS, EOM, EOP    the page is over; MCF, RTP, RTN: what the other side thinks of it
 *
 * A page is told once its answer is there, or cannot come any more. */
#pragma once

#include "base/buf.h"
#include "decode/ifp.h"

#define FAX_SIDES      2
#define FAX_PAGE_MAX   (4u << 20) /* octets of a page; what comes behind is missing */
#define FAX_GAPS_MAX   256        /* places of a page at which something is missing, that are known */
#define FAX_FRAMES     256        /* of a block */
#define FAX_FRAME_MAX  256
#define FAX_HDLC_MAX   (FAX_FRAME_MAX + 8)

enum fax_coding { FAX_MH, FAX_MR, FAX_MMR, FAX_JPEG, FAX_JBIG, FAX_UNKNOWN };
enum fax_answer { FAX_UNANSWERED, FAX_CONFIRMED, FAX_RETRAIN, FAX_REFUSED };

struct fax_page {
    unsigned side;
    int64_t from_ns, to_ns;
    enum fax_coding coding;
    bool ecm;
    uint16_t width;      /* pixels; 0: no DCS was seen */
    uint16_t x_dpi, y_dpi;
    enum fax_answer answer;
    bool cut;            /* its end was not seen, or it was too long */
    unsigned missing;    /* frames of ECM, else packets */
    struct slice data;
    const uint32_t *gaps; /* octets of `data` ahead of which something is missing, ascending */
    unsigned gap_count;
};

typedef void fax_page_fn(void *context, const struct fax_page *page);

struct fax_block {
    uint16_t size[FAX_FRAMES]; /* 0: not seen */
    uint8_t data[FAX_FRAMES][FAX_FRAME_MAX];
};

struct fax_side {
    /* Frames of the modem that sends now: */
    uint8_t hdlc[FAX_HDLC_MAX];
    unsigned hdlc_size;
    bool hdlc_bad;
    /* What DCS said: */
    struct fax_page look;
    bool trained;        /* the other side said so, or nothing was to be trained */
    /* The page: */
    bool open, over;     /* octets of it came; its end was seen */
    bool bursting;
    unsigned lost_ahead; /* packets since the last one that came: they may have been the beginning of a burst */
    struct fax_page page;
    struct buf data;
    uint32_t gaps[FAX_GAPS_MAX];
    /* Corrected: */
    struct fax_block *block, *next; /* the one that PPS named last, the frames since */
    bool named, confirmed;
    uint8_t page_number, block_number, after; /* of PPS; `after`: what it said comes then */
    unsigned frame_count;
    bool next_begun;
};

struct fax_dialogue {
    void *context;
    fax_page_fn *fn;
    struct fax_side sides[FAX_SIDES];
};

/* False: no memory. Either way fax_dialogue_fini() may follow. */
bool fax_dialogue_init(struct fax_dialogue *d, fax_page_fn *fn, void *context);
void fax_dialogue_fini(struct fax_dialogue *d);
void fax_dialogue_ifp(struct fax_dialogue *d, unsigned side, const struct ifp *ifp, int64_t now_ns);
/* Packets of this side that will not come. */
void fax_dialogue_lost(struct fax_dialogue *d, unsigned side, unsigned packets);
void fax_dialogue_end(struct fax_dialogue *d);
