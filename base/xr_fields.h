/* The blocks of RTCP extended reports as lists of named numbers: what the capture reads in this order is what the record holds and the
 * interface prints. One table, so that the three cannot drift apart. A unit stands in the name; ratios are 0..1. */
#pragma once

#include <stdint.h>

enum {
    XR_VALUES = 12, /* the most that a block has */
    XR_KINDS = 4,
    XR_BLOCKS = 24, /* types times kinds, and a few more: what is kept of one stream */
};

struct xr_field_set {
    uint8_t type;
    const char *name;
    const char *kinds[XR_KINDS];   /* what the block's flags tell apart; NULL: nothing */
    const char *fields[XR_VALUES]; /* up to the first NULL */
};

/* NULL: a type whose numbers have their own place in the record (VoIP metrics, reference times), or none that we know. */
const struct xr_field_set *xr_field_set(uint8_t type);
unsigned xr_field_count(const struct xr_field_set *set);

/* What time a block speaks of (RFC 6792 and the two bits of its followers); NULL: its type does not say. */
const char *xr_span_text(uint8_t span);
