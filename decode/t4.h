/* A page of T.4 (MH, MR) or T.6 (MMR) code words -> rows of pixels. What does not decode is counted and stands in the picture as the row
 * above it; T.4 finds its place again at the next end of line, T.6 cannot and ends there. */
#pragma once

#include "base/slice.h"

enum t4_coding { T4_MH, T4_MR, T6_MMR };

#define T4_WIDTH_MAX 4864  /* A3 at 16 lines a millimetre */
#define T4_ROWS_MAX  16384 /* of a page; what is below is left out */

/* Pixels from left to right, the first in the highest bit, 1 is black. */
typedef void t4_row_fn(void *context, const uint8_t *row, size_t size);

struct t4_page {
    enum t4_coding coding;
    unsigned width;
    struct slice data;
    const uint32_t *gaps; /* octets of `data`, ascending, ahead of which something is missing */
    unsigned gap_count;
    void *context;
    t4_row_fn *row;
};

struct t4_result {
    unsigned rows;
    unsigned bad_rows; /* of them, or that are missing; of a gap at least one */
    bool cut;          /* T4_ROWS_MAX */
};

/* 0, ERR_INVALID (a width that is none) or ERR_NOMEM. */
int t4_decode(const struct t4_page *page, struct t4_result *ret_result);
