/* The part of a record that says which keys were pressed, in order of time. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

struct record_digit {
    int64_t time_us;
    struct slice digit;   /* "5", "#", "!" for hook flash; "*" also when digits are masked */
    uint32_t duration_ms; /* 0: not said */
    const char *source;   /* "rfc4733", "info", "kpml", "inband" */
    const char *party;    /* who pressed it */
    uint8_t payload_type; /* of RTP; 0: it came another way */
    uint8_t volume;       /* attenuation of the louder tone, -dBm0, plus 1; 0: not said */
    bool copy;            /* a better source tells the same press; not stored */
};

struct record_dtmf {
    uint32_t count;
    struct record_digit *digits;
    uint32_t over_limit; /* digits beyond those that are kept: 256 by each way */
};

/* The keys of a call and those heard in its recording, as one list in the arena. Telephones and gateways often send a press in two
 * ways: of the same key of the same party within a second only the best source counts (rfc4733, info, kpml, inband), the others are
 * marked as its copy. Empty without memory. */
struct record_dtmf record_dtmf_of(const struct record_dtmf *told, const struct record_dtmf *heard, struct arena *arena);
/* What a party dialled, copies left out, into `ret_text`; returns its length. */
size_t record_dtmf_text(const struct record_dtmf *v, const char *party, char *ret_text, size_t room);
