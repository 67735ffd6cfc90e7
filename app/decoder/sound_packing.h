/* Streams of G.726 whose octets are packed the other way round than the name of their codec says (decode/g726_packing.h): looked at
 * once, ahead of decoding, so that their first word is right too. */
#pragma once

#include "decode/render.h"

#define PACKING_STREAMS 16 /* of a flow; further ones are believed */

struct sound_packing {
    unsigned count;
    struct sound_packed {
        uint32_t ssrc;
        uint8_t payload_type;
        char name[24];
        const char *other; /* the name that is right; NULL: the codec's own is */
    } streams[PACKING_STREAMS];
};

/* Reads the flow until all of it is decided; NULL when every stream is as it says. */
struct sound_packing *sound_packing_look(const struct render_flow *flow);
/* Is there one of this SSRC? */
bool sound_packing_has(const struct sound_packing *p, uint32_t ssrc);
/* The codecs with the names that are right for that SSRC. */
void sound_packing_name(const struct sound_packing *p, uint32_t ssrc, struct render_codec *codecs, unsigned count);
