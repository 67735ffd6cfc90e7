/* The decoder library behind three calls; av.c alone meets libavcodec. Decoders are asked for by
 * name, so that only those of our list ever run, and are reused: closing gives them back to the
 * pool of the render. */
#pragma once

#include "base/slice.h"

struct av_pool;
struct av_decoder;

struct av_setup {
    const char *decoder; /* libavcodec's name */
    int rate_hz;
    int bits_per_sample; /* G.726 */
    int block_align;     /* iLBC */
    uint8_t config[64];  /* what the stream itself does not say (extradata); zeros behind it */
    int config_size;
};

/* NULL without memory. */
struct av_pool *av_pool_new(void);
void av_pool_free(struct av_pool *pool);
/* NULL: the library has no such decoder, refuses the setup, or no memory. */
struct av_decoder *av_decoder_get(struct av_pool *pool, const struct av_setup *setup);
void av_decoder_release(struct av_pool *pool, struct av_decoder *d);
/* Of what it gave last. */
int av_decoder_rate(const struct av_decoder *d);
/* Mono samples of one codec frame (at most `room`), or -1. */
int av_decoder_decode(struct av_decoder *d, struct slice frame, int16_t *out, int room);
