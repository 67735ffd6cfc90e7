/* Keys that came in RTP (RFC 4733), of one call. The packet path hands over what carries them; nothing is allocated but room for a
 * press. A relay shows the same press on both of its sides: it is kept once. */
#pragma once

#include "app/worker.h"

struct wkey {
    int64_t time_ns;      /* when it began */
    const struct wflow *flow;
    uint32_t duration_ms;
    uint8_t digit;        /* '0'..'9', '*', '#', 'A'..'D', '!' */
    uint8_t party;        /* enum call_party */
    uint8_t payload_type;
    uint8_t volume;       /* -dBm0 */
    uint8_t source;       /* enum call_digit_source: RFC4733, or INBAND of a key that was silenced (worker_mask.h) */
};

struct wkeys {
    uint32_t count, room, over_limit;
    struct wkey items[];
};

/* A tone of a key began; which one is not kept. */
void worker_key_silenced(struct worker *w, struct wflow *f, int64_t time_ns);
/* A packet of this flow that is no duplicate, its codec an event or RED. */
void worker_key_packet(struct worker *w, struct wflow *f, struct wstream *s, const struct rtp_codec *codec, const struct rtp_packet *p,
                       bool late, int64_t time_ns);
