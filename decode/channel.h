/* One side of the call: several flows and SSRCs (early media, transfer, restart) that take turns.
 *
 * Of different flows the last started has the turn; an older one gets it back when that has been
 * quiet for 300 ms. Within a flow whoever has the turn keeps it while he talks: another SSRC beside
 * him is somebody who uses his addresses. It takes over when he has been quiet for 100 ms, or
 * for a second if both were heard side by side for half a second; then he gets the turn back as
 * soon as he talks again. A new one must show a second packet before it takes the turn from anybody,
 * so that a stray packet silences nobody. What it sent while it waited is not lost. */
#pragma once

#include "capture/rtp/rtp.h"
#include "decode/source.h"

#define CHANNEL_SOURCES 8

struct channel {
    unsigned index;
    struct sound *sound;
    struct source *sources[CHANNEL_SOURCES];
    struct source *current;
    uint64_t born;
};

void channel_init(struct channel *c, unsigned index, struct sound *sound);
/* Everything that waits goes to its place; frees the sources. */
void channel_fini(struct channel *c);
/* `arrival_ns` from the start of the file. `codec` of the packet's payload type; where that is RED,
 * of its last block. `withheld`: there is only its header, and silence for as long. */
void channel_packet(struct channel *c, unsigned flow, const struct rtp_packet *packet,
                    int64_t arrival_ns, const struct render_codec *codec, bool red, bool withheld);
