/* The legs of a call: calls with other Call-IDs that belong to the same conversation. Joined when
 * asked, from what the day files hold; nothing is merged, written or remembered.
 *
 *     the call --entries--> keys table --candidates--> records --score--> legs, whose legs are asked
 *                                                                         for in turn, surest first
 *
 * A leg is as sure as the weakest step that leads to it. Bounds: LEGS_MAX legs; LEGS_CANDIDATES records
 * looked at for each; a key that more than LEGS_COMMON calls of its window share is common, and counts
 * for nothing; keys and names are looked for within a day, SDP, media and parts of Call-IDs within six
 * hours, numbers within seconds of a call's beginning. */
#pragma once

#include "storage/correlate_score.h"
#include "storage/store.h"

#define LEGS_MAX        64
#define LEGS_COMMON     64
#define LEGS_CANDIDATES 512

struct leg {
    struct call_record *record; /* without series, messages and events */
    unsigned via;               /* the leg that it was found by; its own number for the one asked for */
    struct correlation why;     /* between these two; values borrow from the record of `via` */
    uint8_t confidence;         /* enum correlate_level, over the way from the one asked for */
    bool asked;                 /* its own legs were looked for */
};

struct legs {
    unsigned count;
    bool truncated; /* there are more than LEGS_MAX, or a key had more candidates than are looked at */
    struct leg leg[LEGS_MAX]; /* [0] is the call asked for; the others as they were found */
};

/* Is this call there for whoever asks? NULL: all are. */
typedef bool legs_filter(void *context, const struct call_record *record);
/* The call is borrowed: it must outlive *ret_legs. Calls that have ended only. 0 or ERR_. */
int store_legs(struct store_reader *r, struct call_record *call, enum correlate_level at_least,
               legs_filter *filter, void *context, struct legs **ret_legs);
/* Frees the records but that of leg 0. NULL is fine. */
void store_legs_free(struct legs *l);
