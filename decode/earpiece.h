/* A call made audible while it goes on: packets in, stereo sound out (left caller, right callee), by the same
 * channels, timelines and codecs that render a recording. What is read stays as it is, so whoever reads decides how
 * long late packets may come: the later it is read, the more it is like the recording. Belongs to one thread. */
#pragma once

#include "decode/render.h"

#define EARPIECE_CHANNELS 2

struct earpiece;

int earpiece_new(int rate_hz, struct earpiece **ret_earpiece);
void earpiece_free(struct earpiece *h);
/* Time of frame 0. Once, ahead of the first packet. */
void earpiece_begin(struct earpiece *h, int64_t start_ns);
/* In order of arrival; `flow` tells the flows of a channel apart. What cannot be heard is passed over. A packet of another
 * payload type than its codec's is RED, and that the codec of its last block. */
void earpiece_packet(struct earpiece *h, unsigned channel, unsigned flow, int64_t time_ns, struct slice datagram,
                    const struct render_codec *codec);
/* The next frames before `until_ns`, at most `max`, interleaved; silence where nothing is. */
int earpiece_read(struct earpiece *h, int64_t until_ns, int16_t *out, int max);
/* The reader is too far behind: goes on at `at_ns`. Returns the frames left out. */
int64_t earpiece_skip(struct earpiece *h, int64_t at_ns);
/* Nothing follows: what waits goes to its place. Returns where the sound ends. */
int64_t earpiece_end(struct earpiece *h);
