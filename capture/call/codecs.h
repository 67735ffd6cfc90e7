/* The codecs of one m= line, packed: a live call keeps a few of them and the unpacked form takes
 * 288 octets a codec. */
#pragma once

#include "capture/event.h"
#include "capture/sip/sdp.h"

struct codec_list;

/* NULL without memory or without formats. free() ends it. */
struct codec_list *codec_list_new(const struct sdp_media *m);
/* Of one m= line; either may be NULL. */
struct codec_pair {
    const struct codec_list *receiver, *sender;
};

/* Fills the codec fields of `media` (zeroed): of all lines first what the receiver takes and the
 * sender also knows, then the rest of the receiver's, then payload types that only the sender named.
 */
void codec_lists_fill(const struct codec_pair *pairs, unsigned count, struct flow_media *media);
