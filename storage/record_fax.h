/* The pages of a fax that was sent by T.38, as a TIFF file beside the sound or in its place. */
#pragma once

#include "base/slice.h"

struct record_fax_page {
    uint32_t number;     /* from 1, in the call */
    uint32_t picture;    /* of the file, from 1; 0: none could be made of it */
    const char *side;    /* who sent it: caller, callee, unknown */
    const char *coding;  /* MH, MR, MMR, JPEG, JBIG, unknown */
    const char *answer;  /* of the receiver: confirmed, retrain, refused; NULL: none was seen */
    bool ecm;            /* sent with error correction */
    bool whole;          /* nothing of it is missing or wrong */
    uint16_t width, x_dpi, y_dpi; /* 0: not said */
    uint32_t rows;
    uint32_t bad_rows;   /* stand as the row above them */
    uint32_t missing;    /* frames with error correction, else packets */
    int64_t started_us;
    int64_t duration_ms;
};

struct record_fax {
    uint64_t packets;        /* of T.38 that were kept */
    uint64_t repaired, lost; /* found again in later ones; not found */
    uint32_t over_limit;     /* pages beyond those below */
    uint32_t page_count;
    struct record_fax_page *pages;
    struct slice path;       /* below the data directory; empty: no page could be drawn */
    int64_t size_bytes;
    uint8_t sha256[32];
};

struct pack;
struct call_record;
void record_pack_fax(struct pack *p, struct record_fax *f);
/* "<uid>-f1" */
void record_fax_id(const struct call_record *r, char *out, size_t size);
