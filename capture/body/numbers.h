/* Numbers in text that others wrote. What is no number is "not said". */
#pragma once

#include <math.h>

#include "base/slice.h"

/* Whole decimal digits up to 2^53, or -1. */
static inline int64_t number_whole(struct slice s)
{
    uint64_t v;
    return slice_to_u64(slice_trim(s), UINT64_C(1) << 53, &v) ? (int64_t)v : -1;
}

/* An optional sign, digits, an optional fraction, then nothing or a unit ("1.5 ms", "20%"); NAN otherwise. */
double number_decimal(struct slice s);
