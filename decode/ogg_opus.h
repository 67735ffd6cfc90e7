/* Sound as an Ogg Opus stream (RFC 7845, 6716) while it is made: libopus for the packets, libogg for the pages. A page goes out with each write,
 * so that nothing waits for a page to be full. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ogg_opus;

/* Returns non-zero when nobody takes any more. */
typedef int ogg_opus_out_fn(void *context, const void *data, size_t size);

/* `rate_hz`: 8000, 12000, 16000, 24000 or 48000; 1 or 2 channels. ERR_NOMEM, ERR_INVALID. */
int ogg_opus_new(int rate_hz, int channels, struct ogg_opus **ret_stream);
void ogg_opus_free(struct ogg_opus *o);
/* `count` frames, interleaved; the first write is led by the headers. 0, or what `out` said, or an ERR_. */
int ogg_opus_write(struct ogg_opus *o, const int16_t *frames, int count, ogg_opus_out_fn *out, void *context);
/* What is left, and the end of the stream. */
int ogg_opus_end(struct ogg_opus *o, ogg_opus_out_fn *out, void *context);
