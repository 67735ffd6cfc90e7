/* The codecs of one m= line, packed: a live call keeps a few of them and the unpacked form takes
 * 136 octets a codec. */
#pragma once

#include "capture/event.h"
#include "capture/sip/sdp.h"

struct codec_list;

/* NULL without memory or without formats. free() ends it. */
struct codec_list *codec_list_new(const struct sdp_media *m);
/* Fills the codec fields of `media` (zeroed): first what the receiver takes and the sender also
 * knows, then the rest of the receiver's, then payload types that only the sender named. Either may
 * be NULL. */
void codec_list_fill(const struct codec_list *receiver, const struct codec_list *sender,
                     struct flow_media *media);
